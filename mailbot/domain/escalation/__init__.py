"""The steps of a ladder: when they come late, owners, questions to a level."""
