"""Endpoints that read: tickets and what belongs to them, search, figures, and who the token is."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mailbot.console.api.call import Answer, Call, Description, for_programs, scope_of
from mailbot.console.api.links import linked
from mailbot.console.api.read_request import invalid
from mailbot.console.problems import Problem
from mailbot.domain import ticket_number
from mailbot.domain.model import Status, Turn
from mailbot.domain.people.context import File
from mailbot.domain.people.identities import read_identity
from mailbot.domain.people.token_scope import EACH
from mailbot.domain.search import query as search_query
from mailbot.reports import read as reports
from mailbot.reports import render
from mailbot.reports.figures.api import Period
from mailbot.store import conversation
from mailbot.store.lists import ticket_list, ticket_rows
from mailbot.store.search import find
from mailbot.views import shapes
from mailbot.views.event_json import events_json
from mailbot.views.json_form import to_json
from mailbot.views.list_json import found_json
from mailbot.views.macro_json import macro_json
from mailbot.views.moments import parse_time
from mailbot.views.record_json import ticket_json
from mailbot.views.shapes import many
from mailbot.views.ticket_json import messages_json, whole_ticket_json

OF_TICKET = ("not-found",)
DEEPEST = 10_000  # tickets that can be paged through
Page = Annotated[int, msgspec.Meta(ge=1, le=DEEPEST, description="The first is 1.")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=200, description="Tickets of a page.")]
Name = Annotated[str, msgspec.Meta(max_length=320)]
OPEN = tuple(status.value for status in Status if status is not Status.FILED)


class TicketQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets; each parameter narrows the list."""

    status: Annotated[list[Status], msgspec.Meta(description="May come several times.")] = []
    team: Name = ""
    level: Name = ""
    priority: Name = ""
    agent: Annotated[Name, msgspec.Meta(description="Address of whom it is assigned to.")] = ""
    customer: Annotated[
        Name, msgspec.Meta(description="Address, or `whatsapp:+628112233`; with linked ones.")
    ] = ""
    channel: Annotated[Name, msgspec.Meta(description="By which it was opened: mail, form, whatsapp.")] = ""
    category: Annotated[Name, msgspec.Meta(description="With those below it.")] = ""
    tag: Name = ""
    turn: Turn | None = None
    incident: Annotated[Name, msgspec.Meta(description="This incident and its complaints.")] = ""
    late: Annotated[bool, msgspec.Meta(description="With a deadline in the past, the longest first.")] = False
    unassigned: bool = False
    automatic: Annotated[
        bool, msgspec.Meta(description="Machines' mail that was filed, and nothing else.")
    ] = False
    page: Page = 1
    limit: Limit = 50


@for_programs(
    Description(
        "List tickets, the newest first", many(shapes.ListedTicket), query=TicketQuery, kinds=("invalid",)
    )
)
async def tickets(call: Call) -> Answer:
    asked: TicketQuery = call.query
    _check_depth(asked.page, asked.limit)
    wanted = ticket_list.TicketFilter(
        statuses=[Status.FILED] if asked.automatic else [each.value for each in asked.status] or OPEN,
        team=asked.team,
        level=asked.level,
        priority=asked.priority,
        assignee=asked.agent.lower(),
        customer=read_identity(asked.customer) or asked.customer.lower(),
        channel=asked.channel.lower(),
        category=asked.category,
        tag=asked.tag,
        turn=asked.turn,
        unassigned=asked.unassigned,
        incident=ticket_number.normalise(asked.incident) or asked.incident,
        folded=not (asked.customer or asked.incident),
        overdue_at=call.desk.now() if asked.late else None,
        seen_by=call.viewer,
        limit=asked.limit,
        page=asked.page,
    )

    def read(connection: Connection) -> tuple[list[dict[str, Any]], int]:
        found = ticket_list.list_tickets(connection, wanted)
        return [ticket_json(each.ticket, each.deadline) for each in found], len(found)

    return await linked(call, read, asked.page, asked.limit)


def _check_depth(page: int, limit: int) -> None:
    if page * limit > DEEPEST:
        raise invalid(("page", f"a list shows {DEEPEST:,} tickets at most: narrow it"))


@for_programs(Description("Show a ticket with all that belongs to it", shapes.WholeTicket, kinds=OF_TICKET))
async def ticket(call: Call) -> bytes:
    found = await call.ticket()
    return await call.read(whole_ticket_json, found, call.desk.policy, call.zone(found.team))


@for_programs(Description("Its messages, the oldest first", many(shapes.Message), kinds=OF_TICKET))
async def messages(call: Call) -> bytes:
    return await call.read(messages_json, (await call.ticket()).number)


@for_programs(Description("Its events, the oldest first", many(shapes.Event), kinds=OF_TICKET))
async def events(call: Call) -> bytes:
    found = await call.ticket()

    def read(connection: Connection) -> list[dict[str, Any]]:
        return events_json(ticket_rows.events_of(connection, found.number), call.zone(found.team))

    return await call.read(read)


@for_programs(Description("The files that came in mails, in their order", many(shapes.File), kinds=OF_TICKET))
async def files(call: Call) -> list[dict[str, Any]]:
    names = [field.name for field in msgspec.structs.fields(shapes.File)]
    return [{name: getattr(each, name) for name in names} for each in await _files(call)]


