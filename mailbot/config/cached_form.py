"""The form in which the cache keeps a configuration: JSON that becomes settings and policy again."""

from collections.abc import Sequence
from dataclasses import fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec

from mailbot.config import shipped
from mailbot.config.environment import Environment
from mailbot.config.model import Listen, Loaded, Settings, Trust, Written
from mailbot.config.override import with_environment
from mailbot.domain.policy import Actions, Policy, Rule


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
_POLICY = _record("_Policy", Policy, "rules", "lists", "learned", "cache", "past_ladders")


def encode(loaded: Loaded, written: Written) -> dict[str, bytes]:
    """Return the parts by name. Raises ValueError or TypeError for what JSON does not have."""
    base = written.settings
    parts = {
        "settings": {name: getattr(base, name) for name in _SETTINGS.__struct_fields__},
        "listen": base.listen,
        "trust": {name: getattr(base.trust, name) for name in _Trust.__struct_fields__},
        "policy": {name: getattr(loaded.policy, name) for name in _POLICY.__struct_fields__},
        "rules": _rules(loaded.policy.rules, written),
    }
    return {name: msgspec.json.encode(part, enc_hook=str) for name, part in parts.items()}


def _rules(rules: Sequence[Rule], written: Written) -> list[dict[str, Any]]:
    pairs = zip(rules, written.conditions, strict=True)
    return [
        {"name": rule.name, "when": when, "then": rule.then, "line": rule.line, "go_on": rule.go_on}
        for rule, when in pairs
    ]


def settings(content: Any, directory: Path, environment: Environment) -> Settings:
    """Decode the settings, with the environment above them. `content`: `cache.Content`. Raises ValueError."""
    values = msgspec.json.decode(content.settings, type=_SETTINGS, dec_hook=lambda kind, text: kind(text))
    trust = msgspec.json.decode(content.trust, type=_Trust)
    networks = {name: tuple(map(ip_network, getattr(trust, name))) for name in _NETWORKS}
    written = Settings(
        directory=directory,
        templates=shipped.templates_for(directory),
        store="",
        secret=None,
        listen=msgspec.json.decode(content.listen, type=_Listen).build(),
        trust=Trust(**{**msgspec.structs.asdict(trust), **networks}),
        **msgspec.structs.asdict(values),
    )
    return with_environment(written, content.store, directory, environment)


def policy(content: Any) -> Policy:
    """Decode the policy, without rules, lists and what is learned. Raises ValueError."""
    return Policy(rules=(), **msgspec.structs.asdict(msgspec.json.decode(content.policy, type=_POLICY)))


def with_rules(policy: Policy, content: Any, directory: Path) -> Policy:
    """Add rules, lists and what is learned to the policy. Raises ValueError or OSError."""
    from mailbot.config.yaml import conditions, lists
    from mailbot.config.yaml.source import Source
    from mailbot.domain.routing import learned
    from mailbot.domain.routing.field_types import Context

    files = {name: directory / file for name, (file, _) in content.lists.items()}
    known = {name: lists.parse(path.read_text(), str(path))[0] for name, path in files.items()}
    model = learned.decode((directory / content.learned[0]).read_text()) if content.learned[0] else None
    source, context = Source("routing.yaml"), Context(policy.calendars, known, model)
    rules = []
    for rule in msgspec.json.decode(content.rules, type=list[_Rule]):
        when, problems = (None, []) if rule.when is None else conditions.parse(source, (), rule.when, context)
        if problems:
            raise ValueError(str(problems[0]))
        rules.append(Rule(rule.name, when, rule.then, rule.line, rule.go_on))
    return replace(policy, rules=tuple(rules), lists=known, learned=model)
