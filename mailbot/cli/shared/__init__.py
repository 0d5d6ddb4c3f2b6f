"""What several commands need: options, opening the store, output, JSON."""
