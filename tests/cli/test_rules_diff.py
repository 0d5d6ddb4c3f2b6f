"""`mailbot rules diff` as used from a shell: stored mail, mail in files, exit codes, JSON."""

import json
import mailbox
import shutil
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailbot.cli.service import mail_folder
from mailbot.config.api import load
from mailbot.domain.policy_review.policy_diff import CHANGED, Change, Difference
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.store import policies
from mailbot.store.service import shadows
from mailbot.store.service.shadows import ShadowResult
from tests.builders import NOW
from tests.cli.test_merge import Shell
from tests.cli.test_merge import shell as shell  # the fixture
from tests.config.faults import lay

RULES = """
rules:
  - name: money
    when: {subject: {contains: [saldo, refund]}}
    then: {team: payments, urgency: high}
  - name: everything else
    then: {team: frontline}
"""


@pytest.fixture
def old(shell: Shell, tmp_path: Path) -> Path:
    """The directory of the policy in force: few rules, so that a test says what it is about."""
    directory = lay(tmp_path / "config")
    (directory / "routing.yaml").write_text(RULES)
    loaded = load(directory, shell.env)
    shell.desk.runtime.replace(loaded.policy, shell.desk.runtime.snapshot.composer.templates)
    sources = loaded.sources
    entered = policies.ActivePolicy(
        loaded.policy.version, NOW, outline(loaded.policy), sources.files, sources.templates
    )
    shell.store.write_now(policies.record_active, entered)
    return directory


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    """The same without a word for refunds."""
    shutil.copytree(old, tmp_path / "config-new")
    (tmp_path / "config-new" / "routing.yaml").write_text(RULES.replace("[saldo, refund]", "saldo"))
    return tmp_path / "config-new"


async def fill(shell: Shell) -> list[str]:
    shell.desk.clock = NOW - timedelta(days=2)
    numbers = []
    for subject in ("Minta refund", "Saldo terpotong", "Kurir", "REFUND please"):
        ticket = await shell.desk.receive(Subject=subject, body="Mohon dibantu.")
        numbers.append(ticket.number)
        shell.desk.clock += timedelta(minutes=1)
    return numbers


SINCE = ("--since", "2026-11-01")


async def test_the_live_policy_against_itself_and_against_the_record_is_no_change(
    shell: Shell, old: Path
) -> None:
    await fill(shell)

    for before in ("live", "recorded", old, shell.desk.runtime.policy.version):
        told = shell.shown("rules", "diff", before, "live", *SINCE)
        assert (told["mails"], told["unchanged"], told["changed"], told["drifted"]) == (4, 4, 0, [])


async def test_each_ticket_that_goes_another_way_is_named_with_the_condition(shell: Shell, new: Path) -> None:
    first, *_, last = await fill(shell)

    text = shell.run("rules", "diff", "live", new, *SINCE, code=1)
    told = json.loads(shell.run("rules", "diff", "live", new, *SINCE, "--json", code=1))

    assert "2 of 4 mails change: 2 fall to the last rule now" in text
    assert f'such as {first} "Minta refund" such as {last} "REFUND please"' in text
    assert "because subject contains 'refund'" in text
    assert "2 fewer high-priority tickets" in text
    assert text.index("fewer") < text.index("mails change") < text.index("such as")
    assert "new: everything else: no other rule matched" not in text
    assert (told["changed"], told["newly_uncaught"], told["unchanged"], told["exceeded"]) == (2, 2, 2, True)
    assert told["old"]["version"] == shell.desk.runtime.policy.version
    assert told["consequences"]["teams"] == [
        {"name": "frontline", "old": 1, "new": 3},
        {"name": "payments", "old": 3, "new": 1},
    ]
    assert told["subjects"] == {first: "Minta refund", last: "REFUND please"}
    [move] = told["moves"]
    assert (move["old_rule"], move["new_rule"], move["count"]) == ("money", "everything else", 2)
    assert move["examples"] == [first, last]
    assert [change["name"] for change in told["changes"]] == [first, last]


