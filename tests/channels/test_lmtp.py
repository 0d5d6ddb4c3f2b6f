"""LMTP (RFC 2033) over real sockets: the same door as SMTP, with an answer for each recipient."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from mailbot.config.model import Limits, Listen
from mailbot.errors import StoreFull, StoreUnavailable
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
BOTH = Listen("127.0.0.1", 0, lmtp=("127.0.0.1", 0))
ONLY = Listen("", None, lmtp=("127.0.0.1", 0))
TWO = ("support+a@dukungan.example", "support+b@dukungan.example")


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


async def answers(session: ClientSession, text: bytes, count: int) -> list[str]:
    session.send(text + b".\r\n")
    return [await session.reply() for _ in range(count)]


# --- the session ------------------------------------------------------------------------------------------


async def test_lhlo_offers_what_rfc_2033_demands_and_the_greeting_names_lmtp(inbox: Inbox) -> None:
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        assert await session.reply() == "220 mx.dukungan.example LMTP mailbot"
        offered = (await session.ask("LHLO mta.example")).split("\n")
    assert {"250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-8BITMIME"} <= set(offered)


@pytest.mark.parametrize("verb", ["EHLO", "HELO"])
async def test_neither_helo_nor_ehlo_is_spoken(inbox: Inbox, verb: str) -> None:
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        assert (await session.hello(verb)).startswith("500 5.5.2 ")
        assert await session.ask("MAIL FROM:<budi@pelanggan.example>") == "503 5.5.1 Say LHLO first"


async def test_lhlo_is_no_smtp(inbox: Inbox) -> None:
    async with listening(inbox, listen=BOTH) as listener, connect(listener) as session:
        assert (await session.hello("LHLO")).startswith("500 5.5.2 ")


@pytest.mark.parametrize("count", [1, 2, 100])
async def test_each_accepted_recipient_is_answered_after_one_commit(inbox: Inbox, count: int) -> None:
    recipients = [f"support+{n}@dukungan.example" for n in range(count)]
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.begin(*recipients)
        assert await answers(session, MAIL, count) == ["250 2.0.0 Ok: kept as 1"] * count
        assert await session.ask("NOOP") == "250 2.0.0 Ok"  # not one reply more
    assert inbox.raw == MAIL
    assert inbox.envelope.recipients == tuple(recipients)


async def test_a_refused_recipient_gets_no_second_answer_and_one_named_twice_gets_two(inbox: Inbox) -> None:
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        named = (SUPPORT, "nobody@dukungan.example", SUPPORT.upper(), TWO[0])
        group = "".join(f"RCPT TO:<{each}>\r\n" for each in named)
        session.send(f"MAIL FROM:<>\r\n{group}DATA\r\n".encode())
        said = [(await session.reply())[:3] for _ in range(6)]
        assert said == ["250", "250", "550", "250", "250", "354"]
        assert await answers(session, MAIL, 3) == ["250 2.0.0 Ok: kept as 1"] * 3
        assert await session.ask("NOOP") == "250 2.0.0 Ok"
    assert inbox.envelope.recipients == (SUPPORT, TWO[0])


async def test_without_a_valid_recipient_there_is_no_354(inbox: Inbox) -> None:
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.ask("MAIL FROM:<>")
        assert (await session.ask("RCPT TO:<nobody@dukungan.example>")).startswith("550 5.1.1 ")
        assert (await session.ask("DATA")).startswith("503 5.5.1 ")


async def test_the_next_mail_starts_with_no_recipients(inbox: Inbox) -> None:
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.begin(*TWO)
        await answers(session, MAIL, 2)
        await session.ask("MAIL FROM:<>")
        await session.ask(f"RCPT TO:<{SUPPORT}>")
        await session.ask("RSET")
        await session.begin(SUPPORT)
        assert await answers(session, b"zweite\r\n", 1) == ["250 2.0.0 Ok: kept as 2"]
        assert await session.ask("NOOP") == "250 2.0.0 Ok"


# --- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(StoreFull("x"), "452 4.3.1"), (StoreUnavailable("x"), "451 4.3.0"), (RuntimeError("x"), "451 4.3.0")],
)
async def test_p4_an_internal_error_is_reported_for_each_recipient(
    inbox: Inbox, trouble: Exception, code: str
) -> None:
    inbox.trouble = trouble
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.begin(*TWO)
        said = await answers(session, MAIL, 2)
        assert [each[:9] for each in said] == [code, code]
        inbox.trouble = None
        await session.begin(*TWO)
        assert (await answers(session, MAIL, 2))[1].startswith("250 ")
    assert inbox.codes == [int(code[:3])]  # one mail was refused, however many it was for


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"bare\nnewline\r\n", "550 5.6.0"),
        (b"x" * 1001 + b"\r\n", "552 5.3.4"),
        (b"y" * 5000 + b"\r\n", "552"),
    ],
)
async def test_a_mail_that_cannot_be_taken_is_refused_for_each_recipient(
    inbox: Inbox, text: bytes, code: str
) -> None:
    limits = replace(OPEN, size=1000, in_flight=10_000)
    recipients = [f"support+{n}@dukungan.example" for n in range(30)]  # more than a session may have errors
    async with listening(inbox, limits, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.begin(*recipients)
        said = await answers(session, text, 30)
        assert {each.startswith(code) for each in said} == {True}
        await session.begin(*TWO)
        assert (await answers(session, MAIL, 2))[1].startswith("250 ")


async def test_a_mail_without_end_is_refused_for_each_recipient(inbox: Inbox) -> None:
    limits = replace(OPEN, size=10_000)
    async with listening(inbox, limits, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.begin(*TWO)
        session.send(b"y" * 1_000_000)
        said = (await session.ended()).decode().split("\r\n")
    assert [line[:9] for line in said] == ["552 5.3.4", "552 5.3.4", ""]


async def test_p1_no_answer_leaves_before_the_commit(inbox: Inbox) -> None:
    inbox.hold = asyncio.Event()
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.begin(*TWO)
        session.send(MAIL + b".\r\n")
        await inbox.asked.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.reader.readline(), 0.1)
        inbox.hold.set()
        assert [(await session.reply())[:3] for _ in TWO] == ["250", "250"]


async def test_p9_the_drain_lets_a_mail_finish_and_answers_for_each_recipient(inbox: Inbox) -> None:
    async with listening(inbox, listen=BOTH) as listener, connect(listener.lmtp_port) as session:
        await session.hello("LHLO")
        await session.begin(*TWO)
        session.send(MAIL)
        draining = asyncio.create_task(listener.stop(timedelta(seconds=5)))
        await asyncio.sleep(0.02)
        assert [each[:3] for each in await answers(session, b"", 2)] == ["250", "250"]
        assert (await session.reply()).startswith("421 4.3.2 ")
        await asyncio.wait_for(draining, 5)
    assert inbox.raw == MAIL


# --- the peer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fronts", "code"), [((), "550 5.6.0"), (LOOPBACK, "250 2.0.0")])
@pytest.mark.parametrize("local", [False, True])
async def test_an_lmtp_peer_is_a_front_only_when_configured(
    inbox: Inbox, tmp_path: Path, fronts: tuple[object, ...], code: str, local: bool
) -> None:
    path = tmp_path / "lmtp.sock"
    listen = replace(ONLY, lmtp=path) if local else ONLY
    async with (
        listening(inbox, listen=listen, fronts=fronts) as listener,
        connect(path if local else listener.lmtp_port) as session,
    ):
        await session.hello("LHLO")
        await session.begin(SUPPORT)
        (said,) = await answers(session, b"bare\nnewline\r\n", 1)
        assert said.startswith(code)
    if fronts:
        assert inbox.envelope.peer == ("" if local else "127.0.0.1")


@pytest.mark.parametrize(("fronts", "greeting"), [((), "421 4.7.0 "), (LOOPBACK, "220 ")])
async def test_sessions_through_a_local_socket_are_capped_unless_this_machine_is_a_front(
    inbox: Inbox, tmp_path: Path, fronts: tuple[object, ...], greeting: str
) -> None:
    path = tmp_path / "lmtp.sock"
    limits = replace(OPEN, sessions_per_address=1)
    async with (
        listening(inbox, limits, listen=replace(ONLY, lmtp=path), fronts=fronts),
        connect(path) as first,
        connect(path) as second,
    ):
        await first.hello("LHLO")
        assert (await second.reply()).startswith(greeting)


async def test_required_tls_holds_on_the_wire_and_not_in_a_local_socket(inbox: Inbox, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("mx.dukungan.example")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    strict = Listen("", None, tmp_path / "both.pem", require_tls=True, lmtp=("127.0.0.1", 0))
    async with listening(inbox, listen=strict) as listener, connect(listener.lmtp_port) as session:
        assert "250 STARTTLS" in (await session.hello("LHLO")).split("\n")
        assert (await session.ask("MAIL FROM:<>")).startswith("530 5.7.0 ")
    local = replace(strict, lmtp=tmp_path / "lmtp.sock")
    async with listening(inbox, listen=local), connect(tmp_path / "lmtp.sock") as session:
        await session.hello("LHLO")
        assert (await session.ask("MAIL FROM:<>")).startswith("250 ")


# --- the sockets ------------------------------------------------------------------------------------------


async def test_smtp_and_lmtp_are_served_beside_each_other_or_lmtp_alone(inbox: Inbox) -> None:
    async with listening(inbox, listen=BOTH) as listener:
        assert listener.addresses == [f"127.0.0.1:{listener.port}", f"LMTP 127.0.0.1:{listener.lmtp_port}"]
        async with connect(listener) as session:
            await session.hello()
            await session.begin(*TWO)
            assert len(await answers(session, MAIL, 1)) == 1
            assert await session.ask("NOOP") == "250 2.0.0 Ok"
    async with listening(inbox, listen=ONLY) as listener:
        assert listener.port == 0
        assert listener.addresses == [f"LMTP 127.0.0.1:{listener.lmtp_port}"]


async def test_sockets_from_systemd_replace_the_configured_ones_of_their_kind(inbox: Inbox) -> None:
    given = socket.create_server(("127.0.0.1", 0))
    port = given.getsockname()[1]
    async with listening(inbox, listen=BOTH, lmtp_sockets=[given]) as listener:
        assert listener.lmtp_port == port
        assert listener.port not in (0, port)
        async with connect(listener.lmtp_port) as session:
            await session.hello("LHLO")
            await session.begin(*TWO)
            assert len(await answers(session, MAIL, 2)) == 2


async def test_a_local_socket_is_open_to_this_machine_and_one_left_behind_makes_room(
    inbox: Inbox, tmp_path: Path
) -> None:
    path = tmp_path / "lmtp.sock"
    for _ in range(2):  # the second time it is there already
        async with listening(inbox, listen=replace(ONLY, lmtp=path)) as listener:
            assert listener.addresses == [f"LMTP {path}"]
            assert path.stat().st_mode & 0o777 == 0o666
            async with connect(path) as session:
                assert (await session.hello("LHLO")).startswith("250-")
    assert path.is_socket()


async def test_a_local_socket_in_use_or_a_file_in_its_place_is_left_alone(
    inbox: Inbox, tmp_path: Path
) -> None:
    path, file = tmp_path / "lmtp.sock", tmp_path / "file"
    file.write_text("precious")
    async with listening(inbox, listen=replace(ONLY, lmtp=path)):
        for taken in (path, file):
            with pytest.raises(OSError, match=taken.name):
                async with listening(inbox, listen=replace(ONLY, lmtp=taken)):
                    pass
        async with connect(path) as session:
            assert (await session.hello("LHLO")).startswith("250-")
    assert file.read_text() == "precious"


async def test_a_silent_peer_is_disconnected(inbox: Inbox) -> None:
    short_timeouts = replace(LONG_TIMEOUTS, command=timedelta(milliseconds=150))
    async with (
        listening(inbox, listen=BOTH, timeouts=short_timeouts) as listener,
        connect(listener.lmtp_port) as session,
    ):
        await session.hello("LHLO")
        assert (await session.reply()).startswith("421 4.4.2 ")
