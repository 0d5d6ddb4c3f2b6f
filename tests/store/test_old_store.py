"""A store of the version before opens, and this version shows the same facts of it.

`old_stores/0001.sql.gz` is what a daemon with seconds in place of hours wrote: every kind of event is in it.
`old_stores/0001.json.gz` is the output of that version's commands. 0002 to 0004 hold a few tickets of their daemons,
`first` the tables of a state before 0001 was frozen.
"""

import gzip
import importlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import JSON, Connection, MetaData, insert, select, text

from mailbot.cli import cli
from mailbot.config.api import init
from mailbot.errors import StoreUnavailable
from mailbot.store import compensations, migrate, policies, queries, tickets
from mailbot.store.engine import is_sqlite, open_engine, sqlite_path
from mailbot.store.lists import ticket_list
from mailbot.store.schema import events, outbox
from mailbot.store.store import Store

EVENTS = importlib.import_module("mailbot.store.migrations.versions.0002_plain_names").EVENTS
FOLDER = Path(__file__).parent / "old_stores"
WORDS = {
    "first_response is due": "first response is due",
    "next_response is due": "next response is due",
    '"by operator:': '"by operator ',
    "reply tag of": "reply token of",
    '"the sender takes part"': '"sender takes part"',
}
NEW_FIELDS = ("author_kind", "author_reason", "authentication", "addresses", "machine_may_answer", "channel")
NEW_TICKET_FIELDS = (
    *("turn", "turn_until", "turn_why", "unanswered", "answered_at", "answered_by", "informed_until"),
    *("cause", "snoozed_until", "incident", "channel", "promised_at", "next_step", "rating", "undo_until"),
    "legal_hold",
)
NEW_FIGURES = ("categories", "channels", "closing_causes", "filed", "incidents")
DAY = ("2026-11-28", "2026-11-29")


def restore(url: str, schema: str = "0001") -> None:
    """Write the old store into an empty database."""
    dump = dump_of(schema)
    if is_sqlite(url):
        with closing(sqlite3.connect(sqlite_path(url))) as target:
            target.executescript(dump)
        return
    with closing(sqlite3.connect(":memory:")) as source:
        source.executescript(dump)
        source.row_factory = sqlite3.Row
        engine = open_engine(url)
        with engine.begin() as connection:
            migrate.run_migrations(connection, schema)
            copy(source, connection)
        engine.dispose()


def dump_of(schema: str) -> str:
    return gzip.decompress((FOLDER / f"{schema}.sql.gz").read_bytes()).decode()


def copy(source: sqlite3.Connection, target: Connection) -> None:
    """Copy all rows into tables of the same schema."""
    found = MetaData()
    found.reflect(target)
    for table in found.sorted_tables:
        if table.name == "alembic_version":
            continue
        json_columns = [column.name for column in table.columns if isinstance(column.type, JSON)]
        rows = [dict(row) for row in source.execute(f"SELECT * FROM {table.name}")]
        for row in rows:
            row.update({name: json.loads(row[name]) for name in json_columns})
        if rows:
            target.execute(insert(table), rows)


@pytest.fixture
def old(store_url: str) -> Iterator[Store]:
    restore(store_url)
    assert migrate.upgrade(store_url) == "0001"
    store = Store(store_url)
    yield store
    store.close()


def test_every_event_and_message_of_an_old_store_can_be_read(old: Store) -> None:
    facts = expected()["show"]
    assert migrate.upgrade(old.url) == migrate.HEAD
    kinds = old.read_now(lambda connection: set(connection.scalars(select(events.c.kind))))
    assert kinds == {kind for kind, _ in EVENTS.values()}
    for number, shown in facts.items():
        recorded = old.read_now(tickets.events_of, number)
        assert [(each.event.at.isoformat(), str(each.event.by)) for each in recorded] == [
            (at, by) for _, at, by, _ in shown["events"]
        ]
        assert len(old.read_now(lambda c, n=number: queries.messages_of(c, n, longest=99))) == len(
            shown["messages"]
        )
    assert old.read_now(compensations.first_fault) is None