async def test_every_ticket_is_shown_with_both_conditions_on_request(shell: Shell, new: Path) -> None:
    first, *_ = await fill(shell)

    for option, shown in (("--all", 2), ("--limit=1", 1)):
        text = shell.run("rules", "diff", "live", new, *SINCE, option, code=1)
        assert f'{first} "Minta refund" 2026-11-21' in text
        assert text.count("old: money: subject contains 'refund'") == shown
        assert text.count("new: everything else: no other rule matched") == shown


def test_a_mistyped_folder_is_repeated_as_typed_with_or_without_a_store(shell: Shell, old: Path) -> None:
    shell.env["MAILBOT_STORE"] = "sqlite:////nowhere/none.db"

    assert "there is no directory './confg'" in shell.run(
        "rules", "diff", old, "./confg", "--mail", old, code=1
    )
    assert "'./mial' does not exist" in shell.run("rules", "diff", old, old, "--mail", "./mial", code=2)


@pytest.mark.parametrize(
    ("most", "code"), [("0", 1), ("1", 1), ("2", 0), ("49%", 1), ("50%", 0), ("100 %", 0)]
)
async def test_more_changes_than_allowed_are_exit_1(shell: Shell, new: Path, most: str, code: int) -> None:
    await fill(shell)

    shell.run("rules", "diff", "live", new, *SINCE, "--max-changed", most, code=code)


@pytest.mark.parametrize("most", ["many", "-1", "nan", "%", ""])
def test_what_is_no_number_of_mails_is_wrong_usage(shell: Shell, old: Path, most: str) -> None:
    assert "no number of mails" in shell.run("rules", "diff", old, old, "--max-changed", most, code=2)


def test_what_names_no_policy_is_said(shell: Shell, old: Path) -> None:
    assert "no policy of that version" in shell.run("rules", "diff", "0123456789ab", old, code=1)
    assert "as OLD" in shell.run("rules", "diff", old, "recorded", code=2)
    assert "one of them" in shell.run("rules", "diff", old, old, "--mail", old, *SINCE, code=2)


def test_a_directory_with_faults_is_refused_with_their_places(shell: Shell, old: Path, new: Path) -> None:
    (new / "routing.yaml").write_text(RULES.replace("payments", "paymnts"))

    assert "routing.yaml:5:18" in shell.run("rules", "diff", old, new, code=78)


def test_check_warns_of_a_policy_that_can_not_look_on(shell: Shell, old: Path, new: Path) -> None:
    mailbot = old / "mailbot.yaml"
    mailbot.write_text(f"{mailbot.read_text()}\nshadow: ../config-new\n")
    before = shell.shown("check")["warnings"]
    (new / "routing.yaml").write_text(RULES.replace("payments", "paymnts"))

    told = shell.shown("check")

    assert told["ok"]
    [warning] = [each for each in told["warnings"] if each not in before]
    assert warning["file"].endswith("config-new/routing.yaml")


async def test_the_differences_of_a_shadow_policy_are_grouped_and_shown_one_by_one_on_request(
    shell: Shell, old: Path
) -> None:
    because = ("money: subject contains 'refund'", "everything else: no other rule matched")
    moved = Difference("team", "payments", "frontline", *because)
    numbers = (await fill(shell))[:3]
    changes = [Change(number, NOW, CHANGED, "money", "money", (moved,)) for number in numbers]
    shell.store.write_now(shadows.add_result, ShadowResult("v2", "v1", NOW, 7, 0, changes))
    text = shell.run("rules", "shadow")

    assert "3 of 10 mails change." in text
    assert '3 mails, rule "money" -> "everything else" team Payments -> Frontline' in text
    first, second, _ = sorted(numbers)
    assert f"such as {first} such as {second} --all shows each mail" in text
    assert shell.run("rules", "shadow", "--all").count("old: money: subject contains 'refund'") == 3


