"""Bring tickets over from another desk, without a mail or a notice to anybody."""
