"""`mailbot template list, show`: our mails with example values, before anybody gets one."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailbot.cli import cli
from mailbot.config.api import init


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    init(tmp_path, "shop", {"brand": "Klinik Sehat", "prefix": "SEHAT"})
    return tmp_path


def run(desk: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["template", *arguments, "--config", str(desk)])


def test_a_variant_is_shown_with_the_brand_and_the_prefix_of_the_desk(desk: Path) -> None:
    shown = run(desk, "show", "acknowledgement", "--variant", "fraud")
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("Subject: ")
    assert "OTP" in shown.output
    assert "Klinik Sehat" in shown.output
    assert "SEHAT-48217390-8" in shown.output
    assert "TOKO" not in shown.output
    assert run(desk, "show", "acknowledgement.fraud").output == shown.output


def test_a_change_of_a_template_is_seen_at_once_in_text_and_html(desk: Path) -> None:
    for kind in ("txt", "html"):
        path = desk / f"templates/en/status.{kind}.j2"
        path.write_text(f"Dear reader,\n{path.read_text()}")
    shown = json.loads(run(desk, "show", "status", "--language", "en", "--json").output)
    assert shown["text"].startswith("Dear reader,")
    assert "Dear reader," in shown["html"]
    assert "Dear reader," in run(desk, "show", "status", "--language", "en", "--html").output


def test_the_cases_of_a_template_are_named_and_can_be_chosen(desk: Path) -> None:
    usual = run(desk, "show", "compensation_decided", "--language", "en").output
    assert usual.rstrip().endswith("Other cases (--case): refused.full, granted.bare, refused.bare")
    refused = run(desk, "show", "compensation_decided", "--language", "en", "--case", "refused.full").output
    assert "refused" in refused.partition("Other cases")[0]
    assert "there are granted.full" in run(desk, "show", "compensation_decided", "--case", "x").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("acknowlegement",), "there is no template 'acknowlegement'\ndid you mean acknowledgement?"),
        (("acknowledgement", "--variant", "fraude"), "'fraude': there are formal, fraud, incident, payment"),
        (("team", "--variant", "fraud"), "'fraud': team has none"),
    ],
)
def test_a_mistyped_name_is_repeated_with_what_there_is(
    desk: Path, arguments: tuple[str, ...], words: str
) -> None:
    refused = run(desk, "show", *arguments)
    assert refused.exit_code == 2
    assert words in refused.output


def test_a_faulty_template_is_named_with_its_place(desk: Path) -> None:
    (desk / "templates/id/status.txt.j2").write_text("{{ numbr }}\n")
    refused = run(desk, "show", "status")
    assert refused.exit_code == 78
    assert "status.txt.j2:1" in refused.output


def test_every_template_of_the_list_can_be_shown(desk: Path) -> None:
    names = json.loads(run(desk, "list", "--json").output)
    assert "acknowledgement.fraud" in names
    shutil.rmtree(desk / "templates/macros")
    assert all(run(desk, "show", name).exit_code == 0 for name in names)
