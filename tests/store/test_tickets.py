"""Tickets and deadlines: a decision is recorded whole or not at all, and fires once."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Attachment, Ticket
from mailbot.store import deadlines, rate_limits, tickets
from mailbot.store.schema import attachments, contents, messages
from mailbot.store.schema import events as events_table
from mailbot.store.store import Store
from mailbot.store.tickets import Message, Outdated, TicketChange
from tests.builders import NOW, NUMBER, envelope, facts, mail, policy


def opened(number: str = NUMBER, **mail_changes: object) -> Decision:
    return on_mail(None, mail(**mail_changes), envelope(), facts(number=number), policy(), NOW).decision


def outcome(before: Ticket | None, decision: Decision, **changes: object) -> TicketChange:
    fields = {
        "before": before,
        "after": decision.ticket,
        "events": decision.events,
        "policy": "v1",
        "deadline": ladder.next_deadline(decision.ticket, policy()),
        "participants": ((decision.ticket.customer, "customer"),),
    }
    return TicketChange(**{**fields, **changes})


def record(store: Store, *outcomes: TicketChange) -> None:
    with store.engine.begin() as connection:
        tickets.record(connection, outcomes)


def load(store: Store, number: str = NUMBER) -> Ticket:
    return store.read_now(tickets.load, [number])[number]


def test_a_ticket_comes_back_as_it_was_recorded(store: Store) -> None:
    decision = opened(subject="Saldo é 漢字")
    record(store, outcome(None, decision))

    assert load(store) == decision.ticket


def test_events_come_back_as_they_were_in_their_order(store: Store) -> None:
    decision = opened()
    record(store, outcome(None, decision))
    late = on_deadline(decision.ticket, policy(), NOW + timedelta(hours=9))
    record(store, outcome(decision.ticket, late))

    recorded = store.read_now(tickets.events_of, NUMBER)
    assert [each.event for each in recorded] == [*decision.events, *late.events]
    assert [each.seq for each in recorded] == list(range(1, late.ticket.events + 1))


def test_a_decision_on_an_older_state_is_not_recorded(store: Store) -> None:
    decision = opened()
    record(store, outcome(None, decision))
    first = on_deadline(decision.ticket, policy(), NOW + timedelta(minutes=30))
    record(store, outcome(decision.ticket, first))
    before = len(store.read_now(tickets.events_of, NUMBER))

    with pytest.raises(Outdated):
        record(store, outcome(decision.ticket, first))
    assert len(store.read_now(tickets.events_of, NUMBER)) == before


def test_a_number_is_given_once(store: Store) -> None:
    record(store, outcome(None, opened()))
    with pytest.raises(Exception, match=r"(?i)unique"):
        record(store, outcome(None, opened()))

    assert store.read_now(tickets.used_numbers, [NUMBER, "TOKO-00000000-0"]) == {NUMBER}


def test_two_decisions_on_one_new_ticket_are_recorded_together(store: Store) -> None:
    decision = opened()
    late = on_deadline(decision.ticket, policy(), NOW + timedelta(minutes=30))
    record(store, outcome(None, decision), outcome(decision.ticket, late))

    assert load(store) == late.ticket


def test_messages_attachments_and_participants_are_found_again(store: Store) -> None:
    digest = "d" * 64
    twice = (Attachment("a.pdf", "application/pdf", 3, digest, b"pdf"),) * 2
    message = Message(NOW, "in", "budi@pelanggan.example", "s", "t", "t", "<m@x>", 7, attachments=twice)
    from tests.store.test_inbox import kept

    with store.engine.begin() as connection:
        from mailbot.store import inbox

        (receipt,) = inbox.keep(connection, [kept("m")])
        filed = Message(
            **{**{n: getattr(message, n) for n in message.__slots__}, "inbox_id": receipt.inbox_id}
        )
        tickets.record(connection, [outcome(None, opened(), message=filed)])

    def look(connection: Connection) -> tuple[int, int, int]:
        return tuple(len(connection.execute(select(t)).all()) for t in (messages, attachments, contents))

    assert store.read_now(look) == (1, 2, 1)
    assert store.read_now(tickets.tickets_by_message_id, ["<m@x>", "<other>"]) == {"<m@x>": NUMBER}
    assert store.read_now(tickets.participants_of, [NUMBER]) == {NUMBER: {"budi@pelanggan.example"}}


def test_a_customers_last_language_is_remembered(store: Store) -> None:
    record(store, outcome(None, opened()))

    assert store.read_now(tickets.languages_of, ["budi@pelanggan.example", "x@y"]) == {
        "budi@pelanggan.example": "id"
    }


def test_a_deadline_is_due_from_its_moment_on_and_replaced_by_the_next(store: Store) -> None:
    decision = opened()
    record(store, outcome(None, decision))
    moment = NOW + timedelta(minutes=30)

    assert store.read_now(deadlines.due, moment - timedelta(microseconds=1), 10) == []
    assert [due.ticket for due in store.read_now(deadlines.due, moment, 10)] == [NUMBER]
    record(store, outcome(decision.ticket, on_deadline(decision.ticket, policy(), moment)))
    assert store.read_now(deadlines.due, moment, 10) == []
    assert store.read_now(deadlines.next_due_at) == NOW + timedelta(hours=1)


def test_a_parked_deadline_is_not_claimed_until_the_next_decision(store: Store) -> None:
    decision = opened()
    record(store, outcome(None, decision))
    store.write_now(deadlines.park, deadlines.ParkedDeadline(NUMBER, "ValueError"))
    assert store.read_now(deadlines.due, NOW + timedelta(days=9), 10) == []

    record(store, outcome(decision.ticket, on_deadline(decision.ticket, policy(), NOW + timedelta(hours=1))))
    assert len(store.read_now(deadlines.due, NOW + timedelta(days=9), 10)) == 1


def test_four_workers_take_each_step_once(store: Store) -> None:
    numbers = [f"TOKO-{n:08d}-0" for n in range(40)]
    record(store, *(outcome(None, opened(number)) for number in numbers))
    now, failures = NOW + timedelta(minutes=30), []

    def work() -> None:
        try:
            for _ in range(20):
                due = store.read_now(deadlines.due, now, 10)
                if not due:
                    return
                with store.engine.begin() as connection:
                    loaded = tickets.load_free(connection, [each.ticket for each in due])
                    mine = deadlines.still_due(connection, loaded, now)
                    made = [(loaded[d.ticket], on_deadline(loaded[d.ticket], policy(), now)) for d in mine]
                    tickets.record(connection, [outcome(before, made_) for before, made_ in made])
        except Exception as error:  # shown by the assertion below
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert failures == []
    taken = store.read_now(
        lambda c: c.execute(
            select(events_table.c.ticket).where(events_table.c.kind == e.StepTaken.kind)
        ).all()
    )
    assert sorted(row.ticket for row in taken) == numbers


def test_rate_limits_are_kept_until_they_allow_everything_again(store: Store) -> None:
    with store.engine.begin() as connection:
        rate_limits.save(connection, {"a": NOW, "b": NOW + timedelta(days=1)})
        rate_limits.save(connection, {"a": NOW + timedelta(hours=1)})
    assert store.read_now(rate_limits.load, ["a", "b", "c"]) == {
        "a": NOW + timedelta(hours=1),
        "b": NOW + timedelta(days=1),
    }
    with store.engine.begin() as connection:
        assert rate_limits.remove_expired(connection, NOW + timedelta(hours=2)) == 1
