"""The words of a mail, alone and with their neighbour, as the operator `mentions` finds them."""

from collections.abc import Iterator

from mailbot.domain.incidents.words import STOP_WORDS
from mailbot.domain.model import InboundMail
from mailbot.domain.routing.text import fold

_LONGEST = 4_000  # characters that are read of a text
_MARKS = ".,:;!?()[]\"'-–/…"
_SHORTEST = 3  # letters of a word that may stand alone


def written_text(mail: InboundMail) -> str:
    """Return what the writer wrote newly: words of signatures and forwarded mail tell nothing."""
    return mail.visible or mail.text if mail.new_body is None else mail.new_body


def terms_of(mail: InboundMail) -> frozenset[str]:
    """Return the words and the pairs of neighbours that may tell what the mail is about, folded."""
    texts = (mail.subject, written_text(mail))
    return frozenset(term for text in texts for term in _terms(fold(text[:_LONGEST])))


def _terms(folded: str) -> Iterator[str]:
    before = ""  # the word that the next one may follow
    for part in folded.split():
        word = part.strip(_MARKS)
        if not _is_word(word):
            before = ""
            continue
        if _is_telling(word):
            yield word
        if before and part.startswith(word) and (_is_telling(before) or _is_telling(word)):
            yield f"{before} {word}"
        before = word if part.endswith(word) else ""


def _is_word(word: str) -> bool:
    """Check for letters, as in "ke-hack" and "don't"; numbers are of one customer alone."""
    return word.replace("-", "").replace("'", "").isalpha()


def _is_telling(word: str) -> bool:
    return len(word) >= _SHORTEST and word not in STOP_WORDS
