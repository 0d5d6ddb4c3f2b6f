"""Compare the plain text of a mail with its HTML: some programs put only a stub beside the HTML."""

import re
from enum import Enum

STUB_LIMIT = 600  # characters: a longer text is the mail itself
_COMPARED = 50_000  # characters of the HTML's text

_NO_WORDS = re.compile(r"\[(?:image|cid)[^\]\n]{0,260}\]|<[^<>\s]{1,2000}>|\bhttps?://\S+")
_WORD = re.compile(r"\w+")
_SPEAKS_OF_HTML = re.compile(
    r"\b(?:html|mime|browser|peramban|webversion|view (?:it )?online)\b", re.IGNORECASE
)
_KNOWN_SHARE = 0.8  # of the words of a text that another one repeats


class Choice(Enum):
    PLAIN = "plain"
    HTML = "html"
    BOTH = "both"


def choose(plain: str, html: str) -> Choice:
    """Choose what to read of two texts that should have the same content.

    The plain text is read when it has most words of the HTML, and its addresses. Else the HTML is: alone when
    the plain text adds nothing, or speaks of HTML as stubs do. In doubt it is both, so that nothing gets lost.
    """
    plain_words, html_words = _words(plain), _words(html[:_COMPARED])
    adds_nothing = _share(plain_words, html_words) >= _KNOWN_SHARE
    if _share(html_words, plain_words) > 0.5 or not html_words:
        return Choice.HTML if adds_nothing and "<http" in html and lacks_addresses(plain) else Choice.PLAIN
    return Choice.HTML if adds_nothing or _SPEAKS_OF_HTML.search(plain) else Choice.BOTH


def lacks_addresses(plain: str) -> bool:
    return "://" not in plain and "www." not in plain


def _words(text: str) -> list[str]:
    return _WORD.findall(_NO_WORDS.sub(" ", text).casefold())


def _share(words: list[str], other: list[str]) -> float:
    """Return the share of `words` that `other` has as well, 1 for no words."""
    known = frozenset(other)
    return sum(word in known for word in words) / len(words) if words else 1.0
