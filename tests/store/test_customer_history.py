"""What rules may ask of a customer: from the rows now, from the events as of then."""

from dataclasses import replace
from datetime import timedelta

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Authentication, CustomerHistory, Ticket
from mailbot.store import customer_history, tickets
from mailbot.store.store import Store
from tests.builders import NOW, NUMBER, RINA, envelope, facts, mail, policy
from tests.store.test_tickets import outcome, record

BUDI, SITI = "budi@pelanggan.example", "siti@pelanggan.example"
DAY = timedelta(days=1)


def opened(store: Store, number: str, at_day: int = 0, customer: str = BUDI) -> Ticket:
    written = mail(sender=customer, message_id=f"<{number}@x.example>")
    at = NOW + at_day * DAY
    decision = on_mail(None, written, envelope(), facts(number=number), policy(), at).decision
    return kept(store, None, decision)


def commanded(store: Store, ticket: Ticket, command: c.Command, at_day: int) -> Ticket:
    decision = on_command(ticket, command, Actor.agent(RINA.address), policy(), NOW + at_day * DAY)
    assert isinstance(decision, Decision)
    return kept(store, ticket, decision)


def kept(store: Store, before: Ticket | None, decision: Decision) -> Ticket:
    record(store, outcome(before, decision))
    return decision.ticket


def known(**told: object) -> CustomerHistory:
    return replace(CustomerHistory(looked_up=True), **told)  # type: ignore[arg-type]


def now(store: Store, at_day: int, customer: str = BUDI) -> CustomerHistory:
    return store.read_now(customer_history.load, [customer, "nobody@x.example"], NOW + at_day * DAY)[customer]


def then(store: Store, at_day: float, **besides: str) -> CustomerHistory:
    with store.engine.connect() as connection:
        return customer_history.load_as_of(connection, BUDI, NOW + at_day * DAY, **besides)


def test_nothing_is_known_of_a_stranger(store: Store) -> None:
    opened(store, "TOKO-1", customer=SITI)
    assert now(store, 1) == then(store, 1) == known()
    assert store.read_now(customer_history.load, [], NOW) == {}


def test_open_tickets_are_those_of_the_customer_that_are_neither_closed_nor_merged(store: Store) -> None:
    one = opened(store, "TOKO-1", 0)
    opened(store, "TOKO-2", 2)
    opened(store, "TOKO-3", 3, SITI)
    commanded(store, one, c.Close("done"), 4)

    assert now(store, 5) == then(store, 5) == known(known_customer=True, open_tickets=1)
    assert now(store, 5, SITI) == known(known_customer=True, open_tickets=1)
    assert then(store, 3.5) == known(known_customer=True, open_tickets=2)
    assert then(store, 3.5, besides="TOKO-2") == known(known_customer=True, open_tickets=1)
    assert then(store, 1) == known(known_customer=True, open_tickets=1)
    assert then(store, 0) == known()  # the moment of the first mail itself


def test_a_ticket_that_was_opened_again_is_open(store: Store) -> None:
    closed = commanded(store, opened(store, NUMBER), c.Close("done"), 1)
    again = on_mail(closed, mail(), envelope(), facts(), policy(), NOW + 2 * DAY).decision
    kept(store, closed, again)

    assert now(store, 3) == then(store, 3) == known(known_customer=True, open_tickets=1)
    assert then(store, 1.5) == known(known_customer=True)


def test_an_escalation_counts_for_ninety_days(store: Store) -> None:
    commanded(store, opened(store, "TOKO-1"), c.Escalate("L2", "urgent"), 1)

    for day in (2, 91):
        assert (
            now(store, day)
            == then(store, day)
            == known(known_customer=True, open_tickets=1, escalated_before=True)
        )
    assert now(store, 92) == then(store, 92) == known(known_customer=True, open_tickets=1)
    assert not then(store, 0.5).escalated_before
    assert not now(store, 2, SITI).escalated_before


def test_a_replay_uses_the_recorded_history_and_computes_the_rest_for_that_time(store: Store) -> None:
    opened(store, "TOKO-1", 0)
    opened(store, "TOKO-2", 3)
    recorded = CustomerHistory(reopened=True, authentication=Authentication.PASS)
    looked_up = replace(recorded, open_tickets=7, looked_up=True)

    with store.engine.connect() as connection:

        def told(said: CustomerHistory | None) -> CustomerHistory:
            return customer_history.recalled(connection, BUDI, "TOKO-2", NOW + 3 * DAY, said)

        assert told(looked_up) == looked_up
        assert told(recorded) == replace(recorded, known_customer=True, open_tickets=1, looked_up=True)
        assert told(None) == known(known_customer=True, open_tickets=1)


def test_customer_history_is_read_back_with_the_event(store: Store) -> None:
    told = known(known_customer=True, open_tickets=2, authentication=Authentication.PASS)
    decision = on_mail(
        None,
        mail(authentication=Authentication.PASS),
        envelope(),
        facts(customer_history=told),
        policy(),
        NOW,
    ).decision
    kept(store, None, decision)
    events = [each.event for each in store.read_now(tickets.events_of, NUMBER)]
    assert told in [getattr(event, "customer_history", None) for event in events]


def test_the_spellings_of_one_box_are_one_customer(store: Store) -> None:
    opened(store, "TOKO-1", 0, customer="b.u.d.i+toko@googlemail.com")
    opened(store, "TOKO-2", 1, customer="budi@gmail.com")
    opened(store, "TOKO-3", 1, customer="budi@lain.example")

    assert now(store, 2, "Bu.Di@gmail.com").open_tickets == 2
    assert now(store, 2, "budi+x@lain.example").open_tickets == 1
    with store.engine.connect() as connection:
        assert customer_history.load_as_of(connection, "budi+y@gmail.com", NOW + 2 * DAY).open_tickets == 2
        languages = tickets.languages_of(connection, {"budi+z@gmail.com", "siapa@x.example"})
    assert set(languages) == {"budi+z@gmail.com"}
