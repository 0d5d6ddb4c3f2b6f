"""Mail from a folder on a real IMAP server becomes mail in the inbox: once, whole, and marked only then."""

import asyncio
import ssl
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import select

from mailbot.channels.imap.fetcher import BATCH, ImapFetcher, Timeouts
from mailbot.channels.keep import MailAcceptor
from mailbot.config.model import ImapAccount
from mailbot.domain.model import Envelope
from mailbot.errors import StoreFull, StoreUnavailable
from mailbot.metrics import Metrics
from mailbot.store.schema import imap_folders as folders_table
from mailbot.store.schema import inbox, raw_mails
from mailbot.store.service import imap_folders
from mailbot.store.store import Store
from tests.builders import BOX, policy
from tests.dovecot import CAPABILITIES, MISSING, PASSWORD, PROGRAM, Box, Dovecot

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
    pytest.mark.parametrize("store_url", ["sqlite"], indirect=True),
]

QUICK = Timeouts(
    read=timedelta(seconds=5), retry=timedelta(milliseconds=1), max_retry=timedelta(milliseconds=5)
)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot() as running:
        yield running


@pytest.fixture
def box(server: Dovecot) -> Box:
    return server.box(f"u{uuid.uuid4().hex}")


def complaint(number: int, extra: str = "", text: str = "Pesanan saya belum sampai.") -> bytes:
    return (
        f"Return-Path: <budi{number}@pelanggan.example>\r\nFrom: Budi <budi{number}@pelanggan.example>\r\n"
        f"To: {BOX.address}\r\nSubject: Pesanan {number}\r\nMessage-ID: <m{number}@pelanggan.example>\r\n"
        f"Date: Mon, 23 Nov 2026 10:00:00 +0700\r\n{extra}\r\n{text}\r\n"
    ).encode()


class Fetch:
    """A fetcher with its store. `before` and `after_commit` stand around the keeping of each mail."""

    def __init__(self, store: Store, server: Dovecot, box: Box, **changes: Any) -> None:
        self.store, self._server, self._box, self._changes = store, server, box, changes
        self.woken = asyncio.Event()
        self._acceptor = MailAcceptor(store, Metrics())
        self.before: Callable[[bytes], Awaitable[None]] | None = None
        self.after_commit: Callable[[bytes], Awaitable[None]] | None = None
        self.fetcher = self._make_fetcher()

    async def restart(
        self, size_limit: int = 1 << 20, tls: ssl.SSLContext | None = None, **changes: Any
    ) -> None:
        """Restart as after a crash: only the stored state remains."""
        await self.fetcher.close()
        self._changes |= changes
        self.fetcher = self._make_fetcher(size_limit, tls)

    def _make_fetcher(self, size_limit: int = 1 << 20, tls: ssl.SSLContext | None = None) -> ImapFetcher:
        status = {"port": self._server.port, "user": self._box.user, "tls": "none", "password": PASSWORD}
        account = ImapAccount(**{"host": "127.0.0.1", "mailbox": BOX.address} | status | self._changes)  # type: ignore[arg-type]
        return ImapFetcher(
            self.store,
            account,
            policy=policy,
            keep=self._keep,
            wake=self.woken.set,
            size_limit=size_limit,
            now=lambda: datetime.now(UTC),
            tls=tls,
            timeouts=QUICK,
        )

    async def _keep(self, envelope: Envelope, raw: bytes) -> int:
        if self.before:
            await self.before(raw)
        inbox_id = await self._acceptor(envelope, raw)
        if self.after_commit:
            await self.after_commit(raw)
        return inbox_id

    async def work(self) -> timedelta:
        """Run until no work is left and return how long the worker wants to delay then."""
        while (delay := await self.fetcher.run_once()) == 0:
            pass
        assert isinstance(delay, timedelta)
        return delay

    def rows(self) -> list[Any]:
        query = select(inbox, raw_mails.c.content).join(raw_mails).order_by(inbox.c.id)
        return list(self.store.read_now(lambda c: c.execute(query).all()))

    def subjects(self) -> list[str]:
        lines = [line for row in self.rows() for line in row.content.decode("latin-1").split("\r\n")]
        return [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]

    @property
    def folder(self) -> Any:
        return self.store.read_now(lambda c: c.execute(select(folders_table)).one())


