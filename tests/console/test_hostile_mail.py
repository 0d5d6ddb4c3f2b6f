"""Hostile mail in every view: nothing of it runs, loads, covers or computes anything."""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from mailbot.domain.model import Envelope, Status
from mailbot.store import inbox
from mailbot.store.schema import messages
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import BOX, SARI
from tests.console.conftest import PHONE, wait_until
from tests.console.customers import SITE, links
from tests.console.hostile import CALL, CANARY, PAYLOADS, Hostile, mails
from tests.console.office import Office

ADDRESSES = ("href", "src", "action", "formaction", "hx-get", "hx-post", "data", "poster", "xlink:href")
NEVER = frozenset(
    (
        "base",
        "object",
        "embed",
        "applet",
        "marquee",
        "math",
        "template",
        "plaintext",
        "video",
        "audio",
        "source",
    )
)
LINKS = ("stylesheet", "icon")
OF_MAILS = re.compile(r"<\w+ (?:style|href)=(?!\s*javascript)|: '\\u20")
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\0]")


@dataclass(frozen=True, slots=True)
class Besieged:
    """An office with all hostile mails. `numbers`: their tickets, `entries`: their inbox ids, in order."""

    office: Office
    mails: tuple[Hostile, ...]
    numbers: tuple[str, ...]
    entries: tuple[int, ...]

    def tickets(self) -> list[str]:
        return list(dict.fromkeys(self.numbers))

    def message(self, entry: int) -> int:
        """Return the id of the message that a mail became."""
        found = self.office.intake.one(select(messages.c.id).where(messages.c.inbox_id == entry))
        return int(found.id)

    def of(self, place: str) -> Iterator[tuple[str, int]]:
        """Yield number and inbox id of the mails with the payload in this place."""
        for mail, number, entry in zip(self.mails, self.numbers, self.entries, strict=True):
            if mail.place == place:
                yield number, entry


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    store = Store(empty_store.sqlite_url(tmp_path_factory.mktemp("hostile")))
    office = Office(store, public_url=SITE, admins=(SARI.address,))
    yield asyncio.run(_receive(office))
    store.close()


async def _receive(office: Office) -> Besieged:
    """Take in the first mail of each sender, then the others, which name the ticket of the first."""
    every = tuple(mails())
    first = {mail.sender: mail for mail in reversed(every)}
    begins = [mail for mail in every if first[mail.sender] is mail]
    entries = [await _keep(office, mail) for mail in begins]
    await office.intake.work()
    tickets = {mail.sender: number for mail, number in zip(begins, _numbers(office, entries), strict=True)}
    others = [mail for mail in every if first[mail.sender] is not mail]
    entries += [await _keep(office, mail, tickets[mail.sender]) for mail in others]
    await office.intake.work()
    return Besieged(office, (*begins, *others), tuple(_numbers(office, entries)), tuple(entries))


async def _keep(office: Office, mail: Hostile, number: str = "") -> int:
    envelope = Envelope(mail.sender, (BOX.address,), "192.0.2.7", office.intake.clock)
    raw = mail.raw.replace(b"%NUMBER%", number.encode())
    fingerprint = hashlib.sha256(raw).hexdigest()
    return (await office.store.write(inbox.keep, inbox.ReceivedMail(fingerprint, envelope, raw))).inbox_id


def _numbers(office: Office, entries: Sequence[int]) -> list[str]:
    return [office.intake.ticket_of(entry).number for entry in entries]


@pytest.fixture
def office(besieged: Besieged) -> Office:
    return besieged.office


