"""The ledger: nothing in it is changed or taken away, and what was changed past the database is seen."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mailbot.domain.actor import Actor
from mailbot.domain.compensation.authority import windows
from mailbot.domain.compensation.requests import Entry, Kind
from mailbot.domain.decisions import on_mail
from mailbot.domain.events import IdentityLinked
from mailbot.domain.routing.money import Money
from mailbot.store import compensations, migrate, tickets
from mailbot.store.channels import identities
from mailbot.store.store import Store
from mailbot.store.tickets import Outdated, TicketChange
from tests import empty_store
from tests.builders import EKO, NOW, NUMBER, envelope, facts, mail, policy

BUDI = "budi@pelanggan.example"


@pytest.fixture(params=["migrated", "created"])
def ledger(request: pytest.FixtureRequest, store_url: str) -> Iterator[Store]:
    """Build a store with one ticket; migrations and tables both protect the ledger from changes."""
    make = migrate.upgrade if request.param == "migrated" else empty_store.with_tables
    make(store_url)
    store = Store(store_url)
    decision = on_mail(None, mail(), envelope(), facts(number=NUMBER), policy(), NOW).decision
    with store.engine.begin() as connection:
        tickets.record(connection, [TicketChange(None, decision.ticket, decision.events, "v1", None)])
    yield store
    store.close()


def entry(kind: Kind, request: int, amount: int = 100, **changes: Any) -> Entry:
    plain: dict[str, Any] = {
        "at": NOW, "ticket": NUMBER, "customer": BUDI, "category": "general", "team": "frontline",
        "by": EKO, "agent": "rina@tim.example", "level": "L1", **changes,
    }  # fmt: skip
    return Entry(kind=kind, request=request, amount=Money(Decimal(amount)), **plain)


def add(store: Store, *entries: Entry) -> None:
    with store.engine.begin() as connection:
        compensations.lock(connection)
        compensations.append(connection, entries)


def grant(store: Store, request: int, **changes: Any) -> None:
    add(store, *(entry(kind, request, **changes) for kind in (Kind.ASKED, Kind.APPROVED, Kind.GRANTED)))


@pytest.mark.parametrize("statement", ["UPDATE compensations SET amount = 1", "DELETE FROM compensations"])
def test_the_database_refuses_to_change_or_delete_a_line(ledger: Store, statement: str) -> None:
    grant(ledger, 1)
    with pytest.raises(DBAPIError, match="only ever added to"), ledger.engine.begin() as connection:
        connection.execute(text(statement))
    assert len(ledger.read_now(compensations.entries)) == 3


def test_a_line_that_was_changed_past_the_database_is_found(store: Store) -> None:
    decision = on_mail(None, mail(), envelope(), facts(number=NUMBER), policy(), NOW).decision
    with store.engine.begin() as connection:
        tickets.record(connection, [TicketChange(None, decision.ticket, decision.events, "v1", None)])
    grant(store, 1)
    grant(store, 4)
    assert store.read_now(compensations.first_fault) is None
    off = (
        "DROP TRIGGER compensations_no_update"
        if store.sqlite
        else "ALTER TABLE compensations DISABLE TRIGGER ALL"
    )
    with store.engine.begin() as connection:
        connection.execute(text(off))
        connection.execute(text("UPDATE compensations SET amount = 99 WHERE id = 3"))
    assert store.read_now(compensations.first_fault) == 3


def test_a_request_is_decided_once_whoever_tries(ledger: Store) -> None:
    grant(ledger, 1)
    with pytest.raises(DBAPIError, match=r"(?i)unique"):
        add(ledger, entry(Kind.REFUSED, 1))


def test_a_request_gets_the_number_that_was_decided_or_nothing_is_added(ledger: Store) -> None:
    with pytest.raises(Outdated):
        add(ledger, entry(Kind.ASKED, 5))
    assert ledger.read_now(compensations.entries) == []


def test_what_counts_is_what_was_granted_within_each_window(ledger: Store) -> None:
    month = NOW.replace(day=1, hour=0)
    grant(ledger, 1, at=NOW - timedelta(days=90), amount=1)  # just outside of any 90 days with now
    grant(ledger, 4, at=NOW - timedelta(days=90) + timedelta(microseconds=1), amount=2)
    grant(ledger, 7, at=month - timedelta(microseconds=1), amount=4)
    grant(ledger, 10, at=month, amount=8)
    grant(ledger, 13, at=NOW.replace(hour=0), amount=16, second="sari@tim.example")
    grant(ledger, 16, at=NOW.replace(hour=0), amount=32, team="payments", customer="x@y.example")
    grant(ledger, 19, at=NOW + timedelta(days=1), amount=64)  # by a node whose clock is ahead
    add(ledger, entry(Kind.ASKED, 22, 128))

    def read(connection: Any) -> Any:
        ticket = tickets.load(connection, [NUMBER])[NUMBER]
        return compensations.facts(connection, ticket, windows(policy(), NOW))

    found = ledger.write_now(lambda c, items: [read(c) for _ in items], None)
    assert (found.next_id, [each.id for each in found.requests]) == (23, [22])
    assert int(found.spent.ticket.amount) == 127
    assert int(found.spent.customers[BUDI].amount) == 2 + 4 + 8 + 16 + 64
    assert int(found.spent.team.amount) == 8 + 16 + 64
    assert {name: int(each.amount) for name, each in found.spent.agents.items()} == {
        "rina@tim.example": 48,
        "sari@tim.example": 16,
    }


def test_what_went_to_a_linked_identity_counts_for_the_customer(ledger: Store) -> None:
    grant(ledger, 1, amount=1)
    grant(ledger, 4, amount=2, customer="telegram:4711")
    grant(ledger, 7, amount=4, customer="whatsapp:+62811")

    def read(connection: Any) -> int:
        ticket = tickets.load(connection, [NUMBER])[NUMBER]
        spent = compensations.facts(connection, ticket, windows(policy(), NOW)).spent
        return int(spent.customers[BUDI].amount)

    assert ledger.read_now(read) == 1
    with ledger.engine.begin() as connection:
        identities.record(
            connection, IdentityLinked(NOW, Actor.agent("rina@tim.example"), "telegram:4711", BUDI)
        )
    assert ledger.read_now(read) == 3


def test_lines_come_back_as_they_were_within_a_stretch_of_time(ledger: Store) -> None:
    grant(ledger, 1, at=NOW - timedelta(days=2), because="rusak")
    grant(ledger, 4)
    lines = ledger.read_now(compensations.entries, NOW - timedelta(days=1), NOW + timedelta(seconds=1))
    assert [(each.id, each.entry.kind.value) for each in lines] == [
        (4, "asked"),
        (5, "approved"),
        (6, "granted"),
    ]
    first = ledger.read_now(compensations.entries, None, NOW)
    assert [each.entry for each in first] == [
        entry(kind, 1, at=NOW - timedelta(days=2), because="rusak")
        for kind in (Kind.ASKED, Kind.APPROVED, Kind.GRANTED)
    ]