@pytest.fixture
async def fetch(store: Store, server: Dovecot, box: Box) -> Any:
    fetch = Fetch(store, server, box)
    yield fetch
    await fetch.fetcher.close()


async def test_new_mail_becomes_inbox_rows_and_is_seen_only_then(fetch: Fetch, box: Box) -> None:
    box.put(complaint(1))
    await fetch.work()
    box.put(complaint(2, "Delivered-To: support+t.x@dukungan.example\r\n"), b"Subject: Siapa\r\n\r\nhalo\r\n")
    await fetch.work()

    one, two, three = fetch.rows()
    assert (one.content, one.sender, one.recipients) == (
        *(complaint(1), "budi1@pelanggan.example", [BOX.address]),
    )
    assert two.recipients == ["support+t.x@dukungan.example", BOX.address]
    assert (three.sender, three.recipients, three.peer) == ("", [BOX.address], "")
    assert abs(datetime.now(UTC) - one.received_at) < timedelta(minutes=1)
    assert box.flags() == {1: {"\\Seen"}, 2: {"\\Seen"}, 3: {"\\Seen"}}
    assert fetch.folder.last_uid == 3


async def test_a_daemon_killed_between_storing_and_marking_stores_nothing_twice(
    fetch: Fetch, box: Box
) -> None:
    async def die(raw: bytes) -> None:
        raise StoreUnavailable("killed here")

    box.put(complaint(1), complaint(2))
    fetch.after_commit = die
    with pytest.raises(StoreUnavailable):
        await fetch.work()
    assert len(fetch.rows()) == 2
    assert box.flags() == {1: set(), 2: set()}

    fetch.after_commit = None
    await fetch.restart()
    await fetch.work()
    assert sorted(fetch.subjects()) == ["Pesanan 1", "Pesanan 2"]
    assert box.flags() == {1: {"\\Seen"}, 2: {"\\Seen"}}


async def test_a_cancelled_turn_is_repeated(fetch: Fetch, box: Box) -> None:
    async def hang(raw: bytes) -> None:
        hanging.set()
        await asyncio.Event().wait()

    box.put(complaint(1))
    hanging = asyncio.Event()
    fetch.after_commit = hang
    turn = asyncio.create_task(fetch.work())
    await hanging.wait()
    turn.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(turn, return_exceptions=True)
    assert box.flags() == {1: set()}

    fetch.after_commit = None
    await fetch.work()
    assert len(fetch.rows()) == 1
    assert box.flags() == {1: {"\\Seen"}}


@pytest.mark.parametrize("trouble", [StoreFull("no space"), StoreUnavailable("locked")])
async def test_mail_that_the_store_refuses_stays_unmarked_and_comes_later(
    fetch: Fetch, box: Box, trouble: Exception
) -> None:
    async def refuse(raw: bytes) -> None:
        if b"Pesanan 2" in raw:
            raise trouble

    box.put(complaint(1), complaint(2), complaint(3))
    fetch.before = refuse
    for _ in range(3):
        with pytest.raises(type(trouble)):
            await fetch.work()
    assert box.flags() == {1: {"\\Seen"}, 2: set(), 3: {"\\Seen"}}

    fetch.before = None
    await fetch.work()
    assert sorted(fetch.subjects()) == ["Pesanan 1", "Pesanan 2", "Pesanan 3"]
    assert box.flags()[2] == {"\\Seen"}


