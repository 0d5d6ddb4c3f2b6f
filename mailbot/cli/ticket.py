"""`mailbot ticket`: the case at once, lists, and what agents do by mail done from a shell."""

import sys

import click

from mailbot.cli import act as acting
from mailbot.cli import joining, numbers, telling
from mailbot.cli.opening import Desk, desk, no, now
from mailbot.cli.options import config_option, json_option
from mailbot.cli.rows import give_raw
from mailbot.cli.say import as_json, block, clean, facts, line, on_terminal, short, span, table, title, when
from mailbot.cli.sentences import clocks_said, sentence, words
from mailbot.cli.shapes import deadline_shapes, event_shapes, outbox_shape, ticket_shape
from mailbot.core import commands
from mailbot.core.model import OVER, Status, Ticket
from mailbot.store import outbox_view, tickets, views

LIMIT = 100  # tickets in a list for people
LONGEST = 4_000  # characters of a message for people; --json shows more
EVERYTHING = 100_000

number_argument = click.argument("number", nargs=-1, required=True)
as_option = click.option(
    "--as", "agent", metavar="ADDRESS", help="Act as this agent; else as operator:<login>."
)


@click.group()
@config_option
def ticket() -> None:
    """Tickets: look at them, act on them, put mail where it belongs."""


# --- looking ----------------------------------------------------------------------------------------------


@ticket.command()
@number_argument
@config_option
@json_option
def show(number: tuple[str, ...], in_json: bool) -> None:
    """The case at once: facts, messages, what happened, what comes due. NUMBER in any spelling."""
    with desk() as at:
        found = numbers.existing(at, number)
        _show_json(at, found) if in_json else _show(at, found)


def _show_json(at: Desk, found: Ticket) -> None:
    number, read = found.number, at.store.read_now
    as_json(
        {
            **ticket_shape(found, read(views.deadline, number)),
            "participants": read(views.participants_of, number),
            "links": read(views.links_of, number),
            "messages": read(lambda each: views.messages_of(each, number, longest=1_000_000)),
            "events": event_shapes(read(tickets.events_of, number), at.zone(found.team)),
            "deadlines": deadline_shapes(found, at.policy),
            "outbox": [outbox_shape(each) for each in _outbox(at, number)],
        }
    )


def _outbox(at: Desk, number: str) -> list[outbox_view.Entry]:
    found = at.store.read_now(lambda each: outbox_view.listing(each, ticket=number, limit=1000))
    return found[::-1]


def _show(at: Desk, found: Ticket) -> None:
    zone = at.zone(found.team)
    telling.head(found)
    armed = at.store.read_now(views.deadline, found.number)
    facts(_facts(at, found, zone, armed))
    line()
    title("Messages")
    for message in at.store.read_now(lambda each: views.messages_of(each, found.number, longest=LONGEST)):
        _message(message, found.number, zone)
    title("What happened")
    for recorded in at.store.read_now(tickets.events_of, found.number):
        line(f"  {when(recorded.event.at, zone)}  {sentence(recorded.event, zone)}")
    line()
    title("Comes due, if nothing else happens")
    for deadline in deadline_shapes(found, at.policy):
        line(f"  {when(deadline['due_at'], zone)}  {clean(deadline['does'])}")
    line(f"  {clocks_said(found.clocks)}")
    line()
    title("Our mail")
    rows = [
        (each.id, each.kind, each.recipient, each.state, _told(each, zone))
        for each in _outbox(at, found.number)
    ]
    table(("outbox", "kind", "to", "state", ""), rows)


def _facts(at: Desk, found: Ticket, zone: str, armed: views.Armed | None) -> list[tuple[str, object]]:
    people = at.store.read_now(views.participants_of, found.number)
    agent = at.policy.agents.get(found.assignee or "")
    return [
        *telling.links_said(at.store.read_now(views.links_of, found.number), found.number),
        ("customer", found.customer),
        ("also takes part", ", ".join(each.address for each in people if each.address != found.customer)),
        ("mailbox", found.mailbox),
        ("language", {"id": "Indonesian", "en": "English"}.get(found.language, found.language or "unsure")),
        ("opened", when(found.opened_at, zone)),
        ("rule", found.rule),
        ("category", found.category),
        ("priority", f"{found.priority} (urgency {found.urgency}, complexity {found.complexity})"),
        ("tags", ", ".join(found.tags)),
        ("team", f"{found.team}, level {found.level}, ladder {found.ladder}"),
        ("who has it", f"{agent.name} <{agent.address}>" if agent else found.assignee or "nobody"),
        ("first response", when(found.first_response_at, zone) or "not yet"),
        ("closed", when(found.closed_at, zone)),
        ("next deadline", _deadline(armed, zone)),
    ]


