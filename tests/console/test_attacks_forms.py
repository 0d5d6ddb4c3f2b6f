"""Forged requests: every route of the whole application that changes something, sent by other sites."""

import pytest

from mailbot.console.guards import Audience
from tests.builders import DEWI, SARI
from tests.console.attacks import ADMIN, Target, changing, contents, targets
from tests.console.office import Office, Visitor

STAFF = (Audience.STAFF, Audience.AGENTS, Audience.MANAGERS, Audience.ADMINS)


@pytest.fixture
def office(office: Office) -> Office:
    """Return an office with a manager who is an admin as well: no role stands in the way."""
    office = Office(office.store, admins=(SARI.address, ADMIN))
    office.desk.leaving.set()  # streams end at once
    return office


async def test_a_forged_form_is_refused_by_each_route_and_changes_nothing(office: Office) -> None:
    ticket = await office.receive()
    found = [target for target in changing(office.app) if target.audience in STAFF]
    assert len(found) >= 2
    async with office.visitor(SARI.address) as sari, office.visitor(DEWI.address) as dewi:
        before = contents(office)
        for target in found:
            path = target.filled(number=ticket.number)
            for name, answer in (await _forged(target, path, sari, dewi.csrf)).items():
                assert answer == 403, (target, name)
        assert contents(office) == before


async def _forged(target: Target, path: str, victim: Visitor, foreign: str) -> dict[str, int]:
    """Return the answers to what another site can make the victim's browser send, and to more than that."""
    own, send = victim.csrf, victim.client.request
    requests = {
        "no token": {"data": {"text": "x"}},
        "an empty token": {"data": {"csrf": ""}},
        "a token of somebody else's session": {"data": {"csrf": foreign}},
        "a token that is cut off": {"data": {"csrf": own[:-1]}},
        "a token with letters that ASCII lacks": {"data": {"csrf": "\u0131" * 64}},
        "a token in the address": {"params": {"csrf": own}},
        "a token in a cookie": {"headers": {"Cookie": _with_cookie(victim, f"csrf={own}")}},
        "a file in place of the token": {"files": {"csrf": ("x", own)}},
        "plain text": {"content": f"csrf={own}", "headers": {"Content-Type": "text/plain"}},
        "JSON": {"json": {"csrf": own}},
        "no body": {},
        "another site": {"data": {"csrf": own}, "headers": {"Sec-Fetch-Site": "cross-site"}},
        "a sister site": {"data": {"csrf": own}, "headers": {"Sec-Fetch-Site": "same-site"}},
        "an empty token in the header": {"data": {"csrf": own}, "headers": {"X-CSRF-Token": ""}},
    }
    return {
        name: (await send(target.method, path, **options)).status_code for name, options in requests.items()
    }


def _with_cookie(visitor: Visitor, more: str) -> str:
    return "; ".join([*(f"{each.name}={each.value}" for each in visitor.client.cookies.jar), more])


async def test_the_forged_forms_fail_by_the_token_alone(office: Office) -> None:
    """The same requests with the right token are not refused: else the test above proves nothing."""
    ticket = await office.receive()
    for target in changing(office.app):
        if target.audience in STAFF:
            async with office.visitor(SARI.address) as sari:
                options = {"csrf": sari.csrf, "once": "k" * 22}
                path = target.filled(number=ticket.number)
                answer = await sari.client.request(target.method, path, data=options)
                assert answer.status_code != 403, target


async def test_the_forms_of_the_log_in_belong_to_the_browser_too(office: Office) -> None:
    async with office.visitor() as thief, office.visitor() as victim:
        token = (await thief.get("/login")).text.split('name="csrf" value="')[1][:64]
        await victim.get("/login")
        before = contents(office)
        for path in ("/login", "/login/link"):
            for csrf in ("", token):
                form = {"address": SARI.address, "key": "x", "csrf": csrf}
                assert (await victim.client.post(path, data=form)).status_code == 403
            cross = {"Sec-Fetch-Site": "cross-site"}
            form = {"address": SARI.address, "key": "x", "csrf": token}
            assert (await thief.client.post(path, data=form, headers=cross)).status_code == 403
        assert contents(office) == before


async def test_a_session_is_no_token_of_the_api(office: Office) -> None:
    ticket = await office.receive()
    async with office.visitor(SARI.address) as sari:
        before = contents(office)
        for target in changing(office.app):
            if target.audience is Audience.PROGRAMS:
                path = target.filled(number=ticket.number)
                answer = await sari.client.request(
                    target.method, path, json={}, headers={"X-CSRF-Token": sari.csrf}
                )
                assert answer.status_code == 401, target
        assert contents(office) == before


async def test_reading_changes_nothing(office: Office) -> None:
    """A link on another site opens pages: no GET acts. What is kept is who has a page open."""
    ticket = await office.receive()
    async with office.visitor(SARI.address) as sari:
        before = contents(office)
        for target in targets(office.app):
            if target.method == "GET":
                await sari.get(target.filled(number=ticket.number))
        after = contents(office)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"presence", "rate_limits"}
