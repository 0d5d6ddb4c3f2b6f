"""Read what a person searches for: words, "phrases", -excluded words, OR, and filters such as team:refund.

Theory of operation. A query is a list of groups: a message must have one phrase of each group. A word becomes one
group of phrases, one for each way in which the index may keep it: as a stem with another first letter, as a number in
one spelling, as the beginning of a longer number. No sign of the user's reaches the engines: phrases hold nothing but
letters and digits.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice, product
from zoneinfo import ZoneInfo

from mailbot.domain.people.identities import read_identity
from mailbot.domain.routing.text import fold_accents
from mailbot.domain.search.stem import spellings
from mailbot.domain.search.words import is_amount, numbers, split
from mailbot.domain.ticket_number import normalise

MOST_GROUPS, MOST_PHRASES = 20, 12  # of a query; of a group
LONGEST = 1_000  # characters of a query
_SHORTEST_BEGINNING = 2  # characters before a *
_SHORTEST_CODE = 4  # characters with a digit: what is as long also finds what begins so


class Part(StrEnum):
    """Where in a message a phrase may be. `ANY`: anywhere."""

    ANY = ""
    TITLE = "title"  # subject and ticket number
    AUTHOR = "author"
    PEOPLE = "people"  # other people, and names of files
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words next to each other. `begins`: the last one may be longer."""

    words: tuple[str, ...]
    begins: bool = False
    part: Part = Part.ANY


@dataclass(frozen=True, slots=True)
class Filter:
    """What a ticket or a message must be: one of these values, or none of them when `excludes`."""

    name: str
    values: tuple[str, ...]
    excludes: bool = False


Group = tuple[Phrase, ...]  # one of them must be there


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for. `since` and `until` are about the message, `until` itself excluded."""

    groups: tuple[Group, ...] = ()
    excluded: tuple[Phrase, ...] = ()
    filters: tuple[Filter, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    has_files: bool | None = None
    numbers: tuple[str, ...] = ()  # tickets that are named

    @property
    def is_about_tickets(self) -> bool:
        """Check whether only filters are asked that no message decides."""
        asks = self.groups or self.excluded or self.since or self.until
        return bool(self.filters) and not asks and self.has_files is None

    @property
    def is_empty(self) -> bool:
        asks = self.groups or self.excluded or self.filters or self.since or self.until
        return not asks and self.has_files is None


class QueryError(ValueError):
    """The query can't be understood. Its text says why, and what can be written."""


STATES = (
    *("open", "closed", "waiting", "escalated"),
    *("new", "merged", "filed", "reopened", "unanswered", "unassigned", "snoozed", "incident", "overdue"),
)
TICKET_FILTERS = (
    *("team", "tag", "assignee", "priority", "category", "mailbox", "level", "language", "channel", "is"),
)
_PARTS = {"subject": Part.TITLE, "from": Part.AUTHOR, "people": Part.PEOPLE}
_OTHER_NAMES = {
    "agen": "assignee", "agent": "assignee", "status": "is", "tags": "tag", "teams": "team", "tim": "team",
    "after": "since", "before": "until", "sejak": "since", "sampai": "until", "author": "from", "dari": "from",
    "kategori": "category", "pelanggan": "customer", "prioritas": "priority", "subjek": "subject",
    "saluran": "channel",
}  # fmt: skip
FILTERS = (*TICKET_FILTERS, "customer", "subject", "from", "since", "until", "has")
_FILES = ("attachment", "attachments", "file", "files")

