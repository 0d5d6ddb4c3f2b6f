"""The `tests:` of routing.yaml: every slip has its place, what is right becomes what the core runs."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mailbot.config.api import schema
from mailbot.domain.model import Authentication, Author, CustomerHistory, Target
from mailbot.domain.policy import Moment
from mailbot.domain.policy_review.policy_tests import Expected, SampleMail
from tests.config.faults import BASE, brief, lay, loaded, problems

START = len((BASE / "routing.yaml").read_text().splitlines()) + 1  # the line of `tests:`
GOOD = """tests:
  - name: a test
    mail: {from: Siti@Pelanggan.example, subject: Saldo terpotong}
    expect: {team: payments}
"""


def with_tests(target: Path, text: str) -> Path:
    target.mkdir(exist_ok=True)
    lay(target)
    path = target / "routing.yaml"
    path.write_text(path.read_text() + text)
    return target


def test_a_test_has_a_mail_and_expectations_each_with_its_place(tmp_path: Path) -> None:
    text = """tests:
  - name: a test
    mail:
      from: Siti@Pelanggan.example
      to: support+x@dukungan.example
      subject: Saldo terpotong
      body: |
        Halo,
        mohon dibantu.
      language: unsure
      attachments: [bukti.jpg]
      headers: {List-Id: promo}
      size: 5 MB
      at: 2026-12-31 16:30
      open_tickets: 2
      authentication: pass
      author: machine
    expect:
      team: payments
      tags: [a, b]
      details: {order: INV-1}
      deadlines:
        75% of first_response: 2026-12-31 17:00
