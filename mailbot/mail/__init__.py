"""Bytes to values and back: what a mail says, and the mails that we write."""
