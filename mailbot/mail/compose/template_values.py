"""Turn a notice into the values that its templates may use: cleaned, and without internal fields."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from mailbot.domain.model import NoticeKind
from mailbot.domain.notices import Acknowledgement, Answer, Notice
from mailbot.domain.policy import Mailbox
from mailbot.domain.reasons import NO_REASON, Reason, render, written
from mailbot.mail.compose.times import local_time, short_time, time_left
from mailbot.mail.replies.new_text import MARKERS

Value = str | int | dict[str, "Value"]
Values = Mapping[str, Value]

NOTICES: Mapping[str, type[Notice]] = {cls.name: cls for cls in get_args(Notice)}
LANGUAGES = ("id", "en")
_NOT_OF_TEAM = (NoticeKind.COMPENSATION, NoticeKind.PROGRESS)
TEAM_KINDS = tuple(kind for kind in NoticeKind if kind not in _NOT_OF_TEAM)  # `why` of a team notice

LINE_LIMIT = 150  # characters of a one-line value
TEXT_LIMITS = {"team": 20_000}  # characters of `text` by notice; an agent's answer is never cut

SAMPLE_TIME = datetime(2026, 11, 23, 2, tzinfo=UTC)
SAMPLE_NOW = SAMPLE_TIME - timedelta(hours=3)
_OPTIONAL = frozenset(
    {"subject", "category", "priority", "team", "level", "signature"}
    | {"who", "asker", "on_ticket", "in_90_days", "signed"}
)
OUTCOMES = ("granted", "refused")  # of a request for compensation

# Only for headers: an acknowledgement shows nothing that the sender wrote.
_WITHHELD = frozenset({"to", "in_reply_to", "references", "language"})
_NOT_LINES = _WITHHELD | {"text", "signature", "attachments", "cc", "copy_to", "needed", "template"}
_LINES = {
    name: tuple(f.name for f in fields(cls) if f.name not in _NOT_LINES) for name, cls in NOTICES.items()
}

_MOMENTS = {
    name: tuple(f.name for f in fields(cls) if "datetime" in str(f.type)) for name, cls in NOTICES.items()
}

# Controls end a header line (RFC 5322 section 2.2) or hide text. Bidi marks reverse what a reader sees.
_HIDDEN = (*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F))
_IN_A_LINE = dict.fromkeys((*_HIDDEN, *range(0x2060, 0x2070), 0xFEFF, *range(0xD800, 0xE000)), " ")
_IN_A_BODY = dict.fromkeys((*range(0x20), 0x7F, *range(0xD800, 0xE000)), "")
_IN_A_BODY |= {0x09: "\t", 0x0A: "\n", 0x2028: "\n", 0x2029: "\n"}
_UNFIT_FOR_A_BODY = re.compile("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def header_text(text: str, limit: int = LINE_LIMIT) -> str:
    """Return one line that is safe in a header: no controls, no encoded word, at most `limit` characters.

    "=?" is separated because Python's serialiser decodes it: with 3.11.7 a subject of `=?UTF-8?Q?=0A?=Bcc:`
    became a real Bcc line. The text is cut first, so that the limit bounds the work.
    """
    start = text[: limit * 8]
    if not start.isprintable():  # all replaced characters are unprintable, and rare
        start = start.translate(_IN_A_LINE)
    return " ".join(start.split()).replace("=?", "= ?")[:limit].rstrip()


def body_text(text: str) -> str:
    """Return `text` with LF line ends and without controls but tab."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Searched first: outside of ASCII, replacing costs fourteen times as much as a search without a match.
    return text.translate(_IN_A_BODY) if text.isascii() or _UNFIT_FOR_A_BODY.search(text) else text


def build_values(
    notice: Notice, mailbox: Mailbox, *, language: str, zone: str, now: datetime, again: int = 0
) -> dict[str, Value]:
    """Return all values for the templates of this notice. `zone` is where its reader works.

    - Every field of the notice but `to`, `cc`, `in_reply_to`, `language` and the like, under its own name.
      Texts are clean. A moment `x` is local time or "", with `x_short` ("today at 12:00 WIB") and `x_left`
      ("14 min ago") beside it.
    - `brand`, `mailbox` (the address) and `marker`. `needed` is for a loop.
    - `cut`: how many characters of `text` were left out.
    - `again`: 1 in the second half of a mail in two languages, where the text need not be repeated.
    """
    values: dict[str, Value] = {
        name: _value(getattr(notice, name), language, zone, now) for name in _LINES[notice.name]
    }
    for name in _MOMENTS[notice.name]:
        at = getattr(notice, name)
        values[f"{name}_short"] = short_time(at, language, zone, now) if at else ""
        values[f"{name}_left"] = time_left(at, now, language) if at else ""
    text = getattr(notice, "text", None)
    if text is not None:
        whole = body_text(text).strip("\n")
        values["text"] = shown = whole[: TEXT_LIMITS.get(notice.name)]
        values["cut"] = len(whole) - len(shown)
    if isinstance(notice, Answer):
        values["signature"] = body_text(notice.signature).strip("\n")
    if isinstance(notice, Acknowledgement):
        labels = (header_text(names.get(language, "")) for names in notice.needed)
        values["needed"] = {label: label for label in labels if label}
    values["brand"] = header_text(mailbox.brand) or mailbox.address
    values["mailbox"] = mailbox.address
    values["marker"] = MARKERS[language]
    values["again"] = again
    return values


def sample_notices(name: str, language: str) -> list[Notice]:
    """Return notices of this name with made-up values, for each branch that a template may take."""
    cls: Any = NOTICES[name]
    moments = set(_MOMENTS[name])
    given = {f.name for f in fields(cls) if f.type is Reason}
    full: dict[str, Any] = {
        f.name: SAMPLE_TIME if f.name in moments else f"sample {f.name}"
        for f in fields(cls)
        if f.name not in ("attachments", "references")
    }
    full |= {"number": "TOKO-48217390-8", "mailbox": "support@example.com", "language": language}
    full |= {"asker": "agent@example.com"} if "asker" in full else {}
    full |= {name: written(f"sample {name}") for name in given}
    bare: dict[str, Any] = full | dict.fromkeys(full.keys() & _OPTIONAL, "") | dict.fromkeys(moments, None)
    bare |= dict.fromkeys(given, NO_REASON)
    if "cc" in full:
        full |= {"cc": ("person@example.com",), "copy_to": ""}
        bare |= {"cc": (), "copy_to": ""}
    if "needed" in full:
        full |= {"needed": ({"id": "nomor pesanan", "en": "order number"},), "template": ""}
        bare |= {"needed": (), "template": "", "customer_name": ""}
    variants = [full, bare]
    if "why" in full:
        variants = [variant | {"why": why} for variant in variants for why in TEAM_KINDS]
    if "outcome" in full:
        variants = [variant | {"outcome": outcome} for variant in variants for outcome in OUTCOMES]
    return [cls(**variant) for variant in variants]


def _value(value: object, language: str, zone: str, now: datetime) -> Value:
    if isinstance(value, str):
        return header_text(value)
    if isinstance(value, Reason):
        return header_text(render(value, language))
    if isinstance(value, datetime):
        return local_time(value, language, zone, now)
    if isinstance(value, int):
        return value
    if isinstance(value, Mapping):  # a name by language
        return header_text(value.get(language, ""))
    return header_text(str(value)) if value is not None else ""