@pytest.mark.parametrize("schema", ["0002", "0003", "0004"])
def test_p12_a_store_of_each_schema_opens_with_all_its_rows(store_url: str, schema: str) -> None:
    restore(store_url, schema)
    with closing(sqlite3.connect(":memory:")) as source:
        source.executescript(dump_of(schema))
        tables = (
            "tickets",
            "messages",
            "events",
            "inbox",
            "raw_mails",
            "outbox",
            "attempts",
            "compensations",
        )
        before = {name: source.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
        mails = source.execute("SELECT nonce, state FROM outbox").fetchall()

    assert migrate.upgrade(store_url) == schema
    store = Store(store_url)
    count = {
        name: store.read_now(lambda c, n=name: c.scalar(text(f"SELECT count(*) FROM {n}"))) for name in tables
    }
    found = store.read_now(lambda c: c.execute(select(outbox.c.nonce, outbox.c.state, outbox.c.domain)).all())
    shown = [
        (
            store.read_now(tickets.events_of, each.ticket.number),
            store.read_now(lambda c, n=each.ticket.number: messages(c, n)),
        )
        for each in store.read_now(ticket_list.list_tickets, ticket_list.TicketFilter())
    ]
    fault = store.read_now(compensations.first_fault)
    store.close()
    assert count == before
    assert {(nonce, str(state)) for nonce, state, _ in found} == set(mails)
    assert all(domain for _, state, domain in found if state == "due")
    assert all(events and mails for events, mails in shown)
    assert (len(shown), fault) == (before["tickets"], None)


def messages(connection: Connection, number: str) -> list[queries.MessageView]:
    return queries.messages_of(connection, number, longest=99)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_p12_a_store_from_before_the_schemas_were_frozen_is_refused_unchanged(store_url: str) -> None:
    restore(store_url, "first")
    with pytest.raises(StoreUnavailable, match="not those of schema 0001: the table") as refused:
        migrate.upgrade(store_url)

    assert "Use the version that made it, restore a backup, or set `store` to" in str(refused.value)
    with closing(sqlite3.connect(sqlite_path(store_url))) as store:
        assert "\n".join(store.iterdump()) + "\n" == dump_of("first")


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_commands_show_an_old_store_as_before(old: Store, tmp_path: Path) -> None:
    said = Commands(old, tmp_path / "config")
    was = expected()

    for number, shown in was["show"].items():
        assert facts_of(said("ticket", "show", number)) == translated(shown), number
    for number, routing in was["routing"].items():
        # The version of a policy depends on the templates, too, and those of today are others.
        assert without(said("explain", number)["routing"], "note") == without(routing, "note")
    report = without(said("report", "--since", DAY[0], "--until", DAY[1]), "made_at", "cause_actions")
    for period in ("figures", "previous"):
        figures = report[period] = without(report[period], *NEW_FIGURES)
        figures["satisfaction"] = without(figures["satisfaction"], "by_team", "by_rule", "by_level")
    assert report == was["report"]
    (simulated,) = said("simulate", "--from", DAY[0], "--to", DAY[1])["policies"]
    # The load of the last hours depends on when the command runs. Readers get fewer mails for one moment than the
    # old version sent, customers a later time before one passes.
    changed = ("load", "people", "told")
    assert without(simulated["figures"], *changed) == without(was["simulate"][0]["figures"], *changed)
    assert said("compensation", "list") == was["compensation"]
    assert said("mute", "list") == was["mute"]


def expected() -> Any:
    """Return the old version's output in the words of this one: some reasons are worded differently."""
    text = gzip.decompress((FOLDER / "0001.json.gz").read_bytes()).decode()
    for old, new in WORDS.items():
        text = text.replace(old, new)
    return json.loads(text)


class Commands:
    """The commands on that store, with the policy of that time, as the store has it."""

    def __init__(self, store: Store, config: Path) -> None:
        init(config)
        sources = store.read_now(policies.load_newest)
        assert sources
        for name, content in sources.files.items():
            (config / name).write_text(content)
        self._env = {"MAILBOT_CONFIG": str(config), "MAILBOT_STORE": store.url}

    def __call__(self, *words: str) -> Any:
        return json.loads(CliRunner().invoke(cli, [*words, "--json"], env=self._env).stdout)


def without(shape: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if name not in names}


def facts_of(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the output of `ticket show` without what depends on the clock and without new fields."""
    evidence = ("because", "clues", "claims", "suggests")
    return {
        **without(shown, "deadline", "deadlines", "reply_to", *NEW_TICKET_FIELDS),
        "events": [
            [each["kind"], each["at"], each["by"], reason_of(each["data"]) or None]
            for each in shown["events"]
        ],
        "messages": [
            {
                **without(each, "text", "attachments", *NEW_FIELDS),
                "evidence": {name: each["evidence"].get(name) or None for name in evidence},
            }
            for each in shown["messages"]
        ],
        "outbox": [[each[name] for name in ("id", "kind", "state", "reason")] for each in shown["outbox"]],
    }


def reason_of(data: dict[str, Any]) -> str | None:
    """Return why it happened, under the key that the old version gave it; for a notice, what it is about."""
    if "why" in data:
        return data["reason"] or data["why"]
    return next((data[key] for key in ("because", "reason", "evidence") if key in data), None)


LANGUAGES = {"id": "Indonesian", "en": "English"}  # the old version gave their codes


def named(reason: str | None) -> str | None:
    """Return a reason with the name of the language in it."""
    return (
        re.sub(r"the language (id|en)\b", lambda found: f"the language {LANGUAGES[found[1]]}", reason or "")
        or None
    )


def translated(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the output of the old version in the kinds and words of this one."""
    events = [[EVENTS[kind][0], at, by, named(reason)] for kind, at, by, reason in shown["events"]]
    messages = [
        {
            **each,
            "evidence": {
                name: each["evidence"].get(name) or None
                for name in ("because", "clues", "claims", "suggests")
            },
        }
        for each in shown["messages"]
    ]
    return {**without(shown, "deadlines"), "events": events, "messages": messages}
