"""Acting by the API: the same as in the shell, once for each key, and never a fault of ours for a bad body."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from mailbot.config.model import Console
from mailbot.console.api import bodies
from mailbot.console.app import build
from mailbot.console.desk import Desk
from mailbot.domain.people.token_scope import ALL, READ, VERBS
from mailbot.errors import CommitUnknown
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import NUMBER, RINA
from tests.cli.test_merge import Shell
from tests.console.office import Office, shipped_settings
from tests.console.program import make_token, program
from tests.shaky_store import ShakyStore

AYU = "ayu.lestari@staf.dukungan.example"
EVERYTHING = (READ, ALL)
# verb -> (body, words of the shell, acts of the shell before). What is refused must be refused in the same words.
Case = tuple[dict[str, Any], list[str], list[list[str]]]
OTHER = "kantor@pelanggan.example"
CLOSED: list[list[str]] = [["close", "bug"]]
CASES: dict[str, Case] = {
    "answer": ({"text": "Halo,\nsudah dikirim."}, ["--text", "Halo,\nsudah dikirim."], []),
    "note": ({"text": "dicek di gudang"}, ["dicek di gudang"], []),
    "take": ({}, [], []),
    "assign": ({"agent": "Ayu"}, ["Ayu"], []),
    "hand-over": (
        {"team": "payments", "because": "bukti bayar"},
        ["payments", "--because", "bukti bayar"],
        [],
    ),
    "escalate": ({"level": "L2", "because": "besar"}, ["L2", "besar"], []),
    "working": ({"until": "besok 10.00"}, ["besok 10.00"], []),
    "wait": ({"whom": "third party", "until": "3 hari"}, ["third party 3 hari"], []),
    "snooze": ({"until": "10 menit"}, ["10 menit"], []),
    "close": (
        {"because": "selesai", "text": "Terima kasih."},
        ["--because", "selesai", "--text", "Terima kasih."],
        [],
    ),
    "reopen": ({"because": "menelepon"}, ["menelepon"], CLOSED),
    "priority": ({"priority": "high"}, ["--priority", "high"], []),
    "category": ({"category": "refund"}, ["--category", "refund"], []),
    "cause": ({"cause": "gudang"}, ["--cause", "gudang"], []),
    "tag": ({"add": ["vip"], "remove": ["banding"]}, ["--", "+vip", "-banding"], []),
    "customer": ({"address": "siti@pelanggan.example"}, ["--customer", "siti@pelanggan.example"], []),
    "link": ({"address": OTHER}, [OTHER], []),
    "unlink": ({"address": OTHER}, [OTHER], [["link", OTHER]]),
    "via": ({"to": OTHER, "text": "Halo"}, [OTHER, "--text", "Halo"], [["link", OTHER]]),
    "participant": ({"add": ["teman@pelanggan.example"]}, ["add", "teman@pelanggan.example"], []),
    "compensate": ({"amount": 50_000, "because": "rusak"}, ["50.000", "--because", "rusak"], []),
    "approve": ({}, [], []),
    "refuse": ({"because": "bukti kurang"}, ["--because", "bukti kurang"], []),
    "accept": ({}, [], []),
    "release": ({}, [], []),
    "decide": ({"option": "refund"}, ["refund"], []),
    "macro": ({"name": "checking"}, ["checking"], []),
    "resolve": ({"text": "Sudah pulih."}, ["--text", "Sudah pulih."], []),
    "detach": ({}, [], []),
    "undo": ({}, [], [["answer", "--text", "Halo"]]),
    "send": ({}, [], []),
    "unmerge": ({}, [], []),
}
TEAMMATES = "eko.prasetyo|fitri.handayani"  # of payments: the number decides who gets a ticket
SHELL = {"priority": "set", "category": "set", "cause": "set", "customer": "set"}


class Beside:
    """A shell and a program on one store, both in the name of one agent."""

    def __init__(self, folder: Path) -> None:
        self.shell, self._customers = Shell(folder), 0
        self.shell.desk.clock = datetime.now(UTC)
        console = Console("127.0.0.1", 0)
        self.app: Starlette = build(Desk(self.shell.desk.deps, shipped_settings(), console))
        self.secret = make_token(self.shell.store, self.shell.desk.clock, AYU, *EVERYTHING)

    async def ticket(self, before: list[list[str]]) -> str:
        self._customers += 1
        number = (await self.shell.desk.receive(sender=f"customer{self._customers}@pelanggan.example")).number
        self.shell.run("ticket", "assign", number, AYU)
        for verb, *words in before:
            self.shell.run("ticket", verb, number, "--as", AYU, *words)
        return number


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    made = Beside(tmp_path)
    yield made
    made.shell.store.close()


def what_happened(decision: dict[str, Any], number: str) -> str:
    """Return events and mails without numbers and moments, which differ between two tickets."""
    events = [(each["kind"], _without_clocks(each["data"])) for each in decision["events"]]
    text = str([*events, *decision["sends"]]).replace(number, "NUMBER")
    moments = r"\d{4}-\d\d-\d\d[T ][\d:.+]+|\d{10,}|<[^<>]+@[^<>]+>"
    return re.sub(rf"customer\d+|{TEAMMATES}|'request': \d+|'act': '\w+'|{moments}", "X", text)


def _without_clocks(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {name: _without_clocks(value) for name, value in data.items() if name != "clocks"}


def test_every_verb_has_its_case() -> None:
    assert {*CASES, "merge", "split", "move-message"} == set(VERBS)
    assert set(bodies.OF_VERB) | {"answer", "note", "accept"} <= set(CASES)


@pytest.mark.parametrize("verb", CASES)
async def test_a_verb_does_what_it_does_in_the_shell(beside: Beside, verb: str) -> None:
    body, words, before = CASES[verb]
    by_shell, by_program = await beside.ticket(before), await beside.ticket(before)
    async with program(beside.app, beside.secret) as robot:
        answer = await robot.post(f"/tickets/{by_program}/{verb}", body)
    named = [SHELL.get(verb, verb), *words]
    place = 2 if verb == "participant" else 1
    command = ["ticket", *named[:place], "--as", AYU, by_shell, *named[place:]]
    if answer.status_code == 200:
        command.insert(place + 1, "--json")
        expected, found = json.loads(beside.shell.run(*command)), answer.json()
        assert what_happened(found, by_program) == what_happened(expected, by_shell)
        assert found.keys() == expected.keys()
    else:
        refusal = answer.json()["detail"].removesuffix(".").replace(by_program, by_shell)
        assert answer.status_code == 409
        assert re.sub(r"\s+", " ", refusal) in beside.shell.run(*command, code=1)


async def test_most_verbs_were_carried_out_and_not_refused(beside: Beside) -> None:
    refused = []
    for verb, (body, _, before) in CASES.items():
        number = await beside.ticket(before)
        async with program(beside.app, beside.secret) as robot:
            if (await robot.post(f"/tickets/{number}/{verb}", body)).status_code != 200:
                refused.append(verb)
    assert refused == [
        "approve",
        "refuse",
        "accept",
        "release",
        "decide",
        "resolve",
        "detach",
        "send",
        "unmerge",
    ]


async def test_messages_go_to_the_right_ticket_and_back(office: Office) -> None:
    first, second = await office.receive(), await office.receive(Subject="Lain")
    await office.receive(Subject=f"Re: {first.number}")
    async with robot_of(office) as robot:
        moved = await robot.post(f"/tickets/{first.number}/move-message", {"message": 3, "to": second.number})
        assert [each["number"] for each in moved.json()["tickets"]] == [first.number, second.number]
        merged = await robot.post(f"/tickets/{first.number}/merge", {"into": second.number.lower()})
        assert merged.json()["tickets"][0]["merged_into"] == second.number
        assert (await robot.post(f"/tickets/{first.number}/unmerge")).json()["tickets"][1][
            "merged_into"
        ] is None
        split = await robot.post(f"/tickets/{second.number}/split", {"messages": [3]})
        assert split.json()["tickets"][1]["number"] not in (first.number, second.number)


def robot_of(office: Office, *verbs: str) -> Any:
    secret = make_token(office.store, office.intake.clock, RINA.address, *(verbs or EVERYTHING))
    return program(office.app, secret)


async def test_a_file_goes_along_with_the_answer(office: Office) -> None:
    number = (await office.receive()).number
    file = {"name": "../bukti.txt", "content": "YnVrdGk="}
    async with robot_of(office) as robot:
        assert (
            await robot.post(f"/tickets/{number}/answer", {"text": "Terlampir.", "files": [file]})
        ).is_success
        listed = (await robot.get(f"/tickets/{number}/messages")).json()[-1]["attachments"]
        assert [(each["name"], each["size"]) for each in listed] == [("bukti.txt", 5)]
        bad = await robot.post(
            f"/tickets/{number}/answer", {"text": "x", "files": [{**file, "content": "%"}]}
        )
        assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "files[0].content")
    (row,) = office.intake.outbox_rows("answer")
    (attached,) = office.intake.content(row).iter_attachments()
    assert (attached.get_filename(), attached.get_content().strip()) == ("bukti.txt", "bukti")


# --- once -------------------------------------------------------------------------------------------------

KEY = {"Idempotency-Key": "order-2291"}


async def test_a_key_carries_a_request_out_once_and_returns_the_first_answer(office: Office) -> None:
    number, other = (await office.receive()).number, (await office.receive(Subject="Lain")).number
    async with robot_of(office) as robot:
        first = await robot.post(f"/tickets/{number}/note", {"text": "satu"}, headers=KEY)
        await robot.post(f"/tickets/{number}/take")  # the ticket is another by now
        again = await robot.post(f"/tickets/{number}/note", {"text": "satu"}, headers=KEY)
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        assert "idempotency-replayed" not in first.headers
        for path, text in (
            (f"{number}/note", "dua"),
            (f"{other}/note", "satu"),
            (f"{number}/answer", "satu"),
        ):
            reused = await robot.post(f"/tickets/{path}", {"text": text}, headers=KEY)
            assert (reused.status_code, reused.json()["type"]) == (409, "/api/v1/#key-reused")
    assert notes(office, number) == ["satu"]


async def test_keys_of_two_tokens_are_apart(office: Office) -> None:
    number = (await office.receive()).number
    for _ in range(2):
        async with robot_of(office) as robot:
            assert (await robot.post(f"/tickets/{number}/note", {"text": "satu"}, headers=KEY)).is_success
    assert notes(office, number) == ["satu", "satu"]


async def test_a_refused_request_may_be_tried_again_with_its_key(office: Office) -> None:
    number = (await office.receive()).number
    async with robot_of(office) as robot:
        assert (await robot.post(f"/tickets/{number}/reopen", {}, headers=KEY)).status_code == 409
        assert (await robot.post(f"/tickets/{number}/close", {})).is_success
        assert (await robot.post(f"/tickets/{number}/reopen", {}, headers=KEY)).is_success


async def test_two_at_once_with_one_key_act_once(office: Office) -> None:
    number = (await office.receive()).number
    async with robot_of(office) as robot:
        send = [robot.post(f"/tickets/{number}/note", {"text": "satu"}, headers=KEY) for _ in range(8)]
        answers = await asyncio.gather(*send)
    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) == 1
    assert sum("idempotency-replayed" in each.headers for each in answers) == 7
    assert notes(office, number) == ["satu"]


async def test_after_a_commit_in_doubt_the_same_key_says_what_was_done(office: Office) -> None:
    number = (await office.receive()).number
    for committed in (True, False):
        key = {"Idempotency-Key": f"committed {committed}"}
        shaky = ShakyStore(office.store, "op", error=CommitUnknown("cut"), committed=committed)
        deps = replace(office.intake.deps, store=shaky)  # type: ignore[arg-type]
        app = build(replace(office.desk, deps=deps))
        secret = make_token(office.store, office.intake.clock, RINA.address, *EVERYTHING)
        async with program(app, secret) as robot:
            text = {"text": f"disimpan: {committed}"}
            doubt = await robot.post(f"/tickets/{number}/note", text, headers=key)
            assert (doubt.status_code, doubt.json()["type"]) == (503, "/api/v1/#in-doubt")
            again = await robot.post(f"/tickets/{number}/note", text, headers=key)
            assert again.status_code == 200
            assert ("idempotency-replayed" in again.headers) is committed
    assert notes(office, number) == ["disimpan: True", "disimpan: False"]


def notes(office: Office, number: str) -> list[str]:
    from mailbot.store import queries

    found = office.store.read_now(lambda c: queries.messages_of(c, number, longest=1000))
    return [each.text for each in found if each.direction == "note"]


# --- bodies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (b'{"text":\n "halo" "x"}', 400, "line 2, column 9"),
        (b'{"text": "halo', 400, "at the end"),
        (b"[1]", 400, "not an array"),
        (b"\xff", 400, "line 1, column 1"),
        (b"[" * 100_000, 400, "nested"),
        (b'{"txt": "halo"}', 422, "did you mean text?"),
        (b'{"text": 1}', 422, "text: Expected `str`, got `int`"),
        (b"", 422, "missing required field `text`"),
        (b'{"text": "  "}', 422, "text: it is empty"),
        (b'{"text": "a\\u0000b"}', 422, "the character NUL"),
        (b'{"text": "\\ud800"}', 400, "truncated"),
    ],
)
async def test_a_bad_body_is_named_with_its_place(
    office: Office, raw: bytes, status: int, words: str
) -> None:
    number = (await office.receive()).number
    async with robot_of(office) as robot:
        answer = await robot.post(f"/tickets/{number}/note", content=raw)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


async def test_words_and_the_fields_that_they_stand_for_are_not_mixed(office: Office) -> None:
    number = (await office.receive()).number
    async with robot_of(office) as robot:
        path = f"/tickets/{number}/escalate"
        assert (await robot.post(path, {"words": "L2", "level": "L2"})).status_code == 422
        assert (await robot.post(path, {"level": "L9"})).json()["reason_code"] == "no_level"
        assert (await robot.post(path, {"words": "L2 nominalnya besar"})).json()["level"] == "L2"


async def test_a_moment_with_an_offset_is_that_moment(office: Office) -> None:
    number = (await office.receive()).number
    async with robot_of(office) as robot:
        body = {"whom": "third party", "until": "2026-11-24T17:00:00+07:00"}
        waiting = await robot.post(f"/tickets/{number}/wait", body)
    assert waiting.json()["turn_until"] == "2026-11-24T10:00:00+00:00"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = sorted(
    {name for each in bodies.OF_VERB.values() for name in each.__struct_fields__} | {"files", "messages"}
)
_TEXTS = st.sampled_from(
    ["L2", "payments", "besok", "3 hari", NUMBER, "Rina", RINA.address, "+a -b", "Rp 50.000 x"]
)


@given(
    verb=st.sampled_from(VERBS),
    body=st.dictionaries(st.sampled_from(_FIELDS) | st.text(max_size=8), _VALUES | _TEXTS, max_size=4)
    | _VALUES,
    key=st.sampled_from(["", "k1", "k2"]),
)
def test_no_body_makes_a_fault_of_ours(verb: str, body: Any, key: str, tmp_path_factory: Any) -> None:
    store = Store(empty_store.sqlite_url(tmp_path_factory.mktemp("fuzz")))

    async def send() -> int:
        office = Office(store)
        number = (await office.receive()).number
        async with robot_of(office) as robot:
            path = f"/tickets/{number}/{verb}"
            # Not as JSON of httpx: it has no Infinity, which Python's own writes and a program may send.
            content = json.dumps(body).encode()
            headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
            return (await robot.post(path, content=content, headers=headers)).status_code

    try:
        assert asyncio.run(send()) < 500
    finally:
        store.close()
