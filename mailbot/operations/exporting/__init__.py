"""Write all that a store knows into one file that other programs can read."""
