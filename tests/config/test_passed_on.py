"""Test `trust.forms` and `trust.lists`: whose mail is passed on for a customer."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mailbot.cli import cli
from tests.config.faults import brief, lay, loaded, problems

OURS = "`support@dukungan.example` is one of our mailboxes"


def with_trust(target: Path, trust: str) -> Path:
    with (lay(target) / "mailbot.yaml").open("a") as file:
        file.write(f"\ntrust:\n  {trust}\n")
    return target


def last_line(directory: Path) -> int:
    return len((directory / "mailbot.yaml").read_text().splitlines())


def test_forms_are_addresses_and_lists_are_known_by_address_or_list_id(tmp_path: Path) -> None:
    with_trust(
        tmp_path,
        "{verify: false, forms: [Formulir@Toko.example], lists: [grup.toko.example, tim@toko.example]}",
    )
    policy = loaded(tmp_path).policy

    assert policy.forms == {"formulir@toko.example"}
    assert policy.list_ids == {"grup.toko.example", "tim.toko.example"}


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        ("forms: [support@dukungan.example]", f"11: {OURS} | use the address that the form sends from"),
        (
            "lists: [support@dukungan.example]",
            f"11: {OURS} | for a group with that address write its List-Id: support.dukungan.example",
        ),
        (
            "forms: [ayu@staf.example]",
            "11: `ayu@staf.example` is an agent: what agents pass on is never taken for a customer's"
            " | use the address of the form or list",
        ),
        (
            "forms: [toko]",
            "11: `toko` is not a mail address | write it like ayu@dukungan.example, without a name or brackets",
        ),
        ("lists: [grup toko]", "11: `grup toko` is not a domain | write it like mail.dukungan.example"),
    ],
)  # fmt: skip
def test_what_is_no_form_or_list_is_refused_with_its_place(trust: str, expected: str, tmp_path: Path) -> None:
    with_trust(tmp_path, trust)
    (found,) = problems(tmp_path)
    assert brief(found) == f"mailbot.yaml:{last_line(tmp_path)}:{expected}"


def test_the_check_warns_where_nobody_checks_senders_and_shows_an_example(tmp_path: Path) -> None:
    with_trust(tmp_path, "forms: [formulir@toko.example]")
    done = CliRunner().invoke(cli, ["check", "--config", str(tmp_path)])

    assert done.exit_code == 0, done.output
    assert (
        "nobody checks senders, so mail in the name of `formulir@toko.example` is never proven" in done.output
    )
    assert (
        "a proven mail from formulir@toko.example with Reply-To: rina@mail.example belongs to rina@mail.example"
        in done.output
    )
