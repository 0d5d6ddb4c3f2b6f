"""The list of an agent, `/tickets`, and the lists of teams, `/tickets/team`."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.console.desk import Desk, desk_of
from mailbot.console.lists import filters
from mailbot.console.lists.filters import SIZE, Asked
from mailbot.console.lists.rows import Row, read_rows
from mailbot.console.respond import page
from mailbot.domain.day import worklist
from mailbot.domain.model import Status, Ticket, Turn
from mailbot.domain.people.access import Viewer
from mailbot.domain.people.identities import MAIL
from mailbot.domain.policy import Policy
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.domain.web_forms.given import CHANNELS as OF_FORMS
from mailbot.store.lists import ticket_list, worklists

SHOWN = {"now": 100, "waiting": 40, "snoozed": 40}  # tickets of each part of an agent's list
MOST = 5_000  # live tickets that are sorted by promise: of more, the oldest
UNASSIGNED = 20  # of their teams, shown to who has nothing to do
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an agent's list: the first lines of it, and how many tickets it has."""

    rows: Sequence[Row]
    count: int


@dataclass(frozen=True, slots=True)
class Mine:
    """An agent's list. `unassigned`: of their teams, read when there is nothing to do."""

    now: Part
    waiting: Part
    snoozed: Part
    unassigned: Sequence[Row]


async def my_list(request: Request, viewer: Viewer) -> Response:
    """Show what this agent has to do; whoever answers no customers gets the lists of teams."""
    desk = desk_of(request)
    if viewer.agent is None:
        return RedirectResponse("/tickets/team", 303)
    mine = await desk.read(_read_mine, desk, viewer)
    return page(request, "lists/mine.html", mine=mine, once=secrets.token_urlsafe(16))


def _read_mine(connection: Connection, desk: Desk, viewer: Viewer) -> Mine:
    tickets = {each.number: each for each in worklists.live_tickets(connection, viewer.address)}
    now = desk.now()
    parts: dict[str, list[Ticket]] = {name: [] for name in SHOWN}
    for number, _ in _by_promise(connection, desk, [(each.number, each.events) for each in tickets.values()]):
        parts[_part(tickets[number], now)].append(tickets[number])
    free = [] if parts["now"] else _read_unassigned(connection, desk, viewer)
    shown = {
        name: Part(read_rows(connection, desk, viewer, found[: SHOWN[name]]), len(found))
        for name, found in parts.items()
    }
    return Mine(unassigned=free, **shown)


def _part(ticket: Ticket, now: datetime) -> str:
    if worklist.is_snoozed(ticket, now):
        return "snoozed"
    return "waiting" if ticket.turn is Turn.CUSTOMER else "now"


def _read_unassigned(connection: Connection, desk: Desk, viewer: Viewer) -> list[Row]:
    numbers = _sorted(connection, desk, Asked(unassigned=True), viewer)[:UNASSIGNED]
    found = worklists.tickets_of(connection, numbers)
    return read_rows(connection, desk, viewer, [found[number] for number in numbers])


# --- the lists of teams -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TeamPage:
    """A page of a team list. `total`: None where it was not counted. `more`: there is a further page."""

    rows: Sequence[Row]
    total: int | None
    more: bool
    counts: Mapping[str, int]


async def team_list(request: Request, viewer: Viewer) -> Response:
    """Show the tickets of the viewer's teams, or of all, as the address asks."""
    desk, asked = desk_of(request), filters.read(request.query_params)
    found = await desk.read(_read_team, desk, asked, viewer)
    return page(
        request,
        "lists/team.html",
        asked=asked,
        found=found,
        teams=_teams(desk.policy, viewer, found.counts),
        choices=_choices(desk, asked, viewer),
        once=secrets.token_urlsafe(16),
    )


def _read_team(connection: Connection, desk: Desk, asked: Asked, viewer: Viewer) -> TeamPage:
    start = (asked.page - 1) * SIZE
    total = None
    if asked.by_promise:
        order = _sorted(connection, desk, asked, viewer)
        found = worklists.tickets_of(connection, order[start : start + SIZE])
        tickets = [found[number] for number in order[start : start + SIZE]]
        total, more = len(order), len(order) > start + SIZE
    else:
        tickets, more = _newest(connection, asked, viewer)
    counts = worklists.counts_by_team(connection, viewer)
    return TeamPage(read_rows(connection, desk, viewer, tickets), total, more, counts)


def _sorted(connection: Connection, desk: Desk, asked: Asked, viewer: Viewer) -> list[str]:
    """List the live tickets, the earliest promise first and those without one last; only late ones if asked."""
    order = _by_promise(connection, desk, worklists.live_versions(connection, asked.filter(viewer), MOST))
    now = desk.now()
    return [number for number, end in order if not asked.late or end <= now]


def _by_promise(
    connection: Connection, desk: Desk, versions: Sequence[tuple[str, int]]
) -> list[tuple[str, datetime]]:
    """Sort tickets by the ends of their promises; those that end together stay as they are."""
    ends = desk.promises.of(connection, desk.deps.runtime.snapshot, versions)
    order = [(number, ends.get(number) or _NEVER) for number, _ in versions]
    return sorted(order, key=itemgetter(1))


def _newest(connection: Connection, asked: Asked, viewer: Viewer) -> tuple[list[Ticket], bool]:
    """List a page of tickets, the newest first. A full page may have another one behind it."""
    found = ticket_list.list_tickets(connection, asked.filter(viewer))
    return [each.ticket for each in found], len(found) == SIZE


@dataclass(frozen=True, slots=True)
class TeamCount:
    """A team at the side of the lists, with how many open tickets of it the viewer may see."""

    key: str
    count: int


def _teams(policy: Policy, viewer: Viewer, counts: Mapping[str, int]) -> list[TeamCount]:
    """List the viewer's teams, and others with tickets that are the viewer's own."""
    named = policy.teams if viewer.sees_all else [team for team in policy.teams if team in viewer.teams]
    return [TeamCount(team, counts.get(team, 0)) for team in dict.fromkeys((*named, *sorted(counts)))]


def _choices(desk: Desk, asked: Asked, viewer: Viewer) -> dict[str, Sequence[str]]:
    """Return the values that the filters offer, by parameter."""
    policy = desk.policy
    channels = (*desk.settings.channels.mailboxes, *(OF_FORMS if policy.web_forms else ()))
    used = (rule.then.category for rule in policy.rules if rule.then.category)
    teams = [team for team in policy.teams.values() if viewer.sees_all or team.name in viewer.teams]
    return {
        "level": policy.levels,
        "priority": tuple(reversed(PRIORITIES)),
        "category": policy.categories or sorted(set(used)),
        "agent": list(dict.fromkeys(agent.address for team in teams for agent in team.agents)),
        "status": ("", *filters.LIVE, Status.CLOSED, Status.MERGED, filters.ALL),
        "turn": [turn.value for turn in Turn],
        # A desk of mail alone is not asked. One that is no longer set up stays chosen.
        "channel": list(dict.fromkeys([MAIL, *channels, asked.channel])) if channels or asked.channel else [],
    }