def _deadline(armed: views.Armed | None, zone: str) -> str:
    if armed is None:
        return "none"
    if armed.state == "parked":
        return f"parked, our code failed on it: {armed.reason}"
    left = armed.due_at - now()
    ahead = f"in {span(left)}" if left.total_seconds() > 0 else f"{span(left)} ago"
    return f"{words(armed.target)}, {when(armed.due_at, zone)} ({ahead})"


def _message(message: views.MessageShown, number: str, zone: str) -> None:
    arrow = {"in": "from the customer's side", "out": "to the customer", "note": "internal note"}[
        message.direction
    ]
    line(f"  {when(message.at, zone)}  {clean(message.author)}, {arrow} (message {message.id})", fg="cyan")
    because, others = telling.belongs(message.evidence)
    remarks = [
        ("subject", message.subject),
        ("belongs here", because),
        *(("weighed", each) for each in others),
        ("came from", message.home if message.home != number else ""),
        ("automatic", message.automatic),
        ("remarks", ", ".join(message.flags)),
        (
            "attached",
            ", ".join(f"{each.name} ({each.type}, {each.size:,} bytes)" for each in message.attachments),
        ),
    ]
    facts(remarks, indent="    ")
    for row in block(message.text, LONGEST).split("\n"):
        line(f"    | {row}".rstrip())
    if message.length > LONGEST:
        line(f"    [… {message.length - LONGEST:,} more characters: `mailbot ticket show --json`]")
    line()


@ticket.command()
@number_argument
@click.option(
    "--message",
    "wanted",
    type=click.IntRange(1),
    metavar="N",
    help="Which one, as `ticket show` numbers them; else the oldest mail.",
)
@config_option
def raw(number: tuple[str, ...], wanted: int | None) -> None:
    """A mail on the ticket byte for byte as it came, to standard output."""
    with desk() as at:
        name = numbers.existing(at, number).number
        messages = at.store.read_now(lambda each: views.messages_of(each, name, longest=1))
        chosen = [each for each in messages if wanted in (None, each.id)]
        inbox_id = next((each.inbox_id for each in chosen if each.inbox_id is not None), None)
        if inbox_id is None:
            no(f"{name} has no such message" if wanted and not chosen else f"{name}: it did not come as mail")
        give_raw(at.store.read_now(views.raw_mail, inbox_id), "its bytes are missing")


def _told(entry: outbox_view.Entry, zone: str) -> str:
    if entry.state == "sent":
        return f"{when(entry.settled_at, zone)}, {entry.code} {entry.reply}"
    if entry.state in ("due", "deferred"):
        return f"next try {when(entry.due_at, zone)}" + (
            f", last answer {entry.code} {entry.reply}" if entry.reply else ""
        )
    return entry.reason or entry.reply or ""


@ticket.command("list")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(list(Status)), help="May be given again."
)
@click.option("--open", "only_open", is_flag=True, help="All but the closed and merged ones.")
@click.option("--overdue", is_flag=True, help="Those whose deadline has come and was not taken.")
@click.option("--team", default="", help="Of this team.")
@click.option("--level", default="", help="At this level.")
@click.option("--priority", default="", help="low, normal, high or urgent.")
@click.option("--agent", default="", metavar="ADDRESS", help="Whom this agent has.")
@click.option("--customer", default="", metavar="ADDRESS", help="Of this customer.")
@click.option("--limit", type=click.IntRange(1, EVERYTHING), help=f"At most so many; {LIMIT} for people.")
@config_option
@json_option
def list_(
    statuses: tuple[str, ...],
    only_open: bool,
    overdue: bool,
    team: str,
    level: str,
    priority: str,
    agent: str,
    customer: str,
    limit: int | None,
    in_json: bool,
) -> None:
    """Tickets, the newest first."""
    live = [status.value for status in Status if status not in OVER]
    wanted = views.Wanted(
        statuses=live if only_open else statuses,
        team=team,
        level=level,
        priority=priority,
        assignee=agent.lower(),
        customer=customer.lower(),
        overdue_at=now() if overdue else None,
        limit=limit or (EVERYTHING if in_json else LIMIT),
    )
    with desk() as at:
        _list(at, wanted, "there is no such ticket", in_json)


