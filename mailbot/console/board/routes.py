"""The pages of the board: now, what waits for a decision, lately, the report, and the tickets behind a number."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailbot.console.board import figures, now, report, waiting
from mailbot.console.board.figures import Asked
from mailbot.console.board.overview import find, overview
from mailbot.console.board.waiting import Waiting
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_managers
from mailbot.console.lists.rows import rows
from mailbot.console.respond import page, reader_of
from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.commands.grammar import Act
from mailbot.domain.day.standing import State
from mailbot.domain.people.access import Viewer
from mailbot.domain.reasons import Refusal
from mailbot.operations.ticket_commands import ON_A_PAGE, OUTCOME, TicketCommand
from mailbot.store.console import forms
from mailbot.store.lists import worklists
from mailbot.views.clean_text import clean, clean_block

LATELY = ("7d", "30d")
ON_A_PAGE_OF_LIST = 50
WORDS = 500  # characters of a reason
NARROWED = ("team", "level", "agent")  # by what a number of now may be narrowed


async def board(request: Request, viewer: Viewer) -> Response:
    """Show the whole board. `done`: the key of a form that was just carried out."""
    return await _board(request, viewer)


async def _board(request: Request, viewer: Viewer, refused: str = "", status: int = 200) -> Response:
    desk, team = desk_of(request), _team(request)
    asked = Asked(_span(request), team=team)
    made = figures.ready(desk, asked)
    return page(
        request,
        "board/board.html",
        status=status,
        **await _now_values(request, viewer, team),
        done=await _done(request, viewer),
        refused=refused,
        asked=asked,
        lately=report.lately(made, reader_of(request)) if made else None,
    )


async def now_part(request: Request, viewer: Viewer) -> Response:
    """Answer the part of the board that refreshes itself."""
    return page(request, "board/now.html", **await _now_values(request, viewer, _team(request)))


async def lately_part(request: Request, viewer: Viewer) -> Response:
    """Answer the part that is counted from the report, or a page of its own where there are no scripts."""
    desk, asked = desk_of(request), Asked(_span(request), team=_team(request))
    found = report.lately(await figures.load(desk, asked), reader_of(request))
    template = "board/lately.html" if request.headers.get("HX-Request") else "board/lately_page.html"
    return page(request, template, lately=found, asked=asked, teams=tuple(desk.policy.teams))


def _team(request: Request) -> str:
    """Return the team that the board is narrowed to, "" for all. 404 for one that does not exist."""
    team = request.query_params.get("team", "")
    if team and team not in desk_of(request).policy.teams:
        raise HTTPException(404)
    return team


def _span(request: Request) -> str:
    asked = request.query_params.get("since", "")
    return asked if asked in LATELY else LATELY[0]


async def _now_values(request: Request, viewer: Viewer, team: str) -> dict[str, Any]:
    """Return what `board/now.html` reads."""
    desk = desk_of(request)
    snapshot = await now.load(desk)
    counted = await asyncio.to_thread(overview, snapshot, desk.policy, team)
    runtime = desk.deps.runtime.snapshot
    found: Waiting = await desk.read(waiting.read, runtime, viewer, desk.now(), counted.asking, team)
    return {
        "at": snapshot.at,
        "team": team,
        "teams": tuple(desk.policy.teams),
        "whole": counted.whole,
        "groups": counted.groups,
        "people": counted.people,
        "incidents": [each for each in snapshot.incidents if team in ("", each.ticket.team)],
        "mail": snapshot.held,
        "waiting": found,
        "State": State,
        "once": lambda: token_urlsafe(16),
        "listed": _listed(team),
        "number": _number(viewer),
        "why": lambda reason: reasons.render(reason, viewer.language),
    }


def _number(viewer: Viewer) -> Callable[[int], str]:
    """Return how numbers are written in the viewer's language."""
    from mailbot.reports.render.translations import number  # late: all of a report's rendering comes along

    return lambda value: number(value, viewer.language)


def _listed(team: str) -> Callable[..., str]:
    """Return how templates write the address of the list behind a number of now."""

    def address(state: State, **names: str) -> str:
        return f"/board/tickets?{urlencode({'now': state, **({'team': team} if team else {}), **names})}"

    return address


# --- deciding ---------------------------------------------------------------------------------------------


async def decide(request: Request, viewer: Viewer) -> Response:
    """Approve, refuse or answer a question, and show the board again."""
    desk, form = desk_of(request), await request.form()
    number, once = str(form.get("ticket", "")), str(form.get("once", ""))[:64]
    ticket = (await desk.read(worklists.tickets_of, [number])).get(number)
    if ticket is None or not viewer.may_see(ticket):
        raise HTTPException(404)
    words = {name: str(value) for name, value in form.items() if isinstance(value, str)}
    command = _command(words)
    if command is None or not once:
        raise HTTPException(400)
    act = Act((command,))
    acted = await desk.run(
        TicketCommand(number, act, viewer.actor, desk.now(), money=True, once=once, source=ON_A_PAGE)
    )
    desk.shared.forget(now.key_of(desk))
    if acted is None:
        raise HTTPException(404)
    if isinstance(acted, Refusal) and acted.reason.code != "already_done":
        return await _board(request, viewer, reasons.render(acted.reason, viewer.language), status=409)
    return RedirectResponse(f"/board?{urlencode({'done': once})}", 303)


