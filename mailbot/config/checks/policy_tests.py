"""Check and build the `tests:` of routing.yaml: every name in them must exist."""

from collections.abc import Iterator
from typing import Any

from mailbot.config.checks.actions import GENERAL, paths
from mailbot.config.files.routing import ExpectEntry, RoutingFile, SampleMailEntry, TestEntry
from mailbot.config.yaml import scalars
from mailbot.config.yaml.lookup import (
    Files,
    find,
    mailbox_addresses,
    names_of_people,
    notifiable,
    texts,
    unknown,
    without_tag,
)
from mailbot.config.yaml.scalars import shown, suggest
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.model import Authentication, Author, CustomerHistory
from mailbot.domain.policy_review.policy_tests import NOBODY, Expected, PolicyTest, SampleMail, clock_text
from mailbot.errors import Problem

_EXPECT = ("tests", "*", "expect")
_LISTS = ("not_rule", "tags", "ask_for")
_MAPPINGS = ("details", "deadlines")


def check(files: Files) -> list[Problem]:
    """List unknown names, agents, mailboxes and moments; `cross_file` checks the rest."""
    return [
        *_unknown_names(files),
        *_agents(files),
        *_mailboxes(files),
        *_moments(files),
    ]


def build(file: RoutingFile, source: Source) -> tuple[PolicyTest, ...]:
    return tuple(_build_test(entry, source, ("tests", n)) for n, entry in enumerate(file.tests))


def _unknown_names(files: Files) -> Iterator[Problem]:
    source = files.routing
    rules = tuple(name for _, name in texts(source.data, "rules", "*", "name"))
    tree = next((tree for _, tree in find(source.data, "categories")), None)
    for key, known in (
        # Without a tree any word is a category, here as in the rules.
        ("category", (GENERAL, *paths(tree)) if tree else None),
        ("ask_for", tuple(str(place[-1]) for place, _ in find(source.data, "details", "*"))),
        ("rule", rules),
        ("not_rule", rules),
    ):
        for place, name in [*texts(source.data, *_EXPECT, key), *texts(source.data, *_EXPECT, key, "*")]:
            if known is not None and name not in known:
                kind = {"ask_for": "detail", "not_rule": "rule"}.get(key, key)
                yield source.at_value(place, *unknown(kind, name, known))


def _agents(files: Files) -> Iterator[Problem]:
    people = notifiable(files)
    addresses = [text.lower() for _, text in texts(files.teams.data, "teams", "*", "agents", "*", "address")]
    for place, name in texts(files.routing.data, *_EXPECT, "agent"):
        if people is not None and name != NOBODY and name.lower() not in (*people, *addresses):
            yield files.routing.at_value(place, *unknown("agent", name, names_of_people(files)))


def _mailboxes(files: Files) -> Iterator[Problem]:
    ours = mailbox_addresses(files)
    for place, text in texts(files.routing.data, "tests", "*", "mail", "to"):
        if ours and without_tag(text) not in ours:
            message = f"`{shown(text)}` is not one of our mailboxes: mail to it is refused"
            yield files.routing.at_value(place, message, suggest(text, ours))


def _moments(files: Files) -> Iterator[Problem]:
    for place, mapping in find(files.routing.data, *_EXPECT, "deadlines"):
        for key in mapping if isinstance(mapping, dict) else ():
            try:
                scalars.moment(key)
            except ValueError as error:
                yield files.routing.at_key((*place, key), *scalars.message_and_hint(error))


# --- what the domain runs ---------------------------------------------------------------------------------


def _build_test(entry: TestEntry, source: Source, place: Place) -> PolicyTest:
    line, column = source.values[(*place, "mail")]
    expected = tuple(_expected(entry.expect, source, (*place, "expect")))
    mail = _sample_mail(entry.mail)
    return PolicyTest(entry.name, mail, expected, line, column, expected_to_fail=entry.expected_to_fail)


def _sample_mail(entry: SampleMailEntry) -> SampleMail:
    return SampleMail(
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
            channel=entry.channel,
            looked_up=True,
        ),
        author=Author(entry.author) if entry.author else None,
    )


def _expected(entry: ExpectEntry, source: Source, place: Place) -> Iterator[Expected]:
    """List the expectations in the order of the file."""
    for key in _keys_at(source.data, place):
        value = getattr(entry, key)
        if key in _MAPPINGS:
            for name, text in value.items():
                moment = scalars.moment(name) if key == "deadlines" else None
                shown_text = clock_text(text) if moment else text
                yield Expected(f"{key}.{name}", (shown_text,), *source.values[(*place, key, name)], moment)
        elif value:
            values = tuple(value) if key in _LISTS else (value.lower() if "@" in value else value,)
            yield Expected(key, values, *source.values[(*place, key)])


def _keys_at(data: Any, place: Place) -> list[str]:
    for part in place:
        data = data[part]
    return list(data)
