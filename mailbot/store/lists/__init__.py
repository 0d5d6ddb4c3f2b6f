"""Lists of tickets for people, each read by an index."""
