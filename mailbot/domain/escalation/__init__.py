"""What a ladder does when a deadline comes: steps, owners, questions to a level."""
