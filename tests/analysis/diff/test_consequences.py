"""Test what a change of policy means for people, on few mails with results counted by hand."""

from dataclasses import replace
from datetime import timedelta

from mailbot.analysis.diff.consequences import (
    ConsequenceCounter,
    Consequences,
    PriorityShift,
    PromiseShift,
    Share,
)
from mailbot.analysis.diff.off_hours import PersonMails
from mailbot.domain.model import NO_HISTORY, Target
from mailbot.domain.policy import Actions, Agent, Ladder, Moment, Policy, Rule, Step, Team
from mailbot.domain.policy_review.policy_diff import Case, place_mail
from mailbot.domain.routing import conditions
from mailbot.domain.worktime import ALWAYS, Calendar, hours
from tests.builders import BAYU, NOW, RINA, SARI, STANDARD, envelope, mail, policy

HOUR = timedelta(hours=1)
OFFICE = Calendar("office", "Asia/Jakarta", (*((hours("08:00-17:00"),),) * 5, (), ()))
NIGHT_SHIFT = Calendar("night", "Asia/Jakarta", ((hours("00:00-06:00"), hours("20:00-24:00")),) * 7)
MONDAY_10, MONDAY_23 = NOW, NOW + 13 * HOUR  # on clocks in Jakarta
QUICK = Ladder(
    "quick",
    {Target.FIRST_RESPONSE: HOUR / 4, Target.RESOLUTION: 4 * HOUR},
    (Step(Moment(Target.FIRST_RESPONSE), escalate_to="L2"),),
)
NIGHT_OWL = replace(RINA, name="Nadia", address="nadia@tim.example", calendar="night")


def rules(**then: str) -> tuple[Rule, ...]:
    saldo = conditions.build("subject", "contains", ["saldo"])
    return (
        Rule("saldo", saldo, Actions(**{"team": "frontline", "urgency": "high", **then})),  # type: ignore[arg-type]
        Rule("everything else", None, Actions(team="frontline")),
    )


def desk(*people: Agent, **changes: object) -> Policy:
    return policy(
        **{
            "rules": rules(),
            "teams": {
                "frontline": Team("frontline", "always", people or (RINA, BAYU)),
                "payments": Team("payments", "always", (SARI,)),
            },
            "ladders": {"standard": STANDARD, "quick": QUICK},
            "ladder_of": {"low": "standard", "normal": "standard", "high": "standard", "urgent": "quick"},
            "calendars": {"office": OFFICE, "always": ALWAYS, "night": NIGHT_SHIFT},
            **changes,
        }
    )


def case(name: str, at: object = MONDAY_10, subject: str = "Saldo terpotong") -> Case:
    return Case(name, at, mail(subject=subject), envelope(), NO_HISTORY)  # type: ignore[arg-type]


def outcome(old: Policy, new: Policy, *cases: Case) -> Consequences:
    counter = ConsequenceCounter(old, new)
    for each in cases:
        counter.take(each, place_mail(old, each), place_mail(new, each))
    return counter.result()


URGENT = rules(urgency="critical")


def test_the_same_policy_has_no_consequences() -> None:
    found = outcome(desk(), desk(), case("a"), case("b", MONDAY_23))

    assert (found.mails, found.weeks) == (2, 13 / (7 * 24))
    assert not any((found.priorities, found.teams, found.levels, found.promises, found.people, found.steps))


def test_more_urgent_tickets_are_counted_with_those_outside_office_hours() -> None:
    found = outcome(desk(), desk(rules=URGENT), case("a"), case("b", MONDAY_23), case("c", subject="Kurir"))

    assert found.priorities == (PriorityShift("urgent", 2, 1, 0), PriorityShift("high", 0, 0, 2))


def test_a_quicker_ladder_makes_promises_sooner_and_a_slower_one_later() -> None:
    old, new = desk(), desk(rules=URGENT)
    first = PromiseShift("first_response", True, HOUR, HOUR / 4, "", "", 2)
    end = PromiseShift("resolution", True, 8 * HOUR, 4 * HOUR, "", "", 2)

    assert outcome(old, new, case("a"), case("b")).promises == (first, end)
    back = outcome(new, old, case("a")).promises
    assert [(each.sooner, each.old, each.new) for each in back] == [
        (False, HOUR / 4, HOUR),
        (False, 4 * HOUR, 8 * HOUR),
    ]


def test_a_changed_target_counts_although_no_rule_changed() -> None:
    longer = replace(STANDARD, targets={**STANDARD.targets, Target.FIRST_RESPONSE: 2 * HOUR})
    found = outcome(desk(), desk(ladders={"standard": longer, "quick": QUICK}), case("a"))

    assert found.promises == (PromiseShift("first_response", False, HOUR, 2 * HOUR, "", "", 1),)
    assert found.priorities == ()


def test_other_work_hours_move_a_promise_of_the_same_length() -> None:
    old = desk()
    teams = {**old.teams, "frontline": replace(old.teams["frontline"], calendar="office")}
    night = outcome(old, desk(teams=teams), case("a", MONDAY_23)).promises

    assert night[0] == PromiseShift("first_response", False, HOUR, HOUR, "always", "office", 1)
    assert all(each.target == "resolution" for each in outcome(old, desk(teams=teams), case("a")).promises)


def test_a_ladder_with_other_steps_is_named() -> None:
    found = outcome(
        desk(), desk(ladders={"standard": STANDARD, "quick": replace(QUICK, steps=())}), case("a")
    )

    assert (found.steps, found.promises) == (("quick",), ())


def test_tickets_that_go_to_another_team_or_level_are_counted_on_both_sides() -> None:
    found = outcome(
        desk(), desk(rules=rules(team="payments", level="L2")), case("a"), case("b", subject="Kurir")
    )

    assert found.teams == (Share("frontline", 2, 1), Share("payments", 0, 1))
    assert found.levels == (Share("L1", 2, 1), Share("L2", 0, 1))


def test_who_is_mailed_at_night_is_found_by_the_ladder_until_the_office_opens() -> None:
    [sari] = outcome(desk(), desk(rules=URGENT), case("a", MONDAY_23)).people
    # Both ladders reach Bayu at night. Of the old one he had to confirm within 15 min, else it went to management.
    assert (sari.address, sari.more) == ("sari@tim.example", (-1, 0))

    silent = desk(ladders={"standard": replace(STANDARD, steps=()), "quick": QUICK})
    bayu, rina = outcome(silent, replace(silent, rules=URGENT), case("a", MONDAY_23)).people
    assert bayu == PersonMails("bayu@tim.example", "Bayu", "frontline", "L2", 0, 0, 0, 1)
    assert (rina.name, rina.more) == ("Rina", (1, 0))


def test_who_works_at_night_is_not_woken() -> None:
    silent = desk(NIGHT_OWL, BAYU, ladders={"standard": replace(STANDARD, steps=()), "quick": QUICK})
    found = outcome(silent, replace(silent, rules=URGENT), case("a", MONDAY_23))

    assert [each.name for each in found.people] == ["Bayu"]


def test_nobody_is_mailed_outside_office_hours_about_a_mail_in_them() -> None:
    assert outcome(desk(), desk(rules=URGENT), case("a")).people == ()
