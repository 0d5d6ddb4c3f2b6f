"""What a reload says of the files: each thing that differs, in one line, and nothing that does not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mailbot.config import shipped
from mailbot.config.changes import compare_sources
from mailbot.config.model import Sources

FILES = {name: (shipped.config() / name).read_text() for name in shipped.FILES}
OLD = Sources(FILES, {"id/status.txt.j2": "a", "en/status.txt.j2": "b"})


def changed(file: str, change: Callable[[str], str], named: tuple[str, ...] = ()) -> list[str]:
    new = replace(OLD, files={**FILES, file: change(FILES[file])})
    assert new != OLD
    return compare_sources(OLD, new, named)


def test_equal_sources_differ_in_nothing() -> None:
    assert compare_sources(OLD, OLD, ()) == []


def test_templates_and_lists_are_named() -> None:
    new = Sources({**FILES, "vip.txt": "a@b.example"}, {"id/status.txt.j2": "c", "en/answer.txt.j2": "d"})
    assert compare_sources(OLD, new, ()) == [
        "list vip.txt added",
        "template en/answer.txt.j2 added",
        "template en/status.txt.j2 removed",
        "template id/status.txt.j2 changed",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("routing.yaml", "rules:", "# a comment\nrules:", "routing.yaml: only comments or layout changed"),
        ("routing.yaml", "tests:\n", "tests:\n  - {mail: {}}\n", "routing.yaml: tests changed"),
        ("routing.yaml", "en: Payment}", "en: Paying}", "routing.yaml: category_labels changed"),
        ("teams.yaml", "name: Ayu", "name: Ayuu", "teams.yaml: only the wording of teams changed"),
        (
            "mailbot.yaml",
            "sessions: 200",
            "sessions: 77",
            "mailbot.yaml: limits changed, in force from the next start on",
        ),
    ],
)
def test_a_change_is_named_by_its_key_and_says_when_it_comes_in_force(
    file: str, old: str, new: str, line: str
) -> None:
    assert changed(file, lambda text: text.replace(old, new, 1)) == [line]


def test_what_the_outline_names_already_is_not_said_again() -> None:
    other = "team 'payments' changed"
    assert changed("teams.yaml", lambda text: text.replace("name: Ayu", "name: Ayuu", 1), (other,)) == []