def mail(subject: str, **headers: str) -> EmailMessage:
    made = EmailMessage()
    lines = {"From": "budi@pelanggan.example", "To": "support@dukungan.example", "Subject": subject} | headers
    for name, value in lines.items():
        made[name.replace("_", "-")] = value
    made.set_content("Mohon dibantu.\n\nFrom sini.\n")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "mail"
    (place / "below").mkdir(parents=True)
    (place / "one.eml").write_bytes(bytes(mail("Minta refund")))
    (place / "below" / "two.EML").write_bytes(bytes(mail("Saldo")))
    (place / "notes.txt").write_text("no mail")
    several = mailbox.mbox(place / "old.mbox")
    for subject in ("Refund", "Kurir"):
        several.add(mail(subject))
    several.close()
    mailbox.Maildir(place / "dir").add(mail("refund lagi"))
    return place


def test_mail_in_files_of_every_kind_is_routed_by_both_without_a_store(
    shell: Shell, old: Path, new: Path, folder: Path, tmp_path: Path
) -> None:
    shell.env["MAILBOT_STORE"] = f"sqlite:///{tmp_path}/none.db"

    told = json.loads(shell.run("rules", "diff", old, new, "--mail", folder, "--json", code=1))

    assert (told["mails"], told["changed"]) == (5, 3)
    names = [change["name"] for change in told["changes"]]
    assert [name for name in names if not name.startswith("dir/new/")] == ["old.mbox:1", "one.eml"]
    shell.run("rules", "diff", old, old, "--mail", folder)
    shell.run("rules", "diff", old, new, "--mail", folder / "below", code=0)
    shell.run("rules", "diff", old, new, "--mail", folder / "one.eml", code=1)
    (folder / "empty").mkdir()
    assert "no mail in" in shell.run("rules", "diff", old, new, "--mail", folder / "empty", code=1)


def test_a_file_that_can_not_be_read_is_counted_and_keeps_no_other_from_being_read(
    shell: Shell, old: Path, new: Path, folder: Path
) -> None:
    (folder / "sick.eml").symlink_to("/proc/self/mem")  # there, and every read of it fails

    told = json.loads(shell.run("rules", "diff", old, new, "--mail", folder, "--json", code=1))
    assert (told["mails"], told["changed"], told["not_replayed"]) == (5, 3, 1)
    assert "can't be read" in shell.run("explain", folder / "sick.eml", code=1)


def test_mails_of_an_mbox_come_out_as_they_went_in(folder: Path) -> None:
    found = dict(mail_folder.read_mails(folder / "old.mbox", folder))

    assert [each.count(b"Subject:") for each in found.values()] == [1, 1]
    assert b"\nFrom sini." in found["old.mbox:1"]


@pytest.mark.parametrize(
    ("headers", "sender", "at"),
    [
        ({}, "budi@pelanggan.example", NOW),
        ({"Return_Path": "<>"}, "", NOW),
        ({"Return_Path": "<siti@x.example>", "Date": "Mon, 23 Nov 2026 08:00:00 +0700"}, "siti@x.example",
         NOW - timedelta(hours=2)),
        ({"Date": "yesterday"}, "budi@pelanggan.example", NOW),
        ({"Date": "Mon, 23 Nov 2026 01:00:00 -0000",
          "Received": "from a by b; Mon, 23 Nov 2026 02:00:00 +0000"}, "budi@pelanggan.example",
         NOW - timedelta(hours=1)),
    ],
)  # fmt: skip
def test_the_envelope_is_read_from_what_servers_note_in_the_header(
    headers: dict[str, str], sender: str, at: object
) -> None:
    found = mail_folder.build_envelope(bytes(mail("Kurir", **headers)), NOW)

    assert (found.sender, found.received_at) == (sender, at)
    assert found.recipients == ("support@dukungan.example",)
