"""Test the lists of routing.yaml: each bad line is reported with its place."""

from datetime import UTC, datetime
from os import mkfifo
from pathlib import Path

import pytest

from mailbot.config.yaml import lists
from mailbot.domain.model import NO_HISTORY
from mailbot.domain.routing.conditions import match_rules
from mailbot.domain.routing.field_types import AddressList
from mailbot.domain.routing.routing_facts import routing_facts
from tests.builders import mail
from tests.config.faults import brief, lay, loaded, problems

RULE = """
lists: {vip: vip.txt}
rules:
  - name: vip
    when: {sender: {listed_in: %s}, hour: {in_calendar: %s}}
    then: {team: frontline}
"""


def lay_list(directory: Path, content: bytes | None, name: str = "vip", calendar: str = "office") -> Path:
    lay(directory)
    routing = directory / "routing.yaml"
    text = routing.read_text()
    assert text.count("\nrules:\n") == 1 or text.startswith("rules:\n")
    head, _, tail = text.partition("rules:\n")
    routing.write_text(head + RULE % (name, calendar) + tail)
    if content is not None:
        (directory / "vip.txt").write_bytes(content)
    return directory


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("ayu@bank.example", True),
        ("AYU@bank.example", True),
        ("budi@bank.example", False),
        ("budi@besar.example", True),
        ("budi@mail.besar.example", True),
        ("budi@notbesar.example", False),
        ("budi@toko.example", True),
        ("", False),
    ],
)
def test_a_list_holds_addresses_and_domains(tmp_path: Path, sender: str, expected: bool) -> None:
    content = b"\xef\xbb\xbf# VIP\n\nAyu@Bank.example # the owner\n  @besar.example\ntoko.example\r\n"
    policy = loaded(lay_list(tmp_path, content)).policy
    box = next(iter(policy.mailboxes))
    monday = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    facts = routing_facts(mail(sender=sender.lower()), "", box, policy, monday, NO_HISTORY)
    assert (match_rules(policy.rules, facts)[-1].rule_index == 0) is expected


def test_each_bad_line_is_reported_with_its_place(tmp_path: Path) -> None:
    directory = lay_list(tmp_path, b"ayu@bank.example\nBapak Joko\n# x\n   a@b@c.example\nb@\n")
    assert [brief(each) for each in problems(directory)] == [
        f"vip.txt:{place}: {said} | one address or domain a line; `#` begins a comment"
        for place, said in (
            ("2:1", "`Bapak Joko` is not a domain"),
            ("4:4", "`a@b@c.example` is not a mail address"),
            ("5:1", "`b@` is not a mail address"),
        )
    ]


def test_a_wrong_file_is_reported_in_few_lines() -> None:
    found, said = lists.parse("kein Eintrag!\n" * 5_000, "vip.txt")
    assert found == AddressList()
    assert len(said) == lists.MAX_PROBLEMS + 1
    assert brief(said[-1]) == "vip.txt: 4980 more lines are neither"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file `vip.txt`"),
        (b"\xff\xfe\0a", "`vip.txt` can't be read"),
    ],
)
def test_an_unreadable_list_is_reported_where_it_is_named(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    [problem] = problems(lay_list(tmp_path, content))
    assert says in problem.message
    assert problem.file.endswith("routing.yaml")
    assert problem.excerpt == "lists: {vip: vip.txt}"


@pytest.mark.parametrize("path", ["/etc/passwd", "../vip.txt", "a/../../b", ""])
def test_a_list_stays_in_the_directory(path: str) -> None:
    with pytest.raises(ValueError, match=r"leads out|is needed here"):
        lists.file_name(path)


def test_unknown_lists_are_reported_with_a_suggestion(tmp_path: Path) -> None:
    said = [brief(each) for each in problems(lay_list(tmp_path, b"", "vipp", "offic"))]
    assert len(said) == 2
    assert "there is no list 'vipp'; did you mean 'vip'?" in said[0]
    assert "there is no calendar 'offic'; did you mean 'office'?" in said[1]


def test_a_fault_in_a_calendar_neither_hides_nor_adds_a_problem(tmp_path: Path) -> None:
    directory = lay_list(tmp_path, b"", "vipp")
    escalation = directory / "escalation.yaml"
    text = escalation.read_text()
    assert "Asia/Jakarta" in text
    escalation.write_text(text.replace("Asia/Jakarta", "Asia/Djakarta"))
    said = [brief(each) for each in problems(directory)]
    assert len(said) == 2
    assert any("not a time zone" in each for each in said)
    assert any("no list 'vipp'" in each for each in said)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    lay_list(tmp_path, None)
    (tmp_path / "teams.yaml").unlink()
    for name in ("vip.txt", "teams.yaml"):
        mkfifo(tmp_path / name)

    said = [brief(each).partition(" |")[0] for each in problems(tmp_path)]

    assert "teams.yaml: can't be read: is not a file" in said
    assert any(each.endswith("`vip.txt` can't be read") for each in said)


def test_a_template_that_vanishes_or_is_a_pipe_is_ignored(tmp_path: Path) -> None:
    """Check that loading ignores it: compiling the templates reports it."""
    lay_list(tmp_path, b"")
    folder = tmp_path / "templates" / "en"
    folder.mkdir(parents=True)
    (folder / "acknowledgement.vip.txt.j2").symlink_to("nowhere")
    mkfifo(folder / "acknowledgement.vip.html.j2")

    assert loaded(tmp_path).policy
