"""What must agree between the four files: names that exist, things that stand only once, no mail loop.

Everything here looks at the raw data and passes over what has the wrong shape, so that one fault never hides
another: the shapes are `files`' to check.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from mailbot.config.yaml import scalars
from mailbot.config.yaml.lookup import Files, find, names, names_of_people, notifiable, texts
from mailbot.config.yaml.scalars import close_to, shown
from mailbot.config.yaml.source import Place, Source
from mailbot.errors import Problem

# Beside it stand "+t.", a number or an id of 16, "." and 26 letters of proof (RFC 5321 4.5.3.1.1; mail.tags).
MAX_LOCAL_PART = 64 - len("+t..") - 26


REFERENCES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("teams", ("teams", "*", "calendar"), "calendar"),
    ("teams", ("teams", "*", "agents", "*", "level"), "level"),
    ("teams", ("teams", "*", "agents", "*", "calendar"), "calendar"),
    ("routing", ("rules", "*", "then", "team"), "team"),
    ("routing", ("rules", "*", "then", "level"), "level"),
    ("routing", ("rules", "*", "then", "ladder"), "ladder"),
    ("escalation", ("ladders", "*", "steps", "*", "escalate_to"), "level"),
    ("escalation", ("ladders", "*", "steps", "*", "escalate_to", "*"), "level"),
    ("escalation", ("ladders", "*", "steps", "*", "ask_decision"), "level"),
    ("escalation", ("ladders", "*", "steps", "*", "hand_over_to"), "team"),
    ("escalation", ("priorities", "*"), "ladder"),
)
# What may stand only once. Compared without regard to case.
ONCE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("mailbot", ("mailboxes", "*", "address"), "is the address of two mailboxes"),
    (
        "mailbot",
        ("mailboxes", "*", "prefix"),
        "is the prefix of two mailboxes: their numbers could not be told apart",
    ),
    ("teams", ("levels", "*"), "stands in `levels` twice"),
    ("teams", ("teams", "*", "agents", "*", "address"), "belongs to an agent already: nobody can be two"),
    ("routing", ("rules", "*", "name"), "is the name of two rules"),
)


def check(files: Files) -> list[Problem]:
    """Every disagreement found. A file without data (it could not be read) is left out of all comparisons."""
    return [problem for test in CHECKS for problem in test(files)]


def _unknown_names(files: Files) -> Iterator[Problem]:
    for file, pattern, kind in REFERENCES:
        known = names(files, kind)
        source: Source = getattr(files, file)
        for place, name in texts(source.data, *pattern):
            if known is not None and name not in known:
                yield source.at_value(place, f"there is no {kind} `{shown(name)}`", close_to(name, known))


def _twice(files: Files) -> Iterator[Problem]:
    for file, pattern, message in ONCE:
        source: Source = getattr(files, file)
        first: dict[str, Place] = {}
        for place, text in texts(source.data, *pattern):
            before = first.setdefault(text.strip().casefold(), place)
            if before != place:
                yield source.at_value(
                    place, f"`{shown(text)}` {message}", f"the first is on line {_line(source, before)}"
                )


def _last_rule(files: Files) -> Iterator[Problem]:
    source = files.routing
    rules = [place for place, rule in find(source.data, "rules", "*") if isinstance(rule, dict)]
    for place, rule in find(source.data, "rules", "*"):
        if not isinstance(rule, dict):
            continue
        last = place == rules[-1]
        if last and "when" in rule:
            yield source.at_key(
                (*place, "when"),
                "the last rule has conditions: mail that meets none of the rules would go nowhere",
                "add a last rule without `when`",
            )
        if rule.get("go_on") is True:
            if last:
                yield source.at_key(
                    (*place, "go_on"), "the last rule has nothing below it to go on to", "leave `go_on` out"
                )
        elif isinstance(then := rule.get("then"), dict) and not then.get("team"):
            hint = "only a rule with `go_on: true` may leave it to the rules below"
            yield source.at_value((*place, "then"), "this rule names no team", hint)
        if not last and "when" not in rule:
            hint = "move it to the end, or give it a `when`"
            yield source.at_value(
                place, "this rule takes everything: the rules below it never come to bear", hint
            )


def _nobody_there(files: Files) -> Iterator[Problem]:
    """A level that a rule or a step sends tickets to, and where nobody works in any team."""
    known = names(files, "level")
    held = {level for _, level in texts(files.teams.data, "teams", "*", "agents", "*", "level")}
    for file, pattern, kind in REFERENCES:
        if kind != "level" or file == "teams" or known is None or not held:
            continue
        source: Source = getattr(files, file)
        for place, level in texts(source.data, *pattern):
            if level in known and level not in held:
                yield source.at_value(
                    place, f"nobody works at the level `{level}`", "give an agent this level in teams.yaml"
                )


def _notified(files: Files) -> Iterator[Problem]:
    people, known = notifiable(files), names_of_people(files)
    for source, place, name in _told(files):
        problem = _notify_problem(name, people, known) if people is not None else None
        if problem:
            yield source.at_value(place, *problem)


def _told(files: Files) -> Iterator[tuple[Source, Place, str]]:
    """Whoever a step or a report writes to, as it is named there: an agent, a team or an address."""
    patterns: tuple[tuple[Source, tuple[str, ...]], ...] = (
        (files.escalation, ("ladders", "*", "steps", "*", "notify")),
        (files.mailbot, ("reports", "weekly", "to")),
    )
    for source, pattern in patterns:
        for hit in (*texts(source.data, *pattern), *texts(source.data, *pattern, "*")):
            yield source, *hit


def _notify_problem(
    name: str, people: Mapping[str, tuple[str, ...] | None], known: tuple[str, ...]
) -> tuple[str, str] | None:
    if "@" in name:
        try:
            scalars.address(name)
        except ValueError as error:
            return error.args[0], error.args[1]
        return None
    if name.casefold() not in people:
        return f"there is no agent or team `{shown(name)}`", close_to(name, known)
    if people[name.casefold()] is None:
        return f"two agents are called `{shown(name)}`", "write the address instead"
    return None


def _mail_loops(files: Files) -> Iterator[Problem]:
    """Mail to an agent or an admin that comes in as a customer's would be answered, and the answer again."""
    mailboxes = {text.strip().lower() for _, text in texts(files.mailbot.data, "mailboxes", "*", "address")}
    spots: Iterable[tuple[Source, Place, str]] = (
        *((files.mailbot, *hit) for hit in texts(files.mailbot.data, "admins", "*")),
        *((files.teams, *hit) for hit in texts(files.teams.data, "teams", "*", "agents", "*", "address")),
        *_told(files),
    )
    for source, place, text in spots:
        local, _, domain = text.strip().lower().rpartition("@")
        if f"{local.partition('+')[0]}@{domain}" in mailboxes:
            yield source.at_value(
                place,
                f"`{shown(text)}` is one of our mailboxes: its mail would go round",
                "use a person's address",
            )


