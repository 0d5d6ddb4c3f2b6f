"""Read the short notations of the YAML files: durations, sizes, rates, moments, addresses, networks.

Each reader takes the YAML value, of any type, and raises ValueError(message, hint) when it is not one.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast
from urllib.parse import urlsplit

from mailbot.domain.model import Target
from mailbot.domain.worktime import UNITS

if TYPE_CHECKING:  # commands that read look at the environment alone
    from mailbot.config.model import AfterStored, Network, SocketAddress
    from mailbot.domain.policy import Moment, Rate

MAX_SOCKET = 107  # bytes of a path: sun_path in unix(7), less its NUL
MAX_SPAN = timedelta(days=3660)
POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
SQLITE = ("sqlite", "sqlite+pysqlite")
TARGETS = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION, Target.FOLLOW_UP)
OTHER = "other"  # category, in `escalate_to`

# Words of one meaning: those of urgency, priority and complexity, and what Indonesians write for them.
_SCALES = (
    ("low", "rendah", "ringan", "mudah", "sederhana", "easy", "simple"),
    ("normal", "medium", "biasa", "sedang", "menengah", "moderate"),
    ("high", "tinggi", "penting", "rumit", "sulit", "important", "complex", "hard"),
    ("critical", "urgent", "kritis", "mendesak", "darurat", "genting", "segera", "emergency"),
)
_NUMBER = r"[0-9]{1,12}(?:[.,][0-9]{1,6})?"
_PART = re.compile(rf"({_NUMBER})\s*([a-zA-Z]+)\s*")
_RATE = re.compile(r"([0-9]{1,9})\s*(?:per|an?|/)\s*(.+)")
_SHARE = re.compile(rf"({_NUMBER})\s*%\s*of\s+(\w+)")
_OFFSET = re.compile(r"([^+-]*[^+\s-])\s*([+-])\s*(.+)")
_AROUND = re.compile(r"(.+?)\s+(after|before)\s+(.+)")
_NO_TIME = re.compile(rf"(?i)no|0+\s*(?:{'|'.join(UNITS)})")
_LOCAL_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
# RFC 5321 4.5.3.1 for the lengths; quoted local parts and address literals are not supported.
_ADDRESS = re.compile(
    r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}"
)
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?")


def suggest(word: str, known: Sequence[str]) -> str:
    """Return a hint: "did you mean `payments`?", or the known words where they are 20 at most."""
    by_folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.6)
    if found:
        return f"did you mean `{by_folded[found[0]]}`?"
    return f"known here: {', '.join(known)}" if 0 < len(known) <= 20 else ""


def suggest_of_scale(word: str, scale: Sequence[str]) -> str:
    """Return a hint as `suggest`, also for a word of another scale: an urgency `urgent` is `critical`."""
    meant = next((words for words in _SCALES if word.strip().lower() in words), ())
    found = [known for known in scale if known in meant]
    return f"did you mean `{found[0]}`? Known here: {', '.join(scale)}" if found else suggest(word, scale)


def shown(value: object) -> str:
    """Return a value as in the YAML, printable and at most 60 characters long, for a message."""
    text = {True: "true", False: "false", None: "nothing"}[value] if _is_word(value) else str(value)  # type: ignore[index]
    plain = "".join(char if char.isprintable() else "�" for char in str(text)[:61])
    return plain if len(plain) <= 60 else plain[:57] + "..."


def message_and_hint(error: ValueError) -> tuple[str, str]:
    """Return both arguments of a ValueError that a reader raised; "" for a missing one."""
    message, hint = (*map(str, error.args), "", "")[:2]
    return message, hint


def fail(message: str, hint: str = "") -> NoReturn:
    """Raise the ValueError that `message_and_hint` takes apart."""
    raise ValueError(message, hint)


def yes_no(value: object) -> bool:
    """Read `yes` or `no`, which YAML 1.2 takes for text, or `true` or `false`."""
    known = {"yes": True, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in known:
        return known[value.lower()]
    fail(f"`{shown(value)}` is neither yes nor no")


def duration(value: object, unit: str = "min") -> timedelta:
    """Read "30 min", "1 h 30 min", "2 hari": more than 0, at most ten years. Hints show `unit`."""
    text = text_of(value, "a time span", f"30 {unit}", unit=unit)
    seconds, position = 0.0, 0
    while position < len(text):
        part = _PART.match(text, position)
        if not part or part[2].lower() not in UNITS:
            fail(f"`{shown(text)}` is not a time span", _unit_hint(part[2] if part else ""))
        seconds += _number(part[1]) * UNITS[part[2].lower()].total_seconds()
        position = part.end()
    if not 0 < seconds <= MAX_SPAN.total_seconds():
        fail(f"`{shown(text)}` is {'no time' if seconds == 0 else 'longer than ten years'}")
    return timedelta(seconds=seconds)


def delay(value: object) -> timedelta:
    """Read a time span of at most a day; "no", or a span like "0 min", is no time."""
    if value is False or (isinstance(value, str) and _NO_TIME.fullmatch(value.strip())):
        return timedelta()
    span = duration(value)
    if span > timedelta(days=1):
        fail(f"`{shown(value)}` is longer than a day", "write it like 2 min, or no")
    return span


def kept(value: object) -> timedelta | None:
    """Read how long something is kept: "90 days", "5 years", at least a day; "no" is for good."""
    if value is False or (isinstance(value, str) and value.strip().lower() == "no"):
        return None
    span = duration(value, unit="days")
    if span < timedelta(days=1):
        fail(f"`{shown(value)}` is shorter than a day", "write it like 90 days or 5 years, or no: for good")
    return span


def notify(value: object) -> timedelta:
    """Read "each" (no time) or "digest 15 min": how long the notices of an agent are collected."""
    text = value if isinstance(value, str) else ""
    mode, _, span = text.strip().partition(" ")
    if mode == "each" and not span:
        return timedelta()
    if mode != "digest" or not span.strip():
        fail(f"`{shown(str(value))}` is no way to notify", "write `each`, or `digest 15 min`")
    every = duration(span.strip())
    if not timedelta(minutes=1) <= every <= timedelta(hours=12):
        fail(f"a digest every `{shown(span.strip())}` does not help", "collect for 1 min to 12 h")
    return every


def size(value: object) -> int:
    """Read "25 MB" as 25,000,000 bytes, "25 MiB" as 26,214,400."""
    from mailbot.domain.routing.operators import octets  # it brings RE2, and most readers do without

    text = text_of(value, "a size", "25 MB", unit="MB")
    try:
        return octets(text)
    except ValueError:
        return fail(f"`{shown(text)}` is not a size", "write it like 25 MB, 25 MiB, 500 KB or 1 GB")


def rate(value: object) -> "Rate":
    """Read "5 per day", "1 per 10 min"."""
    text = text_of(value, "a rate", "5 per day", unit="per day")
    found = _RATE.fullmatch(text)
    if not found:
        fail(f"`{shown(text)}` is not a rate", "write it like 1 per 10 min, 5 per day or 200 per hour")
    if int(found[1]) == 0:
        fail("a rate of 0 lets nothing through", "leave the mailbox out, or set a rate")
    period = found[2] if found[2][:1].isdigit() else f"1 {found[2]}"
    from mailbot.domain.policy import Rate

    return Rate(int(found[1]), duration(period))


def moment(value: object) -> "Moment":
    """Read "first_response", "75% of resolution", "50% of follow_up + 30 min", "30 min before resolution"."""
    text = text_of(value, "a moment", "75% of first_response", unit="min after first_response")
    base, offset = text, timedelta()
    if around := _AROUND.fullmatch(text):
        base, offset = around[3], duration(around[1]) * (1 if around[2] == "after" else -1)
    elif found := _OFFSET.fullmatch(text):
        base, offset = found[1], duration(found[3]) * (1 if found[2] == "+" else -1)
    share = _SHARE.fullmatch(base)
    if share and _number(share[1]) > 1000:
        fail(f"`{shown(text)}` is too far away", "at most 1000% is allowed")
    from mailbot.domain.policy import Moment

    return Moment(_target(share[2] if share else base), _number(share[1]) / 100 if share else 1.0, offset)


def levels(value: object) -> dict[str, str]:
    """Read "L2" or {fraud: L3, other: L2} as a level by category; OTHER is for all other categories."""
    given = {OTHER: value} if isinstance(value, str) else value
    hint = "write a level, or {fraud: L3, legal: management, other: L2}"
    if not isinstance(given, dict) or not given:
        fail(f"a level is needed here, not {shown(value) or 'nothing'}", hint)
    for category, level in given.items():
        if not all(isinstance(each, str) and each.strip() == each != "" for each in (category, level)):
            fail(f"`{shown(category)}: {shown(level)}` is not a category with its level", hint)
    return dict(given)


def local_time(value: object) -> datetime:
    """Read "2026-11-23 10:30", seconds allowed, as a naive time; the caller knows the zone."""
    text = text_of(value, "a date and a time", "2026-11-23 10:30")
    if found := _LOCAL_TIME.fullmatch(text):
        try:
            return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type] # noqa: DTZ001
        except ValueError:
            pass  # the 30th of February
    return fail(f"`{shown(text)}` is not a date with a time", "write it like 2026-11-23 10:30")


def address(value: object) -> str:
    """Read a plain mail address, in lower case."""
    text = text_of(value, "a mail address", "ayu@dukungan.example")
    if not _ADDRESS.fullmatch(text) or len(text) > 254 or ".." in text:
        hint = "write it like ayu@dukungan.example, without a name or brackets"
        fail(f"`{shown(text)}` is not a mail address", hint)
    return text.lower()


def domain(value: object) -> str:
    text = text_of(value, "a domain", "dukungan.example")
    if not _DOMAIN.fullmatch(text) or len(text) > 253:
        fail(f"`{shown(text)}` is not a domain", "write it like mail.dukungan.example")
    return text.lower()


def list_name(value: object) -> str:
    """Read a List-Id, which is written like a domain (RFC 2919), or a list's address, in lower case."""
    return address(value) if isinstance(value, str) and "@" in value else domain(value)


