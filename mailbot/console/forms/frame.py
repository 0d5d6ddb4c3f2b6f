"""Which form a visitor looks at, in which language, and which pages may show it in a frame.

No form needs a cookie: browsers keep none in a frame of another site.
"""

from urllib.parse import parse_qs, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from mailbot.console.desk import Desk, desk_of
from mailbot.console.render import Reader
from mailbot.console.respond import page, reader_of
from mailbot.domain.web_forms.answers import text_in
from mailbot.domain.web_forms.model import WebForm

FORMS = "/forms/"
HEADERS = {"X-Robots-Tag": "noindex, nofollow, noarchive"}


def find_form(request: Request) -> WebForm:
    """Return the form that the address names. Raises HTTPException 404."""
    found = desk_of(request).policy.web_forms.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return found


def framing_origins(desk: Desk, scope: Scope) -> tuple[str, ...]:
    """Return the origins whose pages may show the answer to this request in a frame; none for nearly all."""
    path: str = scope["path"]
    form = desk.policy.web_forms.get(path.removeprefix(FORMS)) if path.startswith(FORMS) else None
    return form.embed_on if form and _is_embedded(scope["query_string"].decode("latin-1")) else ()


def _is_embedded(query: str) -> bool:
    return parse_qs(query).get("embed") == ["1"]


def reader_for(request: Request, form: WebForm) -> Reader:
    """Return how texts are written: in the chosen language, else the browser's, among those of the form."""
    asked, desk = reader_of(request), desk_of(request)
    chosen = request.query_params.get("lang", "")
    wanted = (chosen, asked.language, form.languages[0])
    language = next(each for each in wanted if each in form.languages)
    return Reader(language, asked.zone, desk.policy, desk.now())


def url_of(request: Request, form: WebForm, reader: Reader, path: str = "", **more: str) -> str:
    """Return an address of the form in this language, in the frame where it is in one."""
    embedded = {"embed": "1"} if _is_embedded(request.url.query) else {}
    return f"{FORMS}{form.name}{path}?{urlencode({'lang': reader.language, **embedded, **more})}"


def show(request: Request, form: WebForm, template: str, *, status: int = 200, **values: object) -> Response:
    """Render a page of the form, which no search engine lists."""
    reader, desk = reader_for(request, form), desk_of(request)
    other = next((each for each in form.languages if each != reader.language), "")
    other_reader = Reader(other, reader.zone, reader.policy, reader.now)
    box = desk.policy.mailboxes.get(form.mailbox) or next(iter(desk.policy.mailboxes.values()))
    standing = {
        "form": form,
        "brand": box.brand,
        "mailbox": box.address,
        "title": text_in(form.titles, reader.language),
        "embedded": _is_embedded(request.url.query),
        "switch": url_of(request, form, other_reader) if other and request.method == "GET" else "",
        "again": url_of(request, form, reader),
    }
    answer = page(request, f"forms/{template}", status=status, reader=reader, **{**standing, **values})
    answer.headers.update(HEADERS)
    return answer
