"""Rows about what agents do."""
