"""Ask for the link to one's report by number and address: the answer is the same whatever fits.

Theory of operation. The page answers before anything is looked up. Whether number and address fit together is decided
afterwards, and only a mail to that very address says so. So nobody learns from the page which numbers exist or whose
they are, neither by its words nor by its time.
"""

from starlette.background import BackgroundTask
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.customers.visits import is_within_rate, show
from mailbot.console.desk import Desk, desk_of
from mailbot.console.guards import public
from mailbot.domain import ticket_number
from mailbot.mail.compose.cleaning import header_text
from mailbot.operations.customer_links import mail_link

LONGEST = 320  # characters of an address
FIELD_SIZE = 4_096  # bytes


@public
async def status_page(request: Request) -> Response:
    """Show the form. Without `public_url` customers have no pages, and 404 answers."""
    _require_pages(request)
    return show(request, "status.html", state="", number="", address="")


@public
async def ask(request: Request) -> Response:
    """Promise a link if both fit, and look that up afterwards."""
    _require_pages(request)
    form = await request.form(max_files=0, max_fields=5, max_part_size=FIELD_SIZE)
    number, address = _field(form, "number"), _field(form, "address").lower()
    if not is_within_rate(request):
        return show(request, "status.html", status=429, state="often", number=number, address=address)
    if "@" not in address or len(address) > LONGEST or not number:
        return show(request, "status.html", status=422, state="unfit", number=number, address=address)
    answer = show(request, "status.html", state="asked", number="", address="")
    answer.background = BackgroundTask(_mail_link, desk_of(request), number, address)
    return answer


def _require_pages(request: Request) -> None:
    if not desk_of(request).policy.public_url:
        raise HTTPException(404)


async def _mail_link(desk: Desk, number: str, address: str) -> None:
    found = ticket_number.normalise(number) or ""
    await desk.transact(lambda transaction: mail_link(transaction, found, address))


def _field(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return header_text(value, LONGEST + 1) if isinstance(value, str) else ""
