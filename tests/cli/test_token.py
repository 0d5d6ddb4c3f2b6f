"""`mailbot token`, as used from a shell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.store.console import tokens
from mailbot.store.console.sessions import digest_of
from tests.cli.test_merge import Shell

AYU = "ayu.lestari@staf.dukungan.example"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.store.close()


def test_a_token_is_shown_once_and_kept_as_its_digest(shell: Shell) -> None:
    made = shell.shown("token", "create", "--as", AYU, "--name", "gudang", "--verb", "note")
    assert made["token"].startswith("mb_")
    assert len(made["token"]) == 46  # 256 bits
    assert (made["verbs"], made["teams"], made["address"]) == (["read", "note"], [], AYU)
    (listed,) = shell.shown("token", "list")
    assert (listed["name"], listed["state"], "digest" in listed) == ("gudang", "active", False)
    found = shell.store.read_now(tokens.find, digest_of(made["token"]))
    assert found is not None
    assert found.id == made["id"]
    assert made["token"] not in shell.run("token", "list")
    file = Path(shell.env["MAILBOT_STORE"].removeprefix("sqlite:///"))
    kept = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert made["token"].encode() not in kept


def test_a_token_reads_unless_that_is_forbidden_and_ends_unless_it_is_allowed(shell: Shell) -> None:
    create = ("token", "create", "--as", AYU, "--name", "x")
    assert shell.shown(*create)["verbs"] == ["read"]
    assert shell.shown(*create)["ends_at"] is not None
    forever = shell.shown(*create, "--no-read", "--verb", "all", "--expires", "never")
    assert (forever["verbs"], forever["ends_at"]) == (["all"], None)


def test_what_a_token_can_not_have_is_named_with_the_nearest(shell: Shell) -> None:
    create = ("token", "create", "--as", AYU, "--name", "x")
    assert "did you mean answer?" in shell.run(*create, "--verb", "anwser", code=2)
    assert "did you mean payments?" in shell.run(*create, "--team", "paymets", code=2)
    assert "is no span" in shell.run(*create, "--expires", "soon", code=2)
    stranger = shell.run("token", "create", "--as", "ayu.lestar@staf.dukungan.example", "--name", "x", code=1)
    assert f"did you mean {AYU}?" in stranger
    assert shell.shown("token", "list") == []


def test_a_token_is_revoked_once(shell: Shell) -> None:
    made = shell.shown("token", "create", "--as", AYU, "--name", "x")
    assert f"token {made['id']} is revoked" in shell.run("token", "revoke", made["id"])
    assert [each["state"] for each in shell.shown("token", "list")] == ["revoked"]
    assert "revoked before: 1" in shell.run("token", "revoke", made["id"], code=1)


def test_the_tokens_of_an_agent_who_left_are_listed_as_such(shell: Shell) -> None:
    shell.run("token", "create", "--as", AYU, "--name", "x")
    teams = Path(shell.env["MAILBOT_CONFIG"]) / "teams.yaml"
    teams.write_text(teams.read_text().replace(AYU, "baru@staf.dukungan.example"))
    assert [each["state"] for each in shell.shown("token", "list")] == ["agent left"]
