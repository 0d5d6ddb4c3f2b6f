"""Settings of the console: one line or a mapping, the provider's secret, the cache of configurations."""

import shutil
from pathlib import Path

import pytest

from mailbot.config import shipped
from mailbot.config.api import load, load_to_decide
from mailbot.config.model import Console, Oidc
from mailbot.config.yaml import web_addresses

MAPPING = """
console:
  listen: 127.0.0.1:8025
  proxies: [10.0.0.7]
  user_header: X-Forwarded-Email
  oidc: {issuer: https://login.example/, client_id: meja}
public_url: https://bantuan.example/
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped.config(), tmp_path / "config"))


def add(directory: Path, text: str) -> None:
    with (directory / "mailbot.yaml").open("a") as file:
        file.write(f"\n{text}\n")


def test_without_a_word_about_it_there_is_no_console(directory: Path) -> None:
    loaded = load(directory, {})
    assert loaded.settings.console is None
    assert loaded.policy.public_url == ""


def test_one_line_serves_the_pages_to_this_machine(directory: Path) -> None:
    add(directory, "console: 127.0.0.1:8025")
    assert load(directory, {}).settings.console == Console("127.0.0.1", 8025, ("127.0.0.1/32", "::1/128"))


def test_a_mapping_has_more_ways_to_log_in_and_the_secret_comes_from_the_environment(directory: Path) -> None:
    add(directory, MAPPING)
    loaded = load(directory, {"MAILBOT_OIDC_SECRET": "rahasia"})
    oidc = Oidc("https://login.example", "meja", "rahasia")
    expected = Console(
        "127.0.0.1", 8025, ("10.0.0.7/32",), "X-Forwarded-Email", oidc, "https://bantuan.example"
    )
    assert loaded.settings.console == expected
    assert loaded.policy.public_url == "https://bantuan.example"
    assert "rahasia" not in repr(loaded.settings.console)


def test_the_cache_gives_the_same_console_and_keeps_no_secret(directory: Path, tmp_path: Path) -> None:
    add(directory, MAPPING)
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "MAILBOT_OIDC_SECRET": "rahasia"}
    first = load_to_decide(directory, env).settings.console
    assert load_to_decide(directory, env).settings.console == first
    assert not any(
        b"rahasia" in path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()
    )


def test_settings_without_effect_are_remarked(directory: Path) -> None:
    add(directory, "public_url: https://bantuan.example")
    found = [str(each) for each in load(directory, {"MAILBOT_OIDC_SECRET": "x"}).warnings]
    assert any("public_url" in each or "has no effect without `console`" in each for each in found)
    assert any("MAILBOT_OIDC_SECRET" in each for each in found)


def test_a_missing_secret_of_the_provider_is_remarked(directory: Path) -> None:
    add(directory, MAPPING)
    assert any("the provider's secret is missing" in str(each) for each in load(directory, {}).warnings)


@pytest.mark.parametrize(
    "address", ["http://[::1]:8080", "http://127.0.0.1:8080", "https://[2001:db8::1]/realms/x"]
)
def test_a_provider_may_have_an_ipv6_address(address: str) -> None:
    assert web_addresses.web_address(address) == address
