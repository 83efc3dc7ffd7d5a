"""How copy-fid is trained: examples, batches, the loop and its checkpoints."""
