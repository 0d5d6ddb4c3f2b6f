"""Read messages out of the JSON of a program that we do not know, by places that an admin names."""