def ascii_domain(value: object) -> str:
    """Read a domain or a part of one in ASCII, as in the DNS: "xn--bnk-qla.example"."""
    text = domain(value)
    if not text.isascii():
        fail(f"`{shown(text)}` is not written as the DNS has it", "write its xn-- form")
    return text


def endpoint(value: object) -> tuple[str, int]:
    """Read "127.0.0.1:25", "[::1]:25", "relay.example:587" as host and port."""
    text = text_of(value, "a host with its port", "127.0.0.1:25")
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or len(port) > 5 or int(port) > 65535:
        hint = "write it like 127.0.0.1:25, [::1]:25 or mail.example:587"
        fail(f"`{shown(text)}` is not a host with a port", hint)
    if host.startswith("[") and host.endswith("]"):
        return _ip(host[1:-1]), int(port)
    if ":" in host:
        fail(f"`{shown(text)}`: an IPv6 address needs brackets", f"write it like [{host}]:{port}")
    if not host:
        fail(f"`{shown(text)}`: the host is missing", f"127.0.0.1:{port}?")
    return domain(host), int(port)


def lmtp(value: object) -> "SocketAddress":
    """Read host and port, or the path of a local socket: "127.0.0.1:8024", "/run/mailbot/lmtp.sock"."""
    text = text_of(value, "a host with its port, or a path", "127.0.0.1:8024")
    if not text.startswith("/"):
        found = endpoint(text)
        if found[1] == 25:
            fail("LMTP is not allowed on port 25", "RFC 2033 section 5; 8024 and 24 are usual")
        return found
    if not text.isprintable() or text.endswith("/") or len(text.encode()) > MAX_SOCKET:
        fail(f"`{shown(text)}` is not a local socket", f"a file's path of at most {MAX_SOCKET} bytes")
    return Path(text)


