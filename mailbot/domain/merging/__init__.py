"""Merge, split and move messages between tickets; each has an exact inverse."""
