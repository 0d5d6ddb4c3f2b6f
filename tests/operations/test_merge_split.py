"""Strangers, slips and mail on the wrong ticket: from the wire's bytes to the rows, on both engines."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from mailbot.domain import commands as c
from mailbot.domain.merging.operations import Changes
from mailbot.domain.model import Role, Status, Target, Ticket
from mailbot.domain.reasons import Refusal
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.store import deadlines, queries, tickets
from mailbot.store.codec import reason_of
from mailbot.store.lists import ticket_list
from mailbot.store.schema import events, inbox, messages, participants
from mailbot.store.store import Store
from tests.builders import BOX, EKO, RINA
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, KEYS, Desk

ASING = "asing@lain.example"
OPERATOR = EKO


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def do(desk: Desk, number: str, command: c.Join) -> Changes:
    changes = join(desk.store, desk.runtime, MergeCommand(number, command, OPERATOR, desk.clock))
    assert changes is not None
    assert not isinstance(changes, Refusal), changes
    return changes


def refused(desk: Desk, number: str, command: c.Join) -> str:
    answer = join(desk.store, desk.runtime, MergeCommand(number, command, OPERATOR, desk.clock))
    assert isinstance(answer, Refusal)
    return str(answer)


def rows(desk: Desk, number: str) -> list[Any]:
    return desk.all(select(messages).where(messages.c.ticket == number).order_by(messages.c.id))


def opened(desk: Desk, ticket: Ticket) -> dict[str, Any]:
    query = select(events.c.data).where(events.c.kind == "ticket_opened", events.c.ticket == ticket.number)
    data: dict[str, Any] = desk.one(query).data
    return data


def now(desk: Desk, number: str) -> Ticket:
    return desk.store.read_now(tickets.load, [number])[number]


def linked(desk: Desk, number: str) -> list[tuple[str, str, str, bool]]:
    found = desk.store.read_now(queries.links_of, number)
    return [(each.ticket, each.kind, each.other, each.now) for each in found]


def mistyped(number: str, position: int = -3) -> str:
    """Return the number with one wrong digit."""
    wrong = str((int(number[position]) + 1) % 10)
    return f"{number[:position]}{wrong}{number[position + 1 :]}"


# --- clues ------------------------------------------------------------------------------------------------


async def test_the_clues_and_why_they_did_not_count_are_kept_on_the_message(desk: Desk) -> None:
    first = await desk.receive()
    theirs = await desk.receive(
        sender=ASING, Subject=f"Re: [{first.number}] {mistyped(first.number)}", In_Reply_To="<1@x.example>"
    )
    (row,) = rows(desk, theirs.number)

    assert (row.evidence["confidence"], row.evidence["claims"]) == ("claim", first.number)
    assert [(each["kind"], each["named"], each["counted"]) for each in row.evidence["clues"]] == [
        ("known_message_id", first.number, False),
        ("number_in_subject", first.number, False),
        ("mistyped_number", mistyped(first.number), False),
    ]
    assert row.evidence["clues"][0]["reason"]["code"] == "sender_not_participant"
    assert row.evidence["clues"][2]["reason"]["code"] == "wrong_check_digit"


@pytest.mark.parametrize(
    ("how", "sure"), [("tag", "certain"), ("Message-ID", "strong"), ("number", "number"), ("", "none")]
)
async def test_the_message_shows_how_certain_the_match_is(desk: Desk, how: str, sure: str) -> None:
    first = await desk.receive()
    mail = {
        "tag": {"to": KEYS.reply_address(BOX.address, first.number, BUDI)},
        "Message-ID": {"References": "<1@x.example>"},
        "number": {"Subject": f"Re: {first.number}"},
        "": {},
    }[how]
    again = await desk.receive(**mail)

    assert rows(desk, again.number)[-1].evidence["confidence"] == sure


# --- suggested numbers ------------------------------------------------------------------------------------


async def test_a_slip_in_the_own_number_opens_a_ticket_that_suggests_it_to_the_agent(desk: Desk) -> None:
    first = await desk.receive()
    again = await desk.receive(Subject=f"Re: {mistyped(first.number)}")

    assert again.number != first.number
    assert opened(desk, again)["suggests"] == first.number
    assert linked(desk, first.number) == [(again.number, "suggests", first.number, True)]
    notice = next(desk.content(row) for row in desk.outbox_rows("team") if row.ticket == again.number)
    assert first.number in notice.get_body(("plain",)).get_content()
    (acknowledgement,) = [row for row in desk.outbox_rows("acknowledgement") if row.ticket == again.number]
    assert first.number not in desk.content(acknowledgement).as_string()


@pytest.mark.parametrize("who", ["a stranger", "the customer of a closed one", "who has two that are near"])
async def test_a_slip_suggests_nothing_to(desk: Desk, who: str) -> None:
    first = await desk.receive()
    typed = mistyped(first.number)
    if who == "the customer of a closed one":
        closed = replace(first, status=Status.CLOSED)
        with desk.store.engine.begin() as connection:
            connection.execute(update(tickets.tickets).values(status=closed.status.value))
    elif who == "who has two that are near":
        near = mistyped(typed, -4)
        with desk.store.engine.begin() as connection:
            row = dict(connection.execute(select(tickets.tickets)).one()._mapping)
            connection.execute(insert(tickets.tickets), {**row, "number": near})
            row = {"ticket": near, "address": BUDI, "role": Role.PARTICIPANT}
            connection.execute(insert(participants), row)
    again = await desk.receive(sender=ASING if who == "a stranger" else BUDI, Subject=f"Re: {typed}")

    assert opened(desk, again)["suggests"] == ""


async def test_a_stranger_who_guesses_a_number_gets_the_same_answer_as_other_customers(desk: Desk) -> None:
    first = await desk.receive()
    guesses = {
        "valid": f"Re: [{first.number}]",
        "slip": f"Re: [{mistyped(first.number)}]",
        "nothing": "Halo",
    }
    words = {}
    for name, subject in guesses.items():
        theirs = await desk.receive(sender=f"{name}@lain.example", Subject=subject)
        (row,) = [row for row in desk.outbox_rows("acknowledgement") if row.ticket == theirs.number]
        plain = desk.content(row).get_body(("plain",)).get_content()
        words[name] = plain.replace(theirs.number, "N")

    assert words["valid"] == words["slip"] == words["nothing"]


# --- held mail --------------------------------------------------------------------------------------------


def targets(ticket: Ticket) -> list[Target]:
    return [clock.target for clock in ticket.clocks]


async def holding(store: Store) -> tuple[Desk, Ticket, Ticket]:
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, strangers="hold")})
    first = await desk.receive()
    theirs = await desk.receive(sender=ASING, Subject=f"Re: [{first.number}]", body="Ini saya juga.")
    return desk, first, theirs


async def test_a_held_mail_has_its_own_acknowledged_ticket_and_touches_nothing_of_the_named_one(
    store: Store,
) -> None:
    desk, first, theirs = await holding(store)
    nobody = await desk.receive(sender="siti@lain.example", Subject="Halo")

    assert (theirs.held_for, targets(theirs)) == (first.number, [Target.REPEAT])
    assert now(desk, first.number) == first
    armed = desk.store.read_now(ticket_list.deadline, theirs.number)
    assert armed is not None
    assert armed.target == "repeat"
    mails = {row.ticket: desk.content(row) for row in desk.outbox_rows("acknowledgement")}
    bodies = [
        mails[ticket.number].get_body(("plain",)).get_content().replace(ticket.number, "N")
        for ticket in (theirs, nobody)
    ]
    assert bodies[0] == bodies[1]
    (notice,) = [desk.content(row) for row in desk.outbox_rows("team") if row.ticket == theirs.number]
    assert str(notice["To"]) == first.assignee
    assert f"mailbot ticket accept {theirs.number}" in notice.get_body(("plain",)).get_content()


async def test_accepting_threads_it_and_what_they_write_later_and_unmerging_undoes_it(store: Store) -> None:
    desk, first, theirs = await holding(store)
    do(desk, theirs.number, c.Accept())
    later = await desk.receive(sender=ASING, Subject=f"Re: [{theirs.number}]")
    by_known_id = await desk.receive(sender=ASING, References="<2@x.example>")

    assert [row.author for row in rows(desk, first.number)] == [BUDI, ASING, ASING, ASING]
    assert (later.number, by_known_id.number) == (first.number, first.number)
    assert rows(desk, first.number)[2].evidence["followed"] == [theirs.number]
    do(desk, theirs.number, c.Unmerge())
    again = now(desk, theirs.number)
    assert (again.status, again.held_for) == (Status.NEW, first.number)
    assert targets(again) == [Target.REPEAT]
    assert desk.store.read_now(tickets.participants_of, [first.number]) == {first.number: {BUDI}}


async def test_accept_also_takes_a_claim_that_was_not_held(desk: Desk) -> None:
    first = await desk.receive()
    theirs = await desk.receive(sender=ASING, Subject=f"Re: [{first.number}]")
    do(desk, theirs.number, c.Accept())

    assert [row.author for row in rows(desk, first.number)] == [BUDI, ASING]
    assert linked(desk, first.number) == [
        (theirs.number, "claims", first.number, True),
        (theirs.number, "merged_into", first.number, True),
    ]


async def test_a_claim_on_a_merged_ticket_is_accepted_on_its_merge_target(store: Store) -> None:
    desk, first, theirs = await holding(store)
    merge_target = await desk.receive(Subject="Lain")
    do(desk, first.number, c.Merge(merge_target.number))
    do(desk, theirs.number, c.Accept())

    assert [row.author for row in rows(desk, merge_target.number)] == [BUDI, ASING, BUDI]


# --- moving, merging, splitting ---------------------------------------------------------------------------


def everything(desk: Desk, *numbers: str) -> Any:
    """Read all rows about tickets except their history."""
    kept = {number: replace(now(desk, number), events=0) for number in numbers}
    where = desk.all(select(messages.c.id, messages.c.ticket).order_by(messages.c.id))
    raw = desk.all(select(inbox.c.id, inbox.c.ticket).order_by(inbox.c.id))
    due = {number: desk.store.read_now(ticket_list.deadline, number) for number in numbers}
    parts = desk.store.read_now(tickets.participants_of, numbers)
    return kept, where, raw, due, parts


async def two(desk: Desk) -> tuple[str, str]:
    first, second = await desk.receive(), await desk.receive(Subject="Lain")
    await desk.receive(Subject=f"Re: {first.number}")
    desk.clock += timedelta(minutes=10)
    return first.number, second.number


@pytest.mark.parametrize("kind", ["move", "merge", "split"])
async def test_what_is_done_is_undone_to_the_last_row(desk: Desk, kind: str) -> None:
    a, b = await two(desk)
    message = rows(desk, a)[-1].id
    before = everything(desk, a, b)
    there: tuple[str, c.Join] = {
        "move": ("", c.MoveMessage(message, b)),
        "merge": (a, c.Merge(b)),
        "split": (a, c.Split((message,))),
    }[kind]
    changes = do(desk, *there)
    desk.clock += timedelta(hours=2)
    assert everything(desk, a, b) != before
    back: tuple[str, c.Join] = {
        "move": ("", c.MoveMessage(message, a)),
        "merge": (a, c.Unmerge()),
        "split": (changes[1].decision.ticket.number, c.Merge(a)),
    }[kind]
    do(desk, *back)

    assert everything(desk, a, b) == before


async def test_a_merged_ticket_has_no_deadline_and_its_mail_goes_on_to_the_end_of_the_chain(
    desk: Desk,
) -> None:
    a, b = await two(desk)
    third = (await desk.receive(Subject="Ketiga")).number
    do(desk, a, c.Merge(b))
    do(desk, b, c.Merge(third))
    (signed,) = [row.message_id for row in desk.outbox_rows("acknowledgement") if row.ticket == a]

    assert desk.store.read_now(deadlines.due, desk.clock + timedelta(days=99), 10)[0].ticket == third
    for headers in ({"Subject": f"Re: {a}"}, {"In_Reply_To": signed}, {"References": "<1@x.example>"}):
        assert (await desk.receive(**headers)).number == third
    assert [row.ticket for row in desk.all(select(messages))] == [third] * 7
    assert linked(desk, third) == [(b, "merged_into", third, True)]
    listed = desk.store.read_now(
        ticket_list.list_tickets, ticket_list.TicketFilter(statuses=["new", "open", "waiting"])
    )
    assert [each.ticket.number for each in listed] == [third]


async def test_an_agents_reply_to_a_notice_of_a_merged_ticket_answers_from_the_merge_target(
    desk: Desk,
) -> None:
    a, b = await two(desk)
    do(desk, a, c.Merge(b))
    tag = KEYS.reply_address(BOX.address, a, RINA.address)
    answered = await desk.receive(sender=RINA.address, to=tag, peer=AGENTS_NETWORK, body="Sudah kami kirim.")

    (answer,) = desk.outbox_rows("answer")
    assert (answered.number, answered.status, answer.recipient) == (b, Status.OPEN, BUDI)
    assert f"[{b}]" in desk.content(answer)["Subject"]


async def test_an_agents_reply_meant_for_one_customer_does_not_leave_for_another(desk: Desk) -> None:
    a = (await desk.receive()).number
    b = (await desk.receive(sender="siti@lain.example")).number
    assert "can reach another" in refused(desk, a, c.Merge(b))
    do(desk, a, c.Merge(b, other_customer=True))
    tag = KEYS.reply_address(BOX.address, a, RINA.address)
    held = await desk.receive(sender=RINA.address, to=tag, peer=AGENTS_NETWORK, body="Saldo Bapak 1.200.000")

    assert held.number == b
    assert desk.outbox_rows("answer") == []
    assert rows(desk, b)[-1].direction == "note"
    (refusal,) = desk.outbox_rows("refusal")
    assert refusal.recipient == RINA.address


async def test_what_is_split_off_has_one_acknowledgement_outcome_and_a_number_of_its_own(desk: Desk) -> None:
    a, _ = await two(desk)
    changes = do(desk, a, c.Split((rows(desk, a)[-1].id,)))
    new = changes[1].decision.ticket

    (outcome,) = [row for row in desk.outbox_rows("acknowledgement") if row.ticket == new.number]
    assert (outcome.state, str(reason_of(outcome.reason))) == ("suppressed", f"split from {a}")
    assert linked(desk, new.number) == [(new.number, "split_from", a, True)]
    assert (await desk.receive(Subject=f"Re: {new.number}")).number == new.number


async def test_a_ticket_that_changed_during_a_decision_is_decided_again(desk: Desk) -> None:
    a, b = await two(desk)
    with desk.store.engine.begin() as connection:
        seen = tickets.load(connection, [b])[b]
    do(desk, a, c.Merge(b))
    outcome = tickets.TicketChange(seen, replace(seen, events=seen.events + 1), (), "v1", None)

    with pytest.raises(tickets.Outdated), desk.store.engine.begin() as connection:
        tickets.record(connection, [outcome])
    gone = tickets.TicketChange(now(desk, b), now(desk, b), (), "v1", None, came=((1, a),))
    with pytest.raises(tickets.Outdated), desk.store.engine.begin() as connection:
        tickets.record(connection, [gone])


async def test_a_late_reply_opens_a_ticket_that_is_linked_both_ways(desk: Desk) -> None:
    from mailbot.domain.commands.carry_out import on_command
    from mailbot.domain.lifecycle import Decision
    from mailbot.workers import outbox_rows
    from mailbot.workers.ticket_context import Draft

    first = await desk.receive()
    decision = on_command(first, c.Close(), OPERATOR, desk.runtime.policy, desk.clock)
    assert isinstance(decision, Decision)
    with desk.store.engine.begin() as connection:
        drafts = [Draft(first, decision)]
        changes = outbox_rows.build_all(connection, drafts, desk.runtime.snapshot, desk.clock)
        tickets.record(connection, changes)
    desk.clock += timedelta(days=15)
    second = await desk.receive(Subject=f"Re: {first.number}")

    assert second.number != first.number
    both = [(second.number, "follows", first.number, True)]
    assert linked(desk, first.number) == linked(desk, second.number) == both


async def test_two_nodes_that_merge_two_tickets_into_each_other_make_no_circle(desk: Desk) -> None:
    pairs = [await two(desk) for _ in range(5)]
    answers: list[Changes | str | None] = []

    def merge(a: str, b: str) -> None:
        answers.append(join(desk.store, desk.runtime, MergeCommand(a, c.Merge(b), OPERATOR, desk.clock)))

    for a, b in pairs:
        nodes = [threading.Thread(target=merge, args=each) for each in ((a, b), (b, a))]
        for node in nodes:
            node.start()
        for node in nodes:
            node.join()

    assert len(answers) == 10
    assert sum(isinstance(each, Refusal) and "already" in str(each) for each in answers) == 5
    for a, b in pairs:
        assert {now(desk, a).merged_into, now(desk, b).merged_into} in ({None, a}, {None, b})


async def test_mail_that_comes_while_its_ticket_is_merged_is_on_one_of_the_two(desk: Desk) -> None:
    a, b = await two(desk)
    ids = [await desk.keep(Subject=f"Re: {a}") for _ in range(30)]
    node = threading.Thread(target=lambda: do(desk, a, c.Merge(b)))
    node.start()
    await desk.work()
    node.join()

    assert {desk.ticket_of(id_).number for id_ in ids} == {b}
    assert now(desk, a).merged_into == b
    assert rows(desk, a) == []