async def test_a_mail_that_raises_an_error_is_left_and_blocks_no_other(fetch: Fetch, box: Box) -> None:
    async def fail(raw: bytes) -> None:
        if b"Pesanan 2" in raw:
            raise ValueError("a bug of ours")

    box.put(complaint(1), complaint(2), complaint(3))
    fetch.before = fail
    await fetch.work()
    box.put(complaint(4))
    await fetch.work()
    assert sorted(fetch.subjects()) == ["Pesanan 1", "Pesanan 3", "Pesanan 4"]
    assert box.flags()[2] == set()
    assert fetch.folder.skipped_uids == [2]

    fetch.before = None  # the next version knows better
    await fetch.restart()
    await fetch.work()
    assert "Pesanan 2" in fetch.subjects()
    assert box.flags()[2] == {"\\Seen"}
    assert fetch.folder.skipped_uids == []


async def test_three_hundred_mails_come_in_batches_none_twice(fetch: Fetch, box: Box) -> None:
    turns = 0
    box.put(*(complaint(each) for each in range(300)))
    while await fetch.fetcher.run_once() == 0:
        turns += 1

    assert sorted(fetch.subjects()) == sorted(f"Pesanan {each}" for each in range(300))
    assert turns == 300 // BATCH
    assert set(map(frozenset, box.flags().values())) == {frozenset({"\\Seen"})}


ODD = {
    "8-bit": b"Subject: \xe9\xff caf\xc3\xa9\r\n\r\n\x80\x81\xfe\xff\r\n",
    "looks like a literal": b"Subject: {5}\r\n\r\n{12}\r\n* 3 FETCH (UID 9 BODY[] {3}\r\nabc)\r\n{99999}",
    "ends in a parenthesis": b"Subject: x)\r\n\r\n)\r\n)",
    "looks like an answer": b"Subject: x\r\n\r\nm4 OK done\r\n+ go on\r\n* BYE\r\n",
    "a header alone": b"Subject: x",
    "one byte": b"x",
    "no header": b"\r\nhalo\r\n",
    "quotes": b'Subject: "a\\"\r\n\r\n"\r\n\\\r\n',
    "a long line": b"Subject: x\r\n\r\n" + b"y" * 300_000 + b"\r\n",
}


@pytest.mark.parametrize("mail", ODD.values(), ids=ODD)
async def test_every_byte_arrives(fetch: Fetch, box: Box, mail: bytes) -> None:
    box.put(mail, complaint(7))
    await fetch.work()
    first, last = fetch.rows()
    assert (first.content, last.content) == (mail, complaint(7))


async def test_a_nul_in_a_mail_stops_nothing(fetch: Fetch, box: Box) -> None:
    box.put(complaint(1))
    box.drop(b"Subject: a\0b\n\nx\0y\n", "1795300000.M1P1.host")
    await fetch.work()
    (mail,) = (row.content for row in fetch.rows() if row.content != complaint(1))
    assert (mail.count(b"\r\n"), len(mail)) == (3, len(b"Subject: a\0b\r\n\r\nx\0y\r\n"))


async def test_a_mail_that_is_too_large_is_skipped_until_the_limit_grows(fetch: Fetch, box: Box) -> None:
    box.put(complaint(1), complaint(2, text="x" * 200_000), complaint(3))
    await fetch.restart(size_limit=100_000)
    await fetch.work()
    assert sorted(fetch.subjects()) == ["Pesanan 1", "Pesanan 3"]
    assert box.flags()[2] == set()
    assert fetch.folder.skipped_uids == [2]

    await fetch.restart(size_limit=300_000)
    await fetch.work()
    assert "Pesanan 2" in fetch.subjects()
    assert fetch.folder.skipped_uids == []


async def test_mail_read_before_the_first_start_is_skipped_and_later_mail_is_not(
    fetch: Fetch, box: Box
) -> None:
    box.put(complaint(1), flags="\\Seen", date='"01-Nov-2026 10:00:00 +0700"')
    box.put(complaint(2), date='"01-Nov-2026 10:00:00 +0700"')
    await fetch.work()
    assert fetch.subjects() == ["Pesanan 2"]
    await fetch.fetcher.close()
    box.put(complaint(3))
    box.put(complaint(4), date='"01-Nov-2026 10:00:00 +0700"')
    box.mark("3:4", "\\Seen")  # a person reads them on a phone before the fetcher connects
    box.put(complaint(5), flags="\\Deleted")
    await fetch.restart()
    await fetch.work()
    assert fetch.subjects() == ["Pesanan 2", "Pesanan 3", "Pesanan 4"]
    assert fetch.folder.last_uid == 5  # mail from before the start is not read again