def network(value: object) -> "Network":
    text = text_of(value, "a network", "10.0.0.0/8")
    try:
        return ip_network(text)
    except ValueError as error:
        why = shown(str(error).replace(repr(text), "it"))  # which repeats all that was written
        return fail(
            f"`{shown(text)}` is not a network: {why}", "write it like 10.0.0.0/8, 127.0.0.1 or fd00::/8"
        )


def store(value: object) -> str:
    """Check a SQLite file or a URL of SQLite or PostgreSQL; return it unchanged.

    Messages show no password.
    """
    text = text_of(value, "a file or a URL", "mailbot.db, or postgresql://host/name")
    scheme, colon, rest = text.partition("://")
    if not text.isprintable() or (not colon and (set("?:@") & set(text) or text.endswith("/"))):
        fail("this is neither a file nor a URL", "write it like mailbot.db, or postgresql://host/name")
    if colon and scheme not in POSTGRES + SQLITE:
        fail(f"unknown kind of store `{shown(scheme)}`", suggest(scheme, ("sqlite", "postgresql")))
    if text == ":memory:" or (
        colon and scheme in SQLITE and rest.partition("?")[0] in ("", "/", "/:memory:")
    ):
        fail("a store in memory is lost when the daemon stops", "name a file: mailbot.db")
    if colon and scheme in SQLITE and not rest.startswith("/"):
        fail("a SQLite store has no host", "three slashes: sqlite:///mailbot.db")
    return text


