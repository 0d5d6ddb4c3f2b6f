"""Read an invitation (RFC 5545 iCalendar, RFC 5546 iTIP): the event, its time and its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

SIZE_LIMIT = 256 * 1024  # characters that are read
EVENT_LIMIT = 3
_LINE_LIMIT = 5_000
_DESCRIPTION_LIMIT = 10_000
_VALUE_LIMIT = 500

_FOLD = re.compile(r"\n[ \t]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PARAMETER = re.compile(r';([A-Za-z-]{1,40})=("[^"]*"|[^;:"]*)')
_READ = ("SUMMARY", "DTSTART", "DTEND", "LOCATION", "DESCRIPTION", "RRULE")


@dataclass(frozen=True, slots=True)
class Invitation:
    """`method` is that of iTIP in lower case, "request" or "reply", "" for a calendar that asks nothing."""

    method: str
    text: str
    description: str


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    parameters: dict[str, str]
    value: str


def read(source: str) -> Invitation:
    """Read a calendar object; what is no calendar gives empty texts. Never raises."""
    method, events = "", []
    component: list[str] = []
    for entry in _properties(source[:SIZE_LIMIT]):
        if entry.name == "BEGIN":
            component.append(entry.value.upper())
            if component[-1] in ("VEVENT", "VTODO"):
                events.append(dict[str, _Property]())
        elif entry.name == "END" and component:
            component.pop()
        elif entry.name == "METHOD" and len(component) == 1:
            method = entry.value.strip().lower()[:20]
        elif events and component[-1:] in (["VEVENT"], ["VTODO"]):
            key = f"ATTENDEE{len(events[-1])}" if entry.name == "ATTENDEE" else entry.name
            events[-1].setdefault(key, entry)
    shown = events[:EVENT_LIMIT]
    return Invitation(
        method,
        "\n\n".join("\n".join(_lines(event, method)) for event in shown),
        "\n\n".join(
            _text(event["DESCRIPTION"])[:_DESCRIPTION_LIMIT] for event in shown if "DESCRIPTION" in event
        ),
    )


def _properties(source: str) -> Iterator[_Property]:
    for line in _FOLD.sub("", source.replace("\r\n", "\n")).split("\n", _LINE_LIMIT)[:_LINE_LIMIT]:
        name = re.match(r"[A-Za-z-]{1,40}", line)
        if name is None:
            continue
        at, parameters = name.end(), {}
        while parameter := _PARAMETER.match(line, at):
            parameters[parameter[1].upper()] = parameter[2].strip('"')
            at = parameter.end()
        if line[at : at + 1] == ":":
            yield _Property(name[0].upper(), parameters, line[at + 1 :])


def _lines(event: dict[str, _Property], method: str) -> list[str]:
    lines = [f"[calendar: {method or 'event'}]"]
    if "SUMMARY" in event:
        lines.append(_line(event["SUMMARY"]))
    lines.append(_time(event))
    if "LOCATION" in event:
        lines.append(_line(event["LOCATION"]))
    if method == "reply":
        lines += [_answer(entry) for key, entry in event.items() if key.startswith("ATTENDEE")][:EVENT_LIMIT]
    return [line for line in lines if line]


def _answer(attendee: _Property) -> str:
    name = attendee.parameters.get("CN") or attendee.value.removeprefix("mailto:").removeprefix("MAILTO:")
    return f"{name}: {attendee.parameters.get('PARTSTAT', '').lower()}"[:_VALUE_LIMIT]


def _time(event: dict[str, _Property]) -> str:
    """Return "2026-12-01 10:00–11:00 (Asia/Jakarta)", "" without a time that can be read."""
    start, end = _moment(event.get("DTSTART")), _moment(event.get("DTEND"))
    if start is None:
        return ""
    entry = event["DTSTART"]
    if "T" not in entry.value:
        last = end - timedelta(days=1) if end and end > start else start
        span = f"{start:%Y-%m-%d}" + (f" – {last:%Y-%m-%d}" if last > start else "")
    else:
        until = (
            ""
            if end is None
            else f"–{end:%H:%M}"
            if end.date() == start.date()
            else f" – {end:%Y-%m-%d %H:%M}"
        )
        zone = "UTC" if entry.value.endswith("Z") else entry.parameters.get("TZID", "")[:_VALUE_LIMIT]
        span = f"{start:%Y-%m-%d %H:%M}{until}" + (f" ({zone})" if zone else "")
    rule = re.search(r"FREQ=([A-Za-z]{1,10})", event["RRULE"].value) if "RRULE" in event else None
    return span + (f", {rule[1].lower()}" if rule else "")


def _moment(entry: _Property | None) -> datetime | None:
    value = entry.value.strip().rstrip("Z") if entry else ""
    for form in ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d"):
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007 - shown with the zone that the event names
        except ValueError:
            pass
    return None


def _text(entry: _Property) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], entry.value).strip()


def _line(entry: _Property) -> str:
    return " ".join(_text(entry).split())[:_VALUE_LIMIT]
