"""One ticket's events and the facts computed from them, compared with results computed by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from mailbot.domain import events as e
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.events import Event
from mailbot.domain.model import Status, Target, Turn
from mailbot.domain.reasons import NO_REASON, written
from mailbot.domain.worktime import ALWAYS
from mailbot.reports.figures.facts import (
    Answered,
    Confirmed,
    Escalated,
    Fact,
    HandedOver,
    Judged,
    Left,
    Opened,
    Promised,
    Returned,
    Scored,
    Stood,
)
from mailbot.reports.figures.ticket_facts import KINDS, facts
from tests.builders import EKO
from tests.reports.figures.lives import (
    BAYU,
    HOUR,
    OFFICE,
    RINA,
    answered,
    assigned,
    at,
    clocks,
    closed,
    opened,
    reopened,
    routed,
    wrote,
)

FIRST, NEXT, WHOLE = Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION
CONFIRMATION, NEWS = Target.CONFIRMATION, Target.PROMISE


def turn(later: float, whose: Turn) -> e.TurnSet:
    return e.TurnSet(at(later), Actor.agent(RINA), whose)


def promised(later: float, until: float) -> e.NewsPromised:
    return e.NewsPromised(at(later), Actor.agent(RINA), at(until))


def facts_of(events: Sequence[Event], *borders: float, kind: type[Fact] | None = None) -> list[Fact]:
    """Compute the facts with the hours of an office, 8 to 17 in Jakarta; frontline never closes."""
    found = facts(
        events, [at(each) for each in borders or (1000,)], lambda t: ALWAYS if t == "frontline" else OFFICE
    )
    return [each for each in found if not kind or isinstance(each, kind)]


def test_times_are_measured_by_the_clock_and_by_the_teams_hours_during_our_turn() -> None:
    life = [opened(), routed(), assigned(0), answered(1.5), wrote(6), answered(23), closed(24)]

    # Monday 10:00 to 11:30; then from 16:00 to Tuesday 9:00, of which one hour each is work.
    assert facts_of(life, kind=Answered) == [
        Answered(at(1.5), "payments", RINA, "first", 1.5 * HOUR, 1.5 * HOUR),
        Answered(at(23), "payments", RINA, "next", 17 * HOUR, 2 * HOUR),
    ]
    assert facts_of(life, kind=Left) == [Left(at(24), "payments", "closed", RINA, 24 * HOUR, 3.5 * HOUR)]
    assert facts_of(life, kind=Opened) == [
        Opened(at(0), "payments", "saldo", "payment", "Saldo belum masuk", ())
    ]


def test_the_time_of_several_mails_counts_from_the_first_that_was_not_answered() -> None:
    life = [opened(), routed(), answered(1), wrote(2), wrote(3), answered(4), answered(5)]

    assert [(each.which, each.wall) for each in facts_of(life, kind=Answered)] == [  # type: ignore[union-attr]
        ("first", HOUR),
        ("next", 2 * HOUR),
        ("more", None),
    ]


def test_an_answer_that_leaves_the_turn_ours_goes_on_with_the_time_and_the_customers_turn_does_not() -> None:
    life = [
        *(opened(), routed(team="frontline"), answered(1, turn=Turn.OURS), turn(2, Turn.CUSTOMER)),
        *(turn(5, Turn.THIRD_PARTY), turn(7, Turn.OURS), closed(8)),
    ]

    assert facts_of(life, kind=Left) == [Left(at(8), "frontline", "closed", "", 8 * HOUR, 5 * HOUR)]
    assert [each.which for each in facts_of(life, kind=Answered)] == ["first"]  # type: ignore[union-attr]


def test_an_answer_before_the_customer_wrote_again_is_one_more() -> None:
    life = [
        opened(),
        routed(),
        answered(1, turn=Turn.OURS),
        answered(2),
        wrote(3),
        turn(4, Turn.CUSTOMER),
        answered(5),
    ]

    assert [(each.which, each.wall) for each in facts_of(life, kind=Answered)] == [  # type: ignore[union-attr]
        ("first", HOUR),
        ("more", None),
        ("next", 2 * HOUR),
    ]


def test_a_changed_mark_names_the_one_that_it_replaces() -> None:
    marks = [e.SatisfactionRated(at(later), CUSTOMER, score) for later, score in ((2, 5), (3, 1), (4, 2))]
    found = facts_of([opened(), routed(), closed(1), *marks], kind=Scored)

    first = Scored(at(2), "payments", "saldo", "L1", 5)
    second = Scored(at(3), "payments", "saldo", "L1", 1)
    assert found == [
        first,
        replace(second, replaces=first),
        Scored(at(4), "payments", "saldo", "L1", 2, replaces=second),
    ]


def test_after_a_hand_over_the_work_time_is_the_new_teams() -> None:
    """Add two hours of payments until 17:00 on Monday and the night of a team that never closes."""
    hand_over = e.TicketHandedOver(at(7), POLICY, "frontline", NO_REASON)
    life = [opened(5), routed(5), hand_over, closed(17)]

    assert facts_of(life, kind=Left) == [Left(at(17), "frontline", "closed", "", 12 * HOUR, 12 * HOUR)]
    assert facts_of(life, kind=HandedOver) == [HandedOver(at(7), "frontline")]


@pytest.mark.parametrize(
    ("life", "outcomes"),
    [
        ([clocks(0, FIRST, WHOLE), answered(1), clocks(1, WHOLE), closed(2)], [(FIRST, True), (WHOLE, True)]),
        (
            [clocks(0, FIRST, WHOLE), e.TargetMissed(at(1), POLICY, FIRST, at(1)), answered(2), closed(3)],
            [(FIRST, False), (WHOLE, False)],
        ),
        ([clocks(0, FIRST), answered(1.01)], [(FIRST, False)]),  # nobody recorded the miss
        ([clocks(0, FIRST), closed(1)], []),  # no answer was needed: neither kept nor broken
        ([clocks(0, FIRST), closed(2)], [(FIRST, False)]),  # but its time was over
        ([clocks(0, NEXT), turn(2, Turn.CUSTOMER), clocks(2)], [(NEXT, False)]),
        ([clocks(0, NEXT), turn(0.5, Turn.CUSTOMER), clocks(0.5), answered(9)], []),
        ([promised(0, 3), answered(3)], [(NEWS, True)]),
        ([promised(0, 3), answered(3.01)], [(NEWS, False)]),
        ([promised(0, 3), promised(2, 5), closed(6)], [(NEWS, True), (NEWS, False)]),
        ([promised(0, 3), e.TargetMissed(at(3), POLICY, NEWS, at(3)), answered(4)], [(NEWS, False)]),
        # "We are checking" leaves the turn ours: the resolution counts from the first mail on.
        (
            [clocks(0, FIRST, WHOLE), answered(0.5, turn=Turn.OURS), clocks(0, WHOLE), closed(2)],
            [(FIRST, True), (WHOLE, False)],
        ),
        ([clocks(0, FIRST), e.TicketMerged(at(1), EKO, "T", ())], []),
        ([answered(1), closed(2)], []),  # nothing was promised
        (
            [clocks(0, WHOLE), closed(1), reopened(2), wrote(2), clocks(2, NEXT, WHOLE), answered(3)],
            [(WHOLE, True), (NEXT, True)],
        ),
        (  # missed by its clock: the event is older than the period that was read
            [clocks(0, WHOLE, missed=[WHOLE]), closed(9)],
            [],
        ),
    ],
)
def test_a_promise_is_kept_missed_or_neither(life: list[Event], outcomes: list[tuple[Target, bool]]) -> None:
    found = facts_of([opened(), routed(), *life], kind=Promised)

    assert [(each.target, each.kept) for each in found] == outcomes  # type: ignore[union-attr]
    assert all(each.priority == "high" for each in found)  # type: ignore[union-attr]


def test_who_confirms_an_escalation_is_timed_and_whom_a_step_relieves_is_not() -> None:
    asked = [opened(), routed(), clocks(1, CONFIRMATION, within=0.5)]
    escalated = e.TicketEscalated(at(1.2), POLICY, "L3", written(written("resolution is due")))

    in_time = [*asked, answered(1.25), clocks(1.25)]
    too_late = [
        *asked,
        clocks(1.5),
        e.TicketEscalated(at(1.5), POLICY, "L3", written(written("not confirmed in time"))),
    ]
    relieved = [*asked, clocks(1.2), escalated]
    assert facts_of(in_time, kind=Confirmed) == [
        Confirmed(at(1.25), "payments", HOUR / 4, HOUR / 4, kept=True)
    ]
    assert facts_of(too_late, kind=Confirmed) == [
        Confirmed(at(1.5), "payments", HOUR / 2, HOUR / 2, kept=False)
    ]
    assert facts_of(relieved, kind=Confirmed) == []


def test_escalations_have_the_rule_the_level_and_whether_a_person_caused_them() -> None:
    life = [
        opened(),
        routed(),
        e.TicketEscalated(at(1), POLICY, "L2", written(written("late"))),
        e.TicketEscalated(at(2), EKO, "L3", written(written("angry"))),
        e.TicketEscalated(at(3), Actor.agent(BAYU), "management", NO_REASON),
    ]

    assert facts_of(life, kind=Escalated) == [
        Escalated(at(1), "payments", "saldo", "L2", manual=False),
        Escalated(at(2), "payments", "saldo", "L3", manual=True),
        Escalated(at(3), "payments", "saldo", "management", manual=True),
    ]


def test_held_mail_counts_for_nothing_until_it_is_released_and_then_from_there() -> None:
    released = e.TicketReleased(at(5), EKO)
    life = [opened(held_for="TOKO-11112222-9"), routed()]

    assert facts_of(life, 3) == []
    assert [type(each) for each in facts_of([*life, closed(1)], 3)] == []
    found = facts_of([*life, released, closed(6)], 3, 10)
    assert [type(each) for each in found] == [Opened, Judged, Left, Stood]
    assert found[2].wall == HOUR  # type: ignore[union-attr]


def test_a_merged_ticket_leaves_and_comes_back_as_it_was() -> None:
    merged = e.TicketMerged(at(2), EKO, "TOKO-11112222-9", (1,))
    apart = [
        e.TicketUnmerged(at(4), EKO, "TOKO-11112222-9", (1,)),
        e.TicketRebuilt(at(4), POLICY, Status.WAITING, at(1), None, "", ()),
    ]
    life = [opened(), routed(), answered(1), merged]

    assert facts_of(life, kind=Left) == [Left(at(2), "payments", "merged", "", None, None)]
    assert facts_of([*life, *apart], kind=Returned) == [Returned(at(4), "payments", "unmerged")]
    closed_one = [opened(), routed(), closed(1), merged, apart[0]]
    as_it_was = e.TicketRebuilt(at(4), POLICY, Status.CLOSED, None, at(1), "", ())
    assert [type(each) for each in facts_of([*closed_one, as_it_was], 9)] == [Opened, Judged, Left, Stood]


def test_a_part_split_off_is_opened_when_it_was_split_and_takes_its_time_from_its_mail() -> None:
    life = [opened(5, split_from="TOKO-11112222-9", since=at(1)), routed(5), closed(6)]

    assert [each.at for each in facts_of(life, kind=Opened)] == [at(5)]
    assert facts_of(life, kind=Left) == [Left(at(6), "payments", "closed", "", 5 * HOUR, 5 * HOUR)]


def test_the_state_of_the_ticket_is_known_at_each_border() -> None:
    life = [opened(1), routed(1), assigned(1), closed(2), reopened(5), closed(7)]
    score = e.SatisfactionRated(at(8), CUSTOMER, 5)
    states = facts_of([*life, score], 0, 1, 3, 6, 9, kind=Stood)

    counts = [(each.at, each.is_open, each.closings, each.undone, each.rated) for each in states]  # type: ignore[union-attr]
    assert counts == [
        (at(3), False, 1, 0, False),
        (at(6), True, 0, 0, False),  # the closing of the stretch before was undone: not in this one
        (at(9), False, 1, 0, True),
    ]
    assert facts_of([*life, score], 1, 6, kind=Stood)[0].undone == 1  # type: ignore[union-attr]


def test_what_happens_at_a_border_belongs_to_what_comes_after_it() -> None:
    life = [opened(), routed(), closed(4)]

    assert [each.is_open for each in facts_of(life, 4, 5, kind=Stood)] == [True, False]  # type: ignore[union-attr]
    assert facts_of([opened(4), routed(4)], 4, kind=Stood) == []


def test_the_kinds_that_matter_are_events_that_there_are() -> None:
    assert "ticket_opened" in KINDS
    assert set(KINDS) <= {kind.kind for kind in get_args(e.Event)}
    assert facts([], [at(1)], lambda _: OFFICE) == []


def test_a_ticket_closed_at_once_took_no_time() -> None:
    left = facts_of([opened(), routed(), closed(0)], kind=Left)

    assert left == [Left(at(0), "payments", "closed", "", timedelta(), timedelta())]
