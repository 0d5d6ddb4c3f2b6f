"""Answers to people of a program, over a real socket."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailbot.channels.incoming.channel import build
from mailbot.channels.seam import Outgoing, Result
from mailbot.domain.model import AttemptOutcome
from mailbot.mail.parsing import attachments
from tests.fakes.program import SETTINGS, Program
from tests.scenarios.harness import free_port

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
MESSAGE = Outgoing(
    "toko:budi-1",
    "<a.b@dukungan.example>",
    "answer",
    "id",
    "Paket",
    "Sudah kami kirim, Kak \U0001f64f",
    (attachments.make("resi.txt", "text/plain", b"resi"),),
    "TOKO-48217390-8",
)


async def sent(program: Program, url: str = "", message: Outgoing = MESSAGE) -> Result:
    channel = build(replace(SETTINGS, send_url=url or program.url), lambda: NOW)
    assert channel.send
    assert channel.close
    try:
        return await channel.send(message)
    finally:
        await channel.close()


async def test_an_answer_arrives_signed_and_whole() -> None:
    async with Program() as program:
        program.reply = b'{"id": "theirs-1"}'
        result = await sent(program)
    assert (result.outcome, result.external_ids) == (AttemptOutcome.SENT, {1: "theirs-1"})
    ((headers, body),) = program.taken  # the program has checked the signature
    assert headers["idempotency-key"] == headers["webhook-id"] == body["id"]
    assert (body["to"], body["ticket"], body["kind"]) == ("budi-1", "TOKO-48217390-8", "answer")
    assert body["text"] == MESSAGE.text
    assert body["files"] == [{"name": "resi.txt", "type": "text/plain", "content": "cmVzaQ=="}]


async def test_each_attempt_has_the_same_key_and_each_message_its_own() -> None:
    async with Program() as program:
        for message in (MESSAGE, MESSAGE, replace(MESSAGE, key="<other@dukungan.example>")):
            await sent(program, message=message)
    first, second, other = (headers["idempotency-key"] for headers, _ in program.taken)
    assert first == second != other


@pytest.mark.parametrize(
    ("status", "outcome", "is_ours"),
    [
        (202, AttemptOutcome.SENT, False),
        (400, AttemptOutcome.FAILED, False),
        (410, AttemptOutcome.FAILED, False),
        (422, AttemptOutcome.FAILED, False),
        (302, AttemptOutcome.DEFERRED, True),
        (401, AttemptOutcome.DEFERRED, True),
        (404, AttemptOutcome.DEFERRED, True),
        (429, AttemptOutcome.DEFERRED, True),
        (503, AttemptOutcome.DEFERRED, True),
        (500, AttemptOutcome.DEFERRED, False),
        (0, AttemptOutcome.UNKNOWN, False),
    ],
)
async def test_what_a_program_answers_decides_what_becomes_of_the_message(
    status: int, outcome: AttemptOutcome, is_ours: bool
) -> None:
    async with Program() as program:
        program.status = status
        result = await sent(program)
    assert (result.outcome, result.is_ours) == (outcome, is_ours)


@pytest.mark.parametrize(("asked", "pause"), [("7", 7), ("0", 1), ("999999999999", 86_400)])
async def test_the_pause_that_a_program_asks_for_is_kept_within_a_day(asked: str, pause: int) -> None:
    async with Program() as program:
        program.status, program.headers = 429, f"Retry-After: {asked}\r\n"
        assert (await sent(program)).retry_after == timedelta(seconds=pause)


async def test_a_pause_in_words_is_no_pause() -> None:
    async with Program() as program:
        program.status, program.headers = 429, "Retry-After: Sun, 29 Nov 2026 09:00:00 GMT\r\n"
        assert (await sent(program)).retry_after is None


async def test_a_program_that_can_not_be_reached_is_trouble_of_the_channel() -> None:
    async with Program() as program:
        result = await sent(program, f"http://127.0.0.1:{free_port()}/answers")
    assert (result.outcome, result.is_ours) == (AttemptOutcome.DEFERRED, True)


@pytest.mark.parametrize("reply", [b"", b"[]", b'{"id": 7}', b'{"id": "a\\u0000"}', b"<html>", b'{"id": ""}'])
async def test_an_odd_reply_leaves_our_own_id(reply: bytes) -> None:
    async with Program() as program:
        program.reply = reply
        result = await sent(program)
    assert result.external_ids == {1: program.taken[0][1]["id"]}
