"""PROXY protocol, version 2, in raw bytes: who must speak it, who may not, what goes wrong with it."""

import asyncio
import random
import socket
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from aiosmtpd.proxy_protocol import V2_SIGNATURE as V2

from mailbot.config.model import Limits, Listen
from tests.channels.smtp_client import (
    LONG_TIMEOUTS,
    LOOPBACK,
    MAIL,
    SUPPORT,
    ClientSession,
    Inbox,
    connect,
    listening,
)

OPEN = Limits(free_space=0)
SHORT = timedelta(milliseconds=150)
CLIENT = "203.0.113.9"
TLV = b"\x03\x00\x04abcd" + b"\x20\x00\x05\x01\x00\x00\x00\x00" + b"\x04\x00\x64" + bytes(100)


def header(client: str = CLIENT, *, command: int = 1, family: int | None = None, extra: bytes = b"") -> bytes:
    address = ip_address(client)
    chosen = (0x11 if address.version == 4 else 0x21) if family is None else family
    ours = ip_address("192.0.2.1" if address.version == 4 else "2001:db8::1")
    rest = address.packed + ours.packed + (40000).to_bytes(2) + (25).to_bytes(2) + extra
    return V2 + bytes([0x20 | command, chosen]) + len(rest).to_bytes(2) + rest


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


# --- the named client -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "peer"),
    [
        (header(), CLIENT),
        (header(extra=TLV), CLIENT),
        (header(extra=bytes(4084)), CLIENT),
        (header("2001:db8:1:2::9"), "2001:db8:1:2::9"),
        (header("2001:db8:1:2::9", extra=TLV), "2001:db8:1:2::9"),
        (header("::ffff:203.0.113.9"), CLIENT),
        (header(command=0), "127.0.0.1"),
        (header(command=0, family=0), "127.0.0.1"),
        (V2 + b"\x20\x00\x00\x00", "127.0.0.1"),
        (V2 + b"\x20\x00\x00\x05extra", "127.0.0.1"),
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\n", CLIENT),
    ],
)
async def test_the_client_that_a_proxy_names_is_the_peer(inbox: Inbox, said: bytes, peer: str) -> None:
    async with listening(inbox, proxies=LOOPBACK) as listener, connect(listener) as session:
        session.send(said)
        await session.hello()
        assert await session.mail() == "250 2.0.0 Ok: kept as 1"
    assert inbox.envelope.peer == peer
    assert inbox.raw == MAIL


async def test_nothing_is_sent_before_the_header(inbox: Inbox) -> None:
    async with listening(inbox, proxies=LOOPBACK) as listener, connect(listener) as session:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.reader.read(1), 0.1)
        session.send(header())
        assert (await session.reply()).startswith("220 ")


@pytest.mark.parametrize("cut", [1, 5, 12, 15, 16, 17, 27])
async def test_a_header_may_come_in_parts(inbox: Inbox, cut: int) -> None:
    async with listening(inbox, proxies=LOOPBACK) as listener, connect(listener) as session:
        said = header(extra=TLV)
        for start in range(0, len(said), cut):
            session.send(said[start : start + cut])
            await asyncio.sleep(0.001)
        await session.hello()
        await session.mail()
    assert inbox.envelope.peer == CLIENT


async def test_what_follows_the_header_at_once_is_not_lost(inbox: Inbox) -> None:
    async with listening(inbox, proxies=LOOPBACK) as listener, connect(listener) as session:
        commands = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\n".encode()
        session.send(header(extra=TLV) + commands + MAIL + b".\r\nQUIT\r\n")
        said = await session.ended()
    assert b"250 2.0.0 Ok: kept as 1\r\n221 " in said
    assert inbox.envelope.peer == CLIENT


async def test_lmtp_through_a_proxy_works_too(inbox: Inbox) -> None:
    way = Listen("", None, lmtp=("127.0.0.1", 0))
    async with (
        listening(inbox, proxies=LOOPBACK, listen=way) as listener,
        connect(listener.lmtp_port) as session,
    ):
        session.send(header())
        await session.hello("LHLO")
        await session.mail()
    assert inbox.envelope.peer == CLIENT


