"""What it takes to keep one mail, read from mailbot.yaml without pydantic: a tenth of a second less.

Faults elsewhere in the files are not looked for: they are no reason to let a mail wait, as they are none for
the running daemon, which goes by the last good ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mailbot.config import environment, store_url
from mailbot.config.model import Limits
from mailbot.config.yaml import scalars, source
from mailbot.config.yaml.lookup import find
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.policy import Mailbox, Policy
from mailbot.errors import ConfigError

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Glance:
    """`policy` knows the mailboxes and nothing else; of `limits`, size and free space are as configured."""

    store: str
    policy: Policy
    limits: Limits


def glance(directory: Path, env: Mapping[str, str]) -> Glance:
    """Raises ConfigError."""
    said, problems, _ = environment.read(env)
    file, found = source.read(directory / "mailbot.yaml")
    if problems or found:
        raise ConfigError([*problems, *found])
    in_yaml = _value(file, ("store",), scalars.store_without_password)
    size = _value(file, ("limits", "size"), scalars.size)
    space = _value(file, ("limits", "free_space"), scalars.size)
    limits = Limits(free_space=space)
    return Glance(
        store_url.store_url(in_yaml or store_url.STORE, directory, said),
        _policy(file),
        limits if size is None else replace(limits, size=size),
    )


def _policy(file: Source) -> Policy:
    places_of = [(*place, "address") for place, _ in find(file.data, "mailboxes", "*")]
    addresses = [_value(file, place, scalars.address) for place in places_of]
    if not all(addresses) or not addresses:
        raise ConfigError(
            [file.at_value(("mailboxes",), "mailboxes have an address, and there is one at least")]
        )
    boxes = {address: Mailbox(address, "", "") for address in addresses if address}
    return Policy("", boxes, (), {}, (), {}, {}, {})


def _value(file: Source, place: Place, reader: Callable[[object], _Value]) -> _Value | None:
    """What stands there, as `reader` reads it; None when nothing does."""
    value = next((value for at, value in find(file.data, *["*"] * len(place)) if at == place), None)
    if value is None:
        return None
    try:
        return reader(value)
    except ValueError as error:
        raise ConfigError([file.at_value(place, *scalars.said(error))]) from error
