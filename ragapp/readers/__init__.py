"""Readers: what finds the answer in the passages."""
