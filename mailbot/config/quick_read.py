"""Read single settings from mailbot.yaml without pydantic, which takes a tenth of a second to import.

Faults elsewhere in the files are ignored here: they are no reason to let a mail wait. The running daemon does
the same, it keeps the last good configuration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mailbot.config import cache
from mailbot.config.environment import read_environment
from mailbot.config.model import Limits
from mailbot.config.store_place import STORE, store_url
from mailbot.config.yaml import scalars, source
from mailbot.config.yaml.lookup import find
from mailbot.config.yaml.scalars import store_without_password
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.policy import Mailbox, Policy
from mailbot.errors import ConfigError

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class AcceptSettings:
    """What it takes to accept one mail. `policy` has the mailboxes only, `limits` size and free space only.

    `store` is a SQLAlchemy URL.
    """

    store: str
    policy: Policy
    limits: Limits


def read_accept_settings(directory: Path, env: Mapping[str, str]) -> AcceptSettings:
    """Read what it takes to accept one mail. Raises ConfigError."""
    environment, problems, _ = read_environment(env)
    file, found = source.read(directory / "mailbot.yaml")
    if problems or found:
        raise ConfigError([*problems, *found])
    in_yaml = _value(file, ("store",), store_without_password)
    size = _value(file, ("limits", "size"), scalars.size)
    limits = Limits(free_space=_value(file, ("limits", "free_space"), scalars.size))
    return AcceptSettings(
        store_url(in_yaml or STORE, directory, environment),
        _policy(file),
        limits if size is None else replace(limits, size=size),
    )


def find_store(directory: Path, env: Mapping[str, str]) -> str:
    """Return the store's URL whatever else is wrong in the files.

    Where they do not name one readably, it is the one that they named last; "" when that is not known.
    """
    environment, *_ = read_environment(env)
    file, _ = source.read(directory / "mailbot.yaml")
    try:
        in_yaml = store_without_password(file.data.get("store", STORE) if isinstance(file.data, dict) else "")
    except ValueError:
        in_yaml = ""
    in_yaml = in_yaml or cache.last_store(directory, env)
    return store_url(in_yaml, directory, environment) if in_yaml or environment.store else ""


def _policy(file: Source) -> Policy:
    places = [(*place, "address") for place, _ in find(file.data, "mailboxes", "*")]
    addresses = [_value(file, place, scalars.address) for place in places]
    if not all(addresses) or not addresses:
        message = "there must be at least one mailbox, and each needs an address"
        raise ConfigError([file.at_value(("mailboxes",), message)])
    boxes = {address: Mailbox(address, "", "") for address in addresses if address}
    return Policy("", boxes, (), {}, (), {}, {}, {})


def _value(file: Source, place: Place, reader: Callable[[object], _Value]) -> _Value | None:
    """Read the value at `place`; None when there is none."""
    value = next((value for at, value in find(file.data, *["*"] * len(place)) if at == place), None)
    if value is None:
        return None
    try:
        return reader(value)
    except ValueError as error:
        raise ConfigError([file.at_value(place, *scalars.message_and_hint(error))]) from error
