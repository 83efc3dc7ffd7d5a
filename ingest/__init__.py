"""From files to committed passages: discovery, loaders, chunking and the ingest job."""
