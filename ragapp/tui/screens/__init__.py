"""Screens that open over the conversation."""
