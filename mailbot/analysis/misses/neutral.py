"""Cut a customer's mail to the sentences that matter, without what names a person or an order."""

import re
from collections.abc import Iterator
from itertools import islice

from mailbot.analysis.misses.terms import written_text
from mailbot.domain.model import InboundMail
from mailbot.domain.routing.text import fold

NAME, ADDRESS, LINK = "Budi", "orang@surel.example", "https://tautan.example/"
_MOST = 3  # sentences
_GREETING = 3  # words of a sentence that is taken for a greeting
_LONGEST = 300  # characters of a sentence
_LONGEST_TEXT = 2_000
_FEW = 5  # digits from which on they may be a phone or an order
_DIGITS = "1234567890"

_ADDRESS = re.compile(r"[^\s@<>(),;:]{1,64}@[^\s@<>(),;:]{1,190}(?<=[A-Za-z0-9])")
_LINK = re.compile(r"\b(?:https?://|www\.)\S{1,500}", re.IGNORECASE)
_RUN = re.compile(r"[+(]?[0-9A-Z][0-9A-Z()./+-]*(?: ?[0-9][0-9()./+-]*)*")
_THOUSANDS = re.compile(r"[0-9]{1,3}([.,][0-9]{3})+([.,][0-9]{1,2})?")
_CURRENCY = re.compile(r"(?:rp|idr|usd|\$)[.\s]{0,2}$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def neutral_mail(mail: InboundMail, term: str, *, whole: bool = False) -> tuple[str, str]:
    """Return the subject and the sentences with the term, else the first telling ones; `whole`: all."""
    text = written_text(mail)
    body = " ".join(text.split()) if whole else " ".join(islice(_deciding(text, term), _MOST))
    return _neutral(mail.subject, mail.sender_name), _neutral(body[:_LONGEST_TEXT], mail.sender_name)


def _deciding(text: str, term: str) -> Iterator[str]:
    sentences = [" ".join(each.split())[:_LONGEST] for each in _SENTENCE_END.split(text)]
    having = [each for each in sentences if term and term in fold(each)]
    telling = [each for each in sentences if len(each.split()) > _GREETING]
    yield from having or telling or sentences


def _neutral(text: str, sender_name: str) -> str:
    """Replace addresses, links, the sender's name, and the digits of phones and orders. Amounts stay."""
    shown = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    shown = _LINK.sub(LINK, _ADDRESS.sub(ADDRESS, shown))
    for part in sender_name.split():
        if len(part) > 2 and part.isalpha():
            shown = re.sub(rf"\b{re.escape(part)}\b", NAME, shown, flags=re.IGNORECASE)
    return _RUN.sub(_neutral_digits, shown)


def _neutral_digits(found: re.Match[str]) -> str:
    """Keep the shape of a number, so that the patterns of rules and details find it as before."""
    run = found[0]
    is_money = _THOUSANDS.fullmatch(run) or _CURRENCY.search(found.string[: found.start()])
    if sum(letter.isdigit() for letter in run) < _FEW or is_money:
        return run
    digits = iter(_DIGITS * (len(run) // len(_DIGITS) + 1))
    return "".join(next(digits) if letter.isdigit() else letter for letter in run)
