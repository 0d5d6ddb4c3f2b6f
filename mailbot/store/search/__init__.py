"""The index of messages: filling it, and finding tickets by it."""
