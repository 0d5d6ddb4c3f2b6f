"""Customers at web forms: they open a page, fill it in, and press the button behind the mailed link."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from mailbot.domain.policy import Detail
from mailbot.domain.web_forms.model import FieldKind, FormField, Option, WebForm
from mailbot.store.schema import inbox, outbox, unconfirmed_posts
from tests.builders import BOX
from tests.console.customers import SITE, open_office
from tests.console.office import Office

SITI = "siti@pelanggan.example"
SHOP = "https://toko.example"
TITLES = {"id": "Hubungi kami", "en": "Contact us"}
ORDER = FormField(
    "pesanan",
    {"id": "Nomor pesanan", "en": "Order number"},
    pattern="INV-[0-9]{6}",
    example="INV-204815",
    detail="order",
)
ABOUT = FormField(
    "perihal",
    {"id": "Perihal", "en": "About"},
    FieldKind.CHOICE,
    options=(
        Option("retur", {"id": "Retur barang", "en": "Return"}, "return"),
        Option("lain", {"id": "Lainnya", "en": "Other"}),
    ),
)
WHEN = FormField("tanggal", {"id": "Tanggal beli", "en": "Bought on"}, FieldKind.DATE)
FORM = WebForm("kontak", BOX.address, TITLES, (ORDER, ABOUT, WHEN), embed_on=(SHOP,))
AT_ONCE = WebForm("cepat", BOX.address, TITLES, confirm=False)
OTHER = WebForm("retur", BOX.address, TITLES)
FORMS = {form.name: form for form in (FORM, AT_ONCE, OTHER)}
MESSAGE = "Barang saya rusak waktu sampai, mohon bantuannya."
KEY = re.compile('name="key" value="([^"]+)"')


@contextmanager
def form_office(path: Path, **policy_changes: Any) -> Iterator[Office]:
    """Open an office with the forms above."""
    details = {"order": Detail("order", {"id": "nomor pesanan", "en": "order number"})}
    office = open_office(path, **{"web_forms": FORMS, "details": details, **policy_changes})
    yield office
    office.store.close()


class Customer:
    """A visitor of a form at one IP address."""

    def __init__(
        self, office: Office, form: str = "kontak", peer: str = "203.0.113.9", query: str = ""
    ) -> None:
        self.office, self.form, self.peer, self.query = office, form, peer, query

    async def get(self, path: str = "", **headers: str) -> httpx.Response:
        async with self.office.visitor(peer=self.peer, **headers) as visitor:
            return await visitor.get(path or f"/forms/{self.form}{self.query}")

    async def key(self) -> str:
        """Open the page and return its key, old enough to be sent."""
        found = KEY.search((await self.get()).text)
        assert found
        self.office.intake.clock += timedelta(seconds=10)
        return found[1]

    async def send(self, *, key: str | None = None, files: Any = None, **fields: str) -> httpx.Response:
        """Fill the form in and send it. Fields of the form's own are given as f_NAME."""
        given = {"address": SITI, "message": MESSAGE, "key": await self.key() if key is None else key}
        given |= {name.replace("f_", "f.", 1): text for name, text in fields.items()}
        return await self.post(f"/forms/{self.form}{self.query}", given, files)

    async def post(
        self, path: str, fields: dict[str, str], files: Any = None, **headers: str
    ) -> httpx.Response:
        async with self.office.visitor(peer=self.peer, **headers) as visitor:
            return await visitor.client.post(path, data=fields, files=files)


def confirmations(office: Office) -> list[Any]:
    """Return the rows of mails that confirm an address, oldest first."""
    return office.intake.all(select(outbox).where(outbox.c.kind == "confirm_form").order_by(outbox.c.id))


def link_of(office: Office, at: int = -1) -> str:
    """Return the link in one of these mails, without the host."""
    text = office.intake.content(confirmations(office)[at]).get_body(("plain",)).get_content()
    found = re.search(rf"{re.escape(SITE)}(/forms/\S+)", text)
    assert found
    return found[1]


async def press(office: Office, link: str) -> httpx.Response:
    """Press the button on the page behind a link."""
    path, _, query = link.partition("?")
    key = dict(part.split("=") for part in query.split("&")).get("key", "")
    async with office.visitor() as visitor:
        return await visitor.client.post(path, data={"key": key})


def waiting(office: Office) -> list[Any]:
    return office.intake.all(select(unconfirmed_posts))


def kept(office: Office) -> list[Any]:
    """Return the mails in the inbox."""
    return office.intake.all(select(inbox).order_by(inbox.c.id))
