"""Keep a loaded configuration in a file of one user, so that the next command need not read the YAML.

Theory of operation. Reading and validating the YAML takes a second of CPU, and a command wants an answer in a third
of one. What came of it is written as JSON, under a digest of all that it was made from: the files' contents, this
version's code, the day. So it can't be out of date; it can only be missing. No secret is in it: passwords and keys
come from the environment at each command. It is trusted only as a file that this user alone can write, and read as
data of known types. Whatever is wrong with it, the YAML is read.
"""

import os
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mailbot import __version__
from mailbot.config import shipped, user_cache
from mailbot.config.content import content as content_of
from mailbot.config.environment import Environment
from mailbot.config.store_place import store_url
from mailbot.errors import ConfigError, Problem

if (
    TYPE_CHECKING
):  # a list of tickets needs the store and a time zone: the rest is decoded where it is asked for
    from mailbot.config.model import Loaded, Settings
    from mailbot.domain.policy import Policy

MAX_FILE = 1024 * 1024 + 1  # of a YAML file or a template


class Content(msgspec.Struct):
    """What a file holds; its parts are decoded where they are needed. `lists`: name -> (file, SHA-256), `learned` also.

    `zones`: of each team, "" for that of the first calendar. `signs`: mail is signed by a key.
    """

    settings: msgspec.Raw
    listen: msgspec.Raw
    trust: msgspec.Raw
    policy: msgspec.Raw
    rules: msgspec.Raw
    store: str
    zones: dict[str, str]
    signs: bool
    lists: dict[str, tuple[str, str]]
    learned: tuple[str, str]


class Kept:
    """A configuration from the cache. `policy` has no rules, no lists and nothing learned, and mail is not signed.

    `load` reads the YAML, should the content not be what this version expects.
    """

    def __init__(
        self, content: Content, directory: Path, environment: Environment, load: "Callable[[], Loaded]"
    ) -> None:
        self._content, self._directory, self._environment, self._load = content, directory, environment, load

    @property
    def store(self) -> str:
        """Return the store's URL."""
        return store_url(self._content.store, self._directory, self._environment)

    def zone(self, team: str = "") -> str:
        """Return the time zone of a team's calendar, or of the first calendar when there is no such team."""
        return self._content.zones.get(team) or self._content.zones[""]

    @cached_property
    def settings(self) -> "Settings":
        from mailbot.config import cached_form

        try:
            return cached_form.settings(self._content, self._directory, self._environment)
        except (ValueError, TypeError):
            return self._load().settings

    @cached_property
    def policy(self) -> "Policy":
        from mailbot.config import cached_form

        try:
            return cached_form.policy(self._content)
        except (ValueError, TypeError):
            return self._load().policy

    def with_rules(self) -> "Loaded":
        """Return it for a command that decides."""
        from mailbot.config import cached_form
        from mailbot.config.model import Loaded

        if self._content.signs:
            return self._load()  # the key is read with the YAML
        try:
            policy = cached_form.with_rules(self.policy, self._content, self._directory)
        except (ValueError, TypeError, OSError):
            return self._load()
        return Loaded(self.settings, policy)


# --- names -------------------------------------------------------------------------------------------------


def key_of_files(directory: Path, env: Mapping[str, str], today: date) -> str:
    """Return the name for what these files say; "" where one can't be read."""
    templates = shipped.templates_for(directory)
    digest = _begin(env, today.isoformat(), str(directory.absolute()), str(templates.absolute()))
    try:
        for path in (*(directory / name for name in shipped.FILES), *sorted(templates.glob("*/*.j2"))):
            content = content_of(path, MAX_FILE)
            digest.update(f"\0{path.parent.name}/{path.name}\0{len(content)}\0".encode())
            digest.update(content)
    except OSError:
        return ""
    return str(digest.hexdigest())


def key_of_version(version: str, env: Mapping[str, str], directory: Path) -> str:
    """Return the name for a policy that the store keeps."""
    return str(_begin(env, "kept in the store", version, str(directory.absolute())).hexdigest())


def _begin(env: Mapping[str, str], *parts: str) -> Any:
    digest = sha256(repr((__version__, sys.version_info[:3], socket.gethostname(), parts)).encode())
    digest.update(repr((env.get("MAILBOT_LIMITS"), sorted(_code()))).encode())
    return digest


def _code() -> list[tuple[str, int, int]]:
    """List the modules that make a configuration, with size and time: a checkout changes without a new version."""
    found: list[tuple[str, int, int]] = []
    folders = [str(shipped.PACKAGE / "config"), str(shipped.PACKAGE / "domain")]
    while folders:
        for entry in os.scandir(folders.pop()):
            if entry.is_dir():
                folders.append(entry.path)
            elif entry.name.endswith(".py"):
                found.append((entry.path, entry.stat().st_size, entry.stat().st_mtime_ns))
    return found


# --- reading and writing -----------------------------------------------------------------------------------


def recall(
    key: str,
    directory: Path,
    environment: Environment,
    env: Mapping[str, str],
    load: "Callable[[], Loaded]",
) -> Kept | None:
    """Return what is kept under this key; None when nothing is, or nothing that can be trusted."""
    place = user_cache.place(env)
    content = user_cache.read(place / key) if place else None
    if content is None:
        return None
    try:
        found = msgspec.json.decode(content, type=Content)
        for file, digest in (*found.lists.values(), found.learned):
            if file and sha256((directory / file).read_bytes()).hexdigest() != digest:
                return None
    except (ValueError, OSError):
        return None
    return Kept(found, directory, environment, load)


def keep(key: str, loaded: "Loaded", env: Mapping[str, str]) -> None:
    """Keep a configuration under this key. What can't be kept is left out: it is only slower then."""
    from mailbot.config import cached_form

    place, written = user_cache.place(env, makes=True), loaded.written
    if place is None or written is None:
        return
    digests = {name: sha256(text.encode()).hexdigest() for name, text in loaded.sources.files.items()}
    try:
        parts = {name: msgspec.Raw(part) for name, part in cached_form.encode(loaded, written).items()}
    except (ValueError, TypeError):
        return  # a value of YAML that JSON does not have
    content = Content(
        **parts,
        store=written.store,
        zones={team: loaded.zone(team) for team in ("", *loaded.policy.teams)},
        signs=written.settings.dkim is not None,
        lists={name: (file, digests[file]) for name, file in written.lists.items()},
        learned=(written.learned, digests.get(written.learned, "")),
    )
    user_cache.write(place, key, msgspec.json.encode(content))
    user_cache.write(place, _name_of_store(written.settings.directory), written.store.encode())


def keep_refusal(key: str, refusal: ConfigError, env: Mapping[str, str]) -> None:
    """Keep why these files are refused: until they are mended, each command that reads would find it again."""
    place = user_cache.place(env, makes=True)
    if place:
        user_cache.write(place, f"refused-{key}", msgspec.json.encode(refusal.problems))


def raise_refusal(key: str, env: Mapping[str, str]) -> None:
    """Raise ConfigError as the loader did for these files, where that is kept."""
    place = user_cache.place(env)
    content = user_cache.read(place / f"refused-{key}") if place else None
    if content is not None:
        raise ConfigError(msgspec.json.decode(content, type=list[Problem]))


def last_store(directory: Path, env: Mapping[str, str]) -> str:
    """Return the store that the files of this directory named when they could be read last; "" for none."""
    place = user_cache.place(env)
    content = user_cache.read(place / _name_of_store(directory)) if place else None
    return content.decode(errors="replace") if content else ""


def _name_of_store(directory: Path) -> str:
    return f"store-{sha256(str(directory.absolute()).encode()).hexdigest()}"