async def _files(call: Call) -> list[File]:
    number = (await call.ticket()).number
    return (await call.desk.read(conversation.files_of, [number])).get(number, [])


@for_programs(Description("The content of a file", None, kinds=OF_TICKET))
async def file(call: Call) -> Response:
    listed, position = await _files(call), call.request.path_params["position"]
    wanted = next((each for each in listed if each.position == position), None)
    contents = await call.desk.read(conversation.contents_of, [wanted.digest]) if wanted else {}
    if wanted is None or wanted.digest not in contents:
        raise Problem("not-found", "There is no such file, or its content was deleted.")
    name = quote(wanted.name, safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(contents[wanted.digest], headers=headers, media_type=wanted.type)


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Words and filters, as `mailbot ticket search` reads them."""

    q: Annotated[
        str, msgspec.Meta(max_length=500, description='`kirim team:payments "uang kembali" -lunas`')
    ] = ""
    sort: find.Sort = find.Sort.BEST
    page: Page = 1
    limit: Limit = 20


@for_programs(
    Description(
        "Find tickets by words and filters", many(shapes.FoundTicket), query=SearchQuery, kinds=("invalid",)
    )
)
async def search(call: Call) -> Answer:
    asked: SearchQuery = call.query
    _check_depth(asked.page, asked.limit)
    now = call.desk.now()
    try:
        parsed = search_query.parse(asked.q, now, call.zone())
    except search_query.QueryError as error:
        raise invalid(("q", str(error))) from error
    if parsed.is_empty:
        raise invalid(("q", "give at least one word to look for"))
    wanted = find.PageRequest(asked.limit, asked.page, asked.sort)

    def read(connection: Connection) -> tuple[list[dict[str, Any]], int]:
        found = find.search(connection, parsed, wanted, now, viewer=call.viewer).found
        return [found_json(each) for each in found], len(found)

    return await linked(call, read, asked.page, asked.limit)


# --- figures, and what does not belong to one ticket -------------------------------------------------------


class FiguresQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The period, as `mailbot report` reads it."""

    since: Annotated[Name, msgspec.Meta(description="`7d`, `12h`, `2026-11-01`")] = "7d"
    until: Annotated[Name, msgspec.Meta(description="The same; without it, now.")] = ""
    team: Annotated[
        Name, msgspec.Meta(description="Needed, unless the token sees the tickets of all teams.")
    ] = ""


@for_programs(
    Description(
        "The figures of a period, as `mailbot report --json`",
        shapes.Figures,
        query=FiguresQuery,
        kinds=("invalid",),
    )
)
async def figures(call: Call) -> bytes:
    asked: FiguresQuery = call.query
    _check_team(call, asked.team)
    now, zone = call.desk.now(), call.zone()
    try:
        end = parse_time(asked.until, now, zone) if asked.until else now
        period = Period(parse_time(asked.since, end, zone), end, zone)
    except ValueError as error:
        raise invalid(("since", str(error))) from error
    policy = call.desk.policy

    def read(connection: Connection) -> dict[str, Any]:
        return render.shape(reports.report(connection, period, policy, now, asked.team))

    async with call.request.app.state.reporting:  # a long report leaves a reader to the pages
        return await call.read(read)


def _check_team(call: Call, team: str) -> None:
    """Raise Problem for a team whose figures are not this token's to read."""
    policy, viewer = call.desk.policy, call.viewer
    known = viewer.within or (frozenset(policy.teams) if viewer.sees_all else viewer.teams)
    if team not in known and not (viewer.sees_all and not viewer.within and not team):
        raise invalid(("team", f"name one of {', '.join(sorted(known))}"))


@for_programs(Description("The macros that agents put into answers", many(shapes.Macro)))
async def macros(call: Call) -> list[dict[str, Any]]:
    known = call.desk.deps.runtime.snapshot.composer.templates.macros
    return [macro_json(each) for each in known.by_name.values()]


@for_programs(Description("The teams and their agents", many(shapes.Team)))
async def teams(call: Call) -> list[dict[str, Any]]:
    policy = call.desk.policy
    return [
        {
            "name": name,
            "label": policy.labels.get("team", {}).get(name, {}),
            "zone": call.zone(name),
            "agents": to_json(team.agents, only=("address", "name", "level", "languages")),
        }
        for name, team in policy.teams.items()
    ]


@for_programs(Description("Who the token acts as, and what it may do", shapes.Me, ""))
async def me(call: Call) -> dict[str, Any]:
    viewer, token, scope = call.viewer, call.token, scope_of(call.token)
    allowed = [verb for verb in EACH if scope.allows(verb)]
    return {
        **to_json(viewer, only=("address", "name", "language", "zone")),
        "roles": sorted(viewer.roles),
        "teams": sorted(viewer.teams),
        "token": {**to_json(token, only=("id", "name", "teams", "ends_at")), "verbs": allowed},
    }


ROUTES: list[BaseRoute] = [
    Route("/me", me),
    Route("/teams", teams),
    Route("/macros", macros),
    Route("/figures", figures),
    Route("/search", search),
    Route("/tickets", tickets),
    Route("/tickets/{number}", ticket),
    Route("/tickets/{number}/messages", messages),
    Route("/tickets/{number}/events", events),
    Route("/tickets/{number}/files", files),
    Route("/tickets/{number}/files/{position:int}", file),
]
