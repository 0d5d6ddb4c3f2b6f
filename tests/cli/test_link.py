"""`mailbot ticket link`: print and revoke the links to the customers' page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.config.api import load
from mailbot.store.console import revoked_links
from tests.cli.test_merge import Shell
from tests.workers.test_intake import BUDI, KEYS, TEMPLATES

ANA = "ana@pelanggan.example"
SITE = "https://bantuan.dukungan.example"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    made.env["MAILBOT_SECRET"] = KEYS.secret.decode()
    yield made
    made.store.close()


def _with_pages(shell: Shell) -> None:
    folder = Path(shell.env["MAILBOT_CONFIG"])
    with (folder / "mailbot.yaml").open("a") as file:
        file.write(f"\nconsole: 127.0.0.1:8025\npublic_url: {SITE}\n")
    shell.desk.runtime.replace(load(folder, shell.env).policy, TEMPLATES)


def _mailed(shell: Shell) -> str:
    """Return the newest mail to the customer as text."""
    row = [each for each in shell.desk.outbox_rows("acknowledgement") if each.recipient == BUDI][-1]
    return str(shell.desk.content(row).get_body(("plain",)).get_content())


async def test_the_link_is_the_one_that_was_mailed_and_another_after_its_revocation(shell: Shell) -> None:
    _with_pages(shell)
    ticket = await shell.desk.receive()
    shell.run("ticket", "participant", "add", ticket.number, ANA)
    before = {each["address"]: each["url"] for each in shell.shown("ticket", "link", ticket.number)}
    assert before.keys() == {BUDI, ANA}
    assert before[BUDI] in _mailed(shell)

    revoked = shell.run(
        "ticket", "link", ticket.number, "--customer", "budi+toko@pelanggan.example", "--revoke"
    )
    assert f"revoked the links to the page of {BUDI}" in revoked
    after = {each["address"]: each["url"] for each in shell.shown("ticket", "link", ticket.number)}
    assert after[ANA] == before[ANA]
    assert after[BUDI] != before[BUDI]
    assert "links_revoked" in str(shell.shown("ticket", "show", ticket.number)["events"])
    shell.run("ticket", "link", ticket.number, "--revoke")
    counts = shell.store.read_now(revoked_links.load, [ticket.number])
    assert counts == {(ticket.number, BUDI): 2, (ticket.number, ANA): 1}


async def test_there_is_no_link_for_a_stranger_and_none_without_pages(shell: Shell) -> None:
    ticket = await shell.desk.receive()
    assert "set `public_url`" in shell.run("ticket", "link", ticket.number, code=1)
    _with_pages(shell)
    stranger = ("ticket", "link", ticket.number, "--customer", "x@lain.example")
    assert "takes no part" in shell.run(*stranger, code=1)
    assert "takes no part" in shell.run(*stranger, "--revoke", code=1)
    assert SITE not in _mailed(shell)
