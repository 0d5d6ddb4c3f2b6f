"""Role escalation: every route of the whole application, tried by each kind of person."""

import pytest

from mailbot.console.guards import Audience
from tests.console.attacks import ADMIN, MAY, PEOPLE, targets
from tests.console.office import Office


@pytest.fixture
def office(office: Office) -> Office:
    office = Office(office.store, admins=(ADMIN,))
    office.desk.leaving.set()  # streams end at once
    return office


@pytest.mark.parametrize("kind", sorted(PEOPLE))
async def test_each_route_opens_for_its_audience_alone(office: Office, kind: str) -> None:
    ticket = await office.receive()
    tried = 0
    for target in targets(office.app):
        if target.audience is Audience.EVERYBODY:
            continue
        async with office.visitor(PEOPLE[kind]) as person:
            path = target.filled(number=ticket.number)
            answer = await person.client.request(target.method, path, data=_form(target.method, person.csrf))
        tried += 1
        where = answer.headers.get("location", "")
        if target.audience is Audience.PROGRAMS:
            assert answer.status_code == 401, target
        elif kind in ("nobody", "stranger"):
            assert (answer.status_code, where.partition("?")[0]) == (303, "/login"), target
        elif kind in MAY[target.audience]:
            assert answer.status_code != 403, target
            assert not where.startswith("/login?next"), target
        else:
            assert answer.status_code == 403, target
    assert tried >= 5


def _form(method: str, csrf: str) -> dict[str, str] | None:
    return None if method == "GET" else {"csrf": csrf, "once": "k" * 22}
