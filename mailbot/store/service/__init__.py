"""What the nodes of an installation keep about themselves and their work."""
