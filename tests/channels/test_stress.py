"""The door near its limit: silent clients lose their places, large mails take turns, everybody gets a reply."""

import asyncio
import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from mailbot.channels.smtp import server
from mailbot.config.model import Limits, Listen
from tests.channels.smtp_client import LONG_TIMEOUTS, Inbox, connect, listening

OPEN = Limits(free_space=0)
LINE = b"x" * 98 + b"\r\n"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


async def test_the_longest_silent_client_makes_room_for_another(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SHORTEST_IDLE", 0.05)
    async with (
        listening(inbox, replace(OPEN, sessions=2)) as listener,
        connect(listener) as oldest,
        connect(listener) as younger,
    ):
        assert (await oldest.reply()).startswith("220 ")
        assert (await younger.reply()).startswith("220 ")
        await asyncio.sleep(0.1)
        async with connect(listener) as new:
            await new.hello()
            assert (await new.mail(LINE)).startswith("250 ")
        assert (await oldest.reply()).startswith("421 4.3.2 ")
        assert (await younger.ask("NOOP")).startswith("250 ")


async def test_a_client_that_is_at_work_keeps_its_place(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SHORTEST_IDLE", 0.05)
    async with listening(inbox, replace(OPEN, sessions=1)) as listener, connect(listener) as busy:
        await busy.hello()
        await busy.begin()
        await asyncio.sleep(0.1)
        async with connect(listener) as new:
            assert (await new.reply()).startswith("421 4.7.0 ")
        busy.send(LINE + b".\r\n")
        assert (await busy.reply()).startswith("250 ")


async def test_the_last_places_are_kept_for_peers_whose_mail_was_accepted(inbox: Inbox) -> None:
    async with listening(inbox, replace(OPEN, sessions=10)) as listener:
        async with connect(listener) as known:
            await known.hello()
            assert (await known.mail(LINE)).startswith("250 ")
        address = ("127.0.0.1", listener.port)
        strangers = [
            await asyncio.open_connection(*address, local_addr=(f"127.0.0.{n + 2}", 0)) for n in range(10)
        ]
        greetings = Counter([(await reader.readline())[:3] for reader, _ in strangers])
        assert greetings == {b"220": 9, b"421": 1}
        async with connect(listener) as known:
            assert (await known.reply()).startswith("220 ")
        for _, writer in strangers:
            writer.close()


PATIENT = replace(LONG_TIMEOUTS, place=timedelta(seconds=10))


async def test_a_burst_of_more_clients_than_places_is_all_taken(inbox: Inbox) -> None:
    async with listening(
        inbox, replace(OPEN, sessions=10, sessions_per_address=100), timeouts=PATIENT
    ) as listener:

        async def one() -> str:
            async with connect(listener) as client:
                await client.hello()
                return await client.mail(LINE)

        replies = await asyncio.gather(*(one() for _ in range(60)))
        assert {reply[:3] for reply in replies} == {"250"}
        assert not listener._server.waiting


async def test_a_waiting_client_that_leaves_makes_room_for_the_next(inbox: Inbox) -> None:
    async with listening(inbox, replace(OPEN, sessions=1), timeouts=PATIENT) as listener:
        async with connect(listener) as first, connect(listener) as second:
            await first.hello()
            async with connect(listener) as third:
                second.reset()
                await asyncio.sleep(0.02)
                first.reset()
                await third.hello()
                assert (await third.mail(LINE)).startswith("250 ")
        await asyncio.sleep(0.02)
        assert listener.sessions == 0


async def test_one_address_has_no_more_than_its_share_of_those_that_wait(inbox: Inbox) -> None:
    limits = replace(OPEN, sessions=1, sessions_per_address=2)
    async with (
        listening(inbox, limits, timeouts=PATIENT) as listener,
        connect(listener) as first,
        connect(listener),
        connect(listener) as third,
    ):
        await first.hello()
        assert (await third.reply()).startswith("421 4.7.0 ")


async def test_what_a_client_says_while_it_waits_is_answered_after_the_greeting(inbox: Inbox) -> None:
    async with (
        listening(inbox, replace(OPEN, sessions=1), timeouts=PATIENT) as listener,
        connect(listener) as first,
        connect(listener) as hasty,
    ):
        await first.hello()
        hasty.send(b"EHLO x\r\nNOOP\r\n")
        await asyncio.sleep(0.02)
        first.reset()
        await hasty.hello("NOOP")  # its own EHLO has its reply first
        assert (await hasty.reply()).startswith("250 ")


async def test_a_client_that_says_much_while_it_waits_is_sent_away(inbox: Inbox) -> None:
    async with (
        listening(inbox, replace(OPEN, sessions=1), timeouts=PATIENT) as listener,
        connect(listener) as first,
        connect(listener) as hasty,
    ):
        await first.hello()
        hasty.send(b"x" * 100_000)
        assert (await hasty.reply()).startswith("421 4.7.0 ")
        assert not listener._server.waiting
        assert (await first.ask("NOOP")).startswith("250 ")


async def test_the_drain_does_not_wait_for_those_that_wait(inbox: Inbox) -> None:
    async with listening(inbox, replace(OPEN, sessions=1), timeouts=PATIENT) as listener:
        async with connect(listener) as first, connect(listener) as waiting:
            await first.hello()
            draining = asyncio.create_task(listener.stop(timedelta(seconds=5)))
            assert (await waiting.reply()).startswith("421 4.3.2 ")
        await asyncio.wait_for(draining, 3)


async def test_under_stress_patience_is_short_also_for_those_who_came_before(inbox: Inbox) -> None:
    short = replace(LONG_TIMEOUTS, stress=timedelta(milliseconds=300))
    async with (
        listening(inbox, replace(OPEN, sessions=4), timeouts=short) as listener,
        connect(listener) as first,
        connect(listener) as second,
    ):
        for session in (first, second):
            await session.hello()
        await asyncio.sleep(0.5)
        assert not listener.stress
        assert (await first.ask("NOOP")).startswith("250 ")
        async with connect(listener) as third:
            assert listener.stress
            assert (await third.reply()).startswith("220 ")
            assert (await second.reply()).startswith("421 4.4.2 ")
            assert (await third.reply()).startswith("421 4.4.2 ")


async def test_a_client_that_never_speaks_is_sent_away_soon(inbox: Inbox) -> None:
    patience = replace(LONG_TIMEOUTS, first_command=timedelta(milliseconds=200))
    async with (
        listening(inbox, timeouts=patience) as listener,
        connect(listener) as silent,
        connect(listener) as slow,
    ):
        assert (await silent.reply()).startswith("220 ")
        await slow.hello()
        assert (await silent.reply()).startswith("421 4.4.2 ")
        assert (await slow.ask("NOOP")).startswith("250 ")


async def test_each_of_many_refused_clients_reads_why_though_it_has_spoken_already(inbox: Inbox) -> None:
    async with listening(inbox, replace(OPEN, sessions_per_address=1)) as listener:
        address = ("127.0.0.1", listener.port)

        async def greeting() -> bytes:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"EHLO klien.example\r\n" * 20)  # before the greeting: what a reset would punish
            await asyncio.sleep(0.2)
            line = await reader.readline()
            writer.close()
            return line[:3]

        async with connect(listener) as taken:
            await taken.reply()
            assert Counter(await asyncio.gather(*(greeting() for _ in range(100)))) == {b"421": 100}


async def test_a_large_mail_waits_in_a_file_without_a_name(inbox: Inbox, tmp_path: Path) -> None:
    mail = LINE * 30_000
    async with listening(inbox, OPEN, spool=tmp_path) as listener, connect(listener) as session:
        await session.hello()
        await session.begin()
        session.send(mail)
        await session.writer.drain()
        assert os.listdir(tmp_path) == []
        session.send(b".\r\n")
        assert (await session.reply()).startswith("250 ")
        assert listener._server.memory.used == 0
    assert inbox.raw == mail


@pytest.mark.parametrize(("space", "reply"), [(0, "452 4.3.1 "), (1 << 40, "451 4.3.0 ")])
async def test_a_spool_that_takes_nothing_defers_the_mail_and_the_session_goes_on(
    inbox: Inbox, tmp_path: Path, space: int, reply: str
) -> None:
    limits, gone = replace(OPEN, free_space=1), tmp_path / "gone"
    async with listening(inbox, limits, spool=gone) as listener, connect(listener) as session:
        await session.hello()
        await session.begin()
        inbox.space = space
        assert (await session.ask(LINE * 30_000 + b".\r\n")).startswith(reply)
        inbox.space = 1 << 40
        assert (await session.mail(LINE)).startswith("250 ")


async def test_many_large_mails_at_once_are_all_taken_in_turn(inbox: Inbox, tmp_path: Path) -> None:
    limits = replace(OPEN, size=3_000_000, in_flight=8_000_000)
    async with listening(inbox, limits, spool=tmp_path) as listener:

        async def one() -> str:
            async with connect(listener) as session:
                await session.hello()
                return await session.mail(LINE * 28_000)

        replies = await asyncio.gather(*(one() for _ in range(8)))
    assert {reply[:3] for reply in replies} == {"250"}
    assert len(inbox.mails) == 8


async def test_a_client_that_stalls_in_its_handshake_is_cut(inbox: Inbox, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("mx.dukungan.example")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    listen = Listen("127.0.0.1", 0, tmp_path / "both.pem")
    patience = replace(LONG_TIMEOUTS, handshake=timedelta(milliseconds=200))
    async with listening(inbox, timeouts=patience, listen=listen) as listener, connect(listener) as stalled:
        await stalled.hello()
        assert (await stalled.ask("STARTTLS")).startswith("220 ")
        assert await stalled.ended() == b""
        assert not listener._server.sessions
