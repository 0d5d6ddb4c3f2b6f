"""The admins' pages on mail that waits, failed or is parked, on suppressions, sessions, and whether mail flows."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from mailbot.console.admin.routes import ROUTES
from mailbot.console.guards import Audience
from mailbot.domain.model import InboxState, OutboxState
from mailbot.domain.replies.undeliverable import Suppression
from mailbot.store import outbox_queries, queries, suppressions
from mailbot.store.channels import events
from mailbot.store.channels.overview import find_event
from mailbot.store.console import sessions, tokens
from mailbot.store.schema import inbox, outbox
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import RINA, SARI
from tests.console.office import Office

ADMIN = RINA.address  # an agent who is listed under `admins` too
PAGES = (
    *("/admin", "/admin/inbox", "/admin/outbox", "/admin/channels"),
    *("/admin/suppressions", "/admin/sessions", "/admin/mail"),
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = Store(empty_store.sqlite_url(tmp_path))
    yield Office(store, admins=(ADMIN,))
    store.close()


def _set(office: Office, table: object, **values: object) -> None:
    with office.store.engine.begin() as connection:
        connection.execute(update(table).values(values))  # type: ignore[arg-type]


async def _parked(office: Office) -> int:
    await office.receive(Subject="Saldo terpotong")
    _set(office, inbox, state=InboxState.PARKED, reason="3 workers died while handling it", ticket=None)
    return 1


async def _failed(office: Office) -> int:
    await office.receive(Subject="Saldo terpotong")
    mail_id = office.store.read_now(outbox_queries.list_entries)[-1].id
    _set(office, outbox, state=OutboxState.FAILED)
    return mail_id


@pytest.mark.parametrize("path", PAGES)
async def test_the_pages_are_for_admins_alone(office: Office, path: str) -> None:
    async with office.visitor(SARI.address) as manager, office.visitor(ADMIN) as admin:
        assert (await manager.get(path)).status_code == 403
        assert (await admin.get(path)).status_code == 200


def test_each_route_of_the_part_is_for_admins_alone() -> None:
    assert {route.endpoint.audience for route in ROUTES} == {Audience.ADMINS}


async def test_the_first_page_says_what_status_says(office: Office) -> None:
    await _parked(office)
    async with office.visitor(ADMIN) as admin:
        text = (await admin.get("/admin")).text
    assert "no daemon runs on this store" in text
    assert "1 mails are parked" in text


async def test_a_parked_mail_is_shown_with_its_reason_and_processed_again(office: Office) -> None:
    mail_id = await _parked(office)
    async with office.visitor(ADMIN) as admin:
        assert f"/admin/inbox/{mail_id}" in (await admin.get("/admin/inbox")).text
        text = (await admin.get(f"/admin/inbox/{mail_id}")).text
        assert "3 workers died" in text
        assert "Saldo terpotong" in text
        answer = await admin.post(f"/admin/inbox/{mail_id}", {"do": "retry", "once": "k1"})
        assert answer.headers["location"] == f"/admin/inbox/{mail_id}?said=retry_inbox"
    entry = office.store.read_now(queries.find_inbox_entry, mail_id)
    assert entry
    assert entry.state is InboxState.NEW


async def test_a_dropped_mail_names_who_dropped_it_and_why(office: Office) -> None:
    mail_id = await _parked(office)
    async with office.visitor(ADMIN) as admin:
        await admin.post(f"/admin/inbox/{mail_id}", {"do": "drop", "because": "iklan\nsaja", "once": "k1"})
    entry = office.store.read_now(queries.find_inbox_entry, mail_id)
    assert entry
    assert (entry.state, entry.reason) == (InboxState.DONE, f"dropped by agent:{ADMIN}: iklan saja")


async def test_a_form_that_is_sent_twice_acts_once(office: Office) -> None:
    mail_id = await _failed(office)
    async with office.visitor(ADMIN) as admin:
        form = {"do": "retry", "once": "the same key"}
        assert "said=retry_outbox" in (await admin.post(f"/admin/outbox/{mail_id}", form)).headers["location"]
        _set(office, outbox, state=OutboxState.FAILED)  # it failed again meanwhile
        assert "said=retry_outbox" in (await admin.post(f"/admin/outbox/{mail_id}", form)).headers["location"]
    entry = office.store.read_now(outbox_queries.find_entry, mail_id)
    assert entry
    assert entry.state is OutboxState.FAILED


async def test_what_can_not_be_done_is_said(office: Office) -> None:
    mail_id = await _failed(office)
    _set(office, outbox, state=OutboxState.SENT)
    async with office.visitor(ADMIN) as admin:
        answer = await admin.post(f"/admin/outbox/{mail_id}", {"do": "drop", "once": "k"})
        assert answer.headers["location"] == f"/admin/outbox/{mail_id}?said=refused"
        assert "keadaannya sudah berubah" in (await admin.get(answer.headers["location"])).text


@pytest.mark.parametrize("path", ["/admin/inbox/99", "/admin/outbox/99", f"/admin/inbox/{2**70}"])
async def test_a_mail_that_is_not_there_is_no_page(office: Office, path: str) -> None:
    async with office.visitor(ADMIN) as admin:
        assert (await admin.get(path)).status_code == 404


async def test_a_suppression_is_lifted(office: Office) -> None:
    found = Suppression("budi@pelanggan.example", "bounce", "5.1.1 no such user", office.intake.clock, None)
    with office.store.engine.begin() as connection:
        suppressions.add(connection, [found])
    async with office.visitor(ADMIN) as admin:
        assert "5.1.1 no such user" in (await admin.get("/admin/suppressions")).text
        await admin.post("/admin/suppressions", {"address": found.address, "once": "k"})
        assert "5.1.1" not in (await admin.get("/admin/suppressions")).text


async def test_an_admin_ends_the_session_of_somebody_else(office: Office) -> None:
    async with office.visitor(SARI.address) as sari, office.visitor(ADMIN) as admin:
        assert "Sari" in (await admin.get("/admin/sessions")).text
        listed = office.store.read_now(sessions.list_of, "", office.intake.clock)
        digest = next(each.digest for each in listed if each.address == SARI.address)
        await admin.post("/admin/sessions", {"digest": digest})
        assert (await sari.get("/admin")).status_code == 303
        assert (await admin.get("/admin")).status_code == 200


async def test_an_admin_revokes_the_token_of_a_program(office: Office) -> None:
    token = tokens.NewToken("d", "papan", ADMIN, ("list",), (), office.intake.clock, "operator:eko", None)
    number = office.store.write_now(tokens.add, token)
    async with office.visitor(ADMIN) as admin:
        assert "papan" in (await admin.get("/admin/sessions")).text
        answer = await admin.post("/admin/sessions", {"token": str(number)})
        assert answer.headers["location"].endswith("revoke_token")
        assert "papan" not in (await admin.get("/admin/sessions")).text
    found = office.store.read_now(tokens.find, "d")
    assert found
    assert found.revoked_at == office.intake.clock


async def test_all_that_failed_since_some_hours_is_tried_again(office: Office) -> None:
    mail_id = await _failed(office)
    _set(office, outbox, settled_at=office.intake.clock)
    office.intake.clock += timedelta(hours=2)
    async with office.visitor(ADMIN) as admin:
        for hours, said in (("1", "refused"), ("6", "retry_failed")):
            answer = await admin.post("/admin/outbox", {"hours": hours, "once": hours})
            assert answer.headers["location"] == f"/admin/outbox?said={said}"
        assert (await admin.post("/admin/outbox", {"hours": "99999999999"})).status_code == 400
    entry = office.store.read_now(outbox_queries.find_entry, mail_id)
    assert entry
    assert entry.state is OutboxState.DUE


async def test_a_parked_event_of_a_channel_is_read_again_or_dropped_once(office: Office) -> None:
    for name in ("e1", "e2"):
        await office.store.write(events.keep, events.NewEvent("toko", name, b"{", office.intake.clock))
    for event in (1, 2):
        await office.store.write(events.put_off, events.Later(event, "<b>no JSON</b>"))
    async with office.visitor(ADMIN) as admin:
        text = (await admin.get("/admin/channels")).text
        assert "&lt;b&gt;no JSON&lt;/b&gt;" in text
        assert "2 parked" in text or "2 ditahan" in text
        done = await admin.post("/admin/channels", {"do": "retry", "event": "1", "once": "k1"})
        assert done.headers["location"] == "/admin/channels?said=retry_event"
        form = {"do": "drop", "event": "2", "because": "uji coba", "once": "k2"}
        assert (await admin.post("/admin/channels", form)).headers["location"].endswith("drop_event")
        again = await admin.post("/admin/channels", {**form, "once": "k3"})
        assert again.headers["location"].endswith("refused")
        assert (await admin.post("/admin/channels", {**form, "event": "\u0662"})).status_code == 400
    first, second = (office.store.read_now(find_event, event) for event in (1, 2))
    assert first
    assert second
    assert (first.state, second.state) == ("new", "done")
    assert "uji coba" in (second.reason or "")
