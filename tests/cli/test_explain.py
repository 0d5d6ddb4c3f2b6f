"""`mailbot explain` from a shell: conditions as a tree, texts, stored mail, how a ticket was routed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.config.api import load
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.store import policies
from tests.builders import NOW
from tests.cli.test_merge import Shell
from tests.cli.test_merge import shell as shell  # the fixture
from tests.config.faults import lay

RULES = """rules:
  - name: vip
    when: {sender: {is: siti@pelanggan.example}}
    then: {tags: [vip], urgency: high}
    go_on: true
  - name: parcel
    when:
      any:
        - subject: {contains: [paket, parcel]}
        - all:
            - subject: {contains: barang}
            - body: {contains: [resi, kurir]}
      none:
        - body: {contains: terima kasih}
    then: {team: frontline, category: delivery}
  - name: money
    when: {subject: {contains: [saldo, refund]}}
    then: {team: payments}
  - name: everything else
    then: {team: frontline}
"""


@pytest.fixture
def directory(shell: Shell, tmp_path: Path) -> Path:
    found = lay(tmp_path / "config")
    (found / "routing.yaml").write_text(RULES)
    return found


def enter(shell: Shell, directory: Path) -> str:
    """The policy is in force, as if a daemon went by it."""
    loaded = load(directory, shell.env)
    shell.desk.runtime.replace(loaded.policy, shell.desk.runtime.snapshot.composer.templates)
    kept = loaded.sources
    entered = policies.ActivePolicy(
        loaded.policy.version, NOW, outline(loaded.policy), kept.files, kept.templates
    )
    shell.store.write_now(policies.record_active, entered)
    return loaded.policy.version


def run(shell: Shell, *words: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner(env=shell.env).invoke(cli, ["explain", *words], stdin)


def tell(shell: Shell, *words: str, stdin: str | bytes | None = None) -> Any:
    result = run(shell, *words, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


MAIL = (
    b"From: siti@pelanggan.example\r\nTo: support@dukungan.example\r\nSubject: Refund barang\r\n\r\n"
    b"Mana resi?\r\n"
)


def test_every_rule_is_told_with_the_conditions_that_decided(shell: Shell, directory: Path) -> None:
    told = tell(shell, "-", "--config", str(directory), stdin=MAIL)
    vip, won = told["rules"]
    assert (vip["name"], vip["matched"], vip["went_on"], vip["won"]) == ("vip", True, True, False)
    assert (won["name"], won["won"], won["line"]) == ("parcel", True, 6)
    assert told["ticket"]["tags"] == ["vip"]
    assert [
        (each["condition"], each["holds"], each["decides"], each["saw"]) for each in won["conditions"]
    ] == [
        ("subject contains 'paket' or 'parcel'", False, False, "Refund barang"),
        ("subject contains 'barang'", True, True, "Refund barang"),
        ("body contains 'resi' or 'kurir'", True, True, "Mana resi?"),
        ("body contains 'terima kasih'", False, True, "Mana resi?"),
    ]
    tree = won["tree"]
    assert (tree["kind"], [part["kind"] for part in tree["parts"]]) == ("all", ["any", "none"])
    assert tree["parts"][0]["parts"][1]["parts"][1]["hit"] == "body contains 'resi'"


def test_people_read_the_tree_and_what_follows(shell: Shell, directory: Path) -> None:
    shown = run(shell, "-", "--all", "--config", str(directory), stdin=MAIL).stdout
    for words in (
        "goes on  vip  (routing.yaml line 2)",
        "matches  parcel  (routing.yaml line 6)",
        "* yes  body contains 'resi'",
        "tested on 'Refund barang'",
        "2 more below were not tested",
        "(by rule 'parcel')",
        "on duty",
        "WIB",
        "acknowledgement",
    ):
        assert words in shown, shown
    assert "* no   subject contains 'paket'" not in shown  # it made no difference


def test_the_answer_comes_first_then_why_and_which_rule_nearly_matched(shell: Shell, directory: Path) -> None:
    mail = MAIL.replace(b"resi?", b"resi? Terima kasih.")
    first, *rest = run(shell, "-", "--config", str(directory), stdin=mail).stdout.split("\n")
    assert re.fullmatch(r"General -> Payments L1, \w+ \w+, high priority", first)
    facts = dict(re.findall(r"^  (\w[\w ]{8})  (.+)$", "\n".join(rest), re.MULTILINE))
    assert [name.rstrip() for name in facts][:5] == ["mail", "reason", "also", "close", "promise"]
    assert facts["reason   "] == 'the subject has "refund" (rule "Money", routing.yaml:16)'
    assert facts["also     "].endswith('sets urgency high, tags vip (rule "Vip", line 2)')
    assert facts["close    "] == ('"Parcel": excluded by "terima kasih"; 1 below not asked (--all)')
    assert facts["promise  "].startswith("first answer by ")
    reply = run(shell, "-", "--config", str(directory), stdin=MAIL).stdout
    assert '"Parcel"' in reply
    assert "close " in reply
    assert "tested on" not in reply


def test_a_machines_mail_is_explained_as_filed_and_why(shell: Shell, directory: Path) -> None:
    words = ("-", "--config", str(directory))
    mail = MAIL.replace(b"siti@pelanggan", b"noreply@bank")
    told = tell(shell, *words, stdin=mail)
    assert (told["ticket"]["status"], told["belongs"]["filed"]) == ("filed", "sender no-reply")
    assert (told["mail"]["author"], told["mail"]["machine_may_answer"]) == ("machine", False)
    assert told["ticket"]["rule"] == "parcel"
    shown = run(shell, *words, "--all", stdin=mail).stdout
    for text in ("a machine: sender no-reply", "filed as automatic mail: sender no-reply", "it is filed"):
        assert text in shown, shown

    by_person = tell(shell, *words, "--author", "person", "--machine-may-answer", stdin=mail)
    assert (by_person["ticket"]["status"], by_person["belongs"]["filed"]) == ("new", None)
    assumed = tell(shell, *words, "--author", "machine", stdin=MAIL)
    assert (assumed["ticket"]["status"], assumed["mail"]["machine_may_answer"]) == ("filed", False)


def test_a_rule_that_said_no_is_told_with_the_condition_that_did(shell: Shell, directory: Path) -> None:
    mail = MAIL.replace(b"barang", b"saldo")
    told = tell(shell, "-", "--config", str(directory), stdin=mail)
    parcel = told["rules"][1]
    decided = [each["condition"] for each in parcel["conditions"] if each["decides"]]
    assert (parcel["matched"], decided) == (
        False,
        ["subject contains 'paket' or 'parcel'", "subject contains 'barang'"],
    )


def test_a_text_without_a_header_is_taken_as_the_body_of_a_mail_and_that_is_said(
    shell: Shell, directory: Path
) -> None:
    words = ("-", "--config", str(directory), "--subject", "Saldo", "--from", "budi@x.example")
    told = tell(shell, *words, stdin="Halo admin: saldo saya\nterpotong")
    assert told["note"] == (
        "this text has no header, so it is taken as the body of a mail from budi@x.example "
        "to support@dukungan.example"
    )
    assert (told["mail"]["sender"], told["mail"]["subject"]) == ("budi@x.example", "Saldo")
    assert (told["mail"]["visible"], told["ticket"]["rule"]) == ("Halo admin: saldo saya\nterpotong", "money")


@pytest.mark.parametrize(
    "words",
    [
        ("-", "--subject", "x"),  # a mail has its own
        (),
        ("-", "--message", "1"),
        ("--message", "1", "--inbox", "1"),
    ],
)
def test_what_goes_not_together_is_wrong_usage(shell: Shell, directory: Path, words: tuple[str, ...]) -> None:
    assert run(shell, *words, "--config", str(directory), stdin=MAIL).exit_code == 2


async def test_a_stored_message_is_told_as_if_it_came_once_more(shell: Shell, directory: Path) -> None:
    enter(shell, directory)
    ticket = await shell.desk.receive(Subject="Barang", body="Kurir belum datang.")
    config = ("--config", str(directory))
    for words in (("--message", "1"), ("--inbox", "1")):
        told = tell(shell, *words, *config)
        assert (told["ticket"]["rule"], told["belongs"]["ticket"]) == (ticket.rule, None)
        assert "as if it came once more" in told["note"]
    assert run(shell, "--message", "99", *config).exit_code == 1
    assert run(shell, "--inbox", "99", *config).exit_code == 1


async def test_a_tickets_routing_is_shown_by_the_policy_of_its_day(shell: Shell, directory: Path) -> None:
    old = enter(shell, directory)
    ticket = await shell.desk.receive(Subject="Barang", body="Kurir belum datang.")
    config = ("--config", str(directory))
    routing = tell(shell, ticket.number, *config)["routing"]
    assert (routing["policy"], routing["note"], routing["rules"][-1]["name"]) == (old, None, "parcel")

    (directory / "routing.yaml").write_text(RULES.replace("kurir", "sopir"))
    routing = tell(shell, ticket.number, *config)["routing"]
    assert (routing["policy"], routing["rules"][-1]["name"]) == (old, "parcel")
    assert "no longer the one in the files" in routing["note"]
    shown = run(shell, ticket.number, "--all", *config).stdout
    assert f"of policy {old}" in shown
    assert "* yes  body contains 'kurir'" in shown


async def test_a_policy_that_was_not_kept_is_said_to_be_absent(shell: Shell, directory: Path) -> None:
    ticket = await shell.desk.receive(Subject="Barang", body="Kurir belum datang.")
    routing = tell(shell, ticket.number, "--config", str(directory))["routing"]
    assert routing["rules"] == []
    assert "are not kept" in routing["note"]


def test_it_names_the_customer_of_a_mail_that_others_sent(shell: Shell, directory: Path) -> None:
    form = (
        "From: noreply@toko-lain.example\nReply-To: ani@mail.example\nSubject: Barang\n\nBarang saya rusak.\n"
    )
    shown = " ".join(run(shell, "-", "--all", "--config", str(directory), stdin=form).output.split())
    assert "customer noreply@toko-lain.example (it names ani@mail.example" in shown
    assert "no answer can reach noreply@toko-lain.example" in shown

    with (directory / "mailbot.yaml").open("a") as file:
        file.write("\ntrust: {agent_networks: [10.0.0.0/8]}\n")
    forward = (
        "From: ayu@staf.example\nTo: support@dukungan.example\nSubject: Fwd: Saldo\n\n"
        "---------- Forwarded message ---------\nFrom: ani@mail.example\nDate: x\nSubject: Saldo\n\nRefund.\n"
    )
    shown = " ".join(
        run(
            shell, "-", "--all", "--config", str(directory), "--peer", "10.0.0.5", stdin=forward
        ).output.split()
    )
    assert "customer ani@mail.example (an agent forwards this mail" in shown
    assert "no acknowledgement: forwarded by an agent (ayu@staf.example)" in shown
