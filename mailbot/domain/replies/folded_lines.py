"""Find the lines of a mail that are not in its new text: agents see how many there are, and read them."""

from collections.abc import Sequence
from itertools import groupby

BLANK = (
    " \t\r\f\v\xa0\xad\u2007\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202f\u2060\u2068\u2069\u3000\ufeff"
)
HISTORY = 3  # marks before a line: nobody types these, it is the history of a conversation
_LEFT_OUT = "[...]"


def hidden_lines(lines: Sequence[str], visible: str) -> list[bool]:
    """Align a mail with its new text, whose lines are some of the mail's, in their order. Blank lines count
    as visible.
    """
    kept = iter([line.rstrip() for line in visible.split("\n") if line.strip(BLANK)])
    following = next(kept, None)
    hidden = []
    for line in lines:
        is_blank = not line.strip(BLANK)
        is_kept = is_blank or line.rstrip() == following
        if is_kept and not is_blank:
            following = next(kept, None)
        hidden.append(not is_kept)
    return hidden


def folded_lines(text: str, visible: str) -> list[str]:
    """Return the filled lines of a mail that are not in its new text, in their order."""
    if text == visible:
        return []
    lines = text.split("\n")
    return [line.rstrip() for line, hidden in zip(lines, hidden_lines(lines, visible), strict=True) if hidden]


def quote_depth(line: str) -> int:
    """Return how many marks ">" stand before a line."""
    line = line.strip(BLANK)
    return line[: len(line) - len(line.lstrip(f">{BLANK}"))].count(">")


def without_history(folded: str) -> str:
    """Leave quotes of quotes of quotes out of folded lines: they hold a whole conversation again."""
    shown: list[str] = []
    for is_marked, run in groupby(folded.split("\n"), key=lambda line: quote_depth(line) > 0):
        lines = list(run)
        is_history = is_marked and any(quote_depth(line) >= HISTORY for line in lines)
        shown += [_LEFT_OUT] if is_history else lines
    return "\n".join(shown)
