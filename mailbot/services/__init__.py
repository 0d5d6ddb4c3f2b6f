"""The loops of the daemon: taking mail in, working on it, sending mail out, minding the deadlines."""
