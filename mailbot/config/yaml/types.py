"""Name the types of single YAML values: how each is read, and how the JSON Schema describes it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema

from mailbot.config.checks import actions
from mailbot.config.model import AfterStored, Network, SocketAddress
from mailbot.config.yaml import calendars, lists, scalars, web_addresses
from mailbot.config.yaml.scalars import shown, suggest_of_scale
from mailbot.domain.policy import Moment, Rate
from mailbot.domain.routing.conditions import COMPLEXITIES, PRIORITIES, URGENCIES
from mailbot.domain.routing.text_operators import compiled_pattern
from mailbot.domain.webhooks.event_types import NAMES
from mailbot.domain.worktime import Interval

# RFC 5322 section 2.2; at most 76 characters, so that the field's name fits into one line.
_FIELD_NAME = r"(?=-*[A-Za-z0-9])[A-Za-z0-9-]{1,76}"
_UNSIGNED = ("dkim-signature", "received", "return-path", "bcc")  # RFC 6376 section 5.4.1
# What Indonesians call their zones; the tz database does not know these names.
_INDONESIAN = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}


@dataclass(frozen=True, slots=True, eq=False)  # pydantic hashes it
class _Read:
    """Read a YAML value with `reader`, which raises ValueError(message, hint); and its JSON Schema."""

    reader: Callable[[Any], Any]
    json_schema: Mapping[str, object]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return BeforeValidator(self.reader).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.json_schema)


def _text(what: str, *examples: str, **more: object) -> dict[str, object]:
    return {"type": "string", "description": what, "examples": list(examples), **more}


def _read(reader: Callable[[Any], Any], what: str, *examples: str, **more: object) -> _Read:
    """Make the type of a value that is one text in YAML."""
    return _Read(reader, _text(what, *examples, **more))


def _one_of(known: tuple[str, ...]) -> _Read:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"`{shown(value)}` is not allowed here", suggest_of_scale(str(value), known))
        return value

    return _Read(check, {"enum": list(known)})


def _matching(pattern: str, problem: str, hint: str) -> AfterValidator:
    """Make a validator for a text that the whole pattern must match."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"`{shown(value)}` {problem}", hint)
        return value

    return AfterValidator(check)


def _one_line(most: int, problem: str, hint: str) -> AfterValidator:
    def check(value: str) -> str:
        if not value or value != value.strip() or len(value) > most or not value.isprintable():
            raise ValueError(f"`{shown(value)}` {problem}", hint)
        return value

    return AfterValidator(check)


def _lines(value: str) -> str:
    text = value.strip("\n")
    if not text.strip() or len(text) > 1000 or not all(map(str.isprintable, text.split("\n"))):
        raise ValueError(f"`{shown(value)}` is not allowed in a mail", "1 to 1,000 letters, several lines")
    return text


def _without_address(value: str) -> str:
    if "@" in value:
        raise ValueError(f"`{shown(value)}` holds an address", "customers read this: plain words")
    return value


def _signed_field(value: str) -> str:
    if value.lower() in _UNSIGNED:
        raise ValueError(f"`{value}` is not a header field to sign", "such as Subject or List-Id")
    return value.lower()


def _test_field(value: str) -> str:
    if value.lower() in ("from", "to", "subject", "mime-version") or value.lower().startswith("content-"):
        raise ValueError(f"`{value}` has its own key here", "from, to, subject, body, attachments")
    return value


def _zone(value: str) -> str:
    value = _INDONESIAN.get(value.upper(), value)
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError):
        hint = "write it like WIB, WITA, WIT or Asia/Jakarta"
        raise ValueError(f"`{shown(value)}` is not a time zone", hint) from None
    return value


def _pattern(value: str) -> str:
    compiled_pattern(value)
    return value


def _week(value: object) -> object:
    return {"mon-sun": "00:00-24:00"} if value == "always" else value


def _open_some_day(value: dict[tuple[int, ...], tuple[Interval, ...]]) -> object:
    if not any(value.values()):
        raise ValueError("no day has hours: nothing would ever come due")
    return value


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


def some(what: str) -> Callable[[Any], Any]:
    """Make a check that refuses an empty list or mapping of `what`."""

    def check(value: Any) -> Any:
        if not value:
            raise ValueError(f"at least one {what} is needed")
        return value

    return check


_PRINTABLE = _one_line(100, "is not a name", "1 to 100 letters on one line, no space around them")

