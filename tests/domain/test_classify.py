"""Test what matching rules set together, and how a reopened ticket is routed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailbot.domain import events as e
from mailbot.domain.classify import classify
from mailbot.domain.decisions import on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Authentication, CustomerHistory, Status, Target, Ticket
from mailbot.domain.people.customer import customer_of
from mailbot.domain.policy import Actions, Detail, Ladder, Rule
from mailbot.domain.reroute import reopens
from mailbot.domain.routing.conditions import AllOf, AnyOf, Condition, NoneOf, RoutingFacts, When, build
from mailbot.domain.routing.routing_facts import routing_facts
from tests.builders import BAYU, BOX, DEWI, NOW, RINA, STANDARD, envelope, facts, mail, policy


def opened() -> Ticket:
    return on_mail(None, mail(), envelope(), facts(), policy(), NOW).decision.ticket


ELSE = Rule("everything else", None, Actions(team="frontline"))
AGAIN = build("reopened", "is", True)
LATER = NOW + timedelta(days=2)


def asked(text: str = "", **customer_history: object) -> RoutingFacts:
    known = CustomerHistory(**customer_history)  # type: ignore[arg-type]
    return routing_facts(mail(subject="", visible=text), "x@y.example", BOX.address, policy(), NOW, known)


def word(text: str) -> When:
    return build("text", "contains", text)


# --- several rules together -------------------------------------------------------------------------------


def test_the_first_rule_that_sets_a_thing_decides_it_and_lists_are_joined():
    rules = (
        Rule("vip", word("budi"), Actions(urgency="high", tags=("vip",), skill="vip"), go_on=True),
        Rule("money", word("rp"), Actions(urgency="low", tags=("money",), ask_for=("order",)), go_on=True),
        Rule("never", word("kerbau"), Actions(team="management", category="x"), go_on=True),
        Rule("refund", word("refund"), Actions("refund", team="payments", tags=("money", "late"))),
        ELSE,
    )
    found = classify(policy(rules=rules), asked("budi minta refund rp 5.000"))

    assert (found.rule, found.also) == ("refund", ("vip", "money"))
    assert (found.urgency, found.team, found.category, found.skill) == ("high", "payments", "refund", "vip")
    assert found.tags == ("vip", "money", "late")
    assert found.ask_for == ("order",)
    assert found.priority == "high"
    assert str(found.reason) == "text contains 'refund'"


def test_a_detail_in_the_mail_is_not_asked_for():
    rules = (
        Rule("late", word("belum sampai"), Actions(team="frontline", ask_for=("order", "courier"))),
        ELSE,
    )
    known = {"order": Detail("order", {}, r"INV-\d+"), "courier": Detail("courier", {}, r"via (\w+)")}
    found = classify(policy(rules=rules, details=known), asked("INV-77 belum sampai"))

    assert found.details == (("order", "INV-77"),)
    assert found.ask_for == ("courier",)


def test_the_first_group_of_a_pattern_that_finds_anything_is_the_detail():
    known = {"order": Detail("order", {}, r"\b(INV-\d+)|\border (\d{4,})|\bno order()")}
    found = [
        classify(policy(details=known), asked(text)).details
        for text in ("order 12 and INV-7", "INV-8", "my order 4711", "no order")
    ]
    assert found == [(("order", "INV-7"),), (("order", "INV-8"),), (("order", "4711"),), ()]


def test_a_rules_capture_goes_before_the_pattern_of_the_detail():
    rules = (Rule("r", build("text", "matches", r"order (?P<order>\d+)"), Actions(team="frontline")), ELSE)
    found = classify(policy(rules=rules, details={"order": Detail("order", {}, r"\d+")}), asked("1 order 22"))
    assert found.details == (("order", "22"),)


# --- customer history -------------------------------------------------------------------------------------


def test_the_routing_records_the_customer_history():
    known = CustomerHistory(known_customer=True, open_tickets=3, escalated_before=True, looked_up=True)
    rules = (Rule("many", build("open_tickets", "over", 2), Actions(team="payments")), ELSE)
    decided = on_mail(
        None,
        mail(authentication=Authentication.PASS),
        envelope(),
        facts(customer_history=known),
        policy(rules=rules),
        NOW,
    )
    [routed] = [each for each in decided.decision.events if isinstance(each, e.TicketRouted)]

    assert routed.rule == "many"
    assert routed.customer_history == replace(known, authentication=Authentication.PASS)


def test_a_ticket_that_goes_on_with_a_closed_one_is_routed_as_reopened():
    rules = (Rule("again", AGAIN, Actions(team="payments")), ELSE)
    ticket = replace(opened(), status=Status.CLOSED, closed_at=NOW - timedelta(days=60))
    decided = on_mail(ticket, mail(), envelope(), facts(number="TOKO-1"), policy(rules=rules), NOW)
    [routed] = [each for each in decided.decision.events if isinstance(each, e.TicketRouted)]

    assert decided.decision.ticket.number == "TOKO-1"
    assert routed.rule == "again"
    assert routed.customer_history == CustomerHistory(reopened=True)


# --- reopened tickets -------------------------------------------------------------------------------------

URGENT = Ladder(
    "urgent", {Target.NEXT_RESPONSE: timedelta(minutes=5), Target.RESOLUTION: timedelta(hours=1)}, ()
)


def again(*rules: Rule, ticket: Ticket | None = None, **told: object) -> tuple[Ticket, Decision]:
    """Build a closed ticket of Rina's whose customer writes again."""
    before = ticket or replace(opened(), status=Status.CLOSED, closed_at=NOW, assignee=RINA.address)
    known = policy(rules=(*rules, ELSE), ladders={"standard": STANDARD, "urgent": URGENT})
    wrote = mail(**{"visible": "Masih rusak, pesanan INV-9", **told})
    return before, on_mail(before, wrote, envelope(), facts(), known, LATER).decision


