"""What a ticket's page sends and loads while an agent writes: drafts, presence, how a moment is read."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.console.acting.attempt import read_form
from mailbot.console.acting.panel import others
from mailbot.console.acting.shown import sentence
from mailbot.console.desk import desk_of
from mailbot.console.respond import page, reader_of
from mailbot.console.ticket.find import find_ticket
from mailbot.domain.commands.registry import Reading
from mailbot.domain.people.access import Viewer
from mailbot.domain.reasons import Refusal
from mailbot.store.console import drafts, presence
from mailbot.store.console.drafts import Draft
from mailbot.store.console.presence import Seen


async def save_draft(request: Request, viewer: Viewer) -> Response:
    """Keep what is typed. Without scripts: by a button, which leads back."""
    desk, ticket = desk_of(request), await find_ticket(request, viewer)
    attempt = read_form(await request.form())
    draft = Draft(ticket.number, viewer.address, attempt.is_note, attempt.text, desk.now())
    await desk.write(drafts.save, draft)
    if "HX-Request" not in request.headers:
        return RedirectResponse(f"/tickets/{ticket.number}", 303)
    return page(request, "acting/saved.html", kept=bool(attempt.text))


async def report_presence(request: Request, viewer: Viewer) -> Response:
    """Record that the page is open, and list who else has it open."""
    desk, ticket = desk_of(request), await find_ticket(request, viewer)
    await desk.write(presence.report, Seen(ticket.number, viewer.address, desk.now()))
    reader = reader_of(request, viewer)
    found = await desk.read(others, ticket.number, viewer, reader)
    return page(request, "acting/others.html", others=found)


async def read_moment(request: Request, viewer: Viewer) -> Response:
    """Show how "besok 10.00" is read on this ticket."""
    desk, ticket = desk_of(request), await find_ticket(request, viewer)
    typed = [
        value for name, value in request.query_params.multi_items() if name.startswith(("words", "then"))
    ]
    words = typed[-1].strip()[:100] if typed else ""
    reader = reader_of(request, viewer)
    found = Reading(ticket, viewer.actor, desk.policy, desk.now()).moment(words) if words else None
    if isinstance(found, Refusal):
        return page(request, "acting/moment.html", at=None, refusal=sentence(found.reason, reader))
    return page(request, "acting/moment.html", at=found, refusal="")


async def list_drafts(request: Request, viewer: Viewer) -> Response:
    """List what this person has begun to write on any ticket."""
    found = await desk_of(request).read(drafts.of_agent, viewer.address)
    return page(request, "acting/drafts.html", drafts=found)