_TOKEN = re.compile(
    r"""(?P<no>(?:-|NOT\s+)?)
    (?:(?P<name>[A-Za-z_]+):(?!//))?
    (?:"(?P<quoted>[^"]*)"?|(?P<word>[^\s"]+))""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^\W_]+")
# Of an amount the number alone is looked for, in whatever way it was written.
_CURRENCY = re.compile(r"(?i)(?<![^\s\-])(?:rp|idr)\.? ?(?=[0-9])")
_SCALED = re.compile(r"(?i)([0-9]) +(ribu|rb|juta|jt|miliar|milyar)\b")
# A number in parts: 0812 3456 7890.
_PARTED = re.compile(r"(?<!\S)\+?[0-9]{2,5}(?: [0-9]{2,5}){1,5}(?!\S)")
_SPAN = re.compile(
    r"([0-9]{1,5}) ?(h|d|w|m|y|hours?|days?|weeks?|months?|years?|jam|hari|minggu|bulan|tahun)"
)
_SPAN_DAYS = {"h": 1 / 24, "j": 1 / 24, "d": 1, "w": 7, "y": 366, "t": 366, "b": 31}
_SPAN_WORDS = {"hari": 1, "minggu": 7, "m": 31, "month": 31, "months": 31}


@dataclass(slots=True)
class _Draft:
    groups: list[list[Phrase]] = field(default_factory=list)
    excluded: list[Phrase] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    joins: bool = False  # OR came last
    last: str = ""  # the kind of what came last: "words", "" or the name of a filter


def parse(text: str, now: datetime, zone: str = "UTC") -> Query:
    """Parse a query. Days begin in `zone`. Raises QueryError for a filter or a value that does not exist."""
    draft = _Draft()
    text = _PARTED.sub(_join, _CURRENCY.sub("", _with_plain_quotes(text[:LONGEST])))
    text = _SCALED.sub(r"\1\2", text)
    for match in _TOKEN.finditer(text):
        if match["word"] in ("OR", "|") and not match["no"] and not match["name"]:
            draft.joins = True
        elif match["word"] == "AND" and not match["name"]:
            continue
        else:
            _add(draft, match, now, zone)
    groups = tuple(tuple(group[: 4 * MOST_PHRASES]) for group in draft.groups[:MOST_GROUPS])
    named = tuple(filter(None, map(normalise, text.split()))) or (normalise(text),)
    numbers = tuple(filter(None, named))
    return Query(groups, tuple(draft.excluded), tuple(draft.filters), numbers=numbers, **draft.values)  # type: ignore[arg-type]


def _join(match: re.Match[str]) -> str:
    """Return the parts of a phone or a card as one word. What is shorter or longer stays apart."""
    return match[0].replace(" ", "-") if 9 <= sum(map(str.isdigit, match[0])) <= 16 else match[0]


def _with_plain_quotes(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb"), '"'))


def _add(draft: _Draft, match: re.Match[str], now: datetime, zone: str) -> None:
    excludes, name = bool(match["no"]), (match["name"] or "").lower()
    written = match["quoted"] if match["quoted"] is not None else match["word"]
    is_quoted = match["quoted"] is not None
    if name and not (written or is_quoted):
        name, written = "", name
    name = _OTHER_NAMES.get(name, name)
    if name and name not in FILTERS:
        _require_no_filter(name, written)
        name, written = "", f"{name} {written}"
    if name == "customer" and "@" not in written and not read_identity(written):
        name = "people"
    if name in ("", *_PARTS):
        part = _PARTS.get(name, Part.ANY)
        _add_words(draft, phrases(written, part, is_quoted=is_quoted), excludes=excludes)
    elif name in ("since", "until"):
        _set(draft, name, moment(written, now, zone), excludes=excludes)
    elif name == "has":
        if written.lower() not in _FILES:
            raise QueryError(f"has:{written} is unknown: only has:attachment can be asked")
        draft.values["has_files"], draft.last = not excludes, name
    else:
        _add_filter(draft, Filter(name, _values(name, written), excludes))
    draft.joins = False


def _add_words(draft: _Draft, found: Sequence[Phrase], *, excludes: bool) -> None:
    if not found:
        return
    if excludes:
        draft.excluded += found
    elif draft.joins and draft.last == "words":
        draft.groups[-1] += found
    elif draft.joins and draft.last:
        raise QueryError(
            "OR stands between words, or between values of one filter: team:refund OR team:fraud"
        )
    else:
        draft.groups.append(list(found))
    draft.last = "" if excludes else "words"


def _add_filter(draft: _Draft, wanted: Filter) -> None:
    if draft.joins and draft.last:
        before = draft.filters[-1] if draft.filters else None
        if before is None or (before.name, before.excludes) != (wanted.name, wanted.excludes):
            raise QueryError(
                "OR stands between words, or between values of one filter: team:refund OR team:fraud"
            )
        wanted = Filter(wanted.name, (*before.values, *wanted.values), wanted.excludes)
        draft.filters.pop()
    draft.filters.append(wanted)
    draft.last = wanted.name


def _set(draft: _Draft, name: str, at: datetime, *, excludes: bool) -> None:
    if excludes:
        name = "until" if name == "since" else "since"
    draft.values[name], draft.last = at, name


def _values(name: str, written: str) -> tuple[str, ...]:
    values = tuple(value.strip().lower() for value in written.split(",") if value.strip())
    if not values:
        raise QueryError(f"{name}: needs a value behind the colon")
    for value in values if name == "is" else ():
        if value not in STATES:
            raise QueryError(f"is:{value} is unknown{_suggest(value, STATES)}. Known: {', '.join(STATES)}")
    return values


def _require_no_filter(name: str, value: str) -> None:
    """Refuse a name that may be meant as a filter. `re:` and `fwd:` are words."""
    suggestion = _suggest(name, (*FILTERS, *_OTHER_NAMES))
    if suggestion or len(name) > 3:
        known = ", ".join(f"{each}:" for each in FILTERS)
        hint = f'To search for the text itself, quote it: "{name}:{value}"'
        raise QueryError(f"{name}: is no filter{suggestion}. Filters: {known}. {hint}")


def _suggest(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), 1, 0.6)
    return f" (did you mean {close[0]}?)" if close else ""


# --- words ------------------------------------------------------------------------------------------------


def phrases(written: str, part: Part = Part.ANY, *, is_quoted: bool = False) -> list[Phrase]:
    """Return the phrases of which a message must have one; none for a text without letters and digits."""
    folded = fold_accents(written)
    words = _without_repetition(split(folded))
    if not words:
        return []
    last = _PLAIN.findall(folded)[-1]
    is_code = len(last) >= _SHORTEST_CODE and any(letter.isdigit() for letter in last)
    is_begun = "@" in folded and "." not in folded.rpartition("@")[2]  # of an address
    begins = not is_quoted and (folded.endswith("*") or is_code or is_begun)
    begins = begins and len(last) >= _SHORTEST_BEGINNING
    ways = [spellings(word) if is_quoted or len(words) == 1 else (word,) for word in words]
    if begins:  # a beginning may be no stem yet
        ways[-1] = tuple(dict.fromkeys((last, *ways[-1])))
    found = [Phrase(each, begins, part) for each in islice(product(*ways), MOST_PHRASES)]
    may_go_on = begins and not is_amount(folded)
    found += (Phrase((digits,), may_go_on, part) for digits in dict.fromkeys(numbers(folded)))
    return found + _beginning_of_phone(folded, part) if begins else found


def _beginning_of_phone(folded: str, part: Part) -> list[Phrase]:
    """Return the phrase for the first digits of a phone: 0812 also stands behind +62."""
    digits = re.sub("[^0-9]", "", folded)
    rest = digits.removeprefix("62") if "+" in folded else digits.removeprefix("0")
    is_beginning = rest != digits and 4 <= len(digits) < 9 and not re.search("[a-z]", folded)
    return [Phrase((rest,), True, part)] if is_beginning else []


def _without_repetition(words: Sequence[str]) -> list[str]:
    """Return the words without those that repeat the one before: barang-barang."""
    return [word for n, word in enumerate(words) if n == 0 or word != words[n - 1]]


# --- time -------------------------------------------------------------------------------------------------


def moment(written: str, now: datetime, zone: str) -> datetime:
    """Read a span before now (7d, 12h, 2w, 3m, 1y), a date, or today and yesterday. Return it in UTC."""
    text = written.strip().lower()
    today = now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "hari ini"):
        return today.astimezone(UTC)
    if text in ("yesterday", "kemarin"):
        return (today - timedelta(days=1)).astimezone(UTC)
    if span := _SPAN.fullmatch(text):
        days = _SPAN_WORDS.get(span[2]) or _SPAN_DAYS.get(span[2][0]) or 31
        return max(now - timedelta(days=int(span[1]) * days), datetime(1970, 1, 1, tzinfo=UTC))
    try:
        at = datetime.fromisoformat(f"{text}-01" if re.fullmatch("[0-9]{4}-[0-9]{2}", text) else text)
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        example = "7d, 12h, 2w, 2026-11-01, today, yesterday"
        raise QueryError(f"{written!r} is neither a span nor a date: {example}") from None
