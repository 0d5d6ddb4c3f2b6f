"""What was brought over from other desks: their numbers, and the ids by which a second run knows everything."""
