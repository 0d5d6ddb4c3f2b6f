"""Check what must agree between the four files: names that exist, things that occur once, no mail loop.

Everything here works on the raw data and skips what has the wrong shape, so that one fault never hides
another. The models in `files` check the shapes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from mailbot.config.yaml import scalars
from mailbot.config.yaml.lookup import (
    Files,
    duplicates,
    find,
    mailbox_addresses,
    names,
    names_of_people,
    notifiable,
    texts,
    unknown,
    without_tag,
)
from mailbot.config.yaml.scalars import shown
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.people.customer import list_id
from mailbot.errors import Problem

# The rest of the 64 is "+t.", a number or an id of 16, "." and 26 letters of proof (RFC 5321 4.5.3.1.1).
MAX_LOCAL_PART = 64 - len("+t..") - 26

# file, pattern, what the text there names
REFERENCES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("teams", ("teams", "*", "calendar"), "calendar"),
    ("teams", ("teams", "*", "agents", "*", "level"), "level"),
    ("teams", ("teams", "*", "agents", "*", "calendar"), "calendar"),
    ("mailbot", ("mailboxes", "*", "incident", "team"), "team"),
    ("mailbot", ("mailboxes", "*", "incident", "level"), "level"),
    ("mailbot", ("webhooks", "*", "teams", "*"), "team"),
    ("routing", ("rules", "*", "then", "team"), "team"),
    ("routing", ("rules", "*", "then", "level"), "level"),
    ("routing", ("rules", "*", "then", "ladder"), "ladder"),
    ("routing", ("tests", "*", "expect", "team"), "team"),
    ("routing", ("tests", "*", "expect", "level"), "level"),
    ("routing", ("tests", "*", "expect", "ladder"), "ladder"),
    ("escalation", ("ladders", "*", "steps", "*", "escalate_to"), "level"),
    ("escalation", ("ladders", "*", "steps", "*", "escalate_to", "*"), "level"),
    ("escalation", ("ladders", "*", "steps", "*", "ask_decision"), "level"),
    ("escalation", ("ladders", "*", "steps", "*", "hand_over_to"), "team"),
    ("escalation", ("priorities", "*"), "ladder"),
)
# The same for keys.
KEY_REFERENCES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("teams", ("public_levels", "*"), "level"),
    ("teams", ("level_labels", "*"), "level"),
    ("teams", ("authority", "per_agent_day", "*"), "level"),
    ("teams", ("authority", "team_budget_month", "*"), "team"),
)
# What may occur only once, compared without regard to case.
UNIQUE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("mailbot", ("mailboxes", "*", "address"), "is the address of two mailboxes"),
    ("mailbot", ("webhooks", "*", "name"), "is the name of two webhooks"),
    (
        "mailbot",
        ("mailboxes", "*", "prefix"),
        "is the prefix of two mailboxes: their numbers would look alike",
    ),
    ("teams", ("levels", "*"), "is twice in `levels`"),
    ("teams", ("teams", "*", "agents", "*", "address"), "belongs to an agent already"),
    ("routing", ("rules", "*", "name"), "is the name of two rules"),
    ("routing", ("tests", "*", "name"), "is the name of two tests"),
)


def check(files: Files) -> list[Problem]:
    """List every disagreement. A file without data (it could not be read) is left out of all comparisons."""
    return [problem for test in CHECKS for problem in test(files)]


def _unknown_names(files: Files) -> Iterator[Problem]:
    for file, pattern, kind in REFERENCES:
        known, source = names(files, kind), _source(files, file)
        for place, name in texts(source.data, *pattern):
            if known is not None and name not in known:
                yield source.at_value(place, *unknown(kind, name, known))
    for file, pattern, kind in KEY_REFERENCES:
        known, source = names(files, kind), _source(files, file)
        for place, _ in find(source.data, *pattern):
            if known is not None and isinstance(place[-1], str) and place[-1] not in known:
                yield source.at_key(place, *unknown(kind, place[-1], known))


def _source(files: Files, name: str) -> Source:
    found: Source = getattr(files, name)
    return found


def _duplicates(files: Files) -> Iterator[Problem]:
    for file, pattern, what in UNIQUE:
        yield from duplicates(_source(files, file), what, *pattern)


def _last_rule(files: Files) -> Iterator[Problem]:
    source = files.routing
    rules = [(place, rule) for place, rule in find(source.data, "rules", "*") if isinstance(rule, dict)]
    for place, rule in rules:
        last = place == rules[-1][0]
        if last and "when" in rule:
            message = "the last rule has conditions: mail that matches no rule would go nowhere"
            yield source.at_key((*place, "when"), message, "add a last rule without `when`")
        if rule.get("go_on") is True:
            if last:
                message = "the last rule has no rule below it to go on to"
                yield source.at_key((*place, "go_on"), message, "leave `go_on` out")
        elif isinstance(then := rule.get("then"), dict) and not then.get("team"):
            hint = "only a rule with `go_on: true` may leave it to the rules below"
            yield source.at_value((*place, "then"), "this rule names no team", hint)
        if not last and "when" not in rule:
            message = "this rule matches everything: the rules below it are never tested"
            yield source.at_value(place, message, "move it to the end, or give it a `when`")


def _levels_without_agents(files: Files) -> Iterator[Problem]:
    """Report levels that a rule or a step sends tickets to where no team has agents."""
    known = names(files, "level")
    held = {level for _, level in texts(files.teams.data, "teams", "*", "agents", "*", "level")}
    for file, pattern, kind in REFERENCES:
        if kind != "level" or pattern[0] not in ("rules", "ladders") or known is None or not held:
            continue
        source = _source(files, file)
        for place, level in texts(source.data, *pattern):
            if level in known and level not in held:
                hint = "give an agent this level in teams.yaml"
                yield source.at_value(place, f"nobody works at the level `{level}`", hint)


def _recipients(files: Files) -> Iterator[Problem]:
    people, known = notifiable(files), names_of_people(files)
    for source, place, name in _named_recipients(files):
        problem = _recipient_problem(name, people, known) if people is not None else None
        if problem:
            yield source.at_value(place, *problem)


def _named_recipients(files: Files) -> Iterator[tuple[Source, Place, str]]:
    """Find the recipients of steps and reports as they are written: an agent, a team or an address."""
    patterns: tuple[tuple[Source, tuple[str, ...]], ...] = (
        (files.escalation, ("ladders", "*", "steps", "*", "notify")),
        (files.mailbot, ("reports", "weekly", "to")),
    )
    for source, pattern in patterns:
        for hit in (*texts(source.data, *pattern), *texts(source.data, *pattern, "*")):
            yield source, *hit


def _recipient_problem(
    name: str, people: Mapping[str, tuple[str, ...] | None], known: tuple[str, ...]
) -> tuple[str, str] | None:
    if "@" in name:
        try:
            scalars.address(name)
        except ValueError as error:
            return scalars.message_and_hint(error)
        return None
    if name.casefold() not in people:
        return unknown("agent or team", name, known)
    if people[name.casefold()] is None:
        return f"two agents are called `{shown(name)}`", "write the address instead"
    return None


def _mail_loops(files: Files) -> Iterator[Problem]:
    """Report agents and admins at our own mailboxes: mail to them would be answered as a customer's."""
    mailboxes = mailbox_addresses(files)
    recipients: Iterable[tuple[Source, Place, str]] = (
        *((files.mailbot, *hit) for hit in texts(files.mailbot.data, "admins", "*")),
        *((files.teams, *hit) for hit in texts(files.teams.data, "teams", "*", "agents", "*", "address")),
        *_named_recipients(files),
    )
    for source, place, text in recipients:
        if without_tag(text) in mailboxes:
            message = f"`{shown(text)}` is one of our mailboxes: its mail would go round"
            yield source.at_value(place, message, "use a person's address")