# --- other peers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [header(), header(command=0), b"PROXY TCP4 203.0.113.9 192.0.2.1 4 25\r\n"])
@pytest.mark.parametrize("proxies", [(), (ip_network("192.0.2.0/24"),)])
async def test_a_header_from_any_other_peer_is_refused_and_changes_nothing(
    inbox: Inbox, said: bytes, proxies: tuple[object, ...]
) -> None:
    async with listening(inbox, proxies=proxies, fronts=LOOPBACK) as listener, connect(listener) as session:
        commands = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\n".encode()
        session.send(said + commands + MAIL + b".\r\nQUIT\r\n")
        heard = (await session.ended()).decode().split("\r\n")
    assert heard[0].startswith("220 ")
    assert heard[1].startswith("500 5.5.2 ")
    assert CLIENT not in {envelope.peer for envelope, _ in inbox.mails}


async def test_a_local_socket_has_no_proxy(inbox: Inbox, tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    async with (
        listening(inbox, proxies=LOOPBACK, listen=Listen("", None, lmtp=path)),
        connect(path) as session,
    ):
        assert (await session.hello("LHLO")).startswith("250-")


# --- wrong headers ----------------------------------------------------------------------------------------

MISSING, NO_CLIENT = "PROXY header is missing or wrong", "PROXY header names no TCP client"
WRONG = [
    (b"EHLO pelanggan.example\r\n", MISSING),
    (b"\x16\x03\x01\x02\x00\x01\x00", MISSING),
    (b"PROXY TCP4 203.0.113.9 nonsense 40000 25\r\n", MISSING),
    (b"PROXY UNKNOWN\r\n", NO_CLIENT),
    (V2[:-1] + b"\r", MISSING),
    (V2 + b"\x11\x11\x00\x0c" + bytes(12), MISSING),  # version 1 in the form of version 2
    (V2 + b"\x31\x11\x00\x0c" + bytes(12), MISSING),
    (V2 + b"\x22\x11\x00\x0c" + bytes(12), MISSING),  # an unknown command
    (V2 + b"\x21\x11\x00\x0b" + bytes(11), MISSING),  # a truncated address
    (V2 + b"\x21\x21\x00\x0c" + bytes(12), MISSING),
    (V2 + b"\x21\x11\x00\x00", MISSING),
    (V2 + b"\x21\x00\x00\x0c" + bytes(12), NO_CLIENT),  # unspecified
    (V2 + b"\x21\x12\x00\x0c" + bytes(12), NO_CLIENT),  # a datagram
    (V2 + b"\x21\x31\x00\xd8" + bytes(216), NO_CLIENT),  # the proxy's local socket
]


@pytest.mark.parametrize(("said", "why"), WRONG)
async def test_a_wrong_header_is_named_in_the_reply_and_ends_the_session_temporarily(
    inbox: Inbox, said: bytes, why: str
) -> None:
    async with listening(inbox, proxies=LOOPBACK) as listener, connect(listener) as session:
        session.send(said)
        assert await session.ended() == f"421 4.3.5 {why}\r\n".encode()
    assert inbox.codes == [421]


@pytest.mark.parametrize("said", [b"", V2[:5], V2, header()[:-1]])
async def test_half_a_header_is_waited_for_so_long_and_no_longer(inbox: Inbox, said: bytes) -> None:
    short_timeouts = replace(LONG_TIMEOUTS, proxy_header=SHORT)
    async with (
        listening(inbox, proxies=LOOPBACK, timeouts=short_timeouts) as listener,
        connect(listener) as session,
    ):
        session.send(said)
        assert (await session.ended()).startswith(b"421 4.4.2 ")
    assert not listener._server.sessions


async def test_a_header_sent_byte_by_byte_gets_no_more_time(inbox: Inbox) -> None:
    short_timeouts = replace(LONG_TIMEOUTS, proxy_header=SHORT)
    async with (
        listening(inbox, proxies=LOOPBACK, timeouts=short_timeouts) as listener,
        connect(listener) as session,
    ):
        for byte in header(extra=bytes(200)):
            session.send(bytes([byte]))
            await asyncio.sleep(0.005)
            if session.reader._buffer:  # type: ignore[attr-defined]
                break
        assert (await session.ended()).startswith(b"421 4.4.2 ")


@pytest.mark.parametrize("said", [b"", V2[:5], V2, header()[:-1]])
async def test_a_proxy_that_hangs_up_within_the_header_frees_its_place(inbox: Inbox, said: bytes) -> None:
    async with listening(inbox, replace(OPEN, sessions=1), proxies=LOOPBACK) as listener:
        async with connect(listener) as session:
            session.send(said)
            session.writer.write_eof()
            assert await session.ended() == b""
        async with connect(listener) as session:
            session.send(header())
            assert (await session.hello()).startswith("250-")


async def test_any_bytes_end_in_a_reply_or_a_closed_connection_and_never_in_a_mail(inbox: Inbox) -> None:
    rng = random.Random(7)
    short_timeouts = replace(LONG_TIMEOUTS, proxy_header=timedelta(milliseconds=50))
    async with listening(inbox, proxies=LOOPBACK, timeouts=short_timeouts) as listener:
        for _ in range(60):
            said = bytearray(header(rng.choice([CLIENT, "2001:db8::9"]), extra=TLV))
            for _ in range(rng.randint(1, 4)):
                said[rng.randrange(16)] = rng.randrange(256)
            async with connect(listener) as session:
                session.send(bytes(said[: rng.randrange(len(said))]))
                session.writer.write_eof()
                heard = await session.ended()
            assert heard == b"" or heard.startswith((b"421 ", b"220 ")), heard
        async with connect(listener) as session:
            session.send(header())
            assert (await session.hello()).startswith("250-")
    assert not inbox.mails


async def test_the_drain_does_not_wait_for_a_header(inbox: Inbox) -> None:
    async with listening(inbox, proxies=LOOPBACK) as listener, connect(listener) as session:
        session.send(V2)
        await asyncio.sleep(0.02)
        draining = asyncio.create_task(listener.stop(timedelta(seconds=5)))
        assert (await session.reply()).startswith("421 4.3.2 ")
        await asyncio.wait_for(draining, 2)


# --- limits per client ------------------------------------------------------------------------------------


async def introduced(session: ClientSession, client: str) -> str:
    session.send(header(client))
    return await session.reply()


async def test_sessions_are_counted_by_client_and_not_by_proxy(inbox: Inbox) -> None:
    limits = replace(OPEN, sessions_per_address=1)
    async with (
        listening(inbox, limits, proxies=LOOPBACK) as listener,
        connect(listener) as one,
        connect(listener) as two,
        connect(listener) as again,
        connect(listener) as same_household,
    ):
        assert (await introduced(one, CLIENT)).startswith("220 ")
        assert (await introduced(two, "2001:db8::1")).startswith("220 ")
        assert (await introduced(again, CLIENT)).startswith("421 4.7.0 ")
        assert (await introduced(same_household, "2001:db8::2")).startswith("421 4.7.0 ")
        assert await again.ended() == b""
        await one.ask("QUIT")
        await one.ended()
        async with connect(listener) as later:
            assert (await introduced(later, CLIENT)).startswith("220 ")
    assert listener._server.connection_limits.sessions == 0
    assert not listener._server.connection_limits._clients_by_key


async def test_all_sessions_together_stay_bounded(inbox: Inbox) -> None:
    async with (
        listening(inbox, replace(OPEN, sessions=2), proxies=LOOPBACK) as listener,
        connect(listener) as one,
        connect(listener) as two,
    ):
        assert (await introduced(one, CLIENT)).startswith("220 ")
        assert (await introduced(two, "203.0.113.10")).startswith("220 ")
        async with connect(listener) as three:
            assert (await three.reply()).startswith("421 4.7.0 ")


async def test_mails_a_minute_are_counted_by_client(inbox: Inbox) -> None:
    limits = replace(OPEN, mails_per_minute_per_address=1)
    async with listening(inbox, limits, proxies=LOOPBACK) as listener:
        for client, code in ((CLIENT, "250 "), ("203.0.113.10", "250 "), (CLIENT, "450 4.7.1 ")):
            async with connect(listener) as session:
                await introduced(session, client)
                await session.ask("EHLO x")
                assert (await session.ask("MAIL FROM:<>")).startswith(code)


@pytest.mark.parametrize(("client", "code"), [("192.0.2.25", "250 2.0.0"), (CLIENT, "550 5.6.0")])
async def test_whether_a_peer_is_our_front_is_asked_of_the_client(
    inbox: Inbox, client: str, code: str
) -> None:
    fronts = (*LOOPBACK, ip_network("192.0.2.25"))  # the proxy itself is one: that must not rub off
    async with listening(inbox, proxies=LOOPBACK, fronts=fronts) as listener, connect(listener) as session:
        await introduced(session, client)
        await session.ask("EHLO x")
        assert (await session.mail(b"bare\nnewline\r\n")).startswith(code)


async def test_an_inherited_socket_asks_for_the_header_too(inbox: Inbox) -> None:
    given = socket.create_server(("127.0.0.1", 0))
    async with listening(inbox, proxies=LOOPBACK, sockets=[given]) as listener, connect(listener) as session:
        assert (await introduced(session, CLIENT)).startswith("220 ")
