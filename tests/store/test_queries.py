"""What people and /metrics ask of the store, on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, insert, update

from mailbot.domain import ladder
from mailbot.domain.commands import AddNote, Close
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Attachment, Ticket
from mailbot.domain.search.query import parse
from mailbot.domain.ticket_number import make
from mailbot.store import inbox, queries, tickets
from mailbot.store.lists import ticket_list
from mailbot.store.schema import deadlines, outbox
from mailbot.store.schema import nodes as nodes_table
from mailbot.store.search import find
from mailbot.store.service import nodes, signing_secrets
from mailbot.store.store import Store
from mailbot.store.tickets import Message, TicketChange
from tests.builders import EKO, NOW, NUMBER, envelope, facts, mail, policy

OTHER = make("TOKO", "11112222")


def opened(number: str = NUMBER, later: timedelta = timedelta(), **changes: object) -> Decision:
    at = NOW + later
    return on_mail(None, mail(**changes), envelope(), facts(number=number), policy(), at).decision


def record(store: Store, before: Ticket | None, decision: Decision, message: Message | None = None) -> None:
    done = TicketChange(
        before=before,
        after=decision.ticket,
        events=decision.events,
        policy="v1",
        deadline=ladder.next_deadline(decision.ticket, policy()),
        message=message,
        participants=((decision.ticket.customer, "customer"),),
    )
    with store.engine.begin() as connection:
        tickets.record(connection, [done])


def said(text: str, *, at_minute: int = 0, **changes: object) -> Message:
    fields = {
        "direction": "in",
        "author": "budi@pelanggan.example",
        "subject": "",
        "text": text,
        "visible": text,
    }
    return Message(NOW + timedelta(minutes=at_minute), **{**fields, **changes})


def keep(store: Store, mark: str, minutes: int = 0) -> int:
    at = NOW + timedelta(minutes=minutes)
    kept = inbox.ReceivedMail(mark, envelope(received_at=at), b"Subject: x\r\n\r\n" + mark.encode())
    return store.write_now(inbox.keep, kept).inbox_id


def listed(store: Store, **wanted: object) -> list[str]:
    return [
        each.ticket.number
        for each in store.read_now(ticket_list.list_tickets, ticket_list.TicketFilter(**wanted))
    ]


def test_a_ticket_is_found_by_its_number_alone(store: Store) -> None:
    decision = opened()
    record(store, None, decision)

    assert store.read_now(queries.ticket, NUMBER) == decision.ticket
    assert store.read_now(queries.ticket, OTHER) is None


def test_a_list_holds_the_newest_first_each_with_its_next_deadline(store: Store) -> None:
    record(store, None, opened())
    record(store, None, opened(OTHER, timedelta(minutes=5)))

    found = store.read_now(ticket_list.list_tickets, ticket_list.TicketFilter())
    assert [each.ticket.number for each in found] == [OTHER, NUMBER]
    assert found[1].deadline == ticket_list.TicketDeadline(
        NOW + timedelta(minutes=30), "first_response", 0, "armed", None
    )


def test_a_list_takes_only_what_was_asked_for(store: Store) -> None:
    record(store, None, opened())
    paid = opened(OTHER, subject="Saldo hilang")
    record(store, None, paid)
    closed = on_command(paid.ticket, Close(), EKO, policy(), NOW)
    assert isinstance(closed, Decision)
    record(store, paid.ticket, closed)

    assert listed(store, statuses=("closed",)) == [OTHER]
    assert listed(store, statuses=("new", "open")) == [NUMBER]
    assert listed(store, team="payments") == [OTHER]
    assert listed(store, assignee="rina@tim.example") == [NUMBER]
    assert listed(store, customer="siapa@pelanggan.example") == []
    assert listed(store, limit=1) != []


@pytest.mark.parametrize(
    "wanted", [{}, {"customer": "budi@pelanggan.example"}, {"assignee": "rina@tim.example"}]
)
def test_pages_of_a_list_hold_each_ticket_once_in_one_order(store: Store, wanted: dict[str, str]) -> None:
    numbers = [make("TOKO", f"1111222{index}") for index in range(7)]
    for index, number in enumerate(numbers):  # some were opened in the same moment
        record(store, None, opened(number, timedelta(minutes=index // 3)))

    whole = listed(store, **wanted)
    assert sorted(whole) == sorted(numbers)
    assert whole[0] == numbers[6]
    pages = [listed(store, **wanted, limit=3, page=page) for page in (1, 2, 3, 4)]
    assert pages == [whole[:3], whole[3:6], whole[6:], []]


def test_the_longest_overdue_comes_first_and_a_parked_deadline_is_no_longer_due(
    store: Store,
) -> None:
    record(store, None, opened(OTHER, timedelta(minutes=1)))
    record(store, None, opened())
    late = NOW + timedelta(hours=2)

    assert listed(store, overdue_at=late) == [NUMBER, OTHER]
    assert listed(store, overdue_at=NOW) == []
    with store.engine.begin() as connection:
        connection.execute(update(deadlines).where(deadlines.c.ticket == NUMBER).values(state="parked"))
    assert listed(store, overdue_at=late) == [OTHER]
    assert store.read_now(queries.overdue, late) == 1
    assert store.read_now(queries.store_status, NOW).parked_deadlines == 1


def test_numbers_that_begin_alike_are_suggested(store: Store) -> None:
    record(store, None, opened())

    assert store.read_now(queries.numbers_like, "TOKO-48217390-") == [NUMBER]
    assert store.read_now(queries.numbers_like, "TOKO-4821739%") == []


def test_messages_come_in_order_with_their_attachments_and_are_cut(store: Store) -> None:
    inbox_id = keep(store, "a")
    photo = Attachment("bukti.png", "image/png", 3, "d" * 64, b"abc")
    record(
        store, None, opened(), said("x" * 50, inbox_id=inbox_id, attachments=(photo,), flags=("html-cut",))
    )
    ticket = store.read_now(queries.ticket, NUMBER)
    assert ticket
    noted = on_command(ticket, AddNote("dicek"), EKO, policy(), NOW)
    assert isinstance(noted, Decision)
    record(store, ticket, noted, said("dicek", direction="note", author="eko", at_minute=1))

    first, second = store.read_now(lambda each: queries.messages_of(each, NUMBER, longest=10))
    assert (first.text, first.length, first.flags) == ("x" * 10, 50, ["html-cut"])
    assert first.attachments == [queries.AttachmentView("bukti.png", "image/png", 3, "d" * 64)]
    assert (second.direction, second.author, second.attachments) == ("note", "eko", ())
    assert store.read_now(queries.participants_of, NUMBER) == [
        queries.Participant("budi@pelanggan.example", "customer")
    ]


def test_events_of_all_tickets_are_read_from_a_moment_on(store: Store) -> None:
    first = opened()
    record(store, None, first)
    record(store, first.ticket, on_deadline(first.ticket, policy(), NOW + timedelta(minutes=30)))

    told = store.read_now(queries.events_since, NOW + timedelta(minutes=1))
    assert {number for number, _ in told} == {NUMBER}
    assert [recorded.seq for _, recorded in told] == list(
        range(first.ticket.events + 1, first.ticket.events + 1 + len(told))
    )


def test_the_inbox_is_listed_and_a_mail_is_found_by_id_and_by_fingerprint(store: Store) -> None:
    one, two = keep(store, "a"), keep(store, "b")
    store.write_now(inbox.park, inbox.Unhandled(one, "ValueError: why"))

    assert [each.id for each in store.read_now(queries.list_inbox)] == [two, one]
    [parked] = store.read_now(lambda each: queries.list_inbox(each, states=["parked"]))
    assert (parked.id, parked.reason, parked.recipients) == (
        one,
        "ValueError: why",
        ["support@dukungan.example"],
    )
    assert (
        store.read_now(queries.find_inbox_entry, one)
        == parked
        == store.read_now(queries.find_inbox_entry, "a")
    )
    assert store.read_now(queries.find_inbox_entry, "c") is None
    assert store.read_now(queries.raw_mail, two) == b"Subject: x\r\n\r\nb"
    assert store.read_now(queries.raw_mail, 999) is None


def test_a_dropped_mail_is_done_keeps_its_bytes_and_can_be_brought_back(store: Store) -> None:
    one = keep(store, "a")
    assert store.write_now(inbox.drop, inbox.Unhandled(one, "junk")) is False  # it is not parked
    store.write_now(inbox.park, inbox.Unhandled(one, "why"))

    assert store.write_now(inbox.drop, inbox.Unhandled(one, "junk")) is True
    dropped = store.read_now(queries.find_inbox_entry, one)
    assert dropped
    assert (dropped.state, dropped.reason, dropped.ticket) == ("done", "junk", None)
    assert store.read_now(queries.raw_mail, one)
    assert store.write_now(inbox.retry, one) is True
    again = store.read_now(queries.find_inbox_entry, one)
    assert again
    assert (again.state, again.reason) == ("new", None)


def test_a_mail_that_is_on_a_ticket_is_never_put_back_in_line(store: Store) -> None:
    one = keep(store, "a")
    store.write_now(inbox.claim, inbox.Claim("node", 10))
    record(store, None, opened())
    with store.engine.begin() as connection:
        inbox.mark_done(connection, [inbox.Done(one, "node", NUMBER)])

    assert store.write_now(inbox.retry, one) is False


def enqueue_mail(connection: Connection, id_: int, state: str, asked_minutes_ago: int) -> None:
    at = NOW - timedelta(minutes=asked_minutes_ago)
    connection.execute(
        insert(outbox).values(
            id=id_, nonce=f"n{id_}", message_id="", ticket=NUMBER, kind="team", lane=2, sender="",
            recipient="rina@tim.example", state=state, requested_at=at, due_at=at,
        )
    )  # fmt: skip


def test_the_figures_show_waiting_mail_and_its_age(store: Store) -> None:
    keep(store, "a", minutes=-7)
    keep(store, "b", minutes=-3)
    store.write_now(inbox.park, inbox.Unhandled(keep(store, "c", minutes=-60), "why"))
    record(store, None, opened(later=timedelta(hours=-2)))
    with store.engine.begin() as connection:
        for id_, (state, minutes) in enumerate(
            [("due", 2), ("deferred", 9), ("dot", 1), ("sent", 99), ("failed", 50), ("suppressed", 70)], 1
        ):
            enqueue_mail(connection, id_, state, minutes)

    standing = store.read_now(queries.store_status, NOW)
    assert standing.inbox == {"new": 2, "parked": 1}
    assert standing.outbox == {"due": 1, "deferred": 1, "sending": 0, "dot": 1, "failed": 1}
    assert standing.overdue_deadlines == 1
    assert standing.oldest == {"inbox": timedelta(minutes=7), "outbox": timedelta(minutes=9)}
    assert store.read_now(queries.last_mail_at) == NOW - timedelta(
        minutes=60
    )  # the newest that came, not by its clock


def test_an_empty_store_has_figures_too(store: Store) -> None:
    standing = store.read_now(queries.store_status, NOW)

    assert set(standing.inbox.values()) | set(standing.outbox.values()) == {0}
    assert (standing.overdue_deadlines, standing.oldest) == (0, {})
    assert store.read_now(queries.last_mail_at) is None
    assert store.read_now(queries.list_nodes) == []
    assert store.read_now(signing_secrets.load) is None


def test_a_daemon_is_alive_by_its_heartbeat(store: Store) -> None:
    node = nodes.Node("n1", "host", 42, "delivery,intake", NOW, "v1")
    store.write_now(nodes.register, node)

    [seen] = store.read_now(queries.list_nodes)
    assert (seen.id, seen.pid, seen.roles, seen.policy) == ("n1", 42, ("delivery", "intake"), "v1")
    assert seen.silent_for < timedelta(seconds=30)
    with store.engine.begin() as connection:
        at = nodes.database_time(connection) - timedelta(minutes=5)
        connection.execute(update(nodes_table).values(seen_at=at))
    [silent] = store.read_now(queries.list_nodes)
    assert timedelta(minutes=5) <= silent.silent_for < timedelta(minutes=6)


def test_reading_the_secret_makes_none_and_finds_the_one_that_was_made(store: Store) -> None:
    made = store.write_now(signing_secrets.create, None)

    found = store.read_now(signing_secrets.load)
    assert found
    assert found.secrets == made.secrets


def test_a_query_sees_one_state_however_many_statements_it_has(store: Store) -> None:
    record(store, None, opened())

    def twice(connection: Connection) -> tuple[int, int]:
        before = len(ticket_list.list_tickets(connection, ticket_list.TicketFilter()))
        record(store, None, opened(OTHER))  # another process writes in between
        return before, len(ticket_list.list_tickets(connection, ticket_list.TicketFilter()))

    assert store.read_now(twice) == (1, 1)
    assert len(listed(store)) == 2


def test_no_view_writes(store: Store) -> None:
    """Check that each statement of a view is a SELECT."""
    sent: list[str] = []
    record(store, None, opened())
    event.listen(store.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    for view, *more in (
        (queries.ticket, NUMBER),
        (ticket_list.list_tickets, ticket_list.TicketFilter(team="x")),
        (find.search, parse("x -y team:z", NOW), find.PageRequest(), NOW),
        (queries.store_status, NOW),
        (queries.list_nodes,),
        (signing_secrets.load,),
        (queries.events_since, NOW),
    ):
        store.read_now(view, *more)

    assert sent
    assert {statement.split()[0] for statement in sent} <= {"SELECT", "BEGIN"}
