"""Text that may come from a mail, made safe for a line or a block: terminals and programs read it.

A subject must not move the cursor, change colours or turn the line around (terminal injection).
"""

import re
from unicodedata import category

LINE = 200  # characters of a value on one line
BLOCK = 8_000  # characters of a text with several lines


def clean(text: object, longest: int = LINE) -> str:
    """Return `text` on one line: white space as single spaces, controls as one sign, direction marks gone."""
    words = " ".join(str(text)[: longest * 4].split())
    shown = words if words.isprintable() else "".join(map(_visible, words))
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def clean_block(text: str, longest: int = BLOCK) -> str:
    """Do the same for a text that keeps its lines."""
    lines = text[:longest].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    shown = "\n".join("".join(map(_visible, line.expandtabs(4))).rstrip() for line in lines).strip("\n")
    return shown if len(text) <= longest else f"{shown}\n[… {len(text) - longest:,} more characters]"


_TURNING = re.compile("[\0\u202a-\u202e\u2066-\u2069]")


def without_turning(text: str) -> str:
    """Remove NUL and the marks that turn the rest of a line around. Joiners stay: letters and emoji need them."""
    return text if text.isascii() and "\0" not in text else _TURNING.sub("", text)


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    kind = category(char)
    if kind == "Zs":
        return " "
    return "" if kind == "Cf" else "\N{REPLACEMENT CHARACTER}"  # Cf: bidirectional and zero-width marks
