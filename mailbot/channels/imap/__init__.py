"""Fetch mail from IMAP mailboxes."""
