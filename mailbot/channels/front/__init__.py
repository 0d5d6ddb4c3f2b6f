"""Mail between the process that takes it at the door (a front) and the one that keeps it (main)."""
