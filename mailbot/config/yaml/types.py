"""The types of single values in the YAML files: what is read into what, and how the JSON Schema says it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from mailbot.config.checks import actions
from mailbot.config.model import AfterStored, Network, Way
from mailbot.config.yaml import calendars, lists, scalars
from mailbot.config.yaml.scalars import close_to, shown
from mailbot.domain.policy import Moment, Rate
from mailbot.domain.routing.conditions import COMPLEXITIES, PRIORITIES, URGENCIES
from mailbot.domain.routing.operators import compiled_pattern
from mailbot.domain.worktime import Interval


def _text(what: str, *examples: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": what, "examples": list(examples), **more})


def _one_of(known: tuple[str, ...]) -> BeforeValidator:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"`{shown(value)}` can't stand here", close_to(str(value), known))
        return value

    return BeforeValidator(check)


def _printable(value: str) -> str:
    if not value or value != value.strip() or len(value) > 100 or not value.isprintable():
        raise ValueError(f"`{shown(value)}` is no name", "1 to 100 letters on one line, no space around them")
    return value


def _line(value: str) -> str:
    if not value or value != value.strip() or len(value) > 150 or not value.isprintable():
        raise ValueError(f"`{shown(value)}` can't stand in a mail", "1 to 150 letters on one line")
    return value


def _for_customers(value: str) -> str:
    if "@" in value:
        raise ValueError(f"`{shown(value)}` holds an address", "customers read this: plain words")
    return value


def _prefix(value: str) -> str:
    if not (value.isascii() and value.isalpha() and value.isupper() and 2 <= len(value) <= 10):
        raise ValueError(f"`{shown(value)}` is no prefix", "2 to 10 capital letters, such as TOKO")
    return value


def _language(value: str) -> str:
    if not (len(value) == 2 and value.isascii() and value.isalpha() and value.islower()):
        raise ValueError(f"`{shown(value)}` is no language", "two small letters: id, en")
    return value


def _header_name(value: str) -> str:
    """RFC 5322 section 2.2, without what RFC 6376 section 5.4.1 says not to sign."""
    plain = value.isascii() and value.replace("-", "").isalnum() and len(value) <= 76
    if not plain or value.lower() in ("dkim-signature", "received", "return-path", "bcc"):
        raise ValueError(f"`{shown(value)}` is no header field to sign", "such as Subject or List-Id")
    return value.lower()


def _header_field(value: str) -> str:
    """RFC 5322 section 2.2, for a mail that is made up for a test."""
    if not (value.isascii() and value.replace("-", "").isalnum() and len(value) <= 76):
        raise ValueError(f"`{shown(value)}` is no header field", "such as List-Id")
    if value.lower() in ("from", "to", "subject", "mime-version") or value.lower().startswith("content-"):
        raise ValueError(f"`{value}` has a key of its own here", "from, to, subject, body, attachments")
    return value


# What Indonesians call their zones; the tz database does not know these names.
_INDONESIAN = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}


def _zone(value: str) -> str:
    value = _INDONESIAN.get(value.upper(), value)
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        raise ValueError(
            f"`{shown(value)}` is no time zone", "write it like WIB, WITA, WIT or Asia/Jakarta"
        ) from None
    return value


def _template_name(value: str) -> str:
    if not value or len(value) > 40 or set(value) - set("abcdefghijklmnopqrstuvwxyz0123456789_-"):
        raise ValueError(
            f"`{shown(value)}` can't be a part of a file's name", "small letters, digits, - and _"
        )
    return value


def _pattern(value: str) -> str:
    compiled_pattern(value)
    return value


def _week(value: object) -> object:
    return {"mon-sun": "00:00-24:00"} if value == "always" else value


def _ever_open(value: dict[tuple[int, ...], tuple[Interval, ...]]) -> object:
    if not any(value.values()):
        raise ValueError("no day has hours: nothing would ever come due")
    return value


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def some(what: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not value:
            raise ValueError(f"at least one {what} is needed")
        return value

    return check


Name = Annotated[str, AfterValidator(_printable)]
Line = Annotated[str, AfterValidator(_line)]
ListFile = Annotated[str, BeforeValidator(lists.file_name), _text("a file beside this one", "vip.txt")]
Public = Annotated[str, AfterValidator(_printable), AfterValidator(_for_customers)]
Address = Annotated[
    str, BeforeValidator(scalars.address), _text("a mail address", "ayu@dukungan.example", format="email")
]
Spoken = Annotated[str, _one_of(("id", "en", "unsure")), WithJsonSchema({"enum": ["id", "en", "unsure"]})]
WallClock = Annotated[
    datetime,
    BeforeValidator(scalars.clock),
    _text(
        "a date and a time by the wall clock",
        "2026-11-23 10:30",
        pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$",
    ),
]
Language = Annotated[str, AfterValidator(_language), _text("two letters", "id", "en", pattern="^[a-z]{2}$")]
Span = Annotated[
    timedelta,
    BeforeValidator(scalars.duration),
    _text("a time span", "30 min", "8 h", "1 h 30 min", "14 days"),
]
Size = Annotated[int, BeforeValidator(scalars.size), _text("a size", "25 MB", "25 MiB", "500 KB", "1 GB")]
At = Annotated[
    Moment,
    BeforeValidator(scalars.moment),
    _text(
        "a moment",
        "first_response",
        "75% of resolution",
        "first_response + 30 min",
        "30 min before resolution",
    ),
]
Levels = Annotated[
    dict[str, str],
    BeforeValidator(scalars.levels),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "additionalProperties": {"type": "string"}},
            ],
            "description": "a level, or one by category; the longest category that fits counts, else `other`",
            "examples": ["L2", {"fraud": "L3", "legal": "management", "other": "L2"}],
        }
    ),
]
Quiet = Annotated[
    tuple[Interval, ...], BeforeValidator(calendars.quiet), _text("hours of every day", "21:00-07:00")
]
_Rate = Annotated[
    Rate, BeforeValidator(scalars.rate), _text("a rate", "1 per 10 min", "5 per day", "200 per hour")
]
_ONE_OR_MORE = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Rates = Annotated[
    list[_Rate],
    BeforeValidator(_one_or_more),
    WithJsonSchema({**_ONE_OR_MORE, "examples": ["200 per hour", ["1 per 10 min", "5 per day"]]}),
]
Names = Annotated[list[Name], BeforeValidator(_one_or_more), WithJsonSchema(_ONE_OR_MORE)]
Net = Annotated[
    Network, BeforeValidator(scalars.network), _text("a network", "10.0.0.0/8", "127.0.0.1", "fd00::/8")
]
Endpoint = Annotated[
    tuple[str, int], BeforeValidator(scalars.endpoint), _text("host:port", "127.0.0.1:25", "[::1]:25")
]
Lmtp = Annotated[
    Way,
    BeforeValidator(scalars.lmtp),
    _text("host:port or the path of a local socket", "127.0.0.1:8024", "/run/mailbot/lmtp.sock"),
]
Loopback = Annotated[
    tuple[str, int], BeforeValidator(scalars.loopback), _text("host:port on loopback", "127.0.0.1:9125")
]
Store = Annotated[
    str,
    BeforeValidator(scalars.store_without_password),
    _text("a file or a URL", "mailbot.db", "postgresql://db.internal/mailbot"),
]
After = Annotated[
    tuple[AfterStored, str],
    BeforeValidator(scalars.after_stored),
    _text("what is done", "seen", "move to Arsip", "delete"),
]
ImapUser = Annotated[str, AfterValidator(_printable)]
Domain = Annotated[str, BeforeValidator(scalars.domain), _text("a domain", "dukungan.example")]
DnsName = Annotated[
    str,
    BeforeValidator(scalars.ascii_domain),
    _text("a name as the DNS has it", "dukungan.example", "mb2026"),
]
HeaderField = Annotated[str, AfterValidator(_header_field), _text("a header field", "List-Id")]
HeaderName = Annotated[str, AfterValidator(_header_name), _text("a header field", "Subject")]
Hours = Annotated[
    tuple[Interval, ...],
    BeforeValidator(calendars.intervals),
    WithJsonSchema(
        {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "examples": ["08:00-12:00, 13:00-17:00", "closed"],
        }
    ),
]
Weekdays = Annotated[
    tuple[int, ...], BeforeValidator(calendars.weekdays), _text("weekdays", "mon-fri", "sat", "mon, wed")
]
WeekMoment = Annotated[
    tuple[int, timedelta], BeforeValidator(calendars.week_moment), _text("a moment of each week", "mon 08:00")
]
Dates = Annotated[
    tuple[date, ...],
    BeforeValidator(calendars.dates),
    _text("dates", "2026-12-31", "2026-12-24 to 2027-01-02"),
]
Week = Annotated[
    dict[Weekdays, Hours],
    BeforeValidator(_week),
    AfterValidator(_ever_open),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "always"},
                {"type": "object", "additionalProperties": {"type": ["string", "array"]}},
            ],
            "description": "hours by weekday, or `always`; a day that is not named is closed",
            "examples": [{"mon-fri": "08:00-12:00, 13:00-17:00", "sat": "08:00-12:00"}],
        }
    ),
]
PeriodWeek = Annotated[
    dict[Weekdays, Hours],
    AfterValidator(some("line of hours")),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["string", "array"]},
            "examples": [{"mon-thu": "08:00-15:00", "fri": "08:00-15:30"}],
        }
    ),
]
Day = Annotated[date, BeforeValidator(calendars.one_date), _text("a date", "2027-02-08")]
Away = Annotated[list[Dates], BeforeValidator(_one_or_more), WithJsonSchema(_ONE_OR_MORE)]
Categories = Annotated[
    tuple[str, ...],
    BeforeValidator(actions.paths),
    WithJsonSchema(
        {
            "type": "object",
            "description": "name: what stands below it, or nothing",
            "examples": [{"payment": ["failed", "double"], "delivery": None}],
        }
    ),
]
TemplateName = Annotated[
    str, AfterValidator(_template_name), _text("letters, digits, - and _", "vip", pattern="^[a-z0-9_-]+$")
]
Pattern = Annotated[str, AfterValidator(_pattern), _text("an RE2 pattern", "INV-[0-9]{4,}")]
Urgency = Annotated[str, _one_of(URGENCIES), WithJsonSchema({"enum": list(URGENCIES)})]
Complexity = Annotated[str, _one_of(COMPLEXITIES), WithJsonSchema({"enum": list(COMPLEXITIES)})]
Priority = Annotated[str, _one_of(PRIORITIES), WithJsonSchema({"enum": list(PRIORITIES)})]

Prefix = Annotated[
    str, AfterValidator(_prefix), _text("2 to 10 capital letters", "TOKO", pattern="^[A-Z]{2,10}$")
]
Zone = Annotated[str, AfterValidator(_zone), _text("a time zone", "WIB", "WITA", "WIT", "Asia/Jakarta")]
Country = Annotated[str, BeforeValidator(calendars.check_country), _text("two letters", "ID")]
