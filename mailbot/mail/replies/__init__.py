"""What of a mail its sender wrote this time, and whether a machine wrote it."""
