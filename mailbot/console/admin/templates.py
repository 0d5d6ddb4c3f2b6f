"""Templates of our mails: the source of each beside what its reader gets, on a phone and in the dark."""

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mailbot.config.model import Settings
from mailbot.console.admin.framed_mail import SCHEMES, framed
from mailbot.console.desk import desk_of
from mailbot.console.guards import for_admins
from mailbot.console.respond import page
from mailbot.domain.notices import Notice
from mailbot.domain.people.access import Viewer
from mailbot.domain.policy import Policy
from mailbot.mail.compose.template_values import LANGUAGES, NOTICES
from mailbot.mail.compose.templates import variants
from mailbot.views.template_examples import CantRender, Rendered, cases_of, render

KINDS = ("subject", "txt", "html", "chat")


async def list_(request: Request, viewer: Viewer) -> Response:
    """List the mails that there are, and the variants that rules may choose."""
    names = await asyncio.to_thread(_names, desk_of(request).settings)
    return page(request, "admin/templates.html", names=names)


def _names(settings: Settings) -> list[str]:
    return sorted({*NOTICES, *variants(settings.templates)})


async def show(request: Request, viewer: Viewer) -> Response:
    """Show one template: its cases, its source, and both languages rendered."""
    desk, name = desk_of(request), await _name_of(request)
    cases = await asyncio.to_thread(_cases, desk.policy, name, LANGUAGES[0])
    case = _case_of(request, cases)
    scheme, width = _choice(request, "scheme", tuple(SCHEMES)), _choice(request, "width", ("phone", "wide"))
    rendered = {
        language: await asyncio.to_thread(_rendered, desk.settings, desk.policy, name, language, case)
        for language in LANGUAGES
    }
    return page(
        request,
        "admin/template.html",
        name=name,
        cases=tuple(cases),
        case=case,
        scheme=scheme,
        width=width,
        rendered=rendered,
        sources=await asyncio.to_thread(_sources, desk.settings, name),
    )


async def mail(request: Request, viewer: Viewer) -> Response:
    """Show the HTML of one, for a frame."""
    desk, name = desk_of(request), await _name_of(request)
    language = _choice(request, "language", LANGUAGES)
    cases = await asyncio.to_thread(_cases, desk.policy, name, language)
    case = _case_of(request, cases)
    found = await asyncio.to_thread(_rendered, desk.settings, desk.policy, name, language, case)
    if isinstance(found, str):
        raise HTTPException(404)
    return framed(found.html, _choice(request, "scheme", tuple(SCHEMES)))


async def _name_of(request: Request) -> str:
    name: str = request.path_params["name"]
    if name not in await asyncio.to_thread(_names, desk_of(request).settings):
        raise HTTPException(404)
    return name


def _choice(request: Request, name: str, known: tuple[str, ...]) -> str:
    asked = request.query_params.get(name, "")
    return asked if asked in known else known[0]


def _case_of(request: Request, cases: Mapping[str, Notice]) -> str:
    return _choice(request, "case", tuple(cases))


def _cases(policy: Policy, name: str, language: str) -> dict[str, Notice]:
    kind, _, variant = name.partition(".")
    return cases_of(policy, kind, variant, language)


def _rendered(settings: Settings, policy: Policy, name: str, language: str, case: str) -> Rendered | str:
    """Return the mail, or why its template fails."""
    try:
        return render(settings.templates, policy, _cases(policy, name, language)[case])
    except CantRender as error:
        return str(error)


def _sources(settings: Settings, name: str) -> list[tuple[str, str]]:
    """Return the files of a template by language and kind, with their text."""
    found = []
    for language in LANGUAGES:
        for kind in KINDS:
            path = settings.templates / language / f"{name}.{kind}.j2"
            if path.is_file():
                found.append((f"{language}/{path.name}", path.read_text("utf-8", "replace")))
    return found


ROUTES = [
    Route("/admin/templates", for_admins(list_)),
    Route("/admin/templates/{name}", for_admins(show)),
    Route("/admin/templates/{name}/mail", for_admins(mail)),
]
