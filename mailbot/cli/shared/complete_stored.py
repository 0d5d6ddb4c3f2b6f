"""Complete ticket numbers and ids of mails from the store, which is only read.

A store that is missing, broken, locked or on PostgreSQL completes nothing:
a shell waits for the answer, and shows no error.
"""

import os
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import click
from click.shell_completion import CompletionItem

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.output import clean

Rows = list[tuple[str, str]]

# Where few tickets match, all of them; else those among the newest, so that no Tab walks through a million.
FEW, NEWEST = 50, 200
_MATCHING = "SELECT number, subject FROM tickets WHERE number >= ? AND number < ? LIMIT ?"
_OF_STATUS = """SELECT * FROM (SELECT number, subject, opened_at FROM tickets WHERE status = '{}'
    ORDER BY opened_at DESC LIMIT ?1)"""  # each by the index; all that are open at once would be sorted
_RECENT = " UNION ALL ".join(_OF_STATUS.format(status) for status in ("new", "open", "waiting"))
_RECENT = f"SELECT number, subject FROM ({_RECENT}) ORDER BY opened_at DESC LIMIT ?1"
_IDS = {  # by the group of commands
    "inbox": "SELECT id, state FROM inbox ORDER BY id DESC LIMIT ?",
    "outbox": "SELECT id, state FROM outbox ORDER BY id DESC LIMIT ?",
    "channels": "SELECT id, channel FROM channel_events WHERE state = 'parked' ORDER BY id DESC LIMIT ?",
}


def complete_number(ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Offer ticket numbers with their subjects."""
    begun = begun.upper()
    matching = _read(ctx, _MATCHING, begun, f"{begun}\uffff", FEW + 1)
    return _items(matching if len(matching) <= FEW else _read(ctx, _RECENT, NEWEST), begun)


def complete_mail_id(ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Offer the newest ids of the inbox or the outbox with their states, or of parked events with their channels."""
    group = ctx.parent.info_name if ctx.parent else None
    return _items(_read(ctx, _IDS[group], NEWEST), begun) if group in _IDS else []


def _items(rows: Rows, begun: str) -> list[CompletionItem]:
    return [CompletionItem(word, help=text) for word, text in rows if word.startswith(begun)]


def _read(ctx: click.Context, query: str, *values: str | int) -> Rows:
    import sqlite3

    from mailbot.config.quick_read import find_store

    try:
        kind, _, place = find_store(config_directory(ctx), os.environ).partition(":///")
        if not kind.startswith("sqlite"):
            return []
        path = quote(str(Path(place.partition("?")[0]).absolute()))
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.1)) as connection:
            found = connection.execute(query, values).fetchall()
    except (sqlite3.Error, OSError, ValueError):
        return []
    return [(str(word), clean(" ".join(str(text).split()))) for word, text in found]