def _command(form: dict[str, str]) -> c.Approve | c.Refuse | c.Decide | None:
    """Read what was pressed; None for what no form of ours sends."""
    because = clean(clean_block(form.get("because", ""), WORDS), WORDS)
    if option := form.get("option"):
        return c.Decide(option, because)
    number = form.get("request", "")
    if not number.isdecimal() or len(number) > 18:
        return None
    if form.get("verdict") == "approve":
        return c.Approve(int(number), because)
    return c.Refuse(int(number), because) if because else None


@dataclass(frozen=True, slots=True)
class Done:
    """A form that was carried out: on which ticket, and what came of it."""

    ticket: str
    texts: Sequence[str]


async def _done(request: Request, viewer: Viewer) -> Done | None:
    key = request.query_params.get("done", "")
    found = await desk_of(request).read(forms.find, key, viewer.actor) if key else None
    if found is None or not found.ticket:
        return None
    results = OUTCOME.load_text(found.result).done if found.result else ()
    return Done(found.ticket, [reasons.render(each.reason, viewer.language) for each in results])


# --- the tickets behind a number --------------------------------------------------------------------------


async def tickets(request: Request, viewer: Viewer) -> Response:
    """List exactly the tickets that a number of the board or of a report counts."""
    key = tuple(request.query_params.getlist("figure"))
    numbers, title = await (_of_figure(request, key) if key else _of_now(request))
    return await _list(request, viewer, Counter(numbers), title)


async def _list(request: Request, viewer: Viewer, counted: Counter[str], title: str) -> Response:
    desk, asked = desk_of(request), request.query_params.get("page", "1")
    place = max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1
    shown = list(counted)[ON_A_PAGE_OF_LIST * (place - 1) : ON_A_PAGE_OF_LIST * place]
    loaded = await desk.read(worklists.tickets_of, shown)
    found = await rows(desk, viewer, [loaded[number] for number in shown if number in loaded])
    reader = reader_of(request)

    def texts(number: str) -> str:
        return reader.t("Dihitung {n} kali", "Counted {n} times", n=counted[number])

    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    return page(
        request,
        "board/tickets.html",
        title=title,
        number=_number(viewer),
        whole=counted.total(),
        count=len(counted),
        rows=found,
        snippets={number: texts(number) for number in shown if counted[number] > 1},
        place=place,
        last=-(-len(counted) // ON_A_PAGE_OF_LIST),
        address=lambda number: f"/board/tickets?{urlencode([*rest, ('page', number)])}",
    )


async def _of_now(request: Request) -> tuple[list[str], str]:
    """Return the numbers of what holds now, the earliest promise first."""
    desk, query = desk_of(request), request.query_params
    state = query.get("now", "")
    if state not in set(State):
        raise HTTPException(404)
    wanted = {name: query[name] for name in NARROWED if name in query}
    narrowed = (wanted.get(name) for name in NARROWED)
    found = await asyncio.to_thread(find, await now.load(desk), State(state), *narrowed)
    return found, report.title_now(State(state), wanted, reader_of(request))


async def _of_figure(request: Request, key: tuple[str, ...]) -> tuple[list[str], str]:
    desk = desk_of(request)
    asked = figures.read_asked(request.query_params, desk.policy, desk.now())
    if asked is None:
        raise HTTPException(404)
    made = await figures.load(desk, asked)
    if key not in made.report.tickets:
        raise HTTPException(404)
    return list(made.report.tickets[key]), report.title_of(made, key, reader_of(request))


# --- the report -------------------------------------------------------------------------------------------


async def whole_report(request: Request, viewer: Viewer) -> Response:
    """Show the report of a period with its charts."""
    desk = desk_of(request)
    asked = figures.read_asked(request.query_params, desk.policy, desk.now())
    if asked is None:
        return page(request, "board/no_report.html", status=400, teams=tuple(desk.policy.teams))
    made = await figures.load(desk, asked)
    return page(
        request,
        "board/report.html",
        teams=tuple(desk.policy.teams),
        asked=asked,
        query=urlencode(asked.query()),
        **await report.values(made, reader_of(request)),
    )


async def download(request: Request, viewer: Viewer) -> Response:
    """Send the report as JSON or CSV, as `mailbot report` writes it."""
    desk = desk_of(request)
    asked = figures.read_asked(request.query_params, desk.policy, desk.now())
    if asked is None:
        raise HTTPException(400)
    form = request.path_params["form"]
    if form not in report.FILES:
        raise HTTPException(404)
    made = await figures.load(desk, asked)
    content, kind = report.as_file(made, form, viewer.language), report.FILES[form]
    named = f'attachment; filename="report-{made.report.period.until:%Y-%m-%d}.{form}"'
    return Response(content, media_type=f"{kind}; charset=utf-8", headers={"Content-Disposition": named})


ROUTES = [
    Route("/board", for_managers(board)),
    Route("/board/now", for_managers(now_part)),
    Route("/board/lately", for_managers(lately_part)),
    Route("/board/decide", for_managers(decide), methods=["POST"]),
    Route("/board/tickets", for_managers(tickets)),
    Route("/board/report", for_managers(whole_report)),
    Route("/board/report.{form:str}", for_managers(download)),
]
