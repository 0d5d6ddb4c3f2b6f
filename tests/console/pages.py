"""Every page of the console, with who looks at it: what pictures, axe and the checks of sizes go through."""

from collections.abc import Iterator
from dataclasses import dataclass

from mailbot.mail.compose.reply_tokens import page_url
from tests.console.gallery import AGENT, MANAGER, Gallery
from tests.workers.test_intake import KEYS


@dataclass(frozen=True, slots=True)
class Shown:
    """A page. `address`: who looks at it, "" for nobody who is logged in."""

    name: str
    path: str
    address: str


def pages(gallery: Gallery) -> Iterator[Shown]:
    """List the pages; a customer's own comes with its key."""
    number = gallery.numbers["Dian Permata"]
    yield Shown("log-in", "/login", "")
    yield Shown("link-sent", "/login/sent", "")
    yield Shown("link-over", "/login/link?key=x", "")
    yield Shown("sessions", "/logout", AGENT)
    yield Shown("my-list", "/tickets", AGENT)
    yield Shown("team", "/tickets/team", MANAGER)
    yield Shown("ticket", f"/tickets/{number}", AGENT)
    yield Shown("ticket-history", f"/tickets/{number}/history", AGENT)
    yield Shown("ticket-message", f"/tickets/{number}/messages/1", AGENT)
    yield Shown("drafts", "/tickets/drafts", AGENT)
    yield Shown("new-ticket", "/tickets/new", AGENT)
    yield Shown("search", "/search?q=saldo", AGENT)
    yield Shown("board", "/board", MANAGER)
    yield Shown("board-tickets", "/board/tickets?now=open", MANAGER)
    yield Shown("report", "/board/report", MANAGER)
    for part in (
        "",
        "/mail",
        "/policy",
        "/try",
        "/templates",
        "/inbox",
        "/outbox",
        "/suppressions",
        "/sessions",
    ):
        yield Shown(f"admin{part.replace('/', '-')}", f"/admin{part}", MANAGER)
    yield Shown("customer", customer_path(gallery, number), "")
    yield Shown("no-report", f"/t/{number}?k=wrong", "")
    yield Shown("status", "/status", "")
    yield Shown("api", "/api/v1/", "")
    yield Shown("error", "/nowhere", AGENT)


def customer_path(gallery: Gallery, number: str) -> str:
    """Return the path of the customer's page of a ticket, with its key."""
    ticket = gallery.office.ticket(number)
    return page_url("", KEYS, number, ticket.customer, 0)
