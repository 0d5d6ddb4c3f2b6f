"""The conclusions of `simulate`: which promises were kept, and what to change so that more are."""

from collections.abc import Iterator, Sequence

from mailbot.analysis.simulate.advice import Advice, Cause, LadderPromises, StepResult
from mailbot.analysis.simulate.staffing import Shortage
from mailbot.cli.shared.output import clean, echo_wrapped, print_title
from mailbot.domain import labels
from mailbot.domain.model import Target
from mailbot.domain.policy import Policy
from mailbot.views.formats import count_text, format_duration, format_work_time
from mailbot.views.ladder_text import moment_text, step_text

MOST = 3  # promises, steps and teams that are named
FEWEST = 10  # missed answers from which an hour is named
LONG = 12  # hours: half a day says nothing
OFTEN = 0.2  # share of times in vain from which a step is named
PROMISES = {"first_response": "first answer", "next_response": "next answer", "resolution": "resolution"}
CAUSES = {
    Cause.OPEN: "it was answered and left open: close it, or say whose turn it is",
    Cause.NOBODY: "nobody at that level was on duty: cover these hours, or promise by theirs",
    Cause.FEW: "too few people were on duty",
    Cause.NEVER: "nobody answered at all",
    Cause.OFF_DUTY: "only the owner was off duty: give it to a colleague (a step with `reassign`)",
    Cause.LATE: "somebody on duty could have answered: remind earlier",
}
COUNTS = ("one more person", "two more", "three more")


def print_promises(names: Sequence[str], advice: Sequence[Advice]) -> None:
    """Print how many promises were kept, a line for each policy."""
    first = advice[0]
    for name, each in zip(names, advice, strict=True):
        total = each.kept + each.missed
        if not total:
            echo_wrapped(f"{name}: no promise ended in this time.", bold=True)
            continue
        fewer = first.missed - each.missed
        change = f", {abs(fewer):,} {'fewer' if fewer > 0 else 'more'} than {names[0]}" if fewer else ""
        share = f"{each.kept / total:.0%}" if each.missed else "all"
        text = f"{name}: {each.kept:,} of {total:,} promises kept ({share}), {each.missed:,} missed{change}."
        echo_wrapped(text, bold=True)


def print_advice(advice: Advice, policy: Policy, name: str = "") -> None:
    """Print what to change, the worst first. `policy` is the one that it is about, `name` its name among several."""
    texts = [*_promise_texts(advice, policy), *_step_texts(advice, policy)]
    short = [each for each in advice.shortages or () if each.missed > 1]
    texts += [_shortage_text(each, policy) for each in short[:MOST]]
    texts += _hours_text(advice.hours)
    print_title(f"What to change in {name}" if name else "What to change")
    if not texts:
        echo_wrapped("  Nothing: no promise was missed, and no step was in vain.")
    for number, text in enumerate(texts, 1):
        echo_wrapped(f"  {number}. {text}", 3)


def _promise_texts(advice: Advice, policy: Policy) -> Iterator[str]:
    for each in [each for each in advice.promises if each.missed][:MOST]:
        name, promised = PROMISES[each.target], _promised(each, policy)
        total = each.kept + each.missed
        text = f"Ladder `{clean(each.ladder)}`, {name}{promised}: {each.missed:,} of {total:,} missed."
        known = sum(each.causes.values())  # of many answers the newest are kept
        text += f" The newest {known:,}:" if 0 < known < each.missed else ""
        for cause, count in each.causes.items():
            text += f" {_cases(count, known)} {CAUSES[cause]}."
        if each.within:
            act = "closed" if each.target == Target.RESOLUTION else "answered"
            text += f" 9 of 10 were {act} within {format_work_time(each.within)} of work time."
        yield text


def _cases(count: int, total: int) -> str:
    if count == total and count > 1:
        return "In all of them"
    return f"In {count_text(count, 'case')}"


def _promised(each: LadderPromises, policy: Policy) -> str:
    ladder = policy.ladders.get(each.ladder)
    span = ladder.targets.get(Target(each.target)) if ladder else None
    return f" within {format_work_time(span)}" if span else ""


def _step_texts(advice: Advice, policy: Policy) -> Iterator[str]:
    worst = [each for each in advice.steps if each.in_vain > 1 and each.in_vain >= OFTEN * each.taken]
    for each in worst[:MOST]:
        text = f"Step {each.step} of `{clean(each.ladder)}`{_step_name(each, policy)} was in vain "
        text += f"{each.in_vain:,} of {each.taken:,} times: the next step came before anybody acted."
        if each.nobody:
            text += f" {_cases(each.nobody, each.in_vain)} nobody at its level was on duty until then."
        yield text


def _step_name(each: StepResult, policy: Policy) -> str:
    ladder = policy.ladders.get(each.ladder)
    step = ladder.steps[each.step - 1] if ladder and each.step <= len(ladder.steps) else None
    return f" ({clean(step_text(step, ''), 60)} at {moment_text(step.at)})" if step else ""


def _shortage_text(each: Shortage, policy: Policy) -> str:
    place = ", ".join(
        clean(labels.label(policy, kind, key, "en"))
        for kind, key in (("team", each.team), ("level", each.level))
    )
    kept = [f"{count} would have kept {number:,}" for count, number in zip(COUNTS, each.kept, strict=False)]
    text = f"{place}: {each.missed:,} promises were missed for want of people. On duty each day from "
    text += f"{each.begins:02}:00 to {each.ends:02}:00, {', '.join(kept)}"
    return f"{text} (an answer took {format_duration(each.handling)})."


def _hours_text(hours: Sequence[int]) -> list[str]:
    """Name the shortest stretch of the day in which half of the missed answers were due."""
    total = sum(hours)
    if total < FEWEST:
        return []
    lengths = [(length, begin) for length in range(1, LONG + 1) for begin in range(24)]
    stretches = [(length, -_sum(hours, begin, length), begin) for length, begin in lengths]
    found = min((each for each in stretches if -each[1] * 2 >= total), default=None)
    if found is None:
        return []
    length, fewer, begin = found
    end = (begin + length) % 24
    return [f"{-fewer:,} of {total:,} missed answers were due between {begin:02}:00 and {end:02}:00."]


def _sum(hours: Sequence[int], begin: int, length: int) -> int:
    return sum(hours[(begin + index) % 24] for index in range(length))
