"""Grounding: whether a claim rests on its source, and which sentence of it decides."""
