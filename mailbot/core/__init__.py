"""The pure core: values in, values out. No I/O, no clock, no randomness; tests/test_arrows.py sees to it."""
