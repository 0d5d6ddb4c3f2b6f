"""Incidents as seen from a shell: folded lists, the end, the figures."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbot.domain.policy import IncidentRule, Rate
from mailbot.workers.incidents.worker import Incidents
from tests.cli.test_merge import Shell

BODY = "Top up saya lewat BCA gagal, saldo belum masuk."


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    runtime = made.desk.runtime
    rule = IncidentRule(Rate(6, timedelta(minutes=10)))
    boxes = {key: replace(box, incident=rule) for key, box in runtime.policy.mailboxes.items()}
    runtime.snapshot = replace(runtime.snapshot, policy=replace(runtime.policy, mailboxes=boxes))
    made.desk.clock = datetime.now(UTC) - timedelta(minutes=5)
    yield made
    made.store.close()


async def storm(shell: Shell) -> tuple[str, list[str]]:
    """Return the number of the incident, and those of its complaints."""
    worker = Incidents(shell.desk.deps)
    await worker.run_once()
    found = []
    for person in range(12):
        mail = await shell.desk.receive(
            sender=f"p{person}@x{person}.example", Subject="Top up gagal", body=BODY
        )
        found.append(mail.number)
        await worker.run_once()
    await worker.run_once()
    (number,) = {each["number"] for each in shell.shown("ticket", "list")} - set(found)
    return number, found


async def test_lists_fold_complaints_under_their_incident(shell: Shell) -> None:
    incident, complaints = await storm(shell)

    assert [each["number"] for each in shell.shown("ticket", "list", "--open")] == [incident]
    listed = shell.shown("ticket", "list", "--incident", incident.lower().replace("-", " "))
    assert {each["number"] for each in listed} == {incident, *complaints}
    mine = shell.shown("ticket", "list", "--customer", "p3@x3.example")
    assert [each["number"] for each in mine] == [complaints[3]]
    assert shell.shown("ticket", "show", complaints[3])["incident"] == incident
    assert "similar complaints opened this incident" in shell.run("ticket", "show", incident)


async def test_an_incident_is_resolved_and_a_complaint_detached(shell: Shell) -> None:
    incident, complaints = await storm(shell)
    agent = shell.shown("ticket", "show", incident)["assignee"]

    assert "write below #resolved" in shell.run("ticket", "resolve", incident, "--as", agent, code=1)
    assert "is no incident" in shell.run("ticket", "resolve", complaints[0], "--text", "x", code=1)
    assert "stands for many complaints" in shell.run("ticket", "close", incident, code=1)
    shell.run("ticket", "detach", complaints[5])
    assert shell.shown("ticket", "show", complaints[5])["incident"] is None
    shell.run("ticket", "resolve", incident, "--as", agent, "--text", "Sudah pulih.")
    assert shell.shown("ticket", "show", incident)["status"] == "closed"


async def test_the_status_and_the_report_count_incidents(shell: Shell) -> None:
    await storm(shell)

    status = shell.run("status", "--json", code=1)
    assert '"open_incidents": 1' in status
    assert '"incidents": 1' in shell.run("report", "--json")
