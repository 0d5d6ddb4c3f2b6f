"""What `ticket show` and `explain` print for people."""
