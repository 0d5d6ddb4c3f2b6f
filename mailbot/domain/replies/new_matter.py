"""Recognise the word by which a chat begins a matter of its own: else what is written belongs to the open ticket."""

import re

_FIRST = re.compile(r"\s*/(?:baru|new)(?:@\w+)?(?:\s+|$)", re.IGNORECASE)


def begins_new_matter(text: str) -> bool:
    """Check for such a word in front."""
    return _FIRST.match(text) is not None
