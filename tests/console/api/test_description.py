"""The API describes itself: every route, every problem, for generators of clients and for people."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from starlette.routing import Route

from mailbot.console.api import routes
from mailbot.console.api.openapi import described, document
from mailbot.console.guards import Audience
from mailbot.console.problems import KINDS
from mailbot.domain.people.token_scope import ALL, MESSAGE, READ, VERBS
from tests.builders import RINA
from tests.console.office import Office, Served
from tests.console.program import make_token

PAGE = Path(__file__).parents[3] / "docs" / "console" / "api.md"
API = document(routes.ROUTES, "https://desk.example")


def test_every_route_for_programs_is_described() -> None:
    served = [each for each in routes.ROUTES if isinstance(each, Route)]
    ours = {each.path_format for each in served if each.endpoint.audience is Audience.PROGRAMS}
    assert ours == {f"/api/v1{path}" for path in API["paths"]}
    assert ours | {"/api/v1", "/api/v1/", "/api/v1/openapi.json"} == {each.path_format for each in served}


def test_every_verb_has_its_address_and_its_scope() -> None:
    verbs = {each.verb: route.path for route, _, each in described(routes.ROUTES) if each.body}
    assert verbs.pop(MESSAGE) == "/api/v1/messages"
    assert verbs == {verb: f"/api/v1/tickets/{{number}}/{verb}" for verb in VERBS}


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    named = set(re.findall(r"'#/components/schemas/([^']+)'", str(API)))
    assert named == set(API["components"]["schemas"])
    assert all("." not in name for name in named)


def test_every_operation_says_what_it_takes_and_gives() -> None:
    operations = [each for methods in API["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) > 40
    for each in operations:
        assert each["summary"]
        assert {"401", "403", "429", "500", "503"} <= each["responses"].keys()
        assert len({"200", "201"} & each["responses"].keys()) == 1
        assert all(text["description"] for text in each["responses"].values())
        named = {parameter["name"] for parameter in each["parameters"] if parameter["in"] == "path"}
        assert all(f"{{{name}}}" in str(API["paths"].keys()) for name in named)


def test_moments_are_described_as_such() -> None:
    opened_at = API["components"]["schemas"]["Ticket"]["properties"]["opened_at"]
    assert opened_at == {"type": "string", "format": "date-time"}


async def test_people_and_generators_read_it_without_a_token(office: Office) -> None:
    async with office.visitor(**{"Accept-Language": "en"}) as nobody:
        page = await nobody.get("/api/v1/")
        assert all(f'id="{kind}"' in page.text for kind in KINDS)
        assert "POST /tickets/{number}/answer" in page.text
        assert (await nobody.get("/api/v1")).headers["location"] == "/api/v1/"
        found = (await nobody.get("/api/v1/openapi.json")).json()
        assert (found["openapi"], found["paths"]) == ("3.1.0", API["paths"])


def _examples() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_examples_of_the_page_work_as_they_stand(office: Office, served: Served) -> None:
    number = served.receive().number
    secret = make_token(office.store, office.intake.clock, RINA.address, READ, ALL)
    environment = {
        "TOKEN": secret,
        "URL": served.url,
        "NUMBER": number,
        "TEAM": "frontline",
        "PATH": "/usr/bin:/bin",
    }
    examples = _examples()
    assert len(examples) > 10
    for line in examples:
        command = line.replace("curl -s", "curl -sS --fail-with-body", 1)
        done = subprocess.run(
            ["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
    assert office.ticket(number).status == "closed"


def test_the_page_names_every_status(office: Office) -> None:
    named = set(re.findall(r"\b[45]\d\d\b", PAGE.read_text()))
    assert {str(int(kind.status)) for kind in KINDS.values()} - named == {"405", "500"}
