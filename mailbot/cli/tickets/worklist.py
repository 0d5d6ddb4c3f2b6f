"""`mailbot ticket list --mine` and `--work`: what is to be done, the earliest promise first."""

from collections.abc import Sequence
from datetime import datetime

import click

from mailbot.cli.shared import options
from mailbot.cli.shared.names import Names
from mailbot.cli.shared.open_store import OpenStore, now, open_store
from mailbot.cli.shared.output import echo, on_terminal, print_json, print_table
from mailbot.cli.shared.ticket_lookup import check_agent, suggest_name
from mailbot.cli.shared.wall_clock import WallClock
from mailbot.domain.day import worklist
from mailbot.domain.day.worklist import WorkItem
from mailbot.domain.model import Ticket, Turn
from mailbot.domain.reasons import render
from mailbot.store.lists import customer_names, worklists
from mailbot.views.formats import count_text
from mailbot.views.list_json import work_json

TURNS = {Turn.OURS: "ours", Turn.CUSTOMER: "the customer's", Turn.THIRD_PARTY: "a third party's"}
HEADS = ("number", "promise", "turn", "next", "agent", "customer", "subject")


def print_worklist(
    agent: str | None, team: str, limit: int | None, *, mine: bool, everything: bool, in_json: bool
) -> None:
    """Print the open tickets of the agent, or of all. Exit 1 for an agent that is not known."""
    if mine and not agent:
        raise click.UsageError("--mine needs --as ADDRESS, or $MAILBOT_AGENT")
    with open_store() as opened:
        if team and team not in opened.policy.teams:
            raise click.BadParameter(
                f"no team is {team}{suggest_name(team, opened.policy.teams)}", param_hint="--team"
            )
        owner = check_agent(opened, "--as", agent or "") if mine else ""
        tickets = opened.store.read_now(worklists.live_tickets, owner, team)
        at = now()
        items = worklist.worklist(tickets, opened.policy, at, everything=everything)
        shown = items[: options.row_limit(limit, in_json)]
        if in_json:
            print_json([work_json(item) for item in shown])
            return
        _print(shown, opened, at, mine=mine, limit=options.row_limit(limit, in_json))
        if on_terminal() and (resting := len(tickets) - len(items)):
            count = count_text(resting, "ticket")
            echo(f"{count} snoozed or in the customer's turn: --all shows them")


def _print(items: Sequence[WorkItem], opened: OpenStore, at: datetime, *, mine: bool, limit: int) -> None:
    contacts = opened.store.read_now(customer_names.of_tickets, [item.ticket.number for item in items])
    names = Names(opened.policy, contacts)
    rows = [_row(item, opened, names, at) for item in items]
    spare = ("agent", "next") if mine else ("customer", "next")
    print_table(HEADS, rows, empty="Nothing is to be done.", spare=spare, limit=limit)


def _row(item: WorkItem, opened: OpenStore, names: Names, at: datetime) -> tuple[object, ...]:
    ticket, clock = item.ticket, WallClock(opened.zone(item.ticket.team), at)
    following = ""
    if item.next_step:
        following = f"{clock.moment(item.next_step[0])} {render(item.next_step[1], 'en')}"
    return (
        ticket.number,
        clock.promise(item.promised_at) if item.promised_at else "",
        _turn(ticket, clock),
        following,
        names.of(ticket.assignee),
        names.of(ticket.customer),
        ticket.subject,
    )


def _turn(ticket: Ticket, clock: WallClock) -> str:
    if worklist.is_snoozed(ticket, clock.now):
        assert ticket.snoozed_until
        return f"snoozed until {clock.moment(ticket.snoozed_until)}"
    whose = TURNS[ticket.turn]
    return f"{whose} until {clock.moment(ticket.turn_until)}" if ticket.turn_until else whose
