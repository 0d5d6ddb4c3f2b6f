"""Test the listeners in mailbot.yaml, proxies, and the quick reader of `deliver`."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from mailbot.config.model import Limits, Listen
from mailbot.config.quick_read import read_accept_settings
from mailbot.errors import ConfigError
from tests.config.faults import BASE, brief, directories, lay, loaded, problems

HINT = "smtp: 127.0.0.1:2525, or lmtp: 127.0.0.1:8024, or both"


def with_listen(target: Path, text: str) -> Path:
    base = (lay(target) / "mailbot.yaml").read_text()
    assert base.startswith("listen: 127.0.0.1:2525\n")
    (target / "mailbot.yaml").write_text(base.replace("listen: 127.0.0.1:2525\n", text, 1))
    return target


WAYS = [
    ("listen: 127.0.0.1:2526\n", Listen("127.0.0.1", 2526)),
    ("", Listen("127.0.0.1", 2525)),
    ("listen: {smtp: '0.0.0.0:25'}\n", Listen("0.0.0.0", 25)),
    (
        "listen:\n  smtp: 127.0.0.1:2525\n  lmtp: 127.0.0.1:8024\n",
        Listen("127.0.0.1", 2525, lmtp=("127.0.0.1", 8024)),
    ),
    ("listen:\n  lmtp: '[::1]:24'\n", Listen("", None, lmtp=("::1", 24))),
    ("listen:\n  lmtp: /run/mailbot/lmtp.sock\n", Listen("", None, lmtp=Path("/run/mailbot/lmtp.sock"))),
]


@pytest.mark.parametrize(("text", "listen"), WAYS)
def test_one_listener_or_several(text: str, listen: Listen, tmp_path: Path) -> None:
    assert loaded(with_listen(tmp_path, text)).settings.listen == listen


def test_the_environment_sets_smtp_alone(tmp_path: Path) -> None:
    with_listen(tmp_path, "listen: {lmtp: '127.0.0.1:8024'}\n")
    found = loaded(tmp_path, {"MAILBOT_LISTEN": "127.0.0.1:2600"}).settings.listen
    assert found == Listen("127.0.0.1", 2600, lmtp=("127.0.0.1", 8024))


FAULTS = [
    ("listen: 2525\n", "1:9: a host with its port is needed here, not 2525 | write it like 127.0.0.1:25"),
    ("listen: {}\n", f"1:9: there is no listener | {HINT}"),
    ("listen: {lmpt: '127.0.0.1:8024'}\n", "1:10: unknown key `lmpt` | did you mean `lmtp`?"),
    (
        "listen: {lmtp: '127.0.0.1:25'}\n",
        "1:16: LMTP is not allowed on port 25 | RFC 2033 section 5; 8024 and 24 are usual",
    ),
    (
        "listen: {lmtp: lmtp.sock}\n",
        "1:16: `lmtp.sock` is not a host with a port "
        "| write it like 127.0.0.1:25, [::1]:25 or mail.example:587",
    ),
    (
        f"listen: {{lmtp: /run/{'x' * 103}}}\n",
        f"1:16: `/run/{'x' * 52}...` is not a local socket | a file's path of at most 107 bytes",
    ),
    ("listen: {lmtp: /run/}\n", "1:16: `/run/` is not a local socket | a file's path of at most 107 bytes"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_wrong_listener_is_refused_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    assert [brief(each) for each in problems(with_listen(tmp_path, text))] == [f"mailbot.yaml:{said}"]


def test_proxies_are_networks(tmp_path: Path) -> None:
    with (lay(tmp_path) / "mailbot.yaml").open("a") as file:
        file.write("trust: {proxy_networks: [10.0.0.7, 'fd00::/8']}\n")
    found = loaded(tmp_path).settings.trust
    assert found.proxy_networks == (ip_network("10.0.0.7"), ip_network("fd00::/8"))


# --- what `mailbot deliver` sees --------------------------------------------------------------------------


def test_the_quick_reader_returns_what_loading_returns(tmp_path: Path) -> None:
    lay(tmp_path)
    envs: list[dict[str, str]] = [
        {},
        {"MAILBOT_STORE": "postgresql://desk:hunter2@db/desk"},
        {"STATE_DIRECTORY": "/var/lib/desk"},
    ]
    for env in envs:
        whole, seen = loaded(tmp_path, env), read_accept_settings(tmp_path, env)
        assert seen.store == whole.settings.store
        assert seen.policy.mailboxes.keys() == whole.policy.mailboxes.keys()
        assert seen.limits == whole.settings.limits
    assert "hunter2" not in repr(seen.limits)


@pytest.mark.parametrize("limits", ["size: 5 MB", "free_space: 2 GB", "size: 5 MB, free_space: 2 GB"])
def test_the_quick_reader_returns_the_limits(limits: str, tmp_path: Path) -> None:
    with (lay(tmp_path) / "mailbot.yaml").open("a") as file:
        file.write(f"limits: {{{limits}}}\n")
    assert read_accept_settings(tmp_path, {}).limits == loaded(tmp_path).settings.limits != Limits()


def test_the_quick_reader_fails_only_with_a_config_error(tmp_path: Path) -> None:
    whole = (BASE / "mailbot.yaml").read_bytes()
    (tmp_path / "mailbot.yaml").write_bytes(b"")
    assert "is empty" in refusal(tmp_path)
    for end in range(0, len(whole), 3):
        (tmp_path / "mailbot.yaml").write_bytes(whole[:end])
        refusal(tmp_path)
    for fault in directories():
        lay(tmp_path, fault)
        assert "hunter2" not in refusal(tmp_path)


def refusal(directory: Path) -> str:
    """Return what the quick reader reports for this directory; "" for nothing.

    Only ConfigError is allowed.
    """
    try:
        read_accept_settings(directory, {})
    except ConfigError as error:
        return str(error)
    return ""
