"""`mailbot ticket`: the case at once, lists, and what agents do by mail done from a shell."""

import sys

import click

from mailbot.cli import act as acting
from mailbot.cli import compensation, joining, numbers, telling, ticket_print
from mailbot.cli.compensation_print import line_shape
from mailbot.cli.opening import Desk, desk, no, now
from mailbot.cli.options import config_option, json_option
from mailbot.cli.rows import give_raw
from mailbot.cli.say import as_json, block, clean, line, on_terminal, table
from mailbot.cli.shapes import deadline_shapes, event_shapes, outbox_shape, ticket_shape
from mailbot.core import commands
from mailbot.core.model import OVER, Status, Ticket
from mailbot.store import compensations, tickets, views

LIMIT = 100  # tickets in a list for people
EVERYTHING = 100_000
STATUSES = [status.value for status in Status]

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
        _show_json(at, found) if in_json else ticket_print.show(at, found)


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
            "compensation": [line_shape(each) for each in read(compensations.of_ticket, number)],
            "outbox": [outbox_shape(each) for each in ticket_print.mails_of(at, number)],
        }
    )


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


@ticket.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(STATUSES),
    help="May be given again.",
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
    live = [status for status in STATUSES if status not in OVER]
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
    each = tuple(word for words_ in words for word in clean(words_).split())[:20]
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
    table(
        heads,
        [ticket_print.row(each, zone) for each in found],
        empty=empty,
        spare=("priority", "level", "agent"),
    )
    if len(found) == wanted.limit and on_terminal():
        line(f"The newest {len(found)}; --limit shows more.", dim=True)
    return len(found)


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
@click.argument("option")
@click.option("--because", default="", help="The reason, for those who read it.")
@as_option
@config_option
@json_option
def decide(number: str, option: str, because: str, agent: str | None, in_json: bool) -> None:
    """Answer what the ticket's ladder asked: OPTION is one of those that `ticket show` names."""
    _act(number, commands.Decide(clean(option), _text(because, 500)), agent, in_json)


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
        wanted = acting.Act(numbers.valid(at, number), command, telling.by(at, agent), now())
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


for each in (*joining.COMMANDS, *compensation.COMMANDS):
    ticket.add_command(each)
