"""The search as one types, `/search`: the same as `mailbot ticket search`, of what its person may see."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.console.desk import Desk, desk_of
from mailbot.console.lists.filters import page_of
from mailbot.console.lists.rows import Row, read_rows
from mailbot.console.respond import page
from mailbot.console.ticket.find import find_visible
from mailbot.domain import ticket_number
from mailbot.domain.people.access import Viewer
from mailbot.domain.search.query import LONGEST, Query, QueryError, parse
from mailbot.domain.search.snippet import CLOSE, OPEN
from mailbot.store.search import find
from mailbot.store.search.find import PageRequest, Sort

SIZE = 20  # tickets of a page
LAST = find.DEEPEST // SIZE
_MARKED = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")
_BEGUN = re.compile(
    r"(?<!\S)(?!(?:OR|AND|NOT)$)([^\W\d_]{3,})$"
)  # a plain word at the end, perhaps half typed


@dataclass(frozen=True, slots=True)
class Result:
    """A page of what was found. `snippets`: by number, with the words marked. `back_to`: see `find.Page`."""

    rows: Sequence[Row]
    snippets: Mapping[str, Markup]
    total: int
    at_least: bool
    more: bool
    not_indexed: int
    back_to: datetime | None


async def search(request: Request, viewer: Viewer) -> Response:
    """Show what is found. A number that is written whole opens its ticket, but not while one still types."""
    desk = desk_of(request)
    written = request.query_params.get("q", "").strip()[:LONGEST]
    sort = Sort.NEWEST if request.query_params.get("sort") == Sort.NEWEST else Sort.BEST
    wanted = PageRequest(SIZE, min(page_of(request.query_params), LAST), sort)
    number = number_of(written, desk)
    opens = number and "HX-Request" not in request.headers
    if opens and await desk.read(find_visible, number, viewer) is not None:
        return RedirectResponse(f"/tickets/{number}", 303)
    result, trouble = None, ""
    try:
        asked = parse(as_typed(number or written), desk.now(), viewer.zone)
        if not asked.is_empty:
            result = await desk.read(_find, desk, viewer, asked, wanted)
    except QueryError as error:
        trouble = str(error)
    return page(
        request,
        "lists/search.html",
        written=written,
        wanted=wanted,
        result=result,
        trouble=trouble,
        once=secrets.token_urlsafe(16),
    )


def number_of(written: str, desk: Desk) -> str | None:
    """Return the ticket number that is written, in any spelling, also without its prefix."""
    prefixes = ("", *(mailbox.prefix for mailbox in desk.policy.mailboxes.values()))
    return next(filter(None, (ticket_number.normalise(f"{prefix}{written}") for prefix in prefixes)), None)


def as_typed(written: str) -> str:
    """Let the last word also be the beginning of one: it may not be typed to its end."""
    is_open = written.count('"') % 2
    return written if is_open else _BEGUN.sub(r"\1 OR \1*", written)


def _find(connection: Connection, desk: Desk, viewer: Viewer, asked: Query, wanted: PageRequest) -> Result:
    found = find.search(connection, asked, wanted, desk.now(), viewer=viewer)
    tickets = [each.listed.ticket for each in found.found]
    return Result(
        rows=read_rows(connection, desk, viewer, tickets),
        snippets={each.listed.ticket.number: marked(each.snippet) for each in found.found},
        total=found.total,
        at_least=found.at_least,
        more=found.total > wanted.end,
        not_indexed=found.not_indexed,
        back_to=found.back_to,
    )


def marked(snippet: str) -> Markup:
    """Return a snippet as HTML: escaped, the words that were looked for in `<mark>`."""
    return Markup(_MARKED.sub(r"<mark>\1</mark>", str(escape(snippet))))
