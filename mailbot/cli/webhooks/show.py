"""`mailbot webhooks list`: each webhook, and what came of the last attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import click
from sqlalchemy import Connection

from mailbot.cli.shared.open_store import fail, now, open_store
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, print_facts, print_json, print_table
from mailbot.cli.shared.ticket_lookup import suggest_name
from mailbot.config.model import Webhook as Settings
from mailbot.store.webhooks import feed, states
from mailbot.store.webhooks.states import Attempt, Webhook
from mailbot.views.formats import format_time

ATTEMPTS = 10  # that are shown of one webhook


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook as configured, with its row: None before the daemon has started with it."""

    settings: Settings
    stored: Webhook | None
    waiting: int

    @property
    def host(self) -> str:
        return urlsplit(self.settings.url).hostname or ""

    def state(self, at: datetime) -> str:
        if self.stored is None:
            return "not started"
        if self.stored.disabled_at:
            return "disabled"
        if not self.settings.secrets:
            return "active (its secret is not here)"
        return "failing" if self.stored.failures else "active"


@click.command("list")
@click.argument("name", required=False)
@standard_options
def list_(name: str | None, in_json: bool) -> None:
    """Show each webhook of the configuration, or NAME with its last attempts."""
    with open_store() as opened:
        configured = {each.name: each for each in opened.settings.webhooks}
        if name is not None and name not in configured:
            fail(f"no webhook is named {clean(name)}{suggest_name(name, configured)}")
        chosen = [configured[name]] if name else list(configured.values())
        found, zone = opened.store.read_now(_read, chosen), opened.zone()
        attempts = opened.store.read_now(states.attempts_of, name, ATTEMPTS) if name else []
    at = now()
    if in_json:
        shown = [{**_form(each, at), **({"attempts": attempts} if name else {})} for each in found]
        print_json(shown[0] if name else shown)
    elif name:
        _print_one(found[0], attempts, zone, at)
    else:
        rows = [_cells(each, zone, at) for each in found]
        heads = ("name", "host", "events", "state", "waiting", "delivered", "error")
        print_table(heads, rows, empty="No webhook is configured: `webhooks:` in mailbot.yaml.")


def _read(connection: Connection, chosen: Sequence[Settings]) -> list[Shown]:
    stored = {each.name: each for each in states.list_all(connection)}
    return [_shown(connection, each, stored.get(each.name)) for each in chosen]


def _shown(connection: Connection, settings: Settings, row: Webhook | None) -> Shown:
    return Shown(settings, row, feed.count_after(connection, row.place) if row else 0)


def _form(each: Shown, at: datetime) -> dict[str, Any]:
    row = each.stored
    return {
        "name": each.settings.name,
        "host": each.host,
        "events": each.settings.events,
        "teams": each.settings.teams,
        "state": each.state(at).partition(" (")[0],
        "waiting": each.waiting,
        "failures": row.failures if row else 0,
        "error": row.error if row else None,
        "next_at": row.due_at if row and row.failures else None,
        "delivered_at": row.delivered_at if row else None,
        "disabled_at": row.disabled_at if row else None,
        "disabled_by": row.disabled_by or None if row else None,
    }


def _cells(each: Shown, zone: str, at: datetime) -> tuple[object, ...]:
    row, wanted = each.stored, each.settings.events
    events = "all" if not wanted else str(len(wanted))
    delivered = format_time(row.delivered_at, zone) if row else ""
    return (
        each.settings.name,
        each.host,
        events,
        each.state(at),
        each.waiting,
        delivered,
        row.error if row else "",
    )


def _print_one(each: Shown, attempts: Sequence[Attempt], zone: str, at: datetime) -> None:
    row = each.stored
    facts: list[tuple[str, object]] = [
        ("name", each.settings.name),
        ("host", each.host),
        ("events", ", ".join(each.settings.events) or "all"),
        ("teams", ", ".join(each.settings.teams) or "all"),
        ("state", each.state(at)),
        ("waiting", each.waiting),
    ]
    if row:
        facts += [
            ("failures", row.failures or ""),
            ("error", row.error or ""),
            ("next try", format_time(row.due_at, zone) if row.failures and not row.disabled_at else ""),
            ("delivered", format_time(row.delivered_at, zone)),
            (
                "disabled",
                f"{format_time(row.disabled_at, zone)} by {row.disabled_by}" if row.disabled_at else "",
            ),
        ]
    print_facts(facts)
    cells = [(a.feed_id, format_time(a.at, zone), a.code or "", a.error or "taken") for a in attempts]
    print_table(("event", "at", "code", "answer"), cells, empty="Nothing was sent in the last 30 days.")