@ticket.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, EVERYTHING), help=f"At most so many; {LIMIT} for people.")
@config_option
@json_option
def search(words: tuple[str, ...], limit: int | None, in_json: bool) -> None:
    """Tickets on which every one of WORDS stands: in number, customer, subject or any message."""
    each = tuple(word for words_ in words for word in words_.split())[:20]
    if not each:
        raise click.UsageError("give at least one word to look for")
    with desk() as at:
        wanted = views.Wanted(words=each, limit=limit or (EVERYTHING if in_json else LIMIT))
        found = _list(at, wanted, f"no ticket says {clean(' '.join(each))!r}", in_json)
    if not found:
        raise click.exceptions.Exit(1)


def _list(at: Desk, wanted: views.Wanted, empty: str, in_json: bool) -> int:
    found = at.store.read_now(views.ticket_list, wanted)
    if in_json:
        as_json([ticket_shape(each.ticket, each.deadline) for each in found])
        return len(found)
    zone = at.zone()
    heads = ("number", "status", "priority", "team", "level", "agent", "due", "customer", "subject")
    table(heads, [_row(each, zone) for each in found], empty=empty)
    if len(found) == wanted.limit and on_terminal():
        line(f"The newest {len(found)}; --limit shows more.", dim=True)
    return len(found)


def _row(each: views.Listed, zone: str) -> tuple[object, ...]:
    found = each.ticket
    return (
        *(found.number, found.status, found.priority, found.team, found.level),
        (found.assignee or "").partition("@")[0],
        short(each.deadline.due_at, zone) if each.deadline else "",
        *(found.customer, clean(found.subject, 60)),
    )


# --- acting -----------------------------------------------------------------------------------------------


@ticket.command()
@click.argument("number")
@click.argument("agent_address", metavar="AGENT")
@as_option
@config_option
@json_option
def assign(number: str, agent_address: str, agent: str | None, in_json: bool) -> None:
    """Give the ticket to AGENT (an address from teams.yaml), who gets a mail about it."""
    _act(number, commands.Assign(agent_address.strip().lower()), agent, in_json)


@ticket.command()
@click.argument("number")
@click.argument("level", default="")
@click.option("--because", default="", help="The reason, for those who read it.")
@as_option
@config_option
@json_option
def escalate(number: str, level: str, because: str, agent: str | None, in_json: bool) -> None:
    """Raise the ticket to LEVEL, by default the next one up; its people there get a mail."""
    _act(number, commands.Escalate(level, _text(because, 500)), agent, in_json)


@ticket.command()
@click.argument("number")
@click.option("--because", default="", help="The reason, for those who read it.")
@as_option
@config_option
@json_option
def close(number: str, because: str, agent: str | None, in_json: bool) -> None:
    """Close the ticket; its clocks stop. The customer's next mail within the window opens it again."""
    _act(number, commands.Close(_text(because, 500)), agent, in_json)


@ticket.command()
@click.argument("number")
@click.argument("text", nargs=-1, required=True)
@as_option
@config_option
@json_option
def note(number: str, text: tuple[str, ...], agent: str | None, in_json: bool) -> None:
    """Keep TEXT (- reads standard input) on the ticket. A note never leaves the house."""
    said = sys.stdin.read(100_000) if text == ("-",) else " ".join(text)
    kept = _text(said, 50_000)
    if not kept:
        raise click.UsageError("the note is empty")
    _act(number, commands.AddNote(kept), agent, in_json)


def _text(text: str, longest: int) -> str:
    return block(text, longest).strip()


def _act(number: str, command: commands.Command, agent: str | None, in_json: bool) -> None:
    with desk() as at:
        live = at.live()
        wanted = acting.Act(numbers.spelled(number), command, telling.by(at, agent), now())
        decision = acting.act(at.store, live, wanted)
        if decision is None:
            no(numbers.unknown(at, wanted.number))
        if isinstance(decision, str):
            no(_with_hint(decision, command, at))
        if in_json:
            as_json(telling.decided(at, decision))
        else:
            telling.tell(at, decision, acting.due_next(decision, live))


def _with_hint(refusal: str, command: commands.Command, at: Desk) -> str:
    if isinstance(command, commands.Assign):
        return f"{clean(refusal)}{numbers.near(command.agent, at.policy.agents)}"
    return clean(refusal)


for each in joining.COMMANDS:
    ticket.add_command(each)
