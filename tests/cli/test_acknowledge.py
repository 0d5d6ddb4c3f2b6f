"""`mailbot ticket acknowledge`: the acknowledgement of a mail that an agent forwarded."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.domain.replies.undeliverable import Suppression
from mailbot.store import suppressions
from tests.cli.test_answer import AYU
from tests.cli.test_merge import Shell
from tests.workers.test_agents_without_token import FORWARD
from tests.workers.test_intake import AGENTS_NETWORK, BUDI


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def forwarded(shell: Shell) -> str:
    mail = {"sender": AYU, "peer": AGENTS_NETWORK, "Subject": "Fwd: Saldo terpotong", "body": FORWARD}
    return (await shell.desk.receive(**mail)).number


async def test_an_agent_opens_a_ticket_for_a_customer_who_called(shell: Shell) -> None:
    said = ("ticket", "open", "--customer", "Siti@Pelanggan.example", "--said", "Saldo saya hilang.")
    found = json.loads(shell.run(*said, "--as", AYU, "--take", "--json"))
    assert (found["customer"], found["assignee"]) == ("siti@pelanggan.example", AYU)
    assert "our own addresses" in shell.run("ticket", "open", "--customer", AYU, "--said", "Halo", code=1)


async def test_the_agent_lets_the_acknowledgement_leave_once(shell: Shell) -> None:
    number = await forwarded(shell)
    shell.run("ticket", "acknowledge", number, "--as", AYU)

    (row,) = shell.desk.outbox_rows("acknowledgement")
    assert (row.ticket, row.recipient, row.state) == (number, BUDI, "due")
    mail = shell.desk.content(row)
    assert f"[{number}]" in mail["Subject"]
    assert "Saldo terpotong" not in mail.as_string()
    assert AYU not in mail.as_string()
    refused = shell.run("ticket", "acknowledge", number, "--as", AYU, code=1)
    assert "no acknowledgement that waits" in refused
    assert len(shell.desk.outbox_rows("acknowledgement")) == 1
    kinds = [event["kind"] for event in shell.shown("ticket", "show", number)["events"]]
    assert [kind for kind in kinds if kind.startswith("acknowledgement")] == [
        "acknowledgement_suppressed",
        "acknowledgement_enqueued",
    ]
    shell.run("prove", number)


async def test_other_suppressed_acknowledgements_stay_so(shell: Shell) -> None:
    number = (await shell.desk.receive(Precedence="bulk")).number
    assert "no acknowledgement that waits" in shell.run("ticket", "acknowledge", number, code=1)
    assert [row.state for row in shell.desk.outbox_rows("acknowledgement")] == ["suppressed"]


async def test_after_an_answer_or_a_bounce_it_is_refused(shell: Shell) -> None:
    answered, bounced = await forwarded(shell), await forwarded(shell)
    shell.run("ticket", "answer", answered, "--as", AYU, "--text", "Halo")
    assert "too late" in shell.run("ticket", "acknowledge", answered, code=1)

    gone = Suppression(BUDI, "bounce", "550 5.1.1", shell.desk.clock, None)
    shell.store.write_now(lambda connection, items: [suppressions.add(connection, items)], gone)
    shell.run("ticket", "acknowledge", bounced, code=1)
    assert {row.state for row in shell.desk.outbox_rows("acknowledgement")} == {"suppressed"}
