"""How the grounding checker is trained: labelled claims, claims made from questions, batches and the loop."""
