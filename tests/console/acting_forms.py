"""Forms of a ticket's page, as a browser without scripts sends them."""

import re
from html import unescape
from typing import Any

from httpx import Response as Answer

from tests.console.office import Visitor

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


def form_fields(html: str, marker: str) -> dict[str, str]:
    """Return the hidden fields of the first form that has this text in it."""
    for form in html.split("<form")[1:]:
        body = form.split("</form>")[0]
        if marker in body:
            return {name: unescape(value) for name, value in _HIDDEN.findall(body)}
    raise AssertionError(f"no form has {marker!r}")


async def send(visitor: Visitor, number: str, verb: str, html: str = "", **fields: Any) -> Answer:
    """Send the form of a verb, with the hidden fields of the ticket's page."""
    html = html or (await visitor.get(f"/tickets/{number}")).text
    hidden = form_fields(html, f'name="verb" value="{verb}"')
    files = fields.pop("files", None)
    return await visitor.post(f"/tickets/{number}/act", hidden | fields, files=files)


async def after(visitor: Visitor, answer: Answer) -> str:
    """Follow to the page that says what came of it."""
    assert answer.status_code == 303, answer.text
    return (await visitor.get(answer.headers["location"])).text


def offered(html: str) -> set[str]:
    """Return the verbs that a page has forms for."""
    return {part.split('"')[0] for part in html.split('name="verb" value="')[1:]}
