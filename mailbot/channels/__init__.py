"""Every way in: each channel keeps a message in the inbox before it accepts it."""
