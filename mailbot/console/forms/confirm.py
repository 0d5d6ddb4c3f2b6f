"""The page behind the mailed link. Opening it uses nothing up: programs that read mail open links, people press."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.desk import desk_of
from mailbot.console.forms.frame import find_form, show
from mailbot.console.guards import public
from mailbot.domain.web_forms.model import WebForm
from mailbot.operations.form_posts import confirm, read_link


@public
async def link_page(request: Request) -> Response:
    """Show a button that lets the message in."""
    form, desk = find_form(request), desk_of(request)
    key = request.query_params.get("key", "")
    state = await desk.read(read_link, key, form.name, desk.now())
    return _show(request, form, "confirmed" if state.confirmed else "waits" if state.post else "over", key)


@public
async def use_link(request: Request) -> Response:
    """Keep the message in the inbox, before the page says so."""
    form, desk = find_form(request), desk_of(request)
    key = (await request.form(max_files=0, max_fields=5, max_part_size=1_000)).get("key", "")
    kept = isinstance(key, str) and await desk.transact(partial(confirm, key=key, form=form.name))
    return _show(request, form, "confirmed" if kept else "over", "")


def _show(request: Request, form: WebForm, state: str, key: str) -> Response:
    return show(
        request, form, "confirm.html", status=404 if state == "over" else 200, state=state, key=key, switch=""
    )
