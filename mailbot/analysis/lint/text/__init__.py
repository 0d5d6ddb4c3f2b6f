"""Decide whether text conditions can hold together: automata over RE2 patterns."""
