"""What was routed early counts only where every fact that the rules look at is the same."""

import pickle
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.decisions import on_mail
from mailbot.domain.model import Authentication, CustomerHistory, InboundMail
from mailbot.domain.policy import Actions, Detail, Rule
from mailbot.domain.routing.conditions import build
from mailbot.domain.routing.routed import Routed, route_early
from tests import builders
from tests.builders import NOW

RULES = (
    Rule("urgent", build("text", "mentions", ["segera"]), Actions(urgency="high"), go_on=True),
    Rule("often", build("open_tickets", "over", 1), Actions(urgency="high", team="payments")),
    Rule("proven", build("authentication", "is", "pass"), Actions(team="payments")),
    Rule("list", build("header.x-list", "contains", "promo"), Actions(team="management")),
    Rule("night", build("hour", "within", "04:00-06:00"), Actions(team="payments")),
    Rule("money", build("text", "matches", r"saldo (?P<order>\d+)"), Actions("payment", team="payments")),
    Rule("everything else", None, Actions(team="frontline", ask_for=("order",))),
)
POLICY = builders.policy(rules=RULES, details={"order": Detail("order", {}, r"INV/\d+")})
MAIL = builders.mail(text="saldo 12 hilang, tolong segera", visible="saldo 12 hilang, tolong segera")
EARLY = route_early(MAIL, builders.envelope(), POLICY, NOW)


def early(mail: InboundMail) -> InboundMail:
    """Route a mail as another process does it."""
    routed: Routed = pickle.loads(pickle.dumps(route_early(mail, builders.envelope(), POLICY, NOW)))
    return replace(mail, routed=routed)


texts = st.sampled_from(["saldo 12", "INV/3 segera", "", "halo\nsegera saldo 9", "ſegera"])
histories = st.builds(CustomerHistory, open_tickets=st.integers(0, 3), escalated_before=st.booleans())
changed = st.fixed_dictionaries(
    {},
    optional={
        "subject": texts,
        "visible": texts,
        "text": texts,
        "sender": st.sampled_from(["", "siti@lain.example"]),
        "authentication": st.sampled_from(Authentication),
        "headers": st.sampled_from([{"x-list": ("promo",)}, {"x-list": ("a", "promo")}, {"x-b": ("promo",)}]),
    },
)


@given(changed, changed, histories, st.integers(0, 24 * 60))
def test_a_decision_is_the_same_with_an_early_route_and_without(first, then, history, minutes):
    mail = early(replace(MAIL, **first))
    given_facts = builders.facts(customer_history=history)
    now = NOW + timedelta(minutes=minutes, seconds=59)

    mail = replace(mail, **then)
    decided = on_mail(None, mail, builders.envelope(), given_facts, POLICY, now)

    assert decided == on_mail(None, replace(mail, routed=None), builders.envelope(), given_facts, POLICY, now)


def found_by(mail: InboundMail, seconds: float = 59, **history: object) -> Mapping[str, object]:
    """Return the details of a decision about a mail whose early route found another order number."""
    found = replace(EARLY.found, details=(("order", "early"),))
    facts = builders.facts(customer_history=replace(CustomerHistory(), **history))
    mail = replace(mail, routed=replace(EARLY, found=found))
    decided = on_mail(None, mail, builders.envelope(), facts, POLICY, NOW + timedelta(seconds=seconds))
    return dict(decided.decision.ticket.details)


def test_an_early_route_is_taken_where_nothing_else_is_asked():
    assert found_by(MAIL) == {"order": "early"}
    assert found_by(MAIL, known_customer=True, escalated_before=True) == {"order": "early"}  # no rule asks
    assert found_by(replace(MAIL, headers={"x-other": ("promo",)})) == {"order": "early"}


@pytest.mark.parametrize(
    ("mail", "seconds", "history"),
    [
        (replace(MAIL, subject="Lain"), 0, {}),
        (replace(MAIL, visible="saldo 12"), 0, {}),
        (replace(MAIL, authentication=Authentication.FAIL), 0, {}),
        (replace(MAIL, headers={"x-list": ("x",)}), 0, {}),
        (MAIL, 60, {}),
        (MAIL, 0, {"open_tickets": 1}),
    ],
)
def test_a_fact_that_a_rule_looks_at_and_that_changed_is_routed_again(mail, seconds, history):
    assert found_by(mail, seconds, **history) != {"order": "early"}


def test_an_early_route_of_another_policy_is_not_taken():
    mail, other = early(MAIL), replace(POLICY, version="v2", rules=(RULES[-1],))
    decided = on_mail(None, mail, builders.envelope(), builders.facts(), other, NOW)
    assert decided.decision.ticket.rule == "everything else"
