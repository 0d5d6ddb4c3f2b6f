"""Check what one file alone can't know: names across files, authority, ladders, embedded tests."""
