"""The form that mails a link to its owner: nobody learns from it which numbers exist, or whose they are."""

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from mailbot.console.app import build
from mailbot.domain.policy import AnswerLimits, Rate
from mailbot.domain.ticket_number import make
from mailbot.store.schema import events, outbox
from tests.console.customers import link, open_office
from tests.console.office import Office
from tests.workers.test_intake import BUDI

ROUNDS = 150  # of each kind of guess


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    limits = AnswerLimits(status=(Rate(2, timedelta(hours=1)),))
    office = open_office(tmp_path, answers=limits)
    yield office
    office.store.close()


async def _ask(office: Office, number: str, address: str, client: str = "203.0.113.9") -> Any:
    async with office.visitor(**{"X-Forwarded-For": client}) as visitor:
        return await visitor.client.post("/status", data={"number": number, "address": address})


def _mails(office: Office) -> list[str]:
    rows = office.intake.all(select(outbox).where(outbox.c.kind == "status"))
    return [row.recipient for row in rows]


async def test_the_link_goes_to_the_address_that_takes_part_when_both_fit(office: Office) -> None:
    ticket = await office.receive()
    other = await office.receive(sender="ana@kantor.example")
    for number, address in (
        (other.number, BUDI),
        (make("TOKO", "11111111"), BUDI),
        (ticket.number, "penipu@lain.example"),
        ("apa saja", BUDI),
        ("1\0", "a\0b@x"),
    ):
        assert (await _ask(office, number, address)).status_code == 200
    assert _mails(office) == []
    await _ask(office, ticket.number.lower().replace("-", " "), BUDI.upper())
    assert _mails(office) == [BUDI]
    async with office.visitor() as visitor:
        assert (await visitor.get(link(office))).status_code == 200
    kinds = office.intake.all(select(events.c.kind).where(events.c.ticket == ticket.number))
    assert "status_asked" in {each.kind for each in kinds}


async def test_one_address_gets_no_flood_of_links(office: Office) -> None:
    ticket = await office.receive()
    answers = [await _ask(office, ticket.number, BUDI, f"203.0.113.{n}") for n in range(6)]
    assert len(_mails(office)) == 2
    assert len({answer.text for answer in answers}) == 1


async def test_one_client_may_not_ask_on_and_on(office: Office) -> None:
    ticket = await office.receive()
    answers = [await _ask(office, ticket.number, "x@lain.example") for _ in range(63)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429] * 3


async def _seconds_to_answer(app: Any, number: str, address: str, parts: list[Any]) -> float:
    """Put the answer into `parts`, and return how long it took, without what is done behind it."""
    body = urlencode({"number": number, "address": address}).encode()
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/status", "raw_path": b"/status", "query_string": b"", "root_path": "", "headers": headers,
        "client": ("203.0.113.9", 1), "server": ("console.example", 80),
    }  # fmt: skip
    answered = begun = time.perf_counter()

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal answered
        parts.append(message)
        answered = time.perf_counter()

    await app(scope, receive, send)
    return answered - begun


async def test_right_and_wrong_guesses_get_the_same_bytes(office: Office) -> None:
    ticket = await office.receive()
    right, wrong = ticket.number, make("TOKO", "11111111")
    guesses = {"right": (right, BUDI), "address": (right, "budi@pelanggan.invalid"), "number": (wrong, BUDI)}
    times: dict[str, list[float]] = {kind: [] for kind in guesses}
    answers = set()
    for kind in random.Random(0).choices(list(guesses), k=3 * ROUNDS):  # none always follows another
        office.intake.clock += timedelta(minutes=1)  # the limit of a client is not reached
        parts: list[Any] = []
        times[kind].append(await _seconds_to_answer(office.app, *guesses[kind], parts))
        answers.add(repr(parts))
    assert len(answers) == 1
    # Printed alone: a busy machine must not fail a test. That nothing is asked before the answer is tested below.
    print({kind: f"{1e6 * statistics.median(each):.0f} us" for kind, each in times.items()})
    assert _mails(office)


class _Untouchable:
    """A store that nobody may ask."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the store was asked: {name}")


async def test_nothing_is_looked_up_before_the_answer(office: Office) -> None:
    ticket = await office.receive()
    store: Any = _Untouchable()
    app = build(replace(office.desk, deps=replace(office.desk.deps, store=store)))
    parts: list[Any] = []
    with pytest.raises(AssertionError, match="the store was asked"):
        await _seconds_to_answer(app, ticket.number, BUDI, parts)
    assert parts[0]["status"] == 200
    assert b"Periksa email Anda" in parts[1]["body"]