def store_without_password(value: object) -> str:
    """Check a store as `store` does, and that it holds no password: YAML files are read by many."""
    text = store(value)
    try:
        has_password = bool(urlsplit(text).password) or "password=" in text
    except ValueError:
        has_password = "@" in text
    if has_password:
        hint = "give the whole URL as MAILBOT_STORE or as the systemd credential mailbot-store"
        fail("a password is not allowed in YAML", hint)
    return text


def after_stored(value: object) -> "tuple[AfterStored, str]":
    """Read "seen", "delete" or "move to Arsip" as the action and the folder."""
    text = text_of(value, "what is done with a stored mail", "seen")
    if text in ("seen", "delete"):
        return cast("AfterStored", text), ""
    folder = text.removeprefix("move to ").strip()
    if folder == text or not folder or not folder.isprintable():
        fail(f"`{shown(text)}` is not allowed here", "write seen, delete, or move to FOLDER")
    return "move", folder


def loopback(value: object) -> tuple[str, int]:
    """Read an endpoint that only this machine can reach."""
    host, port = endpoint(value)
    if not is_loopback(host):
        hint = f"it is not for the network; a web server on this machine may be in front: 127.0.0.1:{port}"
        fail(f"`{host}` is not a loopback address", hint)
    return host, port


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _target(word: str) -> Target:
    if word in TARGETS:
        return Target(word)
    return fail(f"there is no target `{shown(word)}`", suggest(word, [target.value for target in TARGETS]))


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        return fail(str(error))


def text_of(value: object, what: str, example: str, unit: str = "") -> str:
    if isinstance(value, str) and value.strip() and len(value) <= 300:
        text = value.strip()
        if not (unit and text.isdigit()):
            return text
    if unit and not isinstance(value, bool) and isinstance(value, int | float | str) and str(value).strip():
        return fail(f"`{shown(value)}` has no unit", f"{what} is written like `{shown(value)} {unit}`")
    return fail(f"{what} is needed here, not {shown(value) or 'nothing'}", f"write it like {example}")


def _unit_hint(unit: str) -> str:
    near = get_close_matches(unit.lower(), list(UNITS), n=1) if unit else []
    return f"did you mean `{near[0]}`?" if near else "write it like 30 min, 8 h, 1 h 30 min, 2 days"


def _is_word(value: object) -> bool:
    return value is None or isinstance(value, bool)