def _mailbox_addresses(files: Files) -> Iterator[Problem]:
    source = files.mailbot
    for place, box in find(source.data, "mailboxes", "*"):
        if not isinstance(box, dict) or not isinstance(box.get("address"), str):
            continue
        local = box["address"].strip().rpartition("@")[0]
        digits = box.get("digits", 8) if isinstance(box.get("digits", 8), int) else 8
        room = MAX_LOCAL_PART - max(16, len(str(box.get("prefix", ""))) + digits + 1)
        if not box["address"].isascii():
            yield source.at_value(
                (*place, "address"), "a mailbox's address is plain ASCII", "write the domain as xn--..."
            )
        elif "+" in local:
            yield source.at_value(
                (*place, "address"), "a mailbox can't have a `+`: what follows it is ours to use"
            )
        elif len(local) > room > 0:
            message = f"has {len(local)} characters before the `@`, with this prefix there is room for {room}"
            yield source.at_value(
                (*place, "address"),
                message,
                "replies carry the number and a proof beside it (RFC 5321: 64 in all)",
            )


def _line(source: Source, place: Place) -> int:
    return source.values.get(place, (0, 0))[0]


CHECKS: tuple[Callable[[Files], Iterable[Problem]], ...] = (
    _unknown_names,
    _twice,
    _last_rule,
    _nobody_there,
    _notified,
    _mail_loops,
    _mailbox_addresses,
)
