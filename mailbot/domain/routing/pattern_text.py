"""Conditions of rules as people read them: without regular expressions that nobody reads at a glance."""

import re

LONGEST = 40  # characters of a pattern
_QUOTED = re.compile(rf"(['\"])(?:(?!\1).){{{LONGEST + 1},}}(?:\1|$)")
_CODE = re.compile(r"[\\|()\[\]{}^$*+]")  # what a phrase has not


def shorten_patterns(text: str) -> str:
    """Replace quoted patterns that are too long to read by an ellipsis, also one that was cut at the end."""
    return _QUOTED.sub(lambda found: "…" if _CODE.search(found[0]) else found[0], text)
