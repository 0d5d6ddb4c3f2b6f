"""Test that the environment overrides the YAML, and where secrets come from."""

from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.config.store_place import state_directory
from mailbot.domain.policy import AnswerLimits
from tests.config.faults import brief, lay, loaded, problems

NO_PORT = "is not a host with a port | write it like 127.0.0.1:25, [::1]:25 or mail.example:587"
NO_STORE = "unknown kind of store `mysql` | known here: sqlite, postgresql"


def test_the_environment_overrides_the_yaml(tmp_path: Path) -> None:
    env = {
        "MAILBOT_LISTEN": "[::1]:2500", "MAILBOT_RELAY": "relay.example:587", "MAILBOT_LOG": "json",
        "MAILBOT_STORE": "postgresql://mailbot:hunter2@db/mailbot", "MAILBOT_SECRET": "s" * 32,
    }  # fmt: skip
    found = loaded(lay(tmp_path), env).settings
    assert (found.listen.host, found.listen.port) == ("::1", 2500)
    assert (found.relay.host, found.relay.port) == ("relay.example", 587)
    assert found.store == "postgresql+psycopg://mailbot:hunter2@db/mailbot"
    assert (found.log, found.secret) == ("json", b"s" * 32)
    previous = loaded(lay(tmp_path), {"MAILBOT_SECRET_PREVIOUS": f"{'p' * 20}\n{'q' * 20}\n"}).settings
    assert previous.previous_secrets == (b"p" * 20, b"q" * 20)
    assert "hunter2" not in repr(found)


def test_empty_variables_are_ignored(tmp_path: Path) -> None:
    found = loaded(lay(tmp_path), {"MAILBOT_LISTEN": "", "MAILBOT_SECRET": "", "MAILBOT_STORE": " "}).settings
    assert (found.listen.port, found.secret, found.store) == (2525, None, f"sqlite:///{tmp_path}/mailbot.db")


def test_limits_off_removes_rate_and_answer_limits(tmp_path: Path) -> None:
    lay(tmp_path)
    assert loaded(tmp_path).policy.answers.per_address
    found = loaded(tmp_path, {"MAILBOT_LIMITS": "off"})
    assert not found.settings.limits.rates
    assert found.settings.limits.size == loaded(tmp_path).settings.limits.size
    assert found.policy.answers == AnswerLimits()
    (standing,), (box,) = (each.policy.mailboxes.values() for each in (loaded(tmp_path), found))
    assert (standing.undo, box.undo) == (timedelta(minutes=2), timedelta())
    assert standing.collision == box.collision == timedelta(minutes=10)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAILBOT_LISTEN", "2525", f"`2525` {NO_PORT}"),
        ("MAILBOT_RELAY", "relay", f"`relay` {NO_PORT}"),
        ("MAILBOT_LOG", "xml", "`xml` is not a form of the log | json or text"),
        ("MAILBOT_LIMITS", "no", "`no` is neither on nor off | MAILBOT_LIMITS=off is for load tests"),
        ("MAILBOT_STORE", "mysql://x", NO_STORE),
        ("MAILBOT_SECRET", "short", "has 5 bytes, at least 16 are needed | `openssl rand -hex 32` makes one"),
        ("MAILBOT_SECRET_PREVIOUS", f"{'s' * 20}\nshort",
         "has 5 bytes, at least 16 are needed | write one secret a line, each as it was"),
        ("MAILBOT_RELAY_PASSWORD", "a\nb", "holds control characters"),
    ],
)  # fmt: skip
def test_a_bad_variable_is_a_problem_that_names_it(name: str, value: str, said: str, tmp_path: Path) -> None:
    assert [brief(each) for each in problems(lay(tmp_path), {name: value})] == [f"{name}: {said}"]


def test_a_misspelt_variable_is_a_warning(tmp_path: Path) -> None:
    env = {"MAILBOT_LISTN": "127.0.0.1:25", "MAILBOT_TEST_DATABASE_URL": "x"}
    assert [brief(each) for each in loaded(lay(tmp_path), env).warnings] == [
        "MAILBOT_LISTN: is not a variable of mailbot's | did you mean MAILBOT_LISTEN?"
    ]


def test_secrets_are_read_from_systemd_credentials(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mailbot-secret").write_bytes(b"\x80" * 32 + b"\n")
    (credentials / "mailbot-relay-password").write_text("hunter2\n")
    (credentials / "mailbot-store").write_text("postgresql://m:hunter2@db/m\n")
    text = (lay(tmp_path) / "mailbot.yaml").read_text()
    (tmp_path / "mailbot.yaml").write_text(text.replace("2526\n", "2526\n  user: mailbot\n"))
    found = loaded(tmp_path, {"CREDENTIALS_DIRECTORY": str(credentials)})
    assert found.settings.secret == b"\x80" * 32
    assert found.settings.relay.password == "hunter2"
    assert found.settings.store == "postgresql+psycopg://m:hunter2@db/m"
    assert found.warnings == ()
    assert [each.line for each in loaded(tmp_path).warnings] == [5]  # a user, and no password anywhere


def test_a_relative_store_is_in_the_state_directory_else_beside_the_yaml(tmp_path: Path) -> None:
    lay(tmp_path)
    assert loaded(tmp_path).settings.store == f"sqlite:///{tmp_path}/mailbot.db"
    under_systemd = loaded(tmp_path, {"STATE_DIRECTORY": "/var/lib/mailbot:/var/lib/other"})
    assert under_systemd.settings.store == "sqlite:////var/lib/mailbot/mailbot.db"
    named = loaded(
        tmp_path, {"STATE_DIRECTORY": "/var/lib/mailbot", "MAILBOT_STORE": "sqlite:////srv/m.db?timeout=5"}
    )
    assert named.settings.store == "sqlite:////srv/m.db?timeout=5"


def test_a_shell_finds_the_store_of_the_daemon_that_systemd_started() -> None:
    assert state_directory(Path("/etc/mailbot")) == Path("/var/lib/mailbot")
    assert state_directory(Path("/srv/desk/config")) == Path("/srv/desk/config")