class _Audit(HTMLParser):
    """Lists what in a page acts, and is not the page's own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        wrong = [
            name
            for name in given
            if name.startswith(("on", "hx-on", "data-hx")) or name in ("style", "srcdoc")
        ]
        wrong += [name for name in ADDRESSES if not _is_ours(given.get(name, "/"))]
        if tag in NEVER or (tag == "script" and not given.get("src", "").startswith("/static/")):
            wrong.append("element")
        if tag == "iframe" and "sandbox" not in given:
            wrong.append("sandbox")
        if tag == "link" and given.get("rel") not in LINKS:
            wrong.append("rel")
        if tag == "meta" and "http-equiv" in given:
            wrong.append("http-equiv")
        self.faults += [f"<{tag} {name}={given.get(name, '')[:60]}>" for name in wrong]


def _is_ours(address: str) -> bool:
    return address == "" or bool(re.match(r"/(?!/)|[#?]", address))


def faults_of(path: str, html: str) -> list[str]:
    """Return what acts in a page, what was computed in it, and marks that turn its text around."""
    audit = _Audit()
    audit.feed(html)
    audit.close()
    computed = [each for each in ("xx49xx", "$49", "ulangulang", "&lt;Request", "&lt;class") if each in html]
    marks = BIDI.findall(html)
    return [f"{path}: {fault}" for fault in (*audit.faults, *computed, *map(ascii, marks))]


def test_there_are_many_mails_and_all_are_on_tickets(besieged: Besieged) -> None:
    assert len(besieged.mails) >= 300
    assert len(besieged.tickets()) >= 2 * len(PAYLOADS)
    statuses = {besieged.office.ticket(number).status for number in besieged.tickets()}
    assert statuses <= {Status.NEW, Status.OPEN, Status.FILED}


def test_the_audit_sees_what_acts() -> None:
    for payload in PAYLOADS[:8]:
        assert faults_of("x", f"<p>{payload}</p>") or "onm" in payload or payload.startswith("`")
    assert faults_of("x", '<a href="//kanari.example">x</a>')
    assert faults_of("x", "xx49xx")
    assert faults_of("x", '<a href="/x">x</a>') == []


def _staff_paths(besieged: Besieged) -> Iterator[str]:
    numbers = besieged.tickets()
    yield from (f"/tickets/{number}" for number in numbers)
    yield from (f"/tickets/{number}/history" for number in numbers[::4])
    yield from (f"/tickets/{number}/parts" for number in numbers[::10])
    yield from (f"/tickets/team?page={page}&sort=newest" for page in (1, 2, 3))
    yield from (
        "/tickets",
        "/tickets/drafts",
        "/board",
        "/board/report",
        "/admin",
        "/admin/inbox",
        "/admin/outbox",
    )
    yield from (f"/search?q={quote(payload[:200])}" for payload in PAYLOADS)
    yield "/search?q=halo"
    for place in ("subject", "html", "file name"):
        yield from (f"/admin/mail?inbox={entry}" for _, entry in besieged.of(place))
    yield from (f"/admin/inbox/{entry}" for _, entry in besieged.of("name"))
    yield from (f"/admin/outbox/{id_}" for id_ in range(1, 400, 5))


async def test_no_page_for_staff_holds_anything_of_a_mail_that_acts(besieged: Besieged) -> None:
    faults = []
    async with besieged.office.visitor(SARI.address) as sari:
        for path in _staff_paths(besieged):
            answer = await sari.get(path)
            assert answer.status_code == 200, path
            faults += faults_of(path, answer.text)
    assert faults == []


async def test_the_original_view_holds_nothing_that_acts(besieged: Besieged) -> None:
    faults, shown = [], 0
    async with besieged.office.visitor(SARI.address) as sari:
        for number, entry in (*besieged.of("html"), *list(besieged.of("text"))[::4]):
            path = f"/tickets/{number}/messages/{besieged.message(entry)}"
            whole, frame = (await sari.get(path)).text, (await sari.get(f"{path}/html")).text
            faults += [*faults_of(path, whole), *faults_of(f"{path}/html", frame)]
            faults += [path] if CANARY in re.sub(r">[^<]*<", "><", frame) else []
            shown += "<b>akhir</b>" in frame
    assert faults == []
    assert shown >= len(PAYLOADS) // 2


async def test_every_file_is_a_download_without_a_type_that_acts(besieged: Besieged) -> None:
    kinds, names = set(), 0
    async with besieged.office.visitor(SARI.address) as sari:
        for number in besieged.tickets():
            page = (await sari.get(f"/tickets/{number}")).text
            for path in dict.fromkeys(re.findall(rf"/tickets/{number}/files/\d+", page)):
                headers = (await sari.get(path)).headers
                assert headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
                assert headers["x-content-type-options"] == "nosniff"
                kinds.add(headers["content-type"])
                names += 1
    assert kinds == {"application/octet-stream"}
    assert names >= 2 * len(PAYLOADS) - 10


async def test_no_page_for_customers_holds_anything_that_acts(besieged: Besieged) -> None:
    faults, opened = [], 0
    async with besieged.office.visitor() as visitor:
        for sender in dict.fromkeys(mail.sender for mail in besieged.mails):
            for path in links(besieged.office, sender)[:1]:
                answer = await visitor.get(path)
                opened += answer.status_code == 200
                faults += faults_of(path, answer.text)
    assert faults == []
    assert opened >= 50


async def test_our_own_mails_about_them_hold_nothing_that_acts(besieged: Besieged) -> None:
    """Notices show a customer's text in HTML. Their styles and links are our own."""
    faults, seen = [], 0
    async with besieged.office.visitor(SARI.address) as sari:
        for place in ("subject", "name", "text"):
            for _, entry in besieged.of(place):
                page = (await sari.get(f"/admin/mail?inbox={entry}")).text
                for path in re.findall(r"/admin/mail/sent/[\w-]+", page):
                    frame = await sari.get(path)
                    assert "sandbox" in frame.headers["content-security-policy"]
                    faults += [each for each in faults_of(path, frame.text) if not OF_MAILS.search(each)]
                    seen += 1
    assert faults == []
    assert seen >= len(PAYLOADS)


