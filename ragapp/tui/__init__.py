"""The terminal application: talking with one's documents, the evidence beside every answer."""
