"""Skills and languages that nobody has where they are asked for, and teams that nothing leads to."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from mailbot.analysis.lint.checks import Finding, Severity, check
from mailbot.analysis.lint.ladders import desks, unused
from mailbot.domain.assignment import choose
from mailbot.domain.policy import Agent, IncidentRule, Mailbox, Policy, Rate, Team, WeeklyReport
from mailbot.domain.reasons import codes
from tests.analysis.lint import policies
from tests.analysis.lint.changes import Changed, both, people, per_ticket, steps
from tests.analysis.lint.confirmed import opened
from tests.analysis.lint.policies import FIRST, RESOLUTION, agent, step
from tests.analysis.lint.rule_sets import policy_of

ZAKI = Agent("Zaki", "zaki@tim.example", "L1", ("id",))
SPARE = Team("spare", "extended", (ZAKI,))


def desk(*rules: dict[str, Any]) -> Policy:
    last = {"name": "everything else", "then": {"team": "frontline"}}
    return policies.one_ladder(policies.shifts(policy_of({"rules": [*rules, last]})))


def rule(name: str, when: dict[str, Any], **then: str) -> dict[str, Any]:
    return {"name": name, "when": when, "then": {"team": "payments", **then}}


FRAUD = rule("fraud", {"text": {"contains": ["akun dibajak"]}}, level="L2", skill="fraud")
ENGLISH = rule("english", {"language": {"is": "en"}, "text": {"mentions": ["refund"]}})


def found(policy: Policy, *kinds: str) -> list[Finding]:
    every = [each for each in check(policy) if each.kind in kinds]
    assert all(each.severity is Severity.REMARK for each in every)
    return every


def confirmed(policy: Policy, finding: Finding, code: str) -> None:
    """Check that who gets the ticket of the example lacks what is asked."""
    assert finding.witness
    ticket = opened(policy, finding)
    assert finding.witness.mail
    chosen = choose(ticket, policy, finding.witness.mail.local_time.astimezone(UTC))
    assert chosen
    assert code in codes(chosen.reason)
    assert finding.witness.shows.startswith(chosen.agent.name)


# --- skills -----------------------------------------------------------------------------------------------


def test_a_skill_that_nobody_has_at_the_level_where_tickets_start_is_reported() -> None:
    expert = replace(agent("Fitri", "L1"), skills=("fraud",))
    policy = people("payments", expert, agent("Hesti", "L2"))(desk(FRAUD))
    [finding] = found(policy, desks.SKILL)
    assert finding.names == ("fraud", "payments", "L2", "fraud")
    assert finding.message.endswith("which nobody of payments at L2 has; Fitri (L1) has it")
    confirmed(policy, finding, "no_skill")


def test_a_skill_of_somebody_there_is_fine() -> None:
    expert = replace(agent("Hesti", "L2"), skills=("fraud",))
    assert not found(people("payments", agent("Fitri", "L1"), expert)(desk(FRAUD)), desks.SKILL)


def test_a_skill_of_the_people_who_help_from_another_team_is_fine() -> None:
    expert = replace(agent("Dewi", "L2"), skills=("fraud",))
    change = both(people("payments", agent("Fitri", "L1")), people("frontline", agent("Ayu", "L1"), expert))
    assert not found(change(desk(FRAUD)), desks.SKILL)


# --- languages --------------------------------------------------------------------------------------------


def speaks(*languages: str) -> Changed:
    return people("payments", replace(agent("Fitri", "L1"), languages=languages), agent("Hesti", "L2"))


def test_a_language_that_a_rule_asks_for_and_its_desk_does_not_speak_is_reported() -> None:
    policy = speaks("id")(desk(ENGLISH))
    [finding] = found(policy, desks.LANGUAGE)
    assert finding.names == ("english", "payments", "L1", "en")
    assert "takes mail in English, which nobody of payments at L1 speaks" in finding.message
    confirmed(policy, finding, "no_language")


@pytest.mark.parametrize("languages", [("en",), ("id", "en"), ()])
def test_a_desk_that_speaks_it_or_does_not_say_what_it_speaks_is_fine(languages: tuple[str, ...]) -> None:
    assert not found(speaks(*languages)(desk(ENGLISH)), desks.LANGUAGE)


def test_a_language_that_a_rule_excludes_is_not_asked_for() -> None:
    other = rule("not english", {"none": [{"language": {"is": "en"}}], "text": {"mentions": ["refund"]}})
    assert not found(speaks("id")(desk(other)), desks.LANGUAGE)


def test_a_mailbox_that_answers_in_a_language_that_a_desk_does_not_speak_is_reported() -> None:
    policy = speaks("id")(desk(rule("refund", {"text": {"mentions": ["refund"]}})))
    box = Mailbox("help@dukungan.example", "Toko", "TOKO", language="en")
    policy = replace(policy, mailboxes={box.address: box})
    [finding] = found(policy, desks.LANGUAGE)
    assert finding.names == ("payments", "L1", "en", box.address)
    confirmed(policy, finding, "no_language")


def test_a_mailbox_whose_mail_never_reaches_that_desk_is_fine() -> None:
    boxes = [Mailbox(f"{name}@dukungan.example", "Toko", "TOKO", language=name) for name in ("id", "en")]
    ours = rule("refund", {"text": {"mentions": ["refund"]}, "recipient": {"is": boxes[0].address}})
    policy = policy_of(
        {
            "rules": [ours, {"name": "else", "then": {"team": "frontline"}}],
            "mailboxes": [b.address for b in boxes],
        }
    )
    policy = replace(
        policies.one_ladder(policies.shifts(policy)), mailboxes={each.address: each for each in boxes}
    )
    assert not found(speaks("id")(policy), desks.LANGUAGE)


# --- teams ------------------------------------------------------------------------------------------------


def with_spare(policy: Policy) -> Policy:
    return replace(policy, teams={**policy.teams, "spare": SPARE})


def idle_teams(policy: Policy) -> list[str]:
    return [each.names[0] for each in found(policy, unused.UNUSED) if each.spot.file == "teams"]


def test_a_team_that_nothing_leads_to_is_reported() -> None:
    policy = with_spare(desk(FRAUD))
    [finding] = [each for each in found(policy, unused.UNUSED) if each.names == ("spare",)]
    assert "no rule, mailbox or step leads to team 'spare': its agents (Zaki)" in finding.message


def incident(policy: Policy) -> Policy:
    rule = IncidentRule(Rate(10, policies.hour(1)), team="spare")
    return replace(
        policy, mailboxes={name: replace(box, incident=rule) for name, box in policy.mailboxes.items()}
    )


def spare_manager(policy: Policy) -> Policy:
    boss = replace(ZAKI, level="board")
    return replace(
        policy,
        levels=(*policy.levels, "board"),
        teams={**policy.teams, "spare": replace(SPARE, agents=(boss,))},
    )


LEADS: dict[str, Changed] = {
    "a step hands over": steps(step(FIRST, 0.5, hand_over_to="spare")),
    "a step notifies its agent": steps(step(FIRST, 0.6, notify=(ZAKI.address,))),
    "a mailbox's incidents": incident,
    "the report of the week": lambda policy: replace(
        policy, weekly=WeeklyReport((ZAKI.address,), 0, policies.hour(8), "id")
    ),
    "it decides about compensation": both(spare_manager, per_ticket(L1=1, L2=1, management=1, board=2)),
    "it is asked to decide": both(
        spare_manager,
        steps(step(RESOLUTION, 0.5, ask_decision="board", question="Refund?", options=("yes", "no"))),
    ),
    "a step raises tickets to its level": both(
        spare_manager, steps(step(RESOLUTION, after=20, escalate_to="board"))
    ),
}


@pytest.mark.parametrize("name", LEADS)
def test_a_team_that_something_leads_to_is_used(name: str) -> None:
    assert idle_teams(LEADS[name](with_spare(desk(FRAUD)))) == []