Name = Annotated[str, _PRINTABLE]
Line = Annotated[str, _one_line(150, "is not allowed in a mail", "1 to 150 letters on one line")]
YesNo = Annotated[bool, _Read(scalars.yes_no, {"enum": [True, False, "yes", "no"]})]
Lines = Annotated[str, AfterValidator(_lines)]
ListFile = Annotated[str, _read(lists.file_name, "a file beside this one", "vip.txt")]
Public = Annotated[str, _PRINTABLE, AfterValidator(_without_address)]
Address = Annotated[str, _read(scalars.address, "a mail address", "ayu@dukungan.example", format="email")]
DetectedLanguage = Annotated[str, _one_of(("id", "en", "unsure"))]
LocalTime = Annotated[
    datetime,
    _read(
        scalars.local_time,
        "a date and a time by the wall clock",
        "2026-11-23 10:30",
        pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?$",
    ),
]
Language = Annotated[
    str,
    _matching("[a-z]{2}", "is not a language", "two small letters: id, en"),
    WithJsonSchema(_text("two letters", "id", "en", pattern="^[a-z]{2}$")),
]
MailboxLanguage = Annotated[
    str,
    _matching("[a-z]{2}|both", "is not a language", "two small letters (id, en), or both"),
    WithJsonSchema(_text("two letters, or both", "id", "en", "both", pattern="^([a-z]{2}|both)$")),
]
Span = Annotated[timedelta, _read(scalars.duration, "a time span", "30 min", "8 h", "1 h 30 min", "14 days")]
Kept = Annotated[
    timedelta | None, _read(scalars.kept, "a time span, or no: for good", "90 days", "5 years", "no")
]
Delay = Annotated[timedelta, _read(scalars.delay, "a time span, or no", "2 min", "10 min", "no")]
Notify = Annotated[timedelta, _read(scalars.notify, "how notices are sent", "each", "digest 15 min")]
Morning = Annotated[timedelta, _read(calendars.morning, "a time of day", "08:00", "off")]
Size = Annotated[int, _read(scalars.size, "a size", "25 MB", "25 MiB", "500 KB", "1 GB")]
_MOMENTS = ("first_response", "75% of resolution", "first_response + 30 min", "30 min before resolution")
At = Annotated[Moment, _read(scalars.moment, "a moment", *_MOMENTS)]
Levels = Annotated[
    dict[str, str],
    _Read(
        scalars.levels,
        {
            "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}],
            "description": "a level, or one by category; the longest category that fits counts, else `other`",
            "examples": ["L2", {"fraud": "L3", "legal": "management", "other": "L2"}],
        },
    ),
]
Quiet = Annotated[tuple[Interval, ...], _read(calendars.quiet, "hours of every day", "21:00-07:00")]
OneRate = Annotated[Rate, _read(scalars.rate, "a rate", "1 per 10 min", "5 per day", "200 per hour")]
_ONE_OR_MORE = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Rates = Annotated[
    list[OneRate],
    _Read(_one_or_more, {**_ONE_OR_MORE, "examples": ["200 per hour", ["1 per 10 min", "5 per day"]]}),
]
Names = Annotated[list[Name], _Read(_one_or_more, _ONE_OR_MORE)]
Net = Annotated[Network, _read(scalars.network, "a network", "10.0.0.0/8", "127.0.0.1", "fd00::/8")]
Endpoint = Annotated[tuple[str, int], _read(scalars.endpoint, "host:port", "127.0.0.1:25", "[::1]:25")]
_LMTP = ("host:port or the path of a local socket", "127.0.0.1:8024", "/run/mailbot/lmtp.sock")
Lmtp = Annotated[SocketAddress, _read(scalars.lmtp, *_LMTP)]
Loopback = Annotated[tuple[str, int], _read(scalars.loopback, "host:port on loopback", "127.0.0.1:9125")]
_STORES = ("mailbot.db", "postgresql://db.internal/mailbot")
Store = Annotated[str, _read(scalars.store_without_password, "a file or a URL", *_STORES)]
After = Annotated[
    tuple[AfterStored, str], _read(scalars.after_stored, "what is done", "seen", "move to Arsip", "delete")
]
ImapUser = Annotated[str, _PRINTABLE]
ListName = Annotated[
    str, _read(scalars.list_name, "a List-Id or an address", "support.shop.example", "support@shop.example")
]
Channel = Annotated[
    str,
    _matching("[a-z][a-z0-9-]{0,14}", "can't name a channel", "1 to 15 of a-z, 0-9 and -, such as whatsapp"),
]
WebAddress = Annotated[
    str, _read(web_addresses.web_address, "an https address", "https://login.example/realms/desk")
]
HookName = Annotated[
    str,
    _matching("[a-z][a-z0-9-]{0,31}", "is not a name here", "small letters, digits and -: accounting"),
    WithJsonSchema(_text("a name", "accounting", "data-lake", pattern="^[a-z][a-z0-9-]{0,31}$")),
]
HookUrl = Annotated[
    str, _read(web_addresses.hook_url, "an https address", "https://toko.example/hooks/mailbot")
]
EventName = Annotated[str, _one_of(NAMES)]
PublicUrl = Annotated[
    str, _read(web_addresses.public_url, "https:// and a host", "https://bantuan.dukungan.example")
]
Origin = Annotated[str, _read(web_addresses.origin, "https:// and a host", "https://toko.example")]
Domain = Annotated[str, _read(scalars.domain, "a domain", "dukungan.example")]
DnsName = Annotated[
    str, _read(scalars.ascii_domain, "a name as the DNS has it", "dukungan.example", "mb2026")
]
HeaderField = Annotated[
    str,
    _matching(_FIELD_NAME, "is not a header field", "such as List-Id"),
    AfterValidator(_test_field),
    WithJsonSchema(_text("a header field", "List-Id")),
]
HeaderName = Annotated[
    str,
    _matching(_FIELD_NAME, "is not a header field to sign", "such as Subject or List-Id"),
    AfterValidator(_signed_field),
    WithJsonSchema(_text("a header field", "Subject")),
]
_HOURS: dict[str, object] = {"type": ["string", "array"], "items": {"type": "string"}}
Hours = Annotated[
    tuple[Interval, ...],
    _Read(calendars.intervals, {**_HOURS, "examples": ["08:00-12:00, 13:00-17:00", "closed"]}),
]
Weekdays = Annotated[tuple[int, ...], _read(calendars.weekdays, "weekdays", "mon-fri", "sat", "mon, wed")]
WeekMoment = Annotated[
    tuple[int, timedelta], _read(calendars.week_moment, "a moment of each week", "mon 08:00")
]
Dates = Annotated[tuple[date, ...], _read(calendars.dates, "dates", "2026-12-31", "2026-12-24 to 2027-01-02")]
_HOURS_BY_DAY: dict[str, Any] = {"type": "object", "additionalProperties": {"type": ["string", "array"]}}
Week = Annotated[
    dict[Weekdays, Hours],
    _Read(
        _week,
        {
            "anyOf": [{"const": "always"}, _HOURS_BY_DAY],
            "description": "hours by weekday, or `always`; a day that is not named is closed",
            "examples": [{"mon-fri": "08:00-12:00, 13:00-17:00", "sat": "08:00-12:00"}],
        },
    ),
    AfterValidator(_open_some_day),
]
PeriodWeek = Annotated[
    dict[Weekdays, Hours],
    AfterValidator(some("line of hours")),
    WithJsonSchema({**_HOURS_BY_DAY, "examples": [{"mon-thu": "08:00-15:00", "fri": "08:00-15:30"}]}),
]
Day = Annotated[date, _read(calendars.one_date, "a date", "2027-02-08")]
Away = Annotated[list[Dates], _Read(_one_or_more, _ONE_OR_MORE)]
Categories = Annotated[
    tuple[str, ...],
    _Read(
        actions.paths,
        {
            "type": "object",
            "description": "name: what stands below it, or nothing",
            "examples": [{"payment": ["failed", "double"], "delivery": None}],
        },
    ),
]
TemplateName = Annotated[
    str,
    _matching("[a-z0-9_-]{1,40}", "is not allowed in a file name", "small letters, digits, - and _"),
    WithJsonSchema(_text("letters, digits, - and _", "vip", pattern="^[a-z0-9_-]+$")),
]
FormName = Annotated[
    str,
    _matching("[a-z0-9-]{1,32}", "is not a name for an address", "small letters, digits and -: retur-barang"),
    WithJsonSchema(_text("small letters, digits and -", "retur-barang", pattern="^[a-z0-9-]{1,32}$")),
]
Pattern = Annotated[str, AfterValidator(_pattern), WithJsonSchema(_text("an RE2 pattern", "INV-[0-9]{4,}"))]
Urgency = Annotated[str, _one_of(URGENCIES)]
Complexity = Annotated[str, _one_of(COMPLEXITIES)]
Priority = Annotated[str, _one_of(PRIORITIES)]
Prefix = Annotated[
    str,
    _matching("[A-Z]{2,10}", "is not a prefix", "2 to 10 capital letters, such as TOKO"),
    WithJsonSchema(_text("2 to 10 capital letters", "TOKO", pattern="^[A-Z]{2,10}$")),
]
Zone = Annotated[
    str, AfterValidator(_zone), WithJsonSchema(_text("a time zone", "WIB", "WITA", "WIT", "Asia/Jakarta"))
]
Country = Annotated[str, _read(calendars.country, "two letters", "ID")]