"""
    [test] = loaded(with_tests(tmp_path, text)).tests
    assert test.name == "a test"
    assert test.mail == SampleMail(
        sender="siti@pelanggan.example",
        recipient="support+x@dukungan.example",
        subject="Saldo terpotong",
        body="Halo,\nmohon dibantu.\n",
        language="",
        attachments=("bukti.jpg",),
        headers=(("List-Id", "promo"),),
        size=5_000_000,
        at=datetime(2026, 12, 31, 16, 30),  # noqa: DTZ001 (the wall clock of the first calendar)
        customer_history=CustomerHistory(
            known_customer=True, open_tickets=2, authentication=Authentication.PASS, looked_up=True
        ),
        author=Author.MACHINE,
    )
    moment = Moment(Target.FIRST_RESPONSE, 0.75, timedelta())
    assert test.expected == (
        Expected("team", ("payments",), START + 18, 13),
        Expected("tags", ("a", "b"), START + 19, 13),
        Expected("details.order", ("INV-1",), START + 20, 24),
        Expected("deadlines.75% of first_response", ("2026-12-31 17:00",), START + 22, 32, moment),
    )


def test_a_mail_may_be_a_file(tmp_path: Path) -> None:
    short = with_tests(
        tmp_path / "a", GOOD.replace("{from: Siti@Pelanggan.example, subject: Saldo terpotong}", "a.eml")
    )
    long = with_tests(
        tmp_path / "b",
        GOOD.replace("from: Siti@Pelanggan.example, subject: Saldo terpotong", "file: a.eml, reopened: true"),
    )
    assert loaded(short).tests[0].mail.file == "a.eml"
    assert loaded(long).tests[0].mail.customer_history.reopened


CASES = {
    "a key that is none": (
        "expect: {team", "expect: {taem",
        "3:14: unknown key `taem` | did you mean `team`?",
    ),
    "a key of the mail that is none": (
        "{from:", "{form:",
        "2:12: unknown key `form` | did you mean `from`?",
    ),
    "an author that is none": (
        "{from:", "{author: robot, from:",
        "2:20: `author` can't be `robot` | known here: person, machine, report",
    ),
    "a team that is none": (
        "team: payments", "team: payment",
        "3:20: there is no team `payment` | did you mean `payments`?",
    ),
    "a level that is none": (
        "team: payments", "level: L7",
        "3:21: there is no level `L7` | ",
    ),
    "a rule that is none": (
        "team: payments", "rule: failed paiment",
        "3:20: there is no rule `failed paiment` | ",
    ),
    "one of several rules that is none": (
        "team: payments", "not_rule: [failed paiment]",
        "3:25: there is no rule `failed paiment` | ",
    ),
    "a detail that is none": (
        "team: payments",
        "ask_for: order_numbr",
        "3:23: there is no detail `order_numbr`",
    ),
    "a ladder that is none": (
        "team: payments", "ladder: standart",
        "3:22: there is no ladder `standart` | did you mean `standard`?",
    ),
    "an agent that is none": (
        "team: payments", "agent: Nobody Known",
        "3:21: there is no agent `Nobody Known` | ",
    ),
    "an urgency that is none": (
        "team: payments", "urgency: hi",
        "3:23: `hi` is not allowed here | did you mean `high`?",
    ),
    "a mailbox that is none of ours": (
        "{from:", "{to: halo@toko.example, from:",
        "2:16: `halo@toko.example` is not one of our mailboxes: mail to it is refused | ",
    ),
    "a deadline of no target": (
        "team: payments", "deadlines: {firstresponse: 2026-11-23 10:00}",
        "3:26: there is no target `firstresponse` | did you mean `first_response`?",
    ),
    "a moment that is none": (
        "team: payments", "deadlines: {first_response: 10:00}",
        "3:42: `10:00` is not a date with a time | write it like 2026-11-23 10:30",
    ),
    "a day that does not exist": (
        "{from:", "{at: 2026-02-30 10:00, from:",
        "2:16: `2026-02-30 10:00` is not a date with a time | write it like 2026-11-23 10:30",
    ),
    "a mail from nobody": (
        "{from: Siti@Pelanggan.example, ", "{",
        "2:11: this mail has no sender | from: siti@pelanggan.example, or file: mail.eml",
    ),
    "a file and words": (
        "{from:", "{file: a.eml, from:",
        "2:11: a mail is a `file` or its fields, not both | leave one of them out",
    ),
    "a header that has its own key": (
        "{from:", "{headers: {Subject: x}, from:",
        "2:22: `Subject` has its own key here | from, to, subject, body, attachments",
    ),
    "nothing expected": (
        "{team: payments}", "{}",
        "3:13: this test expects nothing | team: payments, priority: high, ...",
    ),
    "nothing to test": (
        "    mail: {from: Siti@Pelanggan.example, subject: Saldo terpotong}\n", "",
        "1:5: `mail` is missing here | it is: the mail, or a file that holds it",
    ),
    "two tests of one name": (
        "    expect: {team: payments}\n",
        "    expect: {team: payments}\n" + GOOD.partition("\n")[2].replace("a test", "A test"),
        f"4:11: `A test` is the name of two tests | the first is on line {START + 1}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_wrong_test_is_refused_with_its_place(tmp_path: Path, case: tuple[str, str, str]) -> None:
    old, new, wanted = case
    assert old in GOOD
    found = [brief(each) for each in problems(with_tests(tmp_path, GOOD.replace(old, new)))]
    line, _, rest = wanted.partition(":")
    assert len(found) == 1
    assert found[0].startswith(f"routing.yaml:{START + int(line)}:{rest}"), found


def test_a_category_must_be_in_the_tree_where_there_is_one(tmp_path: Path) -> None:
    def said(name: str) -> list[str]:
        path = with_tests(tmp_path, GOOD.replace("team: payments", f"category: {name}")) / "routing.yaml"
        path.write_text(path.read_text() + "categories: {payment: {double: }}\n")
        return [brief(each) for each in problems(tmp_path) if "no category" in each.message]

    assert said("payment/double") == said("general") == []
    assert said("payment/duble") == [
        f"routing.yaml:{START + 3}:24: there is no category `payment/duble` | did you mean `payment/double`?"
    ]


def test_the_schema_has_every_key() -> None:
    found = schema("routing")["$defs"]
    assert {"from", "to", "subject", "body", "at", "open_tickets"} <= found["SampleMailEntry"][
        "properties"
    ].keys()
    assert {"rule", "team", "deadlines", "not_rule"} <= found["ExpectEntry"]["properties"].keys()
    for name in ("SampleMailEntry", "ExpectEntry", "TestEntry"):
        assert all("description" in each for each in found[name]["properties"].values())
