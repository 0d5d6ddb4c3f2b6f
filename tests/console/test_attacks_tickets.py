"""Tickets of other teams: each person, each ticket that they may not see, each address that names one.

The answer must be that for a number that does not exist, to the byte. Nothing of the ticket may be in it, and nothing
in the store may change. What a ticket holds begins with a mark, so that it is found wherever it is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from mailbot.console.acting.joins import JOINS
from mailbot.console.guards import Audience
from mailbot.domain.commands.registry import BY_NAME
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Actions, Agent, Rule, Team
from mailbot.domain.routing import conditions
from mailbot.domain.ticket_number import make
from mailbot.store.schema import attachments, deadlines, drafts, events, messages, presence, tickets
from tests.builders import BAYU, DEWI, RINA, SARI
from tests.console.attacks import ADMIN, Target, contents, targets
from tests.console.customers import links, open_office
from tests.console.office import Office, Visitor
from tests.console.program import make_token

GITA = Agent("Gita", "gita@tim.example", "L1", ("id",))
HADI = Agent("Hadi", "hadi@tim.example", "L1", ("id",))
# team -> its agents, and the word that brings a mail there
TEAMS = {
    "frontline": ((RINA, BAYU), "apa saja"),
    "payments": ((DEWI,), "saldo"),
    "logistics": ((GITA,), "kirim"),
    "fraud": ((HADI,), "curi"),
}
EACH = 2  # tickets of a team
NOWHERE = make("TOKO", "99999999")
FORM = {
    "text": "Baik.",
    "verb": "take",
    "command": "take",
    "once": "k" * 22,
    "name": "x",
    "score": "1",
    "into": NOWHERE,
    "assignee": "",
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = open_office(tmp_path, **_policy())
    office.desk.leaving.set()  # streams end at once
    yield office
    office.store.close()


def _policy() -> dict[str, Any]:
    teams = {name: Team(name, "always", agents) for name, (agents, _) in TEAMS.items()}
    rules = [
        Rule(name, conditions.build("subject", "contains", [word]), Actions(team=name))
        for name, (_, word) in TEAMS.items()
    ]
    return {
        "teams": teams | {"management": Team("management", "always", (SARI,))},
        "rules": (*rules, Rule("everything else", None, Actions(team="frontline"))),
        "admins": (ADMIN,),
    }


@dataclass(frozen=True)
class Case:
    """A ticket, the mark in all that it holds, its message, the digest of its file, the key of its customer's page."""

    ticket: Ticket
    mark: str
    message: int
    digest: str
    key: str

    def path(self, target: Target, number: str) -> str:
        return target.filled(number=number, message=self.message, digest=self.digest)


async def _fill(office: Office) -> list[Case]:
    cases = []
    for team, (_, word) in TEAMS.items():
        for count in range(EACH):
            mark = f"rahasia{team}{count}"
            ticket = await office.receive(
                sender=f"{mark}@pelanggan.example", Subject=f"{mark} {word}", **_mail(mark)
            )
            assert ticket.team == team
            cases.append(_case(office, replace(ticket), mark))
    return cases


def _case(office: Office, ticket: Ticket, mark: str) -> Case:
    joined = messages.join(attachments, attachments.c.inbox_id == messages.c.inbox_id)
    query = select(messages.c.id, attachments.c.digest).select_from(joined)
    message, digest = office.intake.all(query.where(messages.c.ticket == ticket.number))[0]
    page = links(office, f"{mark}@pelanggan.example")[-1]
    return Case(ticket, mark, message, digest, httpx.URL(page).params["k"])


