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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from mailbot import __version__
from mailbot.config import shipped, user_cache
from mailbot.config.content import content as content_of
from mailbot.config.environment import Environment
from mailbot.config.model import Listen, Loaded, Settings, Trust, Written
from mailbot.config.override import with_environment
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.errors import ConfigError, Problem

MAX_FILE = 1024 * 1024 + 1  # of a YAML file or a template


class _Trust(msgspec.Struct):
    """`model.Trust` with its networks as text."""

    authserv_ids: tuple[str, ...]
    agent_networks: tuple[str, ...]
    front_networks: tuple[str, ...]
    proxy_networks: tuple[str, ...]
    verify: bool
    resolver: tuple[str, int] | None


class _Listen(msgspec.Struct):
    """`model.Listen` with its paths as text."""

    host: str
    port: int | None
    certificate: str | None
    key: str | None
    require_tls: bool
    lmtp: tuple[str, int] | str | None

    def build(self) -> Listen:
        certificate, key = (Path(each) if each else None for each in (self.certificate, self.key))
        lmtp = Path(self.lmtp) if isinstance(self.lmtp, str) else self.lmtp
        return Listen(self.host, self.port, certificate, key, self.require_tls, lmtp)


class _Rule(msgspec.Struct):
    """A rule as written: its conditions are compiled only by commands that decide."""

    name: str
    when: Any
    then: Actions
    line: int
    go_on: bool


def _record(name: str, kind: type[Any], *without: str) -> Any:
    return msgspec.defstruct(
        name, [(each.name, each.type) for each in fields(kind) if each.name not in without]
    )


_NETWORKS = ("agent_networks", "front_networks", "proxy_networks")
_ELSEWHERE = ("directory", "templates", "store", "secret", "previous_secrets", "trust", "listen", "dkim")
_SETTINGS = _record("_Settings", Settings, *_ELSEWHERE)
_POLICY = _record("_Policy", Policy, "rules", "lists", "cache", "past_ladders")


class _Content(msgspec.Struct):
    """What a file holds; its parts are decoded where they are needed. `lists`: name -> (file, SHA-256)."""

    settings: msgspec.Raw
    trust: msgspec.Raw
    listen: _Listen
    policy: msgspec.Raw
    rules: msgspec.Raw
    store: str
    signs: bool
    lists: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A configuration from the cache. `policy` has no rules and no lists.

    `signs`: mail is signed by a key, so that a command which sends needs the YAML.
    """

    settings: Settings
    policy: Policy
    signs: bool
    content: _Content

    def loaded(self, *, decides: bool) -> Loaded | None:
        """Return it as the loader would, for a command that `decides` with the rules. None: read the YAML."""
        policy = self.policy if not decides else None if self.signs else self._with_rules()
        return Loaded(self.settings, policy) if policy else None

    def _with_rules(self) -> Policy | None:
        from mailbot.config.yaml import conditions, lists
        from mailbot.config.yaml.source import Source
        from mailbot.domain.routing.field_types import Context

        files = {name: self.settings.directory / file for name, (file, _) in self.content.lists.items()}
        known = {name: lists.parse(path.read_text(), str(path))[0] for name, path in files.items()}
        source, context = Source("routing.yaml"), Context(self.policy.calendars, known)
        rules = []
        for rule in msgspec.json.decode(self.content.rules, type=list[_Rule]):
            when, problems = (
                (None, []) if rule.when is None else conditions.parse(source, (), rule.when, context)
            )
            if problems:
                return None
            rules.append(Rule(rule.name, when, rule.then, rule.line, rule.go_on))
        return replace(self.policy, rules=tuple(rules), lists=known)


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


def recall(key: str, directory: Path, environment: Environment, env: Mapping[str, str]) -> Kept | None:
    """Return what is kept under this key; None when nothing is, or nothing that can be trusted."""
    place = user_cache.place(env)
    content = user_cache.read(place / key) if place else None
    if content is None:
        return None
    try:
        found = msgspec.json.decode(content, type=_Content)
        for file, digest in found.lists.values():
            if sha256((directory / file).read_bytes()).hexdigest() != digest:
                return None
        settings = with_environment(_settings(found, directory), found.store, directory, environment)
        policy = msgspec.structs.asdict(msgspec.json.decode(found.policy, type=_POLICY))
        return Kept(settings, Policy(rules=(), **policy), found.signs, found)
    except (ValueError, TypeError, OSError):
        return None


def _settings(found: _Content, directory: Path) -> Settings:
    values = msgspec.json.decode(found.settings, type=_SETTINGS, dec_hook=lambda kind, text: kind(text))
    trust = msgspec.json.decode(found.trust, type=_Trust)
    networks = {name: tuple(map(ip_network, getattr(trust, name))) for name in _NETWORKS}
    return Settings(
        directory=directory,
        templates=shipped.templates_for(directory),
        store="",
        secret=None,
        listen=found.listen.build(),
        trust=Trust(**{**msgspec.structs.asdict(trust), **networks}),
        **msgspec.structs.asdict(values),
    )


def keep(key: str, loaded: Loaded, env: Mapping[str, str]) -> None:
    """Keep a configuration under this key. What can't be kept is left out: it is only slower then."""
    place, written = user_cache.place(env, makes=True), loaded.written
    if place is None or written is None:
        return
    base = written.settings
    digests = {name: sha256(text.encode()).hexdigest() for name, text in loaded.sources.files.items()}
    content = {
        "settings": {name: getattr(base, name) for name in _SETTINGS.__struct_fields__},
        "listen": base.listen,
        "trust": {name: getattr(base.trust, name) for name in _Trust.__struct_fields__},
        "store": written.store,
        "signs": base.dkim is not None,
        "lists": {name: (file, digests[file]) for name, file in written.lists.items()},
        "policy": {name: getattr(loaded.policy, name) for name in _POLICY.__struct_fields__},
        "rules": _rules(loaded.policy.rules, written),
    }
    try:
        user_cache.write(place, key, msgspec.json.encode(content, enc_hook=str))
    except (ValueError, TypeError):
        return  # a value of YAML that JSON does not have
    user_cache.write(place, _name_of_store(base.directory), written.store.encode())


def _rules(rules: Sequence[Rule], written: Written) -> list[dict[str, Any]]:
    pairs = zip(rules, written.conditions, strict=True)
    return [
        {"name": rule.name, "when": when, "then": rule.then, "line": rule.line, "go_on": rule.go_on}
        for rule, when in pairs
    ]


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
