"""The demo's configuration: the shipped one in a folder of its own, with seconds in place of hours."""

import os
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from mailbot.config.api import init

# Shorter than a coffee: the demo shows the first deadline within its tour.
URGENT = {
    "targets": {"first_response": "5 s", "next_response": "30 s", "resolution": "10 min"},
    "steps": [
        {"at": "50% of first_response", "remind": "assignee"},
        {"at": "first_response", "escalate_to": "L3", "acknowledge_within": "2 min"},
        {"at": "first_response + 3 min", "escalate_to": "management", "tell_customer": True},
    ],
}
CALM = {
    "targets": {"first_response": "5 min", "next_response": "5 min", "resolution": "30 min"},
    "steps": [
        {"at": "first_response", "escalate_to": "L2", "acknowledge_within": "3 min"},
        {"at": "resolution", "escalate_to": "management", "tell_customer": True},
    ],
}
# Of a service around us: the demo's daemon is not its child's child.
SERVICE = ("MAILBOT_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")


def write(directory: Path, listen: str, relay: str) -> None:
    """A configuration and templates to `directory`, which should be new."""
    init(directory)
    _change(directory / "mailbot.yaml", partial(_machine, listen=listen, relay=relay))
    _change(directory / "escalation.yaml", _seconds)
    _drop_tests(directory / "routing.yaml")


def _drop_tests(path: Path) -> None:
    """They expect the hours of the shipped ladders."""
    path.write_text(re.sub(r"(?ms)^tests:\n.*?(?=^\S|\Z)", "", path.read_text()))


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """What the demo's daemon runs with: nothing that leads it to somebody's real store or relay."""
    kept = {name: value for name, value in env.items() if not name.startswith(SERVICE)}
    return {**kept, "MAILBOT_LOG": "text", "PYTHONUNBUFFERED": "1"}


def listen_of(env: Mapping[str, str] = os.environ) -> tuple[str, int]:
    """Where to listen: MAILBOT_LISTEN, else 127.0.0.1:2525. ValueError when it is no host:port."""
    host, _, port = env.get("MAILBOT_LISTEN", "127.0.0.1:2525").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("MAILBOT_LISTEN is written like 127.0.0.1:2525")
    return host.strip("[]"), int(port)


def _change(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Reads, changes and writes YAML of our own; an admin's file is never written like this."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    data = yaml.load(path)
    change(data)
    with path.open("w") as file:
        file.write(f"# {path.name} of the demo: the shipped one, changed by machine.\n")
        yaml.dump(data, file)


def _machine(data: dict[str, Any], listen: str, relay: str) -> None:
    data["listen"] = listen
    data["relay"] = {"address": relay, "tls": "none", "connections": 4}
    data.pop("monitor", None)  # its port may be taken
    data["trust"] = {
        "agent_networks": ["127.0.0.0/8", "::1"]
    }  # whoever can reach the demo plays all the parts
    data["limits"] = {**data.get("limits", {}), "free_space": "50 MB"}
    data["answers"] = {"per_address": ["30 per min"]}  # one who tries it out writes again and again


def _seconds(data: dict[str, Any]) -> None:
    for calendar in data["calendars"].values():
        calendar.clear()
        calendar.update({"zone": "Asia/Jakarta", "hours": "always"})  # it is work time whenever you look
    # Rules may name any of them. A copy for each: YAML would write the same one as an alias.
    calm = {name: deepcopy(CALM) for name in ("calm", *data["ladders"])}
    data["ladders"] = {**calm, "urgent": URGENT}
    data["priorities"] = {"low": "calm", "normal": "calm", "high": "calm", "urgent": "urgent"}