def test_only_rules_about_reopening_are_tested_when_a_ticket_is_reopened():
    before, decision = again(Rule("broken", word("rusak"), Actions("item", team="payments")))

    assert decision.ticket.status is Status.OPEN
    assert not [each for each in decision.events if isinstance(each, e.TicketRouted)]
    assert decision.ticket.team == before.team
    assert decision.ticket.assignee == RINA.address


def test_a_rule_about_reopening_routes_the_ticket_again():
    when = AllOf((AGAIN, build("text", "matches", r"pesanan (?P<order>\S+)")))
    then = Actions(urgency="critical", team="payments", tags=("back",), ladder="urgent")
    before, decision = again(Rule("broken", word("rusak"), Actions("item")), Rule("back again", when, then))
    ticket = decision.ticket
    [routed] = [each for each in decision.events if isinstance(each, e.TicketRouted)]

    assert routed.customer_history == CustomerHistory(reopened=True)
    assert (ticket.rule, ticket.team, ticket.assignee) == ("back again", "payments", DEWI.address)
    assert (ticket.category, ticket.level) == (before.category, before.level)  # not named: as it was
    assert (ticket.priority, ticket.ladder) == ("urgent", "urgent")
    assert ticket.tags == (*before.tags, "back")
    assert ("order", "INV-9") in ticket.details
    spans = {clock.target: clock.span for clock in ticket.clocks if clock.running_since}
    assert spans[Target.RESOLUTION] == timedelta(hours=1)
    told = [each for each in decision.notices if each.to == DEWI.address]
    assert "routed again by rule 'Back again'" in str(told[0].because)  # type: ignore[union-attr]


def test_a_learned_rule_never_routes_a_reopened_ticket_again():
    holds = Condition("learned", "is", ("item", "0.9 precision"), lambda texts, hits=None: ("item",))
    before, decision = again(Rule("guess", AllOf((AGAIN, holds)), Actions(priority="low", team="payments")))
    assert (decision.ticket.priority, decision.ticket.team) == (before.priority, before.team)
    _, known = again(Rule("rule", AGAIN, Actions(priority="low", team="payments")))
    assert (known.ticket.priority, known.ticket.team) == ("low", "payments")


def test_an_assignee_who_fits_the_new_routing_keeps_the_ticket():
    _, decision = again(Rule("level", AGAIN, Actions(level="L2")))
    assert decision.ticket.assignee == BAYU.address  # Rina works at L1
    _, decision = again(Rule("tag", AGAIN, Actions(tags=("back",))))
    assert decision.ticket.assignee == RINA.address
    assert decision.ticket.priority == opened().priority


def test_a_rule_that_asks_for_more_holds_only_then():
    rule = Rule("money", AllOf((AGAIN, build("amount", "over", "Rp1.000.000"))), Actions(team="payments"))
    _, decision = again(rule)
    assert decision.ticket.team == "frontline"
    _, decision = again(rule, visible="Sudah Rp1.500.000!")
    assert decision.ticket.team == "payments"


def test_a_ticket_that_was_escalated_itself_was_escalated_before():
    rule = Rule("worse", AllOf((AGAIN, build("escalated_before", "is", True))), Actions(level="management"))
    ticket = replace(opened(), status=Status.CLOSED, closed_at=NOW, escalated=1)
    _, decision = again(rule, ticket=ticket)
    assert decision.ticket.level == "management"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (AGAIN, True),
        (AllOf((word("x"), AGAIN)), True),
        (AnyOf((word("x"), AllOf((AGAIN, word("y"))))), True),
        (build("reopened", "is", False), False),
        (NoneOf((AGAIN,)), False),
        (AllOf((word("x"), NoneOf((build("reopened", "is", False),)))), False),
        (None, False),
    ],
)
def test_rules_about_reopening_are_recognised(when, expected):
    assert reopens(when) is expected


def test_a_mail_without_a_sender_is_its_envelopes():
    assert customer_of(mail(sender=""), envelope(), policy()) == envelope().sender


def test_a_policy_lists_the_fields_of_its_rules():
    when = AllOf((AGAIN, NoneOf((word("x"), AnyOf((build("open_tickets", "over", 1),))))))
    assert policy(rules=(Rule("r", when, Actions()), ELSE)).asked_fields == {
        "reopened",
        "text",
        "open_tickets",
    }
