"""The catalog's history: one module a revision, applied when an index is opened."""
