"""From an accepted mail to a recorded ticket."""