async def test_mail_removed_by_another_client_during_the_fetch_is_no_error(fetch: Fetch, box: Box) -> None:
    async def take_away(raw: bytes) -> None:
        fetch.before = None
        client = box.client()
        client.uid("STORE", f"{BATCH + 1}:{BATCH + 5}", "+FLAGS", "\\Deleted")
        client.expunge()
        client.logout()

    box.put(*(complaint(each) for each in range(BATCH + 10)))
    fetch.before = take_away
    await fetch.work()
    assert len(fetch.rows()) == BATCH + 5
    assert fetch.folder.skipped_uids == []


async def test_idle_reports_new_mail_at_once(fetch: Fetch, box: Box) -> None:
    assert await fetch.work() == QUICK.idle
    fetch.woken.clear()
    for each in range(3):
        await asyncio.to_thread(box.put, complaint(each))
        async with asyncio.timeout(2):
            await fetch.woken.wait()
        await fetch.work()
        fetch.woken.clear()
    assert len(fetch.rows()) == 3


async def test_the_fetcher_notices_a_broken_connection_during_idle(store: Store) -> None:
    with Dovecot() as own:
        box = own.box("cs")
        fetch = Fetch(store, own, box)
        await fetch.work()
        fetch.woken.clear()
        own.stop()
        async with asyncio.timeout(5):
            await fetch.woken.wait()
        assert await fetch.work() < timedelta(seconds=1)
        assert fetch.fetcher.error

        own.start()
        box.put(complaint(1))
        assert await fetch.work() == QUICK.idle
        assert (fetch.fetcher.error, len(fetch.rows())) == ("", 1)
        await fetch.fetcher.close()


async def test_a_server_restart_loses_and_doubles_no_mail(store: Store) -> None:
    async def restart(raw: bytes) -> None:
        if len(fetch.rows()) > 70:
            fetch.after_commit = None
            own.stop()

    with Dovecot() as own:
        box = own.box("cs")
        box.put(*(complaint(each) for each in range(150)))
        fetch = Fetch(store, own, box)
        fetch.after_commit = restart
        for _ in range(5):
            await fetch.work()
        assert fetch.fetcher.error
        assert 70 < len(fetch.rows()) < 150

        own.start()
        assert [set() for flags in box.flags().values() if not flags]
        await fetch.work()
        assert sorted(fetch.subjects()) == sorted(f"Pesanan {each}" for each in range(150))
        assert all(flags == {"\\Seen"} for flags in box.flags().values())
        await fetch.fetcher.close()


async def test_a_folder_with_new_uidvalidity_is_read_again_and_no_mail_is_stored_twice(store: Store) -> None:
    with Dovecot() as own:
        box = own.box("cs")
        box.put(complaint(1), flags="\\Seen", date='"01-Nov-2026 10:00:00 +0700"')
        box.put(complaint(2), complaint(3))
        fetch = Fetch(store, own, box)
        await fetch.work()
        before = fetch.folder.uidvalidity
        await fetch.fetcher.close()
        own.stop()
        box.renumber()
        await asyncio.sleep(1.1)  # dovecot numbers by the second
        own.start()
        box.put(complaint(4))
        box.mark("4", "\\Seen")
        await fetch.restart()
        await fetch.work()

        assert fetch.folder.uidvalidity != before
        assert fetch.subjects() == ["Pesanan 2", "Pesanan 3", "Pesanan 4"]
        await fetch.fetcher.close()


