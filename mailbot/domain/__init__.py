"""Pure values and decisions: no I/O, no clock, no randomness (tests/test_arrows.py checks it)."""
