"""Find a line again in texts that we hold, however a mail program has wrapped or marked it."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"<[^<>\s]{1,2000}>")  # programs add the address of a link to its text
_WORDS, _CHARACTERS = 3, 20  # a shorter line may stand in two texts by chance
_LINE_LIMIT = 2_000


def words_of(text: str) -> str:
    """Return the words of a text in lower case, without marks, emphasis and addresses in "<>"."""
    if "<" in text:
        text = _ADDRESS.sub(" ", text)
    return " ".join(_WORD.findall(text.casefold()))


def is_telling(line: str) -> bool:
    """Check whether a line has so many words that it does not stand in two texts by chance."""
    return _is_telling(words_of(line[:_LINE_LIMIT]))


def _is_telling(words: str) -> bool:
    return words.count(" ") >= _WORDS - 1 or len(words) >= _CHARACTERS


class KnownText:
    """The words of some texts, as one string for each way to search them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = " \n ".join(["", *map(words_of, texts), ""])

    def has(self, line: str, *, inside: bool = False) -> bool:
        """Check whether the words of `line` follow each other in a text.

        `inside`: between lines that are known, where even a short line, or one without words, is.
        """
        words = words_of(line[:_LINE_LIMIT])
        if not inside and not _is_telling(words):
            return False
        return f" {words} " in self._words if words else inside

    def ends_with(self, line: str) -> bool:
        """Check whether a text ends with the words of `line`."""
        words = words_of(line[:_LINE_LIMIT])
        return bool(words) and f" {words} \n" in self._words


NOTHING = KnownText(())
