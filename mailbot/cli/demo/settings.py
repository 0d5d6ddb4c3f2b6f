"""The demo's configuration: the shipped one in its own folder, with seconds in place of hours."""

import contextlib
import os
import re
import socket
from collections.abc import Mapping
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from mailbot.config.api import init
from mailbot.config.yaml import source

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
MANAGER = "surya.atmaja@staf.dukungan.example"  # sees all tickets; in the demo an admin as well
CONSOLE_PORTS = range(8025, 8035)  # the first free one is taken
# Variables of a service that may have started the demo: the demo's daemon is no part of it.
SERVICE = ("MAILBOT_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")


def write(directory: Path, listen: str, relay: str, console: str) -> None:
    """Write configuration and templates to `directory`, which should be new. `console`: "" for no pages."""
    init(directory)
    for name in ("mailbot.yaml", "escalation.yaml"):
        data: Any = source.read(directory / name)[0].data
        changed = _machine(data, listen, relay, console) if name == "mailbot.yaml" else _ladders(data)
        with (directory / name).open("w") as file:
            file.write(f"# {name} of the demo: the shipped one, changed by machine.\n")
            yaml.safe_dump(changed, file, allow_unicode=True, sort_keys=False)
    routing = directory / "routing.yaml"  # its tests expect the hours of the shipped ladders
    routing.write_text(re.sub(r"(?ms)^tests:\n.*?(?=^\S|\Z)", "", routing.read_text()))


def _machine(data: dict[str, Any], listen: str, relay: str, console: str) -> dict[str, Any]:
    data.pop("monitor", None)  # its port may be taken
    pages = {"console": console, "public_url": f"http://{console}", "admins": [MANAGER]} if console else {}
    return {
        **data,
        **pages,
        "listen": listen,
        "relay": {"address": relay, "tls": "none", "connections": 4},
        "trust": {"agent_networks": ["127.0.0.0/8", "::1"]},  # the reader plays customers and agents
        "mailboxes": [{**box, "undo": "no"} for box in data["mailboxes"]],  # the reader need not wait
        "limits": {**data.get("limits", {}), "free_space": "50 MB"},
        # The reader may write many mails in a minute, and the demo's agent answers at once.
        "answers": {"per_address": ["30 per min"], "fastest_reply": "0.001 s"},
    }


def _ladders(data: dict[str, Any]) -> dict[str, Any]:
    always = {"zone": "Asia/Jakarta", "hours": "always"}
    # Rules may name any shipped ladder. A copy for each: YAML would write the same one as an alias.
    calm = {name: deepcopy(CALM) for name in ("calm", *data["ladders"])}
    return {
        **data,
        "calendars": {name: dict(always) for name in data["calendars"]},
        "ladders": {**calm, "urgent": URGENT},
        "priorities": {"low": "calm", "normal": "calm", "high": "calm", "urgent": "urgent"},
    }


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the demo's daemon, without what leads to a real store or relay."""
    kept = {name: value for name, value in env.items() if not name.startswith(SERVICE)}
    return {**kept, "MAILBOT_LOG": "text", "PYTHONUNBUFFERED": "1"}


def console_address() -> str:
    """Return host:port for the pages, "" where their packages are missing or no port is free."""
    if find_spec("starlette") is None:
        return ""
    for port in CONSOLE_PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return f"127.0.0.1:{port}"
    return ""


def listen_address(env: Mapping[str, str] = os.environ) -> tuple[str, int]:
    """Return MAILBOT_LISTEN, else 127.0.0.1:2525. Raise ValueError when it is no host:port."""
    host, _, port = env.get("MAILBOT_LISTEN", "127.0.0.1:2525").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("MAILBOT_LISTEN is written like 127.0.0.1:2525")
    return host.strip("[]"), int(port)
