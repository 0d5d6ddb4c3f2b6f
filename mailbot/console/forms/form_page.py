"""The page of a form: shown, filled in, taken. The answer is the same whatever address was written into it."""

import secrets

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.channels.web import uploads
from mailbot.channels.web.form import FormMessage, build
from mailbot.channels.web.uploads import MOST_FILES
from mailbot.console.desk import Desk, desk_of
from mailbot.console.forms import filled as reading
from mailbot.console.forms.filled import LONGEST_MESSAGE, LONGEST_NAME, TRAP, Filled
from mailbot.console.forms.frame import find_form, reader_for, show, url_of
from mailbot.console.forms.rates import may_be_taken, may_send
from mailbot.console.guards import is_from_here, public
from mailbot.domain.web_forms.model import WebForm
from mailbot.mail.compose.mime_writer import ComposeRefused
from mailbot.mail.compose.notice_values import size_text
from mailbot.operations.form_posts import FormPost, Outcome, take_post

READ_FILES, READ_FIELDS = 60, 60  # of a form: more are not even read
FIELD_SIZE = 8 * LONGEST_MESSAGE  # bytes


@public
async def form_page(request: Request) -> Response:
    """Show the form, or that it was sent."""
    form = find_form(request)
    if "sent" in request.query_params:
        return show(request, form, "sent.html", switch="")
    return _show(request, form, reading.empty(form))


@public
async def send(request: Request) -> Response:
    """Take what was filled in, or show it again with what is wrong."""
    form, desk = find_form(request), desk_of(request)
    if not is_from_here(request):
        raise HTTPException(403)
    sent = await request.form(max_files=READ_FILES, max_fields=READ_FIELDS, max_part_size=FIELD_SIZE)
    reader, keys = reader_for(request, form), desk.deps.runtime.snapshot.keys
    filled = await reading.read(form, sent, keys, desk.now(), reader.language, _room(desk))
    if not may_send(request) or (filled.is_well and not may_be_taken(request, filled.address)):
        filled.problem = "often"
    if filled.is_well:
        filled.problem = await _take(desk, form, filled, reader.language)
    if not filled.is_well:
        return _show(request, form, filled)
    return RedirectResponse(url_of(request, form, reader, sent="1"), 303)


async def _take(desk: Desk, form: WebForm, filled: Filled, language: str) -> str:
    """Let the message wait, or keep it. Return what is wrong, "" for nothing."""
    assert filled.answers is not None
    digest = filled.digest(language)
    message = FormMessage(
        form, filled.address, filled.typed["name"], filled.typed["message"], filled.answers, filled.files,
        language, f"{form.name} {filled.nonce} {digest}",
    )  # fmt: skip
    keys, policy = desk.deps.runtime.snapshot.keys, desk.policy
    box = policy.mailboxes.get(form.mailbox) or next(iter(policy.mailboxes.values()))
    try:
        envelope, raw, mark = await build(message, box, keys, desk.now())
    except ComposeRefused:
        return "unreadable"
    post = FormPost(form, filled.nonce, digest, filled.address, language, envelope, raw, mark, desk.url)
    outcome = await desk.transact(lambda transaction: take_post(transaction, post))
    return "changed" if outcome is Outcome.CHANGED else ""


def _show(request: Request, form: WebForm, filled: Filled) -> Response:
    desk = desk_of(request)
    fresh = desk.deps.runtime.snapshot.keys.form_key(
        form.name, secrets.token_hex(8), int(desk.now().timestamp())
    )
    status = 429 if filled.problem == "often" else 200 if not (filled.problem or filled.faults) else 422
    return show(
        request,
        form,
        "form.html",
        status=status,
        filled=filled,
        key=(filled.key if filled.problem != "changed" else "") or fresh,
        trap=TRAP,
        accept=uploads.ENDINGS,
        most_files=MOST_FILES,
        room=size_text(_room(desk)),
        longest=LONGEST_MESSAGE,
        longest_name=LONGEST_NAME,
    )


def _room(desk: Desk) -> int:
    """Return how many bytes of files fit into a mail, where they take a third more."""
    return desk.settings.limits.size * 7 // 10
