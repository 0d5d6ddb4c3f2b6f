"""What goes over the wire to the relay, and what comes back in pieces."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.config.model import Relay
from mailbot.delivery.smtp_client import (
    ConnectFailed,
    ConnectionLost,
    Refusal,
    RelaySession,
    Reply,
    Timeouts,
    on_wire,
    open_session,
    sendable,
)
from tests.sink import SinkSmtp


@given(st.lists(st.sampled_from([b".", b"..", b"\r", b"\n", b"\r\n", b"a", b"\xff", b" "])).map(b"".join))
def test_the_dot_on_the_wire_ends_the_mail_and_nothing_else_does(content: bytes) -> None:
    wire = on_wire(content)
    assert wire.endswith(b".\r\n")
    body = wire[:-3]
    assert body.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", body)
    lines = body.removesuffix(b"\r\n").split(b"\r\n")
    assert not any(line == b"." for line in lines)
    taken = b"\n".join(line[1:] if line.startswith(b".") else line for line in lines)
    plain = re.sub(rb"\r\n|\r", b"\n", content)
    assert taken == plain.removesuffix(b"\n")


@pytest.mark.parametrize(
    ("sender", "recipient", "can"),
    [
        ("a@b.example", "c@d.example", True),
        ("", "c@d.example", True),
        ("support+b.0123.abc=@b.example", "o'neil!#$%@d.example", True),
        ("a@b.example", "", False),
        ("a@b.example", "c d@d.example", False),
        ("a@b.example", "c@d.example>", False),
        ("a@b.example", "c@d.example\n", False),
        ("a@b.example\r\nDATA", "c@d.example", False),
        ("a@b.example", "é@d.example", False),
        ("a@b.example", "c" * 400 + "@d.example", False),
    ],
)
def test_only_plain_addresses_stand_in_commands(sender: str, recipient: str, can: bool) -> None:
    assert sendable(sender, recipient) is can


class Script:
    """A server that sends the pieces in turn, each one after a line of the client's, the first at once."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self.port = 0

    async def __aenter__(self) -> "Script":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.sleep(0)  # the transport closes its socket in the loop's next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._task = task
        try:
            for piece in self._pieces:
                for part in re.findall(rb"(?s).{1,3}", piece):  # three bytes at a time
                    writer.write(part)
                    await asyncio.sleep(0)
                await reader.readline()
        except (OSError, asyncio.CancelledError):
            pass
        writer.transport.abort()


def relay(port: int) -> Relay:
    return Relay("127.0.0.1", port, tls="none")


QUICK = Timeouts(opening=2, reply=2, dot=2)


async def send(session: RelaySession) -> Reply:
    assert await session.offer("a@b.example", "c@d.example", b"x\r\n") is None
    await asyncio.sleep(0.05)  # the commit of the dot
    return await session.finish()


async def test_replies_in_pieces_and_over_several_lines_are_read_whole() -> None:
    pieces = [
        b"220 hi\r\n",
        b"250-hi\r\n250 PIPELINING\r\n",
        b"250 2.1.0 Ok\r\n250-one\r\n250-\r\n250 two\n354\r\n",
        b"",  # RCPT and DATA came with MAIL
        b"",
        b"250-queued\r\n250 as 1\r\n",
    ]
    async with Script(pieces) as server:
        session = await open_session(relay(server.port), hostname="me", timeouts=QUICK)
        assert await session.offer("a@b.example", "c@d.example", b"x\r\n") is None
        assert await session.finish() == Reply(250, "queued as 1")
        assert session.alive
        session.quit()
        assert not session.alive


