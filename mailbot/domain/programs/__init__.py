"""What other programs and we say to each other: their JSON read by places that an admin names, and signatures."""
