"""`mailbot ticket` and `mailbot explain` on mail that is on the wrong ticket, as used from a shell."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.config.api import load
from mailbot.store.store import Store
from tests import empty_store
from tests.scenarios.harness import DESK
from tests.workers.test_intake import BUDI, TEMPLATES, Desk

ASING = "asing@lain.example"


class Shell:
    """The commands on a store of their own, beside an intake that fills it."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(DESK, folder / "config")
        url = empty_store.migrated_url(folder)
        self.env = {"MAILBOT_CONFIG": str(folder / "config"), "MAILBOT_STORE": url}
        self.store = Store(url)
        self.desk = Desk(self.store)
        loaded = load(folder / "config", self.env)
        self.desk.runtime.replace(loaded.policy, TEMPLATES)

    def run(self, *words: str | int, code: int = 0, text: str | None = None) -> str:
        result: Result = CliRunner().invoke(cli, list(map(str, words)), env=self.env, input=text)
        assert result.exit_code == code, result.output
        return " ".join(result.output.split())  # whatever the width of the columns

    def shown(self, *words: str | int) -> Any:
        return json.loads(self.run(*words, "--json"))

    def messages(self, number: str) -> list[int]:
        return [each["id"] for each in self.shown("ticket", "show", number)["messages"]]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


async def two(shell: Shell) -> tuple[str, str]:
    first = await shell.desk.receive()
    second = await shell.desk.receive(Subject="Lain")
    await shell.desk.receive(Subject=f"Re: {first.number}")
    return first.number, second.number


async def test_a_message_is_moved_by_its_id_and_back(shell: Shell) -> None:
    a, b = await two(shell)
    told = shell.run("ticket", "move-message", 3, b.lower().replace("-", " "))

    assert f"moved message 3 to {b}" in told
    assert f"moved message 3 here from {a}" in told
    assert f"came from {a}" in shell.run("ticket", "show", b, "--all")
    assert (shell.messages(a), shell.messages(b)) == ([1], [2, 3])
    shell.run("ticket", "move-message", 3, a)
    assert (shell.messages(a), shell.messages(b)) == ([1, 3], [2])
    assert "there is no message 99" in shell.run("ticket", "move-message", 99, a, code=1)


async def test_a_merge_is_shown_on_both_tickets_and_undone(shell: Shell) -> None:
    a, b = await two(shell)
    told = shell.run("ticket", "merge", a, b)
    assert f"merged it into {b}" in told

    assert f"merged into {b}" in shell.run("ticket", "show", a)
    assert f"merged from {a}" in shell.run("ticket", "show", b)
    assert a not in shell.run("ticket", "list", "--open")
    assert shell.shown("ticket", "show", a)["merged_into"] == b
    assert "merged already" in shell.run("ticket", "close", a, code=1)
    assert f"{a} is merged into {b} already" in shell.run("ticket", "merge", b, a, code=1)
    await shell.desk.receive(Subject=f"Re: {a}")
    told = shell.run("ticket", "unmerge", a)
    assert (
        f"1 mail(s) to {a} came while it was merged and stay on {b}: mailbot ticket move-message 4 {a}"
        in told
    )
    assert f"{b} (no longer)" in shell.run("ticket", "show", a)
    assert shell.messages(a) == [1, 3]
    assert "is not merged" in shell.run("ticket", "unmerge", a, code=1)


async def test_the_older_ticket_ends_with_a_remark(shell: Shell) -> None:
    a = (await shell.desk.receive()).number
    shell.desk.clock = shell.desk.clock.replace(hour=5)
    b = (await shell.desk.receive()).number

    assert f"{a} was the older one" in shell.run("ticket", "merge", a, b)


async def test_two_customers_are_kept_apart_unless_it_is_said(shell: Shell) -> None:
    a = (await shell.desk.receive()).number
    b = (await shell.desk.receive(sender=ASING)).number

    refusal = shell.run("ticket", "merge", a, b, code=1)
    assert "the words of one customer can reach another" in refusal
    assert shell.messages(b) == [2]
    assert "of another customer" in shell.run("ticket", "merge", a, b, "--other-customer")


async def test_split_json_names_both_tickets(shell: Shell) -> None:
    a, _ = await two(shell)
    source, new = shell.shown("ticket", "split", a, 3)["tickets"]

    assert (source["number"], new["customer"], new["status"]) == (a, BUDI, "new")
    assert shell.messages(new["number"]) == [3]
    assert f"split into {new['number']}" in shell.run("ticket", "show", a)
    assert "merged" in shell.run("ticket", "merge", new["number"], a)
    assert shell.messages(a) == [1, 3]


async def test_a_claim_is_accepted_or_what_is_held_rejected(shell: Shell) -> None:
    policy = shell.desk.runtime.policy
    boxes = {name: replace(box, strangers="hold") for name, box in policy.mailboxes.items()}
    shell.desk.runtime.replace(replace(policy, mailboxes=boxes), TEMPLATES)
    first = (await shell.desk.receive()).number
    one = (await shell.desk.receive(sender=ASING, Subject=f"Re: {first}")).number
    other = (await shell.desk.receive(sender="lain@lain.example", Subject=f"Re: {first}")).number

    assert "unconfirmed, held apart" in shell.run("ticket", "show", first)
    assert f"held for {first}" in shell.run("ticket", "show", one)
    assert "it is held, to be accepted or rejected" in shell.run("explain", one)
    assert "accept or reject it first" in shell.run("ticket", "merge", one, first, "--other-customer", code=1)
    assert ASING in shell.run("ticket", "accept", one)
    assert shell.messages(first) == [1, 2]
    assert "a matter of its own" in shell.run("ticket", "reject", other)
    assert shell.shown("ticket", "show", other)["deadline"]
    assert "is not held" in shell.run("ticket", "reject", other, code=1)


async def test_explain_tells_what_was_weighed_of_a_ticket_and_of_a_mail(shell: Shell) -> None:
    first = (await shell.desk.receive()).number
    wrong = first[:-3] + str((int(first[-3]) + 1) % 10) + first[-2:]
    theirs = (await shell.desk.receive(sender=ASING, Subject=f"Re: {first}")).number
    told = shell.run("explain", theirs, "--all")

    assert f"weighed: number in the subject {first}: the sender takes no part in that ticket" in told
    shown = shell.shown("explain", theirs)
    assert shown["messages"][0]["evidence"]["confidence"] == "claim"
    mail = f"From: {BUDI}\r\nTo: support@dukungan.example\r\nSubject: Re: {wrong}\r\n\r\nHalo\r\n"
    assert f"belongs may mean the sender's own {first}" in shell.run("explain", "-", text=mail)
    told = shell.run("explain", "-", "--all", text=mail)
    assert f"mistyped number {wrong}: does not count" in told
    assert f"may mean the sender's own {first}" in told
    assert json.loads(shell.run("explain", "-", "--json", text=mail))["belongs"]["suggests"] == first


async def test_prove_agrees_after_moves_and_merges(shell: Shell) -> None:
    a, b = await two(shell)
    shell.run("ticket", "move-message", 3, b)
    shell.run("ticket", "split", b, 3)
    shell.run("ticket", "merge", a, b)

    for number in (a, b):
        shell.run("prove", number)


async def test_ticket_show_says_that_a_sender_is_not_proven(shell: Shell) -> None:
    first, _ = await two(shell)
    assert "not verified" in shell.run("ticket", "show", first)
