"""Searching tickets: words as the index keeps them, and what a person asks for."""
