"""Notices to bytes: templates, reply tokens, MIME."""
