"""Tables over one request: who is asked, who may sign, which limit refuses it and with which reason."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.compensation import authority
from mailbot.domain.compensation.authority import Spent, most, reach, windows
from mailbot.domain.compensation.ledger_summary import BY_PERSON, Tally, budgets, statement
from mailbot.domain.compensation.requests import (
    Entry,
    Facts,
    Kind,
    Outcome,
    Request,
    Signatory,
    on_compensation,
)
from mailbot.domain.decisions import on_mail
from mailbot.domain.lifecycle import evolve
from mailbot.domain.model import Ticket
from mailbot.domain.notices import CompensationDecided, CompensationWanted
from mailbot.domain.policy import Authority, Policy, Team
from mailbot.domain.reasons import Refusal
from mailbot.domain.routing.money import Money
from mailbot.domain.worktime import ALWAYS, Calendar, hours
from tests.builders import BAYU, DEWI, EKO, NOW, RINA, SARI, envelope, facts, mail, policy

PUTU = replace(SARI, name="Putu", address="putu@tim.example")
NIGHTS = Calendar("nights", "Asia/Jakarta", ((hours("20:00-24:00"),),) * 7)
OPERATOR = Signatory(EKO)


def rp(amount: int) -> Money:
    return Money(Decimal(amount))


LIMITS = Authority(
    per_ticket={
        "": {"L1": rp(100), "L2": rp(1000), "management": rp(50_000)},
        "fraud": {"management": rp(10)},
    },
    two_persons_above=rp(5000),
)


def desk(limits: Authority = LIMITS, **changes: Any) -> Policy:
    teams = {
        "frontline": Team("frontline", "always", (RINA, BAYU)),
        "payments": Team("payments", "always", (DEWI,)),
        "management": Team("management", "always", (SARI, PUTU)),
    }
    return policy(authority=limits, **{"teams": teams, **changes})


def ticket(**changes: Any) -> Ticket:
    opened = on_mail(None, mail(), envelope(), facts(), desk(), NOW).decision.ticket
    return replace(opened, **changes)


def known(*requests: Request, **spent: Any) -> Facts:
    return Facts(next_id=7, requests=requests, spent=Spent(**spent))


def request(amount: int = 500, **changes: Any) -> Request:
    standing = Request(
        id=3,
        ticket=ticket().number,
        customer="budi@pelanggan.example",
        amount=rp(amount),
        at=NOW - timedelta(hours=2),
        by=EKO,
        agent=RINA.address,
        because="rusak",
    )
    return replace(standing, **changes)


def ask(amount: int, agent: str = RINA.address, said: Facts | None = None, **given: Any) -> Outcome | Refusal:
    by, on, at = given.get("policy") or desk(), given.get("ticket") or ticket(), given.get("now") or NOW
    return on_compensation(
        on, c.Compensate(rp(amount), "rusak"), Signatory(EKO, agent), said or known(), by, at
    )


def approve(said: Facts, agent: str, by: Policy | None = None, on: Ticket | None = None) -> Outcome | Refusal:
    return on_compensation(on or ticket(), c.Approve(), Signatory(EKO, agent), said, by or desk(), NOW)


def ruled(answer: Outcome | Refusal) -> Outcome:
    assert isinstance(answer, Outcome), answer
    return answer


def kinds(ruling: Outcome) -> list[str]:
    return [entry.kind.value for entry in ruling.entries]


def put(ruling: Outcome) -> e.ApprovalRequested:
    (found,) = [each for each in ruling.decision.events if isinstance(each, e.ApprovalRequested)]
    return found


# --- requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "agent", "outcome", "level"),
    [
        (100, RINA.address, "granted", ""),
        (101, RINA.address, "asked", "L2"),
        (1001, RINA.address, "asked", "management"),
        (1000, BAYU.address, "granted", ""),
        (50, "", "asked", "L1"),  # an operator has no authority of the own
        (6000, SARI.address, "asked", "management"),  # one signature, the other is asked for
        (50_001, SARI.address, "refused", ""),
    ],
)
def test_who_may_decide_alone_grants_at_once_and_else_the_lowest_level_that_may_is_asked(
    amount: int, agent: str, outcome: str, level: str
) -> None:
    ruling = ruled(ask(amount, agent))

    assert ruling.state == outcome
    if level:
        assert put(ruling).level == level
    if outcome == "granted":
        assert kinds(ruling) == ["asked", "approved", "granted"]
        assert ruling.decision.notices == ()


def test_the_first_line_of_a_request_carries_its_number_and_every_line_what_the_limits_counted() -> None:
    ruling = ruled(ask(101))

    (entry,) = ruling.entries
    assert (entry.request, entry.kind, entry.amount) == (7, Kind.ASKED, rp(101))
    assert (entry.customer, entry.team, entry.category) == ("budi@pelanggan.example", "frontline", "general")
    assert (entry.by, entry.agent, entry.level) == (EKO, RINA.address, "L1")


def test_a_level_without_an_agent_on_duty_is_skipped_and_absent_agents_are_not_asked() -> None:
    asleep = replace(BAYU, calendar="nights")
    away = replace(SARI, away=frozenset({date(2026, 11, 23)}))
    teams = {
        "frontline": Team("frontline", "always", (RINA, asleep)),
        "management": Team("management", "always", (away, PUTU)),
    }
    by = desk(teams=teams, calendars={"always": ALWAYS, "nights": NIGHTS})
    assert (put(ruled(ask(500, policy=by))).level, put(ruled(ask(500, policy=by))).recipients) == (
        "management",
        (PUTU.address,),
    )
    evening = datetime(2026, 11, 23, 14, tzinfo=UTC)
    assert put(ruled(ask(500, policy=by, now=evening))).recipients == (BAYU.address,)


def test_when_no_agent_is_on_duty_the_lowest_level_that_may_is_asked_with_that_reason() -> None:
    teams = {"frontline": Team("frontline", "nights", (RINA, BAYU)), "up": Team("up", "nights", (SARI, PUTU))}
    asked = put(ruled(ask(500, policy=desk(teams=teams, calendars={"nights": NIGHTS}))))

    assert (asked.level, asked.recipients, asked.on_duty) == ("L2", (BAYU.address,), False)


def test_who_has_used_up_the_day_is_not_asked_and_a_level_above_is() -> None:
    by = desk(replace(LIMITS, per_agent_day={"L2": rp(600)}))
    assert put(ruled(ask(500, policy=by, said=known(agents={BAYU.address: rp(101)})))).level == "management"
    assert put(ruled(ask(500, policy=by, said=known(agents={BAYU.address: rp(100)})))).level == "L2"


REFUSED_AT_ONCE = {
    "more than anybody may": (LIMITS, 50_001, {}, "per_ticket", "the most is Rp50.000"),
    "with what the ticket got": (LIMITS, 1, {"ticket": rp(50_000)}, "per_ticket", "to Rp50.001"),
    "no authority at all": (Authority(), 1, {}, "per_ticket", "nobody may grant anything"),
    "the customer's 90 days": (
        replace(LIMITS, per_customer=rp(90)), 50, {"customers": {"budi@pelanggan.example": rp(41)}},
        "per_customer_90_days", "may get Rp90 within 90 days, with this budi@pelanggan.example would",
    ),
    "the team's month": (
        replace(LIMITS, per_team={"frontline": rp(90)}), 50, {"team": rp(41)},
        "team_budget_month", "the budget of frontline is Rp90 a month, with this it would have used Rp91",
    ),
    "nobody may so much on a day": (
        replace(LIMITS, per_agent_day={"L1": rp(9), "L2": rp(9), "management": rp(9)}), 10, {},
        "per_agent_day", "nobody may grant Rp10 on one day",
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED_AT_ONCE)
def test_what_no_signature_can_grant_is_refused_at_once_with_the_limit_in_words(why: str) -> None:
    limits, amount, spent, limit, words = REFUSED_AT_ONCE[why]
    ruling = ruled(ask(amount, policy=desk(limits), said=known(**spent)))

    assert kinds(ruling) == ["asked", "refused"]
    assert (ruling.entries[-1].limit, ruling.entries[-1].by) == (limit, POLICY)
    assert words in ruling.entries[-1].because
    assert ruling.decision.notices == ()  # who asked sees it at once


def test_a_request_for_two_signatures_is_refused_when_only_one_agent_may_sign() -> None:
    alone = {"frontline": Team("frontline", "always", (RINA, SARI))}
    ruling = ruled(ask(6000, SARI.address, policy=desk(teams=alone)))
    assert ruling.entries[-1].limit == "two_persons_above"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (Money(Decimal(50), "USD"), "in Rupiah"),
        (rp(0), "more than nothing"),
        (rp(-5), "more than nothing"),
        (Money(Decimal("1.5")), "whole Rupiah"),
        (rp(10**12 + 1), "can't be granted"),
    ],
)
def test_what_is_no_amount_of_whole_rupiah_is_not_even_recorded(amount: Money, words: str) -> None:
    answer = on_compensation(ticket(), c.Compensate(amount), OPERATOR, known(), desk(), NOW)
    assert isinstance(answer, Refusal)
    assert words in str(answer)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        ({"merged_into": "TOKO-1"}, "was merged into TOKO-1"),
        ({"held_for": "TOKO-1"}, "is held for TOKO-1"),
    ],
)
def test_merged_and_held_tickets_get_nothing(on: dict[str, str], words: str) -> None:
    answer = ask(50, ticket=ticket(**on))
    assert isinstance(answer, Refusal)
    assert words in str(answer)


def test_who_is_no_agent_has_no_authority() -> None:
    assert str(ask(1, "eve@lain.example")) == "eve@lain.example is no agent of any team"


def test_the_spellings_of_one_address_are_one_customer() -> None:
    said = known(customers={"budi@pelanggan.example": rp(90)})
    by = desk(replace(LIMITS, per_customer=rp(100)))
    ruling = ruled(ask(11, policy=by, said=said, ticket=ticket(customer="Budi+toko@pelanggan.example")))
    assert ruling.entries[-1].limit == "per_customer_90_days"


# --- decisions --------------------------------------------------------------------------------------------


def test_an_approval_grants_and_notifies_the_requester() -> None:
    ruling = ruled(approve(known(request()), BAYU.address))

    assert (ruling.state, kinds(ruling)) == ("granted", ["approved", "granted"])
    (told,) = ruling.decision.notices
    assert isinstance(told, CompensationDecided)
    assert (told.to, told.outcome, told.who) == (RINA.address, "granted", "Bayu")


def test_no_agent_approves_beyond_the_own_authority_not_even_the_own_request() -> None:
    answer = approve(known(request()), RINA.address)
    assert str(answer) == (
        "L1 may bring a ticket of category 'general' to Rp100, with this it would have Rp500; "
        "L2 may: bayu@tim.example"
    )
    assert "only an agent" in str(approve(known(request()), ""))


def test_the_day_of_who_approves_is_looked_at_and_the_request_stays_open() -> None:
    by = desk(replace(LIMITS, per_agent_day={"L2": rp(600)}))
    answer = approve(known(request(), agents={BAYU.address: rp(101)}), BAYU.address, by)
    assert "L2 may grant Rp600 a day, with this Bayu would have granted Rp601 today" in str(answer)


def test_a_budget_used_up_before_the_decision_refuses_by_rule_and_notifies_the_requester() -> None:
    by = desk(replace(LIMITS, per_team={"frontline": rp(600)}))
    ruling = ruled(approve(known(request(), team=rp(101)), BAYU.address, by))

    assert (ruling.state, ruling.entries[-1].limit) == ("refused", "team_budget_month")
    (told,) = ruling.decision.notices
    assert isinstance(told, CompensationDecided)
    assert (told.to, told.outcome, told.who) == (RINA.address, "refused", "")
    assert "the budget of frontline" in str(told.because)


def test_above_the_amount_two_different_persons_sign_and_the_first_may_be_who_asks() -> None:
    first = ruled(ask(6000, SARI.address))
    assert (first.state, kinds(first), put(first).recipients) == (
        "asked",
        ["asked", "approved"],
        (PUTU.address,),
    )
    waiting = request(6000, agent=SARI.address, signed=(SARI.address,))
    assert "has signed request 3 already" in str(approve(known(waiting), SARI.address))
    second = ruled(approve(known(waiting), PUTU.address))
    assert (second.entries[-1].agent, second.entries[-1].second) == (PUTU.address, SARI.address)
    (granted,) = [each for each in second.decision.events if isinstance(each, e.CompensationGranted)]
    assert set(granted.agents) == {SARI.address, PUTU.address}


def test_an_amount_cut_in_two_needs_two_persons_all_the_same() -> None:
    ruling = ruled(approve(known(request(3000), ticket=rp(3000)), SARI.address))
    assert (ruling.state, put(ruling).recipients) == ("asked", (PUTU.address,))


def test_a_signature_that_no_longer_holds_needs_another_in_its_place() -> None:
    by = desk(replace(LIMITS, per_agent_day={"management": rp(7000)}))
    waiting = request(6000, signed=(SARI.address,))
    ruling = ruled(approve(known(waiting, agents={SARI.address: rp(1001)}), PUTU.address, by))
    assert (ruling.state, kinds(ruling)) == ("asked", ["approved"])
    gone = {
        "frontline": Team("frontline", "always", (RINA, BAYU)),
        "up": Team("up", "always", (PUTU, replace(SARI, address="baru@tim.example"))),
    }
    assert ruled(approve(known(waiting), PUTU.address, desk(teams=gone))).state == "asked"


@pytest.mark.parametrize(
    ("actor", "outcome"),
    [
        (Signatory(EKO, BAYU.address), "refused"),
        (Signatory(EKO, RINA.address), "refused"),  # asked for it: takes it back
        (Signatory(EKO, DEWI.address), "L1 may bring"),
        (Signatory(EKO), "only an agent"),
        (Signatory(Actor.agent("bayu@tim.example"), BAYU.address), "refused"),
    ],
)
def test_who_may_approve_may_refuse_and_who_asked_may_take_it_back(actor: Signatory, outcome: str) -> None:
    answer = on_compensation(ticket(), c.Refuse(because="tidak"), actor, known(request()), desk(), NOW)
    assert outcome in (str(answer) if isinstance(answer, Refusal) else answer.state)


def test_an_operator_withdraws_requests_without_an_agent_but_not_those_of_an_agent() -> None:
    own = known(request(agent=""))
    taken = on_compensation(ticket(), c.Refuse(), OPERATOR, own, desk(), NOW)
    assert ruled(taken).state == "refused"
    for actor in (Signatory(Actor.operator("lain")), Signatory(EKO, RINA.address)):
        assert isinstance(on_compensation(ticket(), c.Refuse(), actor, own, desk(), NOW), Refusal)


def test_which_request_is_meant_must_be_clear() -> None:
    two = known(request(), request(700, id=4))
    assert "say which: 3 (Rp500), 4 (Rp700)" in str(approve(two, BAYU.address))
    assert "no request for compensation is open" in str(approve(known(), BAYU.address))
    wrong = on_compensation(ticket(), c.Approve(9), Signatory(EKO, BAYU.address), two, desk(), NOW)
    assert "request 9 is not open" in str(wrong)
    right = on_compensation(ticket(), c.Approve(4), Signatory(EKO, BAYU.address), two, desk(), NOW)
    assert ruled(right).request.id == 4


def test_the_mail_to_the_approver_lists_earlier_grants_and_answers_reach_the_requester() -> None:
    said = known(ticket=rp(50), customers={"budi@pelanggan.example": rp(75)})
    (wanted,) = ruled(ask(500, said=said)).decision.notices
    assert isinstance(wanted, CompensationWanted)
    assert (wanted.to, wanted.asker, wanted.amount) == (BAYU.address, RINA.address, "Rp500")
    assert (wanted.on_ticket, wanted.in_90_days, str(wanted.because)) == ("Rp50", "Rp75", "rusak")


@pytest.mark.parametrize("amount", [50, 500, 6000, 60_000])
def test_the_customer_gets_nothing_about_a_request_and_the_row_is_the_fold_of_the_events(
    amount: int,
) -> None:
    before = ticket()
    ruling = ruled(ask(amount, BAYU.address))
    assert before.customer not in {notice.to for notice in ruling.decision.notices}
    folded = before
    for event in ruling.decision.events:
        folded = evolve(folded, event)
    assert folded == ruling.decision.ticket


# --- limits and windows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "level", "expected"),
    [
        ("general", "L1", 100),
        ("fraud", "L1", 0),  # the category decides alone
        ("fraud/card", "management", 10),
        ("payment/double", "L2", 1000),
        ("general", "L9", 0),
    ],
)
def test_the_longest_path_of_the_category_that_is_named_decides(
    category: str, level: str, expected: int
) -> None:
    assert most(LIMITS, category, level) == rp(expected)


def test_reach_is_the_highest_authority_at_the_level() -> None:
    assert (reach(desk(), "fraud"), reach(desk(), "x"), reach(desk(Authority()), "x")) == (
        rp(10),
        rp(50_000),
        rp(0),
    )


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [  # by the wall clock in Jakarta
        ("2026-11-30T16:59:59Z", ("2026-11-30", "2026-12-01"), ("2026-11-01", "2026-12-01")),
        ("2026-11-30T17:00:00Z", ("2026-12-01", "2026-12-02"), ("2026-12-01", "2027-01-01")),
        ("2026-12-31T18:00:00Z", ("2027-01-01", "2027-01-02"), ("2027-01-01", "2027-02-01")),
    ],
)
def test_days_and_months_are_those_of_the_first_calendar(
    now: str, day: tuple[str, str], month: tuple[str, str]
) -> None:
    jakarta = policy(calendars={"office": replace(NIGHTS, name="office"), "always": ALWAYS})
    at = datetime.fromisoformat(now)
    found = windows(jakarta, at)
    assert found.day == tuple(datetime.fromisoformat(f"{each}T00:00+07:00") for each in day)
    assert found.month == tuple(datetime.fromisoformat(f"{each}T00:00+07:00") for each in month)
    assert found.since == at - authority.CUSTOMER_DAYS


# --- figures ----------------------------------------------------------------------------------------------


def line(kind: Kind, request: int, amount: int, **changes: Any) -> Entry:
    standing = Entry(
        at=NOW, kind=kind, request=request, ticket="T", customer="c", category="general", team="frontline",
        amount=rp(amount), by=EKO, agent=RINA.address, level="L1",
    )  # fmt: skip
    return replace(standing, **changes)


def test_a_statement_counts_each_grant_once_and_for_each_who_signed() -> None:
    both = {"agent": SARI.address, "second": PUTU.address, "level": "management", "team": "payments"}
    told = statement(
        [
            line(Kind.ASKED, 1, 10),
            line(Kind.GRANTED, 1, 10),
            line(Kind.ASKED, 2, 30),
            line(Kind.APPROVED, 2, 30, agent=PUTU.address),
            line(Kind.APPROVED, 2, 30, agent=SARI.address),
            line(Kind.GRANTED, 2, 30, **both),
            line(Kind.ASKED, 5, 7),
            line(Kind.REFUSED, 5, 7, limit="per_ticket"),
            line(Kind.REFUSED, 6, 8),
        ]
    )
    assert (told.asked, told.granted, told.refused) == (Tally(3, rp(47)), Tally(2, rp(40)), Tally(2, rp(15)))
    assert told.by_team == {"payments": Tally(1, rp(30)), "frontline": Tally(1, rp(10))}
    assert told.by_agent[SARI.address] == told.by_agent[PUTU.address] == Tally(1, rp(30))
    assert told.refused_by == {BY_PERSON: Tally(1, rp(8)), "per_ticket": Tally(1, rp(7))}
    assert told.one_hand == Tally(1, rp(30))


def test_budgets_show_what_is_left() -> None:
    by = desk(replace(LIMITS, per_team={"frontline": rp(100), "payments": rp(5)}))
    left = budgets([line(Kind.GRANTED, 1, 30), line(Kind.REFUSED, 2, 60)], by)
    assert [(each.team, each.used, each.left) for each in left] == [
        ("frontline", rp(30), rp(70)),
        ("payments", rp(0), rp(5)),
    ]