WATCH = """
window.__ran = [];
Object.defineProperty(window, "__xss", {set(value) { window.__ran.push("xss"); }});
for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = () => window.__ran.push(name);
document.addEventListener("securitypolicyviolation", (event) => {
  window.__ran.push(event.violatedDirective + " " + event.blockedURI);
});
"""


def _browser_paths(besieged: Besieged) -> Iterator[str]:
    numbers = besieged.tickets()
    yield from (f"/tickets/{number}" for number in numbers)
    yield from (f"/tickets/{number}/history" for number in numbers[:: len(numbers) // 10])
    yield from (
        "/tickets/team?sort=newest",
        "/tickets/team?page=2&sort=newest",
        "/search?q=halo",
        "/board",
        "/admin/inbox",
    )
    yield from (f"/admin/mail?inbox={entry}" for _, entry in list(besieged.of("html"))[::4])


def _watched(open_page: Any) -> tuple[Any, list[str]]:
    """Open a page that reports what ran, was tried or was loaded from outside."""
    page, ran = open_page("/static/icon.svg", address=SARI.address), []
    page.context.add_init_script(WATCH)
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.context.on("request", lambda request: ran.append(request.url) if CANARY in request.url else None)
    return page, ran


def _visit(page: Any, path: str, ran: list[str]) -> None:
    page.goto(path, wait_until="domcontentloaded")
    ran += [f"{path}: {each}" for each in page.evaluate("window.__ran")]


def test_nothing_runs_in_a_real_browser(open_page: Any, besieged: Besieged) -> None:
    page, ran = _watched(open_page)
    for path in _browser_paths(besieged):
        _visit(page, path, ran)
    assert ran == []
    page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '<img src=x onerror={CALL}>')")
    wait_until(page, "window.__ran.length > 0")  # the watch sees what is tried, not only what runs


def test_nothing_runs_in_the_original_view(open_page: Any, besieged: Besieged) -> None:
    page, ran = _watched(open_page)
    frames = 0
    for number, entry in besieged.of("html"):
        path = f"/tickets/{number}/messages/{besieged.message(entry)}"
        page.goto(path)
        frames += page.frame_locator("iframe.original").locator("b", has_text="akhir").count()
        ran += page.evaluate("window.__ran")
        page.goto(f"{path}/html")
    assert ran == []
    assert frames >= len(PAYLOADS) // 2


def test_a_word_without_end_fits_a_phone(open_page: Any, besieged: Besieged) -> None:
    page = open_page("/static/icon.svg", address=SARI.address, size=PHONE)
    tickets = {
        number
        for mail, number in zip(besieged.mails, besieged.numbers, strict=True)
        if mail.payload.startswith("WWW")
    }
    wide = {}
    for path in (
        *(f"/tickets/{number}" for number in tickets),
        "/tickets/team?sort=newest",
        "/search?q=halo",
    ):
        page.goto(path, wait_until="domcontentloaded")
        wide[path] = page.evaluate("document.documentElement.scrollWidth")
    assert {path: width for path, width in wide.items() if width > PHONE["width"]} == {}
