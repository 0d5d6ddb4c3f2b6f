"""What goes over the connection to an IMAP server, and what is made of the strangest answers."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mailbot.channels.imap.client import (
    ImapConnectionLost,
    Response,
    internal_date,
    mailbox_name,
    quoted,
    sequence,
)
from mailbot.channels.imap.fetcher import MAX_BREAKS, ImapFetcher, Timeouts
from mailbot.channels.keep import MailAcceptor
from mailbot.config.model import ImapAccount
from mailbot.metrics import Metrics
from mailbot.store.schema import imap_folders, raw_mails
from mailbot.store.store import Store
from tests.builders import BOX, policy
from tests.channels.imap_script import BadServer

QUICK = Timeouts(
    read=timedelta(seconds=2), retry=timedelta(milliseconds=1), max_retry=timedelta(milliseconds=5)
)
sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("line", "literals", "items"),
    [
        (b"* 1 FETCH (UID 5 FLAGS (\\Seen $X))\r\n", (), {b"UID": b"5", b"FLAGS": [b"\\Seen", b"$X"]}),
        (b"* 1 fetch (uid 5 flags ())\r\n", (), {b"UID": b"5", b"FLAGS": []}),
        (b"* 1 FETCH (BODY[] {3} UID 5)\r\n", (b"a)b",), {b"BODY[]": b"a)b", b"UID": b"5"}),
        (b"* 1 FETCH (BODY[] {3} UID 5)\r\n", (None,), {b"BODY[]": None, b"UID": b"5"}),
        (b"* 1 FETCH (BODY[] ~{3} UID 5)\r\n", (b"a\0b",), {b"BODY[]": b"a\0b", b"UID": b"5"}),
        (b'* 1 FETCH (BODY[] "a \\"b\\\\" UID 5)\r\n', (), {b"BODY[]": b'a "b\\', b"UID": b"5"}),
        (b"* 1 FETCH (BODY[] NIL)\r\n", (), {b"BODY[]": None}),
        (b"* 1 FETCH (MODSEQ (9) UID 5)\r\n", (), {b"MODSEQ": [b"9"], b"UID": b"5"}),
        (b"* 1 FETCH ((a (b)) c UID)\r\n", (), {b"": b"c"}),
        (b"* 1 FETCH ()\r\n", (), {}),
        (b"* 3 EXISTS\r\n", (), {}),
        (b"* OK FETCH (UID 5)\r\n", (), {}),
    ],
)
def test_the_items_of_a_fetch_response_are_read(
    line: bytes, literals: tuple[bytes | None, ...], items: dict[bytes, Any]
) -> None:
    assert Response(line, literals).fetch_items() == items


@given(st.binary(max_size=60) | st.from_regex(rb'[( )"\\{}0-9a]{0,40}', fullmatch=True))
def test_any_response_is_parsed_or_refused(text: bytes) -> None:
    with suppress(ImapConnectionLost):
        assert isinstance(Response(b"* 1 FETCH (" + text, (b"x",)).fetch_items(), dict)


def test_a_response_of_parentheses_alone_is_refused_quickly() -> None:
    with pytest.raises(ImapConnectionLost):
        Response(b"* 1 FETCH " + b"(" * 100_000).fetch_items()


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("INBOX", b'"INBOX"'),
        ("Arsip/2026", b'"Arsip/2026"'),
        ('a\\b"c', b'"a\\\\b\\"c"'),
        ("Keluhan & saran", b'"Keluhan &- saran"'),
        ("台北", b'"&U,BTFw-"'),  # RFC 3501 5.1.3
        ("~peter/mail/日本語", b'"~peter/mail/&ZeVnLIqe-"'),
        ("a😀", b'"a&2D3eAA-"'),
    ],
)
def test_folder_names_are_encoded_in_modified_utf7(name: str, encoded: bytes) -> None:
    assert mailbox_name(name) == encoded


@given(st.sets(st.integers(1, 60), min_size=1))
def test_a_sequence_names_these_mails_and_no_other(uids: set[int]) -> None:
    named = []
    for run in sequence(list(uids)).decode().split(","):
        low, _, high = run.partition(":")
        named += range(int(low), int(high or low) + 1)
    assert named == sorted(uids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"17-Jul-1996 02:44:25 -0700", datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)),
        (b" 7-Nov-2026 00:00:00 +0700", datetime(2026, 11, 6, 17, tzinfo=UTC)),
        (b"31-Feb-2026 00:00:00 +0000", None),
        (b"01-Jan-0001 00:00:00 +9999", None),
        (b"\xff", None),
        (None, None),
    ],
)
def test_dates_of_the_server_are_read(text: bytes | None, expected: datetime | None) -> None:
    assert internal_date(text) == expected


@pytest.mark.parametrize("text", ["rahasia", 'a"b', "a\\", "a b{5}", ""])
def test_passwords_are_quoted(text: str) -> None:
    encoded = quoted(text).decode()
    assert encoded[1:-1].replace('\\"', '"').replace("\\\\", "\\") == text
    assert not encoded[1:-1].replace("\\\\", "").replace('\\"', "").count('"')


# --- a server that misbehaves -----------------------------------------------------------------------------


def mail(number: int, size: int = 0) -> bytes:
    head = f"From: b@x.example\r\nSubject: {number}\r\nMessage-ID: <{number}@x.example>\r\n\r\n"
    return head.encode() + b"x" * size + b"\r\n"


class Fetch:
    def __init__(self, store: Store, server: BadServer, size_limit: int = 1 << 20, **changes: Any) -> None:
        defaults = {"port": server.port, "user": "cs", "tls": "none", "password": "rahasia"} | changes
        account = ImapAccount(host="127.0.0.1", mailbox=BOX.address, **defaults)
        self.store = store
        self.fetcher = ImapFetcher(
            store,
            account,
            policy=policy,
            keep=MailAcceptor(store, Metrics()),
            wake=lambda: None,
            size_limit=size_limit,
            now=lambda: datetime.now(UTC),
            timeouts=QUICK,
        )

    async def turns(self, count: int = 12) -> None:
        for _ in range(count):
            await self.fetcher.run_once()

    def numbers(self) -> list[int]:
        found = self.store.read_now(lambda c: c.execute(select(raw_mails.c.content)).scalars().all())
        return sorted(int(raw.split(b"Subject: ")[1].split(b"\r\n")[0]) for raw in found)

    def left(self) -> list[int]:
        return list(
            self.store.read_now(lambda c: c.execute(select(imap_folders.c.skipped_uids)).scalar_one())
        )


@asynccontextmanager
async def fetching(store: Store, server: BadServer, **changes: Any) -> AsyncIterator[Fetch]:
    async with server:
        fetch = Fetch(store, server, **changes)
        try:
            yield fetch
        finally:
            await fetch.fetcher.close()


@sqlite
async def test_a_mail_that_breaks_the_connection_is_skipped_and_the_others_come(store: Store) -> None:
    server = BadServer({uid: mail(uid) for uid in range(1, 7)}, dies_on={3})
    async with fetching(store, server) as fetch:
        await fetch.turns(25)
        server.mails[7] = mail(7)
        await fetch.turns(2)
        assert fetch.numbers() == [1, 2, 4, 5, 6, 7]
        assert (server.seen, fetch.left()) == ({1, 2, 4, 5, 6, 7}, [3])
        alone = [line for line in server.received if b" 3 (UID BODY.PEEK[])" in line]
        assert len(alone) == MAX_BREAKS


@sqlite
async def test_a_mail_that_the_server_refuses_is_skipped_and_the_others_come(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    server = BadServer({uid: mail(uid) for uid in range(1, 5)}, refuses={2})
    async with fetching(store, server) as fetch:
        await fetch.turns(3)
        assert (fetch.numbers(), fetch.left(), server.seen) == ([1, 3, 4], [2], {1, 3, 4})
        encoded = [record.fields for record in caplog.records if record.message == "imap_mail_skipped"]  # type: ignore[attr-defined]
        assert [(facts["uid"], "broken" in facts["reason"]) for facts in encoded] == [(2, True)]


@sqlite
async def test_a_server_that_lies_about_sizes_does_not_fill_our_memory(store: Store) -> None:
    sizes = {1: 10, 2: 3_000_000, 3: 20}
    server = BadServer({uid: mail(uid, size) for uid, size in sizes.items()}, listed_size=100)
    async with fetching(store, server, size_limit=1_000_000) as fetch:
        await fetch.turns(3)
        assert (fetch.numbers(), fetch.left(), server.seen) == ([1, 3], [2], {1, 3})


@sqlite
async def test_mails_that_have_no_room_together_come_alone(store: Store) -> None:
    server = BadServer({uid: mail(uid, 1_000_000) for uid in range(1, 12)}, listed_size=100)
    async with fetching(store, server, size_limit=1_100_000) as fetch:
        await fetch.turns(3)
        assert (fetch.numbers(), fetch.left()) == (list(range(1, 12)), [])


@sqlite
async def test_responses_in_every_form_are_understood(store: Store) -> None:
    server = BadServer(
        {uid: mail(uid) for uid in range(1, 5)},
        forms={2: b'"Subject: 2"', 3: b"NIL", 4: b"~{%d}\r\n%s FLAGS (\\Recent)" % (len(mail(4)), mail(4))},
        between=b"* 9 EXISTS\r\n* 4 EXPUNGE\r\n* 2 FETCH (FLAGS (\\Seen))\r\n"
        b"* OK still here {5}\r\n* X-NEW (a b)\r\n",
    )
    async with fetching(store, server) as fetch:
        await fetch.turns(3)
        assert (fetch.numbers(), fetch.left()) == ([1, 2, 4], [3])


@sqlite
@pytest.mark.parametrize(
    ("answers", "greeting", "said"),
    [
        ({}, b"* BYE too busy", "the server greets with: * BYE too busy"),
        ({}, b"220 mx.example ESMTP", "the server greets with: 220 mx.example ESMTP"),
        ({b"SELECT": b"* 1 EXISTS\r\nTAG OK done\r\n"}, b"* OK", "gives no UIDVALIDITY"),
        ({b"SELECT": b"* BYE gone\r\nTAG NO gone\r\n"}, b"* OK", "SELECT: gone"),
        ({b"SELECT": b"TAG MAYBE\r\n"}, b"* OK", "not an answer: MAYBE"),
        ({b"SELECT": b"+ more?\r\n"}, b"* OK", "the server wants more: + more?"),
        ({b"SELECT": b""}, b"* OK", "the server sent nothing for 2 s"),
        ({b"LOGIN": b"TAG NO [UNAVAILABLE] back soon\r\n"}, b"* OK", "LOGIN: [UNAVAILABLE] back soon"),
        ({b"UID FETCH": b"* 1 FETCH (UID 1\r\nTAG OK\r\n"}, b"* OK", "a response that can't be read"),
        ({b"UID FETCH": b"* 1 FETCH (UID " + b"x" * (3 << 20)}, b"* OK", "limit"),
    ],
)
async def test_errors_of_the_server_are_reported(
    store: Store, answers: dict[bytes, bytes], greeting: bytes, said: str
) -> None:
    server = BadServer({1: mail(1)}, answers=answers, greeting=greeting)
    async with fetching(store, server) as fetch:
        rest = await fetch.fetcher.run_once()
        assert said in fetch.fetcher.error
        assert rest == QUICK.retry
        assert fetch.numbers() == []


@sqlite
async def test_a_preauthenticated_session_does_not_log_in(store: Store) -> None:
    server = BadServer({1: mail(1)}, greeting=b"* PREAUTH welcome")
    async with fetching(store, server) as fetch:
        await fetch.turns(2)
        assert fetch.numbers() == [1]
        assert not [line for line in server.received if b"LOGIN" in line]


@sqlite
@pytest.mark.parametrize(
    ("password", "capabilities"),
    [("rahasia", b"IMAP4rev1 LOGINDISABLED AUTH=PLAIN"), ("säkert", b"IMAP4rev1")],
)
async def test_authenticate_is_used_where_login_is_not_possible(
    store: Store, password: str, capabilities: bytes
) -> None:
    server = BadServer({1: mail(1)}, capabilities=capabilities, answers={b"AUTHENTICATE PLAIN": b"+ \r\n"})

    async with fetching(store, server, password=password) as fetch:
        turn = asyncio.create_task(fetch.fetcher.run_once())
        secret = await server.wait_for(lambda line: b" " not in line)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
    assert base64.b64decode(secret).decode() == f"\0cs\0{password}"
    assert not [line for line in server.received if b"LOGIN" in line]


@sqlite
@pytest.mark.parametrize(
    ("greeting", "answer", "said"),
    [
        (b"* OK hello", b"TAG NO not today\r\n", "STARTTLS: not today"),
        (b"* OK hello", b"TAG BAD what?\r\n", "STARTTLS: what?"),
        (b"* PREAUTH you are known", b"TAG OK go\r\n", "the server greets with PREAUTH"),
        (b"* OK hello", b"TAG OK go\r\n* OK injected\r\nm1 OK logged in\r\n", "in clear text after STARTTLS"),
    ],
)
async def test_no_secret_is_sent_to_a_server_without_tls(
    store: Store, greeting: bytes, answer: bytes, said: str
) -> None:
    server = BadServer({1: mail(1)}, greeting=greeting, answers={b"STARTTLS": answer})
    async with fetching(store, server, tls="starttls") as fetch:
        await fetch.fetcher.run_once()
        assert fetch.fetcher.error
        assert said in fetch.fetcher.error
        assert not [line for line in server.received if b"LOGIN" in line or b"rahasia" in line]
        assert fetch.numbers() == []


@sqlite
async def test_a_missing_server_is_retried_with_growing_delays(store: Store) -> None:
    async with BadServer({}) as server:
        pass
    fetch = Fetch(store, server)
    rests = [await fetch.fetcher.run_once() for _ in range(5)]
    assert [rest / timedelta(milliseconds=1) for rest in rests] == [1, 2, 4, 5, 5]  # type: ignore[operator]
    assert "Connect call failed" in fetch.fetcher.error


@sqlite
async def test_a_stop_does_not_wait_for_a_silent_server(store: Store) -> None:
    server = BadServer({1: mail(1)}, answers={b"SELECT": b""})
    async with fetching(store, server) as fetch:
        turn = asyncio.create_task(fetch.fetcher.run_once())
        await server.wait_for(lambda line: b"SELECT" in line)
        turn.cancel()
        async with asyncio.timeout(1):
            await asyncio.gather(turn, return_exceptions=True)
