"""The cache of loaded configurations: the same as the files say, and never believed when it may not be."""

import os
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbot.config import cache, shipped, user_cache
from mailbot.config.api import load, load_quickly, load_recorded, load_to_decide
from mailbot.config.environment import read_environment
from mailbot.config.model import Loaded, Settings, Sources
from mailbot.domain.policy import Policy
from mailbot.errors import ConfigError
from tests.profile import sample

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Load once: a folder with a configuration and the cache of it."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copytree(shipped.config(), folder / "config")
    load_to_decide(folder / "config", {"XDG_CACHE_HOME": str(folder / "cache")})
    return folder


@pytest.fixture
def config(filled: Path) -> Path:
    return filled / "config"


@pytest.fixture
def own_config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped.config(), tmp_path / "config"))


@pytest.fixture
def env(tmp_path: Path, filled: Path) -> dict[str, str]:
    """Return an environment with a cache of its own, filled already."""
    shutil.copytree(filled / "cache", tmp_path / "cache")
    return {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MAILBOT_RELAY": "relay.example:26",
        "MAILBOT_SECRET": "s" * 32,
    }


def kept(config: Path, env: dict[str, str]) -> cache.Kept | None:
    def no_load() -> Loaded:
        raise ValueError("not believed")

    return cache.recall(
        cache.key_of_files(config, env, TODAY), config, read_environment(env)[0], env, no_load
    )


def only_file(env: dict[str, str]) -> Path:
    [found] = Path(env["XDG_CACHE_HOME"], "mailbot").glob("[0-9a-f]*")
    return found


def test_settings_and_policy_come_back_as_the_files_say_them(config: Path, env: dict[str, str]) -> None:
    whole = load(config, env, today=TODAY)
    found = kept(config, env)
    assert found

    for each in fields(Settings):
        assert getattr(found.settings, each.name) == getattr(whole.settings, each.name), each.name
    for each in fields(Policy):
        if each.name not in ("rules", "lists", "cache"):
            assert getattr(found.policy, each.name) == getattr(whole.policy, each.name), each.name
    again = load_to_decide(config, env).policy
    assert again.lists == whole.policy.lists
    for ours, theirs in zip(again.rules, whole.policy.rules, strict=True):
        assert replace(ours, when=None) == replace(theirs, when=None)
        assert str(ours.when) == str(theirs.when)


def test_the_environment_of_the_command_counts_not_that_of_the_first(
    config: Path, env: dict[str, str]
) -> None:
    other = {**env, "MAILBOT_RELAY": "10.0.0.1:27", "MAILBOT_STORE": "/tmp/x.db", "MAILBOT_SECRET": "t" * 32}
    found = load_quickly(config, other).settings

    assert only_file(env)
    assert (found.relay.host, found.relay.port) == ("10.0.0.1", 27)
    assert (found.store, found.secret) == ("sqlite:////tmp/x.db", b"t" * 32)


def test_no_secret_is_kept(config: Path, env: dict[str, str]) -> None:
    secrets = {
        "MAILBOT_SECRET": "kunci-rahasia-yang-panjang",
        "MAILBOT_STORE": "postgresql://u:zzsandizz@h/d",
    }
    only_file(env).unlink()
    load_to_decide(config, {**env, **secrets})
    content = only_file(env).read_bytes()

    assert b"rahasia" not in content
    assert b"zzsandizz" not in content


CHANGES: dict[str, Callable[[Path], None]] = {
    **{name: lambda config, name=name: append(config / name) for name in shipped.FILES},  # type: ignore[misc]
    "a list": lambda config: append(config / "vip.txt"),
    "a template": lambda config: append(
        Path(shutil.copytree(shipped.templates(), config / "templates"), "id/acknowledgement.txt.j2")
    ),
}


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("\n")


@pytest.mark.parametrize("name", sample(list(CHANGES), 3))
def test_a_changed_file_is_read_anew(name: str, own_config: Path, env: dict[str, str]) -> None:
    load_quickly(own_config, env)
    assert kept(own_config, env)
    CHANGES[name](own_config)
    assert not kept(own_config, env)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


ATTACKS: dict[str, Callable[[Path], None]] = {
    "cut": cut,
    "one bit": flip,
    "empty": lambda path: path.write_bytes(b"") and None,  # type: ignore[func-returns-value]
    "readable for all": lambda path: path.chmod(0o644),
    "writable for the group": lambda path: path.chmod(0o660),
    "folder open to others": lambda path: path.parent.chmod(0o777),
    "symbolic link": link,
    "second name": lambda path: path.with_name("second").hardlink_to(path),
    "pipe": pipe,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_that_another_may_have_made_is_not_read(
    attack: str, config: Path, env: dict[str, str]
) -> None:
    assert kept(config, env)
    ATTACKS[attack](only_file(env))

    assert kept(config, env) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("part", ["file", "folder"])
def test_what_belongs_to_somebody_else_is_not_read(part: str, config: Path, env: dict[str, str]) -> None:
    path = only_file(env)
    os.chown(path if part == "file" else path.parent, 65534, 65534)
    assert kept(config, env) is None


def test_a_value_of_another_type_is_not_believed(config: Path, env: dict[str, str]) -> None:
    path = only_file(env)
    content = path.read_bytes()[64:].replace(b'"levels":[', b'"levels":[{},', 1)
    user_cache.write(path.parent, path.name, content)
    found = kept(config, env)
    assert found
    with pytest.raises(ValueError, match="not believed"):
        _ = found.policy
    assert load_quickly(config, env).policy.levels == load(config, env).policy.levels


def test_another_version_and_another_day_have_files_of_their_own(
    config: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = cache.key_of_files(config, env, TODAY)
    assert cache.key_of_files(config, env, TODAY.replace(year=2020)) != now
    assert cache.key_of_files(config, {**env, "MAILBOT_LIMITS": "off"}, TODAY) != now
    monkeypatch.setattr(cache, "__version__", "0.0.9")
    assert cache.key_of_files(config, env, TODAY) != now


def test_without_a_place_for_it_everything_works(config: Path) -> None:
    for env in ({"HOME": "/dev/null"}, {"XDG_CACHE_HOME": "relative"}):
        assert load_quickly(config, env).policy.version


def test_old_files_go(env: dict[str, str]) -> None:
    folder = user_cache.place(env, makes=True)
    assert folder
    for number in range(user_cache.MOST + 5):
        user_cache.write(folder, f"{number:02}", b"x")
    assert len(list(folder.iterdir())) == user_cache.MOST


def test_refusals_are_the_same_from_the_cache_and_end_with_the_fault(
    own_config: Path, env: dict[str, str]
) -> None:
    good = (own_config / "routing.yaml").read_text()
    (own_config / "routing.yaml").write_text(f"{good}\nrules: [")
    refusals = []
    for _ in range(2):
        with pytest.raises(ConfigError) as refused:
            load_quickly(own_config, env)
        refusals.append(refused.value.problems)
    assert refusals[0] == refusals[1]
    (own_config / "routing.yaml").write_text(good)
    assert load_quickly(own_config, env).policy.version


def test_a_recorded_policy_is_built_once(config: Path, env: dict[str, str]) -> None:
    whole = load(config, env, today=TODAY)

    def never() -> Sources:
        raise AssertionError("it is in the cache")

    first = load_recorded("v1", lambda: whole.sources, config, env, TODAY)
    second = load_recorded("v1", never, config, env, TODAY)
    assert first.policy.version == second.policy.version == "v1"
    assert first.settings == second.settings
    assert second.policy.calendars == whole.policy.calendars
