"""Commands that take data elsewhere."""
