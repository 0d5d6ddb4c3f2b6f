"""Who visits which ticket, by the key in the link, and in which language it is shown."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import SAFE
from mailbot.console.proxies import client_of
from mailbot.console.render import Reader
from mailbot.console.respond import LANGUAGES, page, reader_of
from mailbot.domain import ticket_number
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Mailbox, Rate
from mailbot.store.console import customer_page
from mailbot.store.console.customer_page import PageReader

BY_CLIENT = Rate(60, timedelta(minutes=1))  # forms: a mobile network hides many people behind one address
BY_PERSON = Rate(30, timedelta(hours=1))  # forms about one ticket
HEADERS = {"X-Robots-Tag": "noindex, nofollow, noarchive"}


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor who has shown the key of a ticket's page. `number`: as in the link, perhaps merged since."""

    reader: PageReader
    number: str
    key: str
    language: str  # chosen by the visitor, "" for the ticket's

    @property
    def ticket(self) -> Ticket:
        return self.reader.ticket

    def url(self, path: str = "", **more: str) -> str:
        """Return the address of the page, or of something below it, with the key."""
        chosen = {"lang": self.language} if self.language else {}
        return f"/t/{self.number}{path}?{urlencode({'k': self.key, **chosen, **more})}"


async def find_visit(request: Request) -> Visit | None:
    """Return who has opened which page, None for a wrong key and for a number that does not exist.

    Without `public_url` customers have no pages.
    """
    desk, key = desk_of(request), request.query_params.get("k", "")
    if not desk.policy.public_url:
        return None
    number = ticket_number.normalise(request.path_params["number"]) or ""
    opens = partial(desk.deps.runtime.snapshot.keys.verify_page_key, key, number)
    reader = await desk.read(customer_page.find_reader, number, opens)
    return Visit(reader, number, key, chosen_language(request)) if reader else None


def chosen_language(request: Request) -> str:
    """Return the language that the visitor has chosen, "" for none."""
    chosen = request.query_params.get("lang", "")
    return chosen if chosen in LANGUAGES else ""


def texts_for(request: Request, language: str = "") -> Reader:
    """Return how texts are written: in the chosen language, else in the ticket's, else in the browser's."""
    asked, desk = reader_of(request), desk_of(request)
    language = chosen_language(request) or language or asked.language
    return Reader(language, asked.zone, desk.policy, desk.now())


def no_report(request: Request) -> Response:
    """Answer a link that opens nothing: the same whether there is such a ticket or not."""
    return show(request, "no_report.html", status=404, switch="")


def show(
    request: Request, template: str, *, status: int = 200, language: str = "", **values: object
) -> Response:
    """Render a page for customers, which no search engine lists."""
    reader, path = texts_for(request, language), f"customers/{template}"
    chosen, other = chosen_language(request), "en" if reader.language == "id" else "id"
    switch = f"{request.url.path}?lang={other}" if request.method in SAFE else ""
    standing = {"brand": _brand(desk_of(request)), "switch": switch, "chosen": chosen}
    answer = page(request, path, status=status, reader=reader, **{**standing, **values})
    answer.headers.update(HEADERS)
    return answer


def box_of(desk: Desk, ticket: Ticket) -> Mailbox:
    """Return the mailbox of a ticket, the first of all when a reload removed that one."""
    return desk.policy.mailbox_for(ticket.mailbox) or next(iter(desk.policy.mailboxes.values()))


def may_send(request: Request, visit: Visit) -> bool:
    """Count a form of this visitor. False when too many came from there, or about this ticket."""
    desk = desk_of(request)
    person = f"page {visit.ticket.number} {visit.reader.address}"
    return is_within_rate(request) and desk.clients.take(person, BY_PERSON, desk.now())


def is_within_rate(request: Request) -> bool:
    """Count a form of this client. False when too many came from there."""
    desk = desk_of(request)
    return desk.clients.take(f"customer {client_of(request)}", BY_CLIENT, desk.now())


def _brand(desk: Desk) -> str:
    return next(iter(desk.policy.mailboxes.values())).brand
