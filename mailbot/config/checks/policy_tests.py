"""The `tests:` of routing.yaml: what they name must exist, and what the core runs is built from them."""

from collections.abc import Iterator
from typing import Any

from mailbot.config.checks.actions import GENERAL, paths
from mailbot.config.files.routing import ExpectEntry, LetterEntry, RoutingFile, TestEntry
from mailbot.config.yaml import scalars
from mailbot.config.yaml.lookup import Files, find, names, names_of_people, notifiable, texts
from mailbot.config.yaml.scalars import close_to, shown
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.model import Authentication, CustomerHistory
from mailbot.domain.policy_tests import NOBODY, Expected, Letter, Rehearsal, clock_text
from mailbot.errors import Problem

_EXPECT = ("tests", "*", "expect")
_LISTS = ("not_rule", "tags", "ask_for")
_MAPPINGS = ("details", "deadlines")


def check(files: Files) -> list[Problem]:
    """Names that no file knows, two tests of one name."""
    return [*_unknown(files), *_agents(files), *_mailboxes(files), *_moments(files), *_twice(files.routing)]


def build(file: RoutingFile, source: Source) -> tuple[Rehearsal, ...]:
    return tuple(_rehearsal(entry, source, ("tests", n)) for n, entry in enumerate(file.tests))


# --- what they name -----------------------------------------------------------------------------------------


def _unknown(files: Files) -> Iterator[Problem]:
    source = files.routing
    rules = tuple(name for _, name in texts(source.data, "rules", "*", "name"))
    tree = next((tree for _, tree in find(source.data, "categories")), None)
    for key, known in (
        # Without a tree any word goes, and it may be misspelt here as well as there.
        ("category", (GENERAL, *paths(tree)) if tree else None),
        ("ask_for", _details(source)),
        ("team", names(files, "team")),
        ("level", names(files, "level")),
        ("ladder", names(files, "ladder")),
        ("rule", rules),
        ("not_rule", rules),
    ):
        for place, name in [*texts(source.data, *_EXPECT, key), *texts(source.data, *_EXPECT, key, "*")]:
            if known is not None and name not in known:
                what = {"ask_for": "detail", "not_rule": "rule"}.get(key, key)
                yield source.at_value(place, f"there is no {what} `{shown(name)}`", close_to(name, known))


def _details(source: Source) -> tuple[str, ...]:
    return tuple(str(place[-1]) for place, _ in find(source.data, "details", "*"))


def _agents(files: Files) -> Iterator[Problem]:
    people = notifiable(files)
    for place, name in texts(files.routing.data, *_EXPECT, "agent"):
        addresses = {
            text.lower() for _, text in texts(files.teams.data, "teams", "*", "agents", "*", "address")
        }
        if people is not None and name != NOBODY and not {name.lower()} & {*people, *addresses}:
            hint = close_to(name, names_of_people(files))
            yield files.routing.at_value(place, f"there is no agent `{shown(name)}`", hint)


def _mailboxes(files: Files) -> Iterator[Problem]:
    ours = [text.strip().lower() for _, text in texts(files.mailbot.data, "mailboxes", "*", "address")]
    for place, text in texts(files.routing.data, "tests", "*", "mail", "to"):
        local, _, domain = text.strip().lower().rpartition("@")
        if ours and f"{local.partition('+')[0]}@{domain}" not in ours:
            message = f"`{shown(text)}` is none of our mailboxes: its mail is refused at the door"
            yield files.routing.at_value(place, message, close_to(text, ours))


def _moments(files: Files) -> Iterator[Problem]:
    for place, mapping in find(files.routing.data, *_EXPECT, "deadlines"):
        for key in mapping if isinstance(mapping, dict) else ():
            try:
                scalars.moment(key)
            except ValueError as error:
                yield files.routing.at_key((*place, key), *scalars.said(error))


def _twice(source: Source) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for place, name in texts(source.data, "tests", "*", "name"):
        before = first.setdefault(name.strip().casefold(), place)
        if before != place:
            line = source.values.get(before, (0, 0))[0]
            yield source.at_value(
                place, f"`{shown(name)}` is the name of two tests", f"the first is on line {line}"
            )


# --- what the core runs -------------------------------------------------------------------------------------


def _rehearsal(entry: TestEntry, source: Source, place: Place) -> Rehearsal:
    line, column = source.values[(*place, "mail")]
    expected = tuple(_expected(entry.expect, source, (*place, "expect")))
    return Rehearsal(entry.name, _letter(entry.mail), expected, line, column)


def _letter(entry: LetterEntry) -> Letter:
    return Letter(
        file=entry.file,
        sender=entry.sender or "",
        recipient=entry.recipient or "",
        subject=entry.subject,
        body=entry.body,
        language=entry.language and entry.language.replace("unsure", ""),
        attachments=tuple(entry.attachments),
        headers=tuple(entry.headers.items()),
        size=entry.size,
        at=entry.at,
        customer_history=CustomerHistory(
            known_customer=entry.known_customer or entry.open_tickets > 0 or entry.reopened,
            open_tickets=entry.open_tickets,
            reopened=entry.reopened,
            escalated_before=entry.escalated_before,
            authentication=Authentication(entry.authentication),
            looked_up=True,
        ),
    )


def _expected(entry: ExpectEntry, source: Source, place: Place) -> Iterator[Expected]:
    """In the order of the file."""
    for key in _keys_at(source.data, place):
        value = getattr(entry, key)
        if key in _MAPPINGS:
            for name, wanted in value.items():
                moment = scalars.moment(name) if key == "deadlines" else None
                text = clock_text(wanted) if moment else wanted
                yield Expected(f"{key}.{name}", (text,), *source.values[(*place, key, name)], moment)
        elif value:
            wanted = tuple(value) if key in _LISTS else (value.lower() if "@" in value else value,)
            yield Expected(key, wanted, *source.values[(*place, key)])


def _keys_at(data: Any, place: Place) -> list[str]:
    for part in place:
        data = data[part]
    return list(data)
