"""Test where two policies differ about a mail, and by which condition."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.decisions import on_mail
from mailbot.domain.events import TicketRouted
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import NO_HISTORY, InboundMail
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.policy_review.policy_diff import (
    CAUGHT,
    CHANGED,
    UNCAUGHT,
    Case,
    Change,
    Difference,
    Move,
    compare_placements,
    moves,
    place_mail,
    recorded_placement,
)
from mailbot.domain.routing import conditions
from tests.builders import NOW, NUMBER, envelope, facts, mail, policy

LAST = Rule("everything else", None, Actions(team="frontline"))


def rule(name: str, word: str, go_on: bool = False, **actions: object) -> Rule:
    then = Actions(**{"team": "payments", **actions})  # type: ignore[arg-type]
    return Rule(name, conditions.build("subject", "contains", [word]), then, go_on=go_on)


def case(**changes: object) -> Case:
    return Case(NUMBER, NOW, mail(subject="Saldo terpotong", **changes), envelope(), NO_HISTORY)


def change(old: Policy, new: Policy, mine: Case | None = None) -> Change | None:
    mine = mine or case()
    return compare_placements(mine, place_mail(old, mine), place_mail(new, mine))


def differences(old: Policy, new: Policy) -> dict[str, Difference]:
    found = change(old, new)
    return {each.name: each for each in found.differences} if found else {}


def test_the_same_policy_has_no_differences_whatever_its_version() -> None:
    assert change(policy(), policy(version="v2")) is None


def test_each_difference_is_listed_with_the_deciding_rule() -> None:
    old = policy(rules=(rule("balance", "saldo", urgency="high", tags=("money",)), LAST))
    new = policy(rules=(rule("deducted", "terpotong", urgency="critical", tags=("money",)), LAST))

    found = change(old, new)

    assert found is not None
    assert (found.kind, found.old_rule, found.new_rule) == (CHANGED, "balance", "deducted")
    before, after = "balance: subject contains 'saldo'", "deducted: subject contains 'terpotong'"
    derived = ("follows from urgency high and complexity medium", "follows from urgency critical and ")
    assert found.differences == (
        Difference("rule", "balance", "deducted", before, after),
        Difference("priority", "high", "urgent", derived[0], f"{derived[1]}complexity medium"),
        Difference("urgency", "high", "critical", before, after),
    )


def test_of_rules_that_go_on_the_one_that_sets_a_thing_is_named() -> None:
    first = rule("all of it", "saldo", go_on=True, team="", level="L2")
    old, new = policy(rules=(LAST,)), policy(rules=(first, LAST))

    found = differences(old, new)

    assert set(found) == {"level"}
    assert found["level"].new_because == "all of it: subject contains 'saldo'"
    assert found["level"].old_because == "the lowest level: no rule sets one"


def test_moving_to_the_last_rule_and_from_it_are_separate_kinds() -> None:
    caught, uncaught = policy(rules=(rule("balance", "saldo"), LAST)), policy(rules=(LAST,))

    to_the_last, from_the_last = change(caught, uncaught), change(uncaught, caught)

    assert to_the_last is not None
    assert from_the_last is not None
    assert (to_the_last.kind, from_the_last.kind) == (UNCAUGHT, CAUGHT)


def test_a_rule_that_got_another_name_is_a_change_of_the_rule_alone() -> None:
    old, new = (policy(rules=(rule(name, "saldo"), LAST)) for name in ("balance", "wallet"))

    assert set(differences(old, new)) == {"rule"}


def test_each_policy_reads_the_hour_by_its_own_default_calendar() -> None:
    night = Rule("night", conditions.build("hour", "within", "20:00-24:00"), Actions(team="payments"))
    always = policy().calendars["always"]
    jakarta = policy(rules=(night, LAST), calendars={"always": replace(always, zone="Asia/Jakarta")})
    utc = policy(rules=(night, LAST), calendars={"always": replace(always, zone="UTC")})
    at = NOW.replace(hour=14)  # 21:00 in Jakarta

    found = change(jakarta, utc, replace(case(), at=at))

    assert found is not None
    assert found.kind == UNCAUGHT


def routed(standing: Policy, inbound: InboundMail, **changes: str) -> tuple[Decision, TicketRouted]:
    decision = on_mail(None, inbound, envelope(**changes), facts(), standing, NOW).decision
    return decision, next(each for each in decision.events if isinstance(each, TicketRouted))


SUBJECTS = st.text("saldo terpotong barang RUSAK", max_size=40)


@given(SUBJECTS, st.sampled_from(["", "auto-replied"]), st.sampled_from(["", "budi@pelanggan.example"]))
def test_asking_the_same_policy_again_gives_what_was_recorded(
    subject: str, automatic: str, sender: str
) -> None:
    """Include mail that was not answered: the flags it leaves belong to no rule."""
    lower = rule("damaged", "rusak", go_on=True, team="", tags=("photo",), priority="urgent")
    standing = policy(rules=(lower, *policy().rules))
    inbound = mail(subject=subject, no_auto_reply=automatic)
    _, event = routed(standing, inbound, sender=sender)
    assert event.customer_history is not None
    mine = Case(NUMBER, NOW, inbound, envelope(sender=sender), event.customer_history, event, "v1")

    assert compare_placements(mine, recorded_placement(event, standing), place_mail(standing, mine)) is None


def test_changes_are_grouped_by_their_rules_the_most_frequent_first() -> None:
    def made(number: int, old: str, new: str, *names: str) -> Change:
        found = tuple(Difference(name, "a", "b", "", "") for name in ("rule", *names))
        return Change(f"T-{number}", NOW + timedelta(hours=number), CHANGED, old, new, found)

    changes = [
        made(1, "a", "b", "team"),
        *(made(n, "a", "c", "level") for n in range(2, 6)),
        made(6, "a", "c"),
    ]

    assert moves(changes) == [
        Move(CHANGED, "a", "c", 5, ("level",), ("T-2", "T-3", "T-4")),
        Move(CHANGED, "a", "b", 1, ("team",), ("T-1",)),
    ]
