"""The virtual clock: timelines computed by hand, delays, loads, figures, reproducible chance."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.analysis.simulate import synthetic
from mailbot.analysis.simulate.compare import Path, lines
from mailbot.analysis.simulate.engine import Outcome, Scenario, run_together
from mailbot.analysis.simulate.figures import FigureCounter, Figures, _Level
from mailbot.analysis.simulate.recorded_ticket import (
    AgentAnswer,
    CommandGiven,
    CustomerMail,
    DeadlineTaken,
    Stimulus,
    TicketScript,
    script_of,
)
from mailbot.analysis.simulate.reproduction import Reproduction
from mailbot.analysis.simulate.rerouting import as_recorded, routes_alike
from mailbot.analysis.simulate.result import Options, Result, run_scenarios
from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.model import NoticeKind, Target
from mailbot.domain.policy import Actions, Agent, Ladder, Policy, Rule, Team
from mailbot.domain.reasons import NO_REASON, of, written
from mailbot.reports.figures.api import Period
from tests.builders import BOX, EKO, NOW, NUMBER, STANDARD, policy

MIN, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLAIN = policy()
MONTH = Period(NOW, NOW + 30 * DAY, "Asia/Jakarta")


def script(*stimuli: Stimulus, number: str = NUMBER, at: datetime = NOW, **routed: object) -> TicketScript:
    first = e.TicketOpened(at, CUSTOMER, BOX.address, "budi@pelanggan.example", "Barang", "id", "<a@x>")
    said = e.TicketRouted(
        at=at,
        by=POLICY,
        rule="everything else",
        reason=NO_REASON,
        category="general",
        urgency="normal",
        complexity="medium",
        priority="normal",
        tags=(),
        team="frontline",
        level="L1",
        ladder="standard",
        ladder_digest=STANDARD.digest,
    )
    return TicketScript(
        number, "v1", first, replace(said, **routed), stimuli, e.AcknowledgementEnqueued(at, POLICY)
    )  # type: ignore[arg-type]


def outcome(*scripts: TicketScript, by: Policy = PLAIN, until: datetime = MONTH.until) -> list[Outcome]:
    return [
        each for _, _, each in run_together([Scenario(lambda _: by)], ([each] for each in scripts), until)
    ]


def watched(*scripts: TicketScript, by: Sequence[Policy] = (PLAIN,)) -> Result:
    scenarios = [Scenario(lambda _, one=one: one) for one in by]
    return run_scenarios(scenarios, ([each] * len(by) for each in scripts), MONTH, Options(PLAIN.levels))


def after(*minutes: float) -> datetime:
    return NOW + timedelta(minutes=sum(minutes))


def answered(at: float) -> AgentAnswer:
    return AgentAnswer(after(at), "v1", "rina@tim.example")


def wrote(at: float) -> CustomerMail:
    return CustomerMail(after(at), "v1", "<b@x>", "reply")


def did(at: float, command: c.Command) -> CommandGiven:
    return CommandGiven(after(at), "v1", command, EKO)


ACTS = ("step", "missed", "reminder", "escalated")
UNTOUCHED = [
    (30, "step 1"),
    (60, "missed first_response"),
    (60, "step 2"),
    (60, "escalated to L2"),
    (75, "step 3"),
    (75, "escalated to management"),
    (480, "missed resolution"),
    (1920, "reminder repeat"),
]


@pytest.mark.parametrize(
    ("stimuli", "expected"),
    [
        ((), UNTOUCHED),
        ((did(10, c.Close()),), []),
        ((answered(20),), [(2420, "reminder follow_up")]),
        # Both at one moment: what is due comes first.
        ((answered(30),), [(30, "step 1"), (2430, "reminder follow_up")]),
        # 20 minutes of the 8 hours are spent, 100 the customer had; the answer's clock is a new one.
        ((answered(20), wrote(120)), [(240, "missed next_response"), (580, "missed resolution")]),
        (
            (did(10, c.Escalate("L2")),),
            [(10, "escalated to L2"), (25, "step 3"), (25, "escalated to management"), (30, "step 1")],
        ),
        (
            (did(10, c.Escalate("L2")), did(20, c.Assign("bayu@tim.example"))),
            [(10, "escalated to L2"), (30, "step 1"), (60, "missed first_response"), (60, "step 2")],
        ),
    ],
)
def test_a_timeline_equals_the_one_computed_by_hand(
    stimuli: tuple[Stimulus, ...], expected: list[tuple[float, str]]
) -> None:
    told = [line for each in outcome(script(*stimuli)) for line in lines(each) if line.what in ACTS]
    found = [
        ((line.at - NOW) / MIN, f"{line.what} {line.said.split(' by ')[0].split(' of ')[0]}") for line in told
    ]

    assert found[: len(expected)] == expected
    assert bool(expected) == bool(found)


def test_people_are_notified_at_these_moments() -> None:
    told = [
        line for each in outcome(script(), until=after(80)) for line in lines(each) if line.what == "told"
    ]

    assert [((line.at - NOW) / MIN, line.said, line.whom) for line in told] == [
        (0, "new", ("rina@tim.example",)),
        (30, "reminder", ("rina@tim.example",)),
        (60, "escalated", ("bayu@tim.example",)),
        (75, "escalated", ("sari@tim.example",)),
        (75, "not confirmed in time", ("budi@pelanggan.example",)),
    ]


# --- as recorded ------------------------------------------------------------------------------------------


def as_it_was(*scripts: TicketScript, until: datetime) -> tuple[list[Outcome], Reproduction]:
    twins, found = Reproduction(until), []
    world = Scenario(lambda _: PLAIN, punctual=False)
    for _, run, each in run_together([world], ([each] for each in scripts), until):
        twins.take(each, run.taken_until)
        found.append(each)
    return found, twins


def fired(*minutes: float, number: str = NUMBER) -> TicketScript:
    """Return deadlines taken at these moments, with the owners then."""
    made = script(*(DeadlineTaken(after(at), "v1") for at in minutes), number=number)
    return replace(made, holders=("rina@tim.example",) * (len(minutes) + 1))


def test_a_daemon_that_was_down_takes_steps_late_and_their_clocks_begin_late() -> None:
    found, _ = as_it_was(fired(70, 85), until=after(90))
    taken = [event for each in found for event in each.events if isinstance(event, e.StepTaken)]

    assert [((each.at - NOW) / MIN, each.step, (each.due_at - NOW) / MIN) for each in taken] == [
        (70, 0, 30),
        (70, 1, 60),
        (85, 2, 85),  # confirm within 15 minutes of 70, not of 60
    ]


def test_a_deadline_after_another_act_is_reported_as_overtaken() -> None:
    late = replace(script(answered(40)), holders=("rina@tim.example",) * 2)
    _, twins = as_it_was(late, until=after(90))

    (overtaken,) = twins.verdict.overtaken
    assert (overtaken.due_at, overtaken.by_at) == (after(30), after(40))
    assert twins.verdict.differences == []


def test_a_deadline_that_the_daemon_skipped_is_a_difference() -> None:
    other = "TOKO-00000001-9"
    taken = replace(fired(35, number=other), opened=replace(script().opened, at=after(4)))
    _, twins = as_it_was(fired(), taken, until=after(90))

    ours = [each for each in twins.verdict.differences if each.number == NUMBER]
    assert [(each.only, each.what, each.due_at) for each in ours] == [
        ("simulated", "first_response, step 1", after(30))
    ]


def test_acts_of_only_the_record_or_only_the_simulation_are_reported() -> None:
    found, _ = as_it_was(fired(30), until=after(40))
    step = next(event for each in found for event in each.events if isinstance(event, e.StepTaken))
    told = tuple(event for each in found for event in each.events if isinstance(event, e.PeopleNotified))
    right = replace(fired(30), recorded=(*told, step))
    wrong = replace(right, recorded=(*told, replace(step, due_at=step.due_at + timedelta(seconds=1))))

    assert as_it_was(right, until=after(40))[1].verdict.differences == []
    verdict = as_it_was(wrong, until=after(40))[1].verdict
    assert sorted(each.only for each in verdict.differences) == ["recorded", "simulated"]


def test_what_follows_from_an_act_that_is_not_modelled_is_no_difference() -> None:
    paged = e.PeopleNotified(after(20), POLICY, ("rina@tim.example",), NoticeKind.INCIDENT)
    snoozed = replace(fired(30), recorded=(paged,), unmodelled=((after(10), "snoozed by hand"),))
    _, twins = as_it_was(snoozed, until=after(40))

    assert [(each.because, each.at) for each in twins.verdict.not_modelled] == [
        ("snoozed by hand", after(20)),
        *[("snoozed by hand", after(30))] * 2,  # the step and its reminder, not on record here
    ]
    assert twins.verdict.differences == []
    assert [each.at for each in twins.verdict.told_otherwise] == [NOW]  # before it was snoozed


def test_a_command_that_was_impossible_in_the_simulation_is_named_as_done_by_hand() -> None:
    by_hand, by_policy = (e.TicketEscalated(after(5), by, "L9", NO_REASON) for by in (EKO, POLICY))
    for event, differences, apart in ((by_hand, 0, 1), (by_policy, 1, 0)):
        _, twins = as_it_was(replace(fired(), recorded=(event,)), until=after(20))
        found = twins.verdict
        assert (len(found.differences), len(found.not_modelled)) == (differences, apart)


def test_the_script_of_a_record_leaves_out_what_is_not_modelled_and_remembers_its_moment() -> None:
    made = script()
    record = [
        ("v1", made.opened),
        ("v1", made.routed),
        ("v1", e.TicketSnoozed(after(10), EKO, after(60))),
        ("v1", e.CustomerWrote(after(20), CUSTOMER, "<b@x>", NO_REASON)),
    ]
    found = script_of(NUMBER, record)

    assert found is not None
    assert [type(each) for each in found.stimuli] == [CustomerMail]
    assert found.unmodelled == ((after(10), "snoozed by hand"),)


def test_a_record_without_its_first_events_gives_no_script() -> None:
    assert script_of(NUMBER, []) is None
    assert script_of(NUMBER, [("v1", e.TicketClosed(NOW, EKO))] * 2) is None


def test_commands_are_distinguished_from_their_consequences() -> None:
    made = script()
    told = [
        made.opened,
        made.routed,
        e.TicketAssigned(NOW, POLICY, "rina@tim.example", of("on_duty", count=1)),
        e.TicketEscalated(after(5), EKO, "L2", written("penting")),
        e.TicketAssigned(after(5), EKO, "bayu@tim.example", of("on_duty", count=1)),
        e.TicketAssigned(after(9), EKO, "rina@tim.example", of("by_actor", actor="operator:eko")),
        e.AgentAnswered(after(11), Actor.agent("bayu@tim.example"), "bayu@tim.example"),
        e.TicketAssigned(after(11), Actor.agent("bayu@tim.example"), "bayu@tim.example", of("answered")),
        e.TicketClosed(after(12), EKO),
    ]
    found = script_of(NUMBER, [("v1", event) for event in told])

    assert found
    assert [type(each).__name__ for each in found.stimuli] == [
        "CommandGiven",
        "CommandGiven",
        "AgentAnswer",
        "CommandGiven",
    ]
    commands = [each.command for each in found.stimuli if isinstance(each, CommandGiven)]
    assert commands == [c.Escalate("L2", "penting"), c.Assign("rina@tim.example"), c.Close("")]
    assert [(each or "").partition("@")[0] for each in found.holders] == [
        "rina",
        "bayu",
        "rina",
        "bayu",
        "bayu",
    ]


# --- another policy ---------------------------------------------------------------------------------------


SLOW = replace(STANDARD, targets={**STANDARD.targets, Target.FIRST_RESPONSE: 4 * HOUR})


def test_a_comparison_of_two_policies_lists_the_changed_tickets() -> None:
    slow = policy(ladders={"standard": SLOW})
    both = watched(
        *(script(answered(90), number=f"TOKO-{n}") for n in range(3)),
        script(answered(5), number="TOKO-9"),
        by=(PLAIN, slow),
    )

    assert (both.same, both.changed) == (1, 3)
    assert [(each.old, each.new, each.count) for each in both.moves] == [
        (
            Path("frontline", "normal", ("L1", "L2", "management"), ("first_response",)),
            Path("frontline", "normal", ("L1",), ()),
            3,
        )
    ]
    assert [each.number for each in both.otherwise] == ["TOKO-0", "TOKO-1", "TOKO-2"]


def test_a_shared_simulation_equals_two_separate_ones() -> None:
    """Use two policies that differ in one ladder, which half of the tickets are on."""
    asking = {**PLAIN.ladder_of, "high": "fast"}
    fast = replace(STANDARD, name="fast")
    old, new = (
        policy(ladders={"standard": each, "fast": fast}, ladder_of=asking) for each in (STANDARD, SLOW)
    )
    feed = [[each, synthetic.with_policy(each, new)] for each in synthetic.generate(old, MONTH, 60, 1)]
    ladders = {scripts[0].routed.ladder_digest == scripts[1].routed.ladder_digest for scripts in feed}
    apart = [Scenario(lambda _: old), Scenario(lambda _: new)]
    together_where_it_may = [Scenario(lambda _: old, only=old), Scenario(lambda _: new, only=new)]
    found = [
        run_scenarios(scenarios, feed, MONTH, Options(())) for scenarios in (apart, together_where_it_may)
    ]

    assert ladders == {True, False}
    assert found[0].figures == found[1].figures
    assert (found[0].same, found[0].moves) == (found[1].same, found[1].moves)
    assert found[0].changed > 0
    assert {each.number: each for each in found[0].otherwise}.keys() <= {each[0].number for each in feed}


@pytest.mark.parametrize(
    ("named", "ladder_of", "expected"),
    [
        ("standard", "standard", "standard"),
        ("standard", "fast", "fast"),  # it was the priority's
        ("fast", "standard", "fast"),  # a rule's own
        ("gone", "fast", "fast"),
    ],
)
def test_a_recorded_routing_gets_the_ladder_of_the_other_policy(
    named: str, ladder_of: str, expected: str
) -> None:
    fast = replace(STANDARD, name="fast", repeat=HOUR)
    ladders: dict[str, Ladder] = {"standard": STANDARD, "fast": fast}
    new = policy(ladders=ladders, ladder_of={**PLAIN.ladder_of, "normal": ladder_of})
    found = as_recorded(script(ladder=named).routed, PLAIN, new)

    assert (found.ladder, found.ladder_digest) == (expected, ladders[expected].digest)


def test_mail_is_routed_again_only_where_the_rules_may_differ() -> None:
    moved = tuple(replace(rule, line=rule.line + 7) for rule in PLAIN.rules)

    assert routes_alike(PLAIN, policy(rules=moved, ladders={"standard": SLOW}))
    assert not routes_alike(PLAIN, policy(rules=PLAIN.rules[1:]))
    assert not routes_alike(PLAIN, policy(ladder_of={**PLAIN.ladder_of, "high": "other"}))


def test_round_robin_continues_over_all_tickets() -> None:
    people = tuple(Agent(name, f"{name}@tim.example", "L1") for name in ("ana", "budi", "citra"))
    teams = {**PLAIN.teams, "frontline": Team("frontline", "always", people, "round_robin")}
    found = outcome(
        *(script(number=f"TOKO-{n}", at=after(n)) for n in range(6)), by=policy(teams=teams), until=after(7)
    )
    given_to = [each.after.assignee or "" for each in found if each.before is None]

    assert [each.partition("@")[0] for each in given_to] == ["ana", "budi", "citra"] * 2


# --- figures ----------------------------------------------------------------------------------------------


def test_figures_are_those_counted_by_hand() -> None:
    (found,) = watched(script(answered(90)), script(did(15, c.Close()), number="TOKO-2")).figures

    assert (found.tickets, found.opened, found.closed, found.refused) == (2, 2, 1, 0)
    assert [(each.target, each.priority, each.count) for each in found.missed] == [
        ("first_response", "normal", 1)
    ]
    assert [(each.level, each.how, each.rule, each.count) for each in found.raised] == [
        ("L2", "ladder", "everything else", 1),
        ("management", "ladder", "everything else", 1),
    ]
    assert [(each.step, each.count) for each in found.taken] == [(1, 1), (2, 1), (3, 1)]
    sari = next(each for each in found.people if each.address == "sari@tim.example")
    assert (sari.mails, sari.by_ladder) == (1, 1)


def test_load_is_counted_by_level_and_local_hour() -> None:
    """Start at 10:00 in Jakarta: an hour at L1, 15 minutes at L2, 15 at management until the answer."""
    period = Period(NOW, NOW + DAY, "Asia/Jakarta")
    (figures,) = run_scenarios(
        [Scenario(lambda _: PLAIN)], [[script(answered(90))]], period, Options(PLAIN.levels)
    ).figures
    load = {each.level: each for each in figures.load}

    assert {level: (each.in_hand[10], each.in_hand[11]) for level, each in load.items()} == {
        "L1": (1, 0),
        "L2": (0, 0.25),
        "management": (0, 0.25),
    }
    assert {level: sum(each.came) for level, each in load.items()} == {"L1": 1, "L2": 1, "management": 1}
    assert (load["L1"].peak, load["L1"].peak_at) == (1, NOW)


@given(st.lists(st.tuples(st.integers(0, 5 * 3600), st.integers(0, 5 * 3600)), max_size=20))
def test_ticket_time_by_hour_adds_up_however_it_is_cut(spans: list[tuple[int, int]]) -> None:
    level = _Level(6)
    for start, end in spans:
        level.add(start * 1_000_000, end * 1_000_000)
    plain = [
        sum(max(0, min(end, (hour + 1) * 3600) - max(start, hour * 3600)) for start, end in spans)
        for hour in range(6)
    ]

    assert [held // 1_000_000 for held in level.held()] == plain


def test_acts_before_the_period_are_simulated_and_not_counted() -> None:
    later = Period(after(70), after(90), "UTC")
    (found,) = run_scenarios([Scenario(lambda _: PLAIN)], [[script()]], later, Options(PLAIN.levels)).figures

    assert (found.tickets, found.opened) == (1, 0)
    assert [each.step for each in found.taken] == [3]


# --- a load that is made up -------------------------------------------------------------------------------


def test_the_numbers_are_those_of_splitmix64() -> None:
    """Compare with the first two of the reference implementation for seed 1234567."""
    draws = synthetic._Draws(1234567)

    assert [draws.share() for _ in range(2)] == [
        (value >> 11) / 2**53 for value in (6457827717110365317, 3203168211198807973)
    ]


@given(st.integers(0, 2**64 - 1), st.integers(1, 60))
def test_a_generated_load_has_the_given_number_of_tickets_in_order(seed: int, count: int) -> None:
    found = list(synthetic.generate(PLAIN, MONTH, count, seed))
    came = [each.opened.at for each in found]

    assert len({each.number for each in found}) == count
    assert came == sorted(came)
    assert all(at in MONTH for at in came)
    for each in found:
        moments = [each.opened.at, *(stimulus.at for stimulus in each.stimuli)]
        assert moments == sorted(moments)
    assert found == list(synthetic.generate(PLAIN, MONTH, count, seed))


def made_up(seed: int) -> Figures:
    feed = ([each] for each in synthetic.generate(PLAIN, MONTH, 50, seed))
    (found,) = run_scenarios([Scenario(lambda _: PLAIN)], feed, MONTH, Options(PLAIN.levels)).figures
    return found


def test_the_same_seed_gives_the_same_load_and_another_seed_does_not() -> None:
    assert made_up(7) == made_up(7)
    assert made_up(7) != made_up(8)


def test_another_policy_routes_a_generated_ticket_by_its_rule_of_that_name() -> None:
    other = policy(rules=(Rule("payment", None, Actions(team="management")),))
    found = {
        synthetic.with_policy(each, other).routed.team for each in synthetic.generate(PLAIN, MONTH, 20, 1)
    }

    assert found == {"management"}


def test_figures_without_outcomes_have_levels_without_load() -> None:
    found = FigureCounter(Period(NOW, NOW + HOUR, "UTC")).figures(("L1",))

    assert [(each.level, each.peak_at) for each in found.load] == [("L1", None)]