def _mailbox_addresses(files: Files) -> Iterator[Problem]:
    source = files.mailbot
    for place, box in find(source.data, "mailboxes", "*"):
        if not isinstance(box, dict) or not isinstance(box.get("address"), str):
            continue
        where, local = (*place, "address"), box["address"].strip().rpartition("@")[0]
        digits = box.get("digits", 8) if isinstance(box.get("digits", 8), int) else 8
        room = MAX_LOCAL_PART - max(16, len(str(box.get("prefix", ""))) + digits + 1)
        if not box["address"].isascii():
            yield source.at_value(where, "a mailbox's address is plain ASCII", "write the domain as xn--...")
        elif "+" in local:
            yield source.at_value(where, "a mailbox can't have a `+`: mailbot uses what follows it")
        elif len(local) > room > 0:
            message = f"has {len(local)} characters before the `@`, with this prefix there is room for {room}"
            hint = "replies carry the number and a proof beside it (RFC 5321: 64 in all)"
            yield source.at_value(where, message, hint)


def _passed_on_by_us(files: Files) -> Iterator[Problem]:
    """Report mailboxes and agents under `trust.forms` and `trust.lists`: their mail is nobody else's."""
    mailboxes = mailbox_addresses(files)
    listed = texts(files.teams.data, "teams", "*", "agents", "*", "address")
    agents = {text.strip().lower() for _, text in listed}
    for key in ("forms", "lists"):
        for place, text in texts(files.mailbot.data, "trust", key, "*"):
            if without_tag(text) in mailboxes:
                group = f"for a group with that address write its List-Id: {list_id(without_tag(text))}"
                hint = group if key == "lists" else "use the address that the form sends from"
                yield files.mailbot.at_value(place, f"`{shown(text)}` is one of our mailboxes", hint)
            elif text.strip().lower() in agents:
                message = f"`{shown(text)}` is an agent: what agents pass on is never taken for a customer's"
                yield files.mailbot.at_value(place, message, "use the address of the form or list")


CHECKS: tuple[Callable[[Files], Iterable[Problem]], ...] = (
    _unknown_names,
    _duplicates,
    _last_rule,
    _levels_without_agents,
    _recipients,
    _mail_loops,
    _mailbox_addresses,
    _passed_on_by_us,
)