@pytest.mark.parametrize("folder", ["Arsip", "Keluhan & 客服"])
async def test_stored_mail_is_moved(store: Store, server: Dovecot, box: Box, folder: str) -> None:
    fetch = Fetch(store, server, box, after="move", move_to=folder)
    box.put(complaint(1), complaint(2))
    await fetch.work()
    box.put(complaint(3))
    await fetch.work()
    await fetch.fetcher.close()

    assert box.flags() == {}
    theirs = {"Arsip": "Arsip", "Keluhan & 客服": '"Keluhan &- &W6JnDQ-"'}[folder]
    assert len(box.flags(theirs)) == 3
    assert fetch.folder.last_uid == 3


async def test_stored_mail_is_deleted_and_what_other_clients_marked_stays(
    store: Store, server: Dovecot, box: Box
) -> None:
    box.put(complaint(1), complaint(2), complaint(3))
    box.mark("2", "\\Deleted")
    fetch = Fetch(store, server, box, after="delete")
    await fetch.work()
    await fetch.fetcher.close()

    assert fetch.subjects() == ["Pesanan 1", "Pesanan 3"]
    assert box.flags() == {2: {"\\Deleted"}}


@pytest.mark.parametrize(
    ("hidden", "after", "here", "there"),
    [
        (("MOVE",), "move", {}, 2),
        (("MOVE", "UIDPLUS"), "move", {1: {"\\Deleted"}, 2: {"\\Deleted"}}, 2),
        (("UIDPLUS",), "delete", {1: {"\\Deleted"}, 2: {"\\Deleted"}}, 0),
        (("IDLE",), "seen", {1: {"\\Seen"}, 2: {"\\Seen"}}, 0),
    ],
)
async def test_an_older_server_is_served_too(
    store: Store, hidden: tuple[str, ...], after: str, here: dict[int, set[str]], there: int
) -> None:
    assert set(hidden) < set(CAPABILITIES)
    with Dovecot(hidden=hidden) as old:
        box = old.box("cs")
        box.put(complaint(1), complaint(2))
        fetch = Fetch(store, old, box, after=after, move_to="Arsip", every=timedelta(seconds=33))
        delay = await fetch.work()
        await fetch.fetcher.close()

        assert delay == (timedelta(seconds=33) if "IDLE" in hidden else QUICK.idle)
        assert len(fetch.rows()) == 2
        assert box.flags() == here
        assert len(box.flags("Arsip") if there else {}) == there


async def test_a_wrong_password_is_reported_and_not_tried_again_at_once(
    store: Store, server: Dovecot, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    fetch = Fetch(store, server, box, password="salah")
    delays = [await fetch.work() for _ in range(3)]

    assert delays == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert "Authentication failed" in fetch.fetcher.error
    assert "salah" not in caplog.text
    assert {record.message for record in caplog.records} == {"imap_login_refused"}
    (status,) = store.read_now(imap_folders.folder_statuses).values()
    assert status.error == fetch.fetcher.error

    await fetch.restart(password=PASSWORD)
    await fetch.work()
    (status,) = store.read_now(imap_folders.folder_statuses).values()
    assert status.error == ""
    await fetch.fetcher.close()


async def test_a_missing_folder_is_reported(store: Store, server: Dovecot, box: Box) -> None:
    fetch = Fetch(store, server, box, folder="Tidak Ada")
    await fetch.work()
    assert "SELECT: " in fetch.fetcher.error
    assert "doesn't exist" in fetch.fetcher.error


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_tls_is_used_and_the_certificate_is_checked(store: Store, tmp_path: Path, tls: str) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    leaf.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with Dovecot(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem") as own:
        box = own.box("cs")
        box.put(complaint(1))
        port = own.tls_port if tls == "implicit" else own.port
        fetch = Fetch(store, own, box, tls=tls, port=port, host="localhost")
        await fetch.work()
        assert "certificate verify failed" in fetch.fetcher.error
        assert fetch.rows() == []

        await fetch.restart(tls=trusting)
        await fetch.work()
        assert fetch.subjects() == ["Pesanan 1"]
        await fetch.fetcher.close()
        assert "TLS" in own.log
