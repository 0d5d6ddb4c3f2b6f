"""Text and HTML of a mail hold the same facts, or `check` names the value that one of them lacks."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailbot.cli import cli
from mailbot.mail.compose.template_differences import find_differences

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "templates"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "templates"))


def found(folder: Path) -> list[tuple[str, int, int, str]]:
    return [
        (Path(each.file).relative_to(folder).as_posix(), each.line, each.column, each.message)
        for each in find_differences(folder)
    ]


def test_the_shipped_mails_say_the_same_in_both_forms() -> None:
    assert found(SHIPPED) == []


@pytest.mark.parametrize(
    ("text", "html", "remarks"),
    [
        ("{{ text }}", "{{ text | lines }}", []),
        ("{{ text }}\n  {{ number }}", "{{ text }}", [("txt", 2, 6, "answer.html.j2 has no 'number'")]),
        (
            "{{ text }}",
            "{{ text }} {% if number %}x{% endif %}",
            [("html", 1, 18, "answer.txt.j2 has no 'number'")],
        ),
        ("{{ promised_at }}", "{{ promised_at_short }} {{ promised_at_left }}", []),
        ("{{ text }}", "{{ preheader }}{% if state %}{% endif %}{{ text }}", []),
        ("{% set x = text %}{{ x }}", "{{ text }}", []),
        ("{% for a in files %}{{ a.name }}{% endfor %}", "{% for b in files %}{{ b.name }}{% endfor %}", []),
        (
            "{% for a in files %}{{ a.name }}{% endfor %}",
            "{% for b in files %}{{ b.name }}\n{{ b.size }}{% endfor %}",
            [("html", 2, 6, "answer.txt.j2 has no 'files: size'")],
        ),
    ],
)
def test_a_value_of_only_one_form_is_named_at_its_place(
    folder: Path, text: str, html: str, remarks: list[tuple[str, int, int, str]]
) -> None:
    (folder / "id" / "answer.txt.j2").write_text(text)
    (folder / "id" / "answer.html.j2").write_text(html)
    assert found(folder) == [(f"id/answer.{kind}.j2", *place) for kind, *place in remarks]


def test_check_warns_and_accepts_the_configuration(folder: Path) -> None:
    directory = folder.parent / "config"
    shutil.copytree(ROOT / "config", directory)
    (directory / "templates").symlink_to(folder)
    path = folder / "en" / "progress.txt.j2"
    path.write_text(path.read_text() + "{{ brand }}{{ again }}\n{{ mailbox }}\n")
    html = folder / "en" / "progress.html.j2"
    html.write_text(html.read_text().replace("{{ mailbox }}", ""))
    done = CliRunner().invoke(cli, ["check", "--config", str(directory)])
    assert done.exit_code == 0, done.output
    assert "progress.html.j2 has no 'mailbox'" in done.output