def _mail(mark: str) -> dict[str, str]:
    """Return a mail with text, HTML and a file, as the builder of mails takes it."""
    parts = (
        ("text/plain", f"{mark} belum sampai."),
        ("text/html", f"<p>{mark} <b>belum</b> sampai.</p>"),
        (
            f'text/csv; name="{mark}.csv"\r\nContent-Disposition: attachment; filename="{mark}.csv"',
            f"{mark};1",
        ),
    )
    body = "".join(f"--b\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts)
    return {"MIME_Version": "1.0", "Content_Type": 'multipart/mixed; boundary="b"', "body": f"{body}--b--"}


class Person:
    """A browser with a session, and a program with a token, of one person; of nobody without an address."""

    def __init__(self, office: Office, visitor: Visitor, address: str) -> None:
        self._visitor, self._token = visitor, ""
        if address:
            self._token = make_token(office.store, office.intake.clock, address, "read", "all")

    async def send(self, target: Target, path: str) -> httpx.Response:
        """Send what the browser, or the program, would send."""
        options: dict[str, Any] = {}
        if target.audience is Audience.PROGRAMS:
            options["headers"] = {"Authorization": f"Bearer {self._token}"}
            if target.method != "GET":
                options["json"] = BODIES.get(target.path.rpartition("/")[2], {})
        elif target.method != "GET":
            options["data"] = {**FORM, "csrf": self._visitor.csrf}
        return await self._visitor.client.request(target.method, path, **options)


def _named(office: Office) -> list[Target]:
    """Return the addresses that name a ticket, but for those of customers."""
    return [
        target
        for target in targets(office.app)
        if "number" in target.parameters and target.audience is not Audience.EVERYBODY
    ]


def _same(answer: httpx.Response, number: str) -> tuple[int, str, str]:
    return answer.status_code, answer.headers.get("location", ""), answer.text.replace(number, "NUMBER")


# what a program sends to addresses that need something
BODIES = {
    "answer": {"text": "Baik."},
    "note": {"text": "Baik."},
    "merge": {"into": NOWHERE},
    "split": {"messages": [1]},
    "move-message": {"message": 1, "to": NOWHERE},
}
QUERIES = ("", "?q=belum", "?team=payments", "?team=fraud", "?status=all", "?mine=0", "?assignee=", "?all=1")
PEOPLE = {agents[-1].address: team for team, (agents, _) in TEAMS.items()}


@pytest.mark.parametrize("address", PEOPLE)
async def test_a_ticket_of_another_team_looks_like_none_to_each_address(office: Office, address: str) -> None:
    cases, pairs = await _fill(office), 0
    async with office.visitor(address) as visitor:
        person, before = Person(office, visitor, address), _kept(office)
        for target in _named(office):
            nothing = _same(await person.send(target, cases[0].path(target, NOWHERE)), NOWHERE)
            for case in cases:
                if case.ticket.team == PEOPLE[address]:
                    continue
                answer = await person.send(target, case.path(target, case.ticket.number))
                assert _same(answer, case.ticket.number) == nothing, (target, case.mark)
                assert case.mark not in answer.text
                assert answer.status_code == 404, target
                pairs += 1
        assert _kept(office) == before
    assert pairs >= 250  # of each of four people


def _kept(office: Office) -> dict[str, Any]:
    """Return what the store holds, but for when tokens were used."""
    return {name: rows for name, rows in contents(office).items() if name != "api_tokens"}


async def test_the_same_requests_reach_the_tickets_of_ones_own_team(office: Office) -> None:
    """Else the test above proves nothing."""
    case, address = (await _fill(office))[0], BAYU.address
    async with office.visitor(address) as visitor:
        person = Person(office, visitor, address)
        for target in _named(office):
            if "digest" in target.parameters:  # a file that an agent sent: here nobody did
                continue
            nothing = await person.send(target, case.path(target, NOWHERE))
            own = await person.send(target, case.path(target, case.ticket.number))
            assert (nothing.status_code, own.status_code == 404) == (404, False), target


async def test_what_belongs_to_another_ticket_is_not_found_below_ones_own(office: Office) -> None:
    """An address that names a ticket and a message, a file ...: the second may be another ticket's."""
    own, *others = await _fill(office)
    others = [case for case in others if case.ticket.team != own.ticket.team]
    async with office.visitor(BAYU.address) as visitor:
        person, before = Person(office, visitor, BAYU.address), _kept(office)
        for target in _named(office):
            if target.parameters == {"number"}:
                continue
            for case in others:
                answer = await person.send(target, case.path(target, own.ticket.number))
                assert case.mark not in answer.text, target
        assert _kept(office) == before


def _own_and_hidden(cases: list[Case]) -> tuple[Case, list[Case]]:
    return cases[0], [case for case in cases if case.ticket.team != cases[0].ticket.team]


def _rows_of(office: Office, case: Case) -> list[Any]:
    """Return what the store holds of a ticket."""
    tables = (tickets, messages, events, drafts, presence, deadlines)
    key = {tickets: "number"}
    return [
        office.intake.all(select(table).where(table.c[key.get(table, "ticket")] == case.ticket.number))
        for table in tables
    ]


@pytest.mark.parametrize("verb", sorted({*BY_NAME, *JOINS, "answer", "note"}))
async def test_no_verb_on_ones_own_ticket_reaches_one_of_another_team(office: Office, verb: str) -> None:
    """A form may name a second ticket, or a message: by its number, by its id."""
    own, hidden = _own_and_hidden(await _fill(office))
    before = [_rows_of(office, case) for case in hidden]
    async with office.visitor(BAYU.address) as visitor:
        for case in hidden:
            form = {"verb": verb, "words": case.ticket.number, "messages": str(case.message), "text": "Baik."}
            path = f"/tickets/{own.ticket.number}/act"
            answer = await visitor.post(path, {**form, "other_customer": "1", "once": "k" * 22})
            assert answer.status_code < 500, answer.text
            assert case.mark not in answer.text
    assert [_rows_of(office, case) for case in hidden] == before


async def test_a_selection_with_tickets_of_another_team_acts_on_ones_own_alone(office: Office) -> None:
    own, hidden = _own_and_hidden(await _fill(office))
    before = [_rows_of(office, case) for case in hidden]
    numbers = [own.ticket.number, NOWHERE, *(case.ticket.number for case in hidden)]
    async with office.visitor(BAYU.address) as visitor:
        form = {"verb": "take", "once": "k" * 22, "number": numbers}
        answer = await visitor.post("/tickets/bulk", form)
        asked = await visitor.post("/tickets/bulk", {"number": numbers})
    for page in (answer.text, asked.text):
        assert [case.mark for case in hidden if case.mark in page] == []
    assert [_rows_of(office, case) for case in hidden] == before
    assert office.ticket(own.ticket.number).assignee == BAYU.address


async def test_lists_and_searches_name_no_ticket_of_another_team(office: Office) -> None:
    cases = await _fill(office)
    lists = [
        target
        for target in targets(office.app)
        if target.method == "GET"
        and not target.parameters
        and target.audience in (Audience.STAFF, Audience.AGENTS, Audience.PROGRAMS)
    ]
    for address, team in PEOPLE.items():
        async with office.visitor(address) as visitor:
            person = Person(office, visitor, address)
            for target in lists:
                for query in QUERIES:
                    answer = await person.send(target, f"{target.path}{query}")
                    shown = {case.ticket.team for case in cases if case.mark in answer.text}
                    assert shown <= {team}, (target, query)


async def test_a_search_for_what_only_another_team_has_finds_nothing(office: Office) -> None:
    cases = await _fill(office)
    async with office.visitor(BAYU.address) as visitor:
        for case in cases:
            numbers = [case.ticket.number, case.mark, f"{case.mark}.csv", f"{case.mark}@pelanggan.example"]
            for words in numbers:
                answer = await visitor.get("/search", params={"q": words})
                found = f"/tickets/{case.ticket.number}" in answer.headers.get("location", answer.text)
                assert found == (case.ticket.team == "frontline"), words


async def test_the_key_of_one_customers_page_opens_no_other(office: Office) -> None:
    cases = await _fill(office)
    pages = [target for target in targets(office.app) if target.path.startswith("/t/")]
    assert pages
    async with office.visitor() as visitor, office.visitor(BAYU.address) as agent:
        before = contents(office)
        for target in pages:
            for own in cases:
                for other in cases:
                    if own is other:
                        continue
                    path = f"{other.path(target, other.ticket.number)}?k={own.key}"
                    for browser in (visitor, agent):
                        answer = await browser.client.request(target.method, path)
                        assert (answer.status_code, other.mark in answer.text) == (404, False), target
        assert contents(office) == before