@pytest.mark.parametrize(
    ("pieces", "says"),
    [
        ([b"250 2.1.0 Ok\r\n251-one\r\n250 two\r\n354 go\r\n"], "several codes"),
        ([b"250 ok\r\n250 ok\r\n354 go\r\n250 why this\r\n"], "reply to nothing"),
        ([b"250 ok\r\n", b"421 4.3.2 closing\r\n"], "closing"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], "no SMTP reply"),
        ([b"250-" + b"x" * 40_000], "without end"),
        ([b"250 ok\r\n"], "no reply within"),
    ],
)
async def test_a_dialogue_that_makes_no_sense_ends_the_connection(pieces: list[bytes], says: str) -> None:
    async with Script([b"220 hi\r\n", b"250-hi\r\n250 PIPELINING\r\n", *pieces, b"", b"", b""]) as server:
        timeouts = Timeouts(opening=10, reply=0.3 if says == "no reply within" else 10, dot=10)
        session = await open_session(relay(server.port), hostname="me", timeouts=timeouts)
        with pytest.raises(ConnectionLost, match=says):
            await send(session)
        assert not session.alive
        with pytest.raises(ConnectionLost):
            await session.offer("a@b.example", "c@d.example", b"x\r\n")


@pytest.mark.parametrize(("reply", "dot"), [(0.2, 10), (10, 0.2)])
async def test_each_wait_has_its_own_patience_however_long_the_one_before(reply: float, dot: float) -> None:
    mail = b"250 ok\r\n250 ok\r\n354 go\r\n"
    silent_at = [mail, b"", b"", b"250 ok\r\n", b""] if reply < dot else [mail, b"", b"", b""]
    async with Script([b"220 hi\r\n", b"250-hi\r\n250 PIPELINING\r\n", *silent_at, b"", b"", b""]) as server:
        session = await open_session(
            relay(server.port), hostname="me", timeouts=Timeouts(opening=10, reply=reply, dot=dot)
        )
        began = asyncio.get_running_loop().time()
        if reply < dot:
            await send(session)
        with pytest.raises(ConnectionLost, match=r"no reply within 0\.2 s"):
            await send(session)
        assert asyncio.get_running_loop().time() - began < 5


@pytest.fixture
async def sink() -> AsyncIterator[SinkSmtp]:
    async with SinkSmtp() as sink:
        yield sink


async def test_what_comes_unasked_ends_a_warm_connection(sink: SinkSmtp) -> None:
    session = await open_session(relay(sink.port), hostname="me", timeouts=QUICK)
    await sink.stop()
    await asyncio.sleep(0.05)
    assert not session.alive


async def test_after_a_refusal_the_next_offer_starts_afresh(sink: SinkSmtp) -> None:
    sink.on["rcpt"] = ["550 5.1.1 nobody"]
    session = await open_session(relay(sink.port), hostname="me", timeouts=QUICK)
    refusal = await session.offer("a@b.example", "c@d.example", b"x\r\n")
    assert refusal == Refusal("RCPT", Reply(550, "5.1.1 nobody"))
    assert await session.offer("a@b.example", "e@d.example", b"y\r\n") is None
    assert (await session.finish()).code == 250
    assert [mail.recipients for mail in sink.mails] == [("e@d.example",)]
    assert "RSET" in sink.dialogues[0].commands
    session.quit()


async def test_a_greeting_that_does_not_come_is_not_awaited_for_ever() -> None:
    async with Script([b"", b""]) as server:
        with pytest.raises(ConnectFailed, match=r"not ready within|Timed out"):
            await open_session(relay(server.port), hostname="me", timeouts=Timeouts(opening=0.1))


async def test_an_old_relay_without_ehlo_is_greeted_with_helo(sink: SinkSmtp) -> None:
    sink.on["ehlo"] = ["502 5.5.1 what?", "250 hello"]
    session = await open_session(relay(sink.port), hostname="me", timeouts=QUICK)
    assert await session.offer("a@b.example", "c@d.example", b"x\r\n") is None
    assert (await session.finish()).code == 250
    assert sink.dialogues[0].commands[:3] == ["EHLO me", "HELO me", "MAIL FROM:<a@b.example>"]
    session.quit()
