"""Who may do what by the API: tokens, their scopes, their ends, and what strangers learn."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailbot.console.api.allowance import Allowance
from mailbot.domain.people.token_scope import ALL, READ, VERBS
from mailbot.store.console import tokens
from tests.builders import DEWI, NUMBER, RINA, SARI
from tests.console.office import Office
from tests.console.program import make_token, program

EVERYTHING = (READ, ALL)


def token(office: Office, address: str = RINA.address, *verbs: str, **options: Any) -> str:
    return make_token(office.store, office.intake.clock, address, *(verbs or EVERYTHING), **options)


async def test_without_a_valid_token_nothing_is_answered_but_how_to_get_one(office: Office) -> None:
    for secret in ("", "mb_unknown", "password"):
        async with program(office.app, secret) as stranger:
            answer = await stranger.get("/tickets")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="mailbot"')
        assert "mailbot token create" in answer.json()["detail"]


async def test_a_session_of_the_pages_opens_nothing(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        assert (await rina.get("/api/v1/me")).status_code == 401
        assert (await rina.post(f"/api/v1/tickets/{NUMBER}/take")).status_code == 401


async def test_a_token_ends_with_its_time(office: Office) -> None:
    async with program(office.app, token(office, lasts=timedelta(hours=1))) as robot:
        assert (await robot.get("/me")).status_code == 200
        office.intake.clock += timedelta(hours=1)
        assert (await robot.get("/me")).status_code == 401


async def test_a_revoked_token_is_refused_at_once(office: Office) -> None:
    async with program(office.app, token(office)) as robot:
        assert (await robot.get("/me")).status_code == 200
        assert office.store.write_now(tokens.revoke, (1, office.intake.clock))
        assert (await robot.get("/me")).status_code == 401


async def test_an_agent_who_leaves_loses_all_tokens_at_once(office: Office) -> None:
    secrets = [token(office, DEWI.address), token(office, DEWI.address)]
    runtime = office.intake.runtime
    teams = {name: team for name, team in runtime.policy.teams.items() if name != "payments"}
    runtime.replace(replace(runtime.policy, teams=teams), runtime.snapshot.composer.templates)
    for secret in secrets:
        async with program(office.app, secret) as robot:
            assert (await robot.get("/me")).status_code == 401


@pytest.mark.parametrize("verb", [READ, *VERBS])
async def test_each_verb_needs_its_own_place_in_the_scope(office: Office, verb: str) -> None:
    ticket = await office.receive()
    path = "" if verb == READ else f"/{verb}"
    method = "GET" if verb == READ else "POST"
    lacking = tuple(each for each in (READ, *VERBS) if each != verb)
    async with program(office.app, token(office, RINA.address, *lacking)) as robot:
        refused = await robot.send(method, f"/tickets/{ticket.number}{path}")
    assert refused.status_code == 403
    assert verb in refused.json()["detail"]
    async with program(office.app, token(office, RINA.address, verb)) as robot:
        assert (await robot.send(method, f"/tickets/{ticket.number}{path}")).status_code != 403


async def test_all_verbs_do_not_include_reading(office: Office) -> None:
    ticket = await office.receive()
    async with program(office.app, token(office, RINA.address, ALL)) as robot:
        assert (await robot.get(f"/tickets/{ticket.number}")).status_code == 403
        assert (await robot.post(f"/tickets/{ticket.number}/note", {"text": "x"})).status_code == 200


async def test_another_teams_ticket_looks_like_none(office: Office) -> None:
    ticket = await office.receive(Subject="saldo hilang")  # of the team payments
    async with program(office.app, token(office)) as robot:
        for path in ("", "/messages", "/events", "/files", "/files/1"):
            foreign = await robot.get(f"/tickets/{ticket.number}{path}")
            unknown = await robot.get(f"/tickets/{NUMBER}{path}")
            assert (foreign.status_code, foreign.content) == (404, unknown.content)
        for verb in VERBS:
            body = {"text": "x"} if verb in ("answer", "note") else _least(verb)
            foreign = await robot.post(f"/tickets/{ticket.number}/{verb}", body)
            unknown = await robot.post(f"/tickets/{NUMBER}/{verb}", body)
            assert (foreign.status_code, foreign.content) == (404, unknown.content), verb
        assert (await robot.get("/tickets")).json() == []
        assert (await robot.get("/search?q=saldo")).json() == []


def _least(verb: str) -> dict[str, Any]:
    needed = {
        "merge": {"into": NUMBER},
        "split": {"messages": [1]},
        "move-message": {"message": 1, "to": NUMBER},
    }
    return needed.get(verb, {})


async def test_a_token_of_one_team_sees_no_other_though_its_manager_does(office: Office) -> None:
    payments, other = await office.receive(Subject="saldo hilang"), await office.receive()
    async with program(office.app, token(office, SARI.address, teams=("payments",))) as robot:
        assert [each["number"] for each in (await robot.get("/tickets")).json()] == [payments.number]
        assert (await robot.get(f"/tickets/{other.number}")).status_code == 404
        assert (await robot.post(f"/tickets/{other.number}/take")).status_code == 404
        assert (await robot.get("/search?q=pesanan")).json()[0]["number"] == payments.number
        assert len((await robot.get("/search?q=pesanan")).json()) == 1
        assert (await robot.get("/figures")).status_code == 422
        assert (await robot.get("/figures?team=frontline")).status_code == 422
        office.intake.clock += timedelta(minutes=1)  # a period ends before now
        assert (await robot.get("/figures?team=payments")).json()["figures"]["opened"] == 1


async def test_a_foreign_ticket_can_neither_be_merged_into_nor_emptied(office: Office) -> None:
    own = await office.receive()
    foreign = await office.receive(Subject="saldo hilang", sender="siti@pelanggan.example")
    async with program(office.app, token(office)) as robot:
        merged = await robot.post(f"/tickets/{own.number}/merge", {"into": foreign.number})
        unknown = await robot.post(f"/tickets/{own.number}/merge", {"into": NUMBER})
        assert (merged.status_code, unknown.status_code) == (409, 409)
        assert merged.json()["detail"].replace(foreign.number, NUMBER) == unknown.json()["detail"]
        moved = await robot.post(f"/tickets/{own.number}/move-message", {"message": 2, "to": own.number})
        assert moved.status_code == 422
    assert office.ticket(foreign.number) == foreign
    assert office.ticket(own.number).merged_into is None


async def test_when_a_token_was_used_is_kept_and_not_at_each_request(office: Office) -> None:
    secret, first = token(office), office.intake.clock
    async with program(office.app, secret) as robot:
        for minutes, used in ((0, 0), (4, 0), (6, 6)):
            office.intake.clock = first + timedelta(minutes=minutes)
            await robot.get("/me")
            (kept,) = office.store.read_now(tokens.list_tokens)
            assert kept.used_at == first + timedelta(minutes=used)


async def test_too_many_requests_wait(office: Office) -> None:
    office.app.state.allowance = Allowance(per_minute=2)
    async with program(office.app, token(office)) as robot:
        assert [(await robot.get("/me")).status_code for _ in range(3)] == [200, 200, 429]
        assert (await robot.get("/me")).headers["retry-after"] == "30"
        office.intake.clock += timedelta(seconds=30)
        assert (await robot.get("/me")).status_code == 200
    async with program(office.app, token(office)) as other:
        assert (await other.get("/me")).status_code == 200


async def test_the_token_says_what_it_may_do(office: Office) -> None:
    async with program(office.app, token(office, RINA.address, READ, "note", teams=("frontline",))) as robot:
        me = (await robot.get("/me")).json()
    assert (me["address"], me["roles"], me["token"]["verbs"]) == (RINA.address, ["agent"], [READ, "note"])
    assert me["token"]["teams"] == ["frontline"]


async def test_an_address_that_does_not_exist_answers_a_program_in_json(office: Office) -> None:
    async with program(office.app, token(office)) as robot:
        assert (await robot.get("/nowhere")).status_code == 404
        refused = await robot.send("DELETE", "/tickets")
        assert (refused.status_code, "GET" in refused.headers["allow"]) == (405, True)
        large = b"x" * (office.desk.settings.limits.size + 1)
        assert (await robot.client.post("/api/v1/tickets/x/note", content=large)).status_code == 413
