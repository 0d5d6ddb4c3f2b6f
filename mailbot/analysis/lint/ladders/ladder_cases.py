"""Every ladder with the tickets that climb it: where they start, what becomes of them when left alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from mailbot.analysis.lint import routes
from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import ladder_runs
from mailbot.analysis.lint.ladders.ladder_runs import LadderRun, StepRun
from mailbot.analysis.lint.routes import Proof, Route, Routes
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.domain import ladder as ladders
from mailbot.domain.policy import Ladder, Moment, Policy
from mailbot.domain.worktime import local

MOST = 60  # kinds of tickets on one ladder that are played


@dataclass(frozen=True, slots=True)
class LadderCase:
    """Tickets that are alike on a ladder: they start at one place, and every step means the same to them."""

    route: Route
    routes: tuple[Route, ...]  # all of them, `route` is the first
    runs: tuple[LadderRun, ...]


@dataclass(frozen=True, slots=True)
class LadderContext:
    """What all questions about ladders, people and money share. `cases` is by the ladder's name."""

    base: RuleContext
    routes: Routes
    cases: Mapping[str, Sequence[LadderCase]]

    @property
    def policy(self) -> Policy:
        return self.base.policy

    def routes_of(self, name: str) -> list[Route]:
        """The routes that lead onto a ladder."""
        return [each for each in self.routes if each.ladder == name]


def build_context(base: RuleContext) -> LadderContext:
    found = routes.of(base)
    at = base.search.world.moments.usual.astimezone(UTC)
    cases = {
        name: tuple(islice(_cases(base.policy, ladder, found, at), MOST))
        for name, ladder in base.policy.ladders.items()
    }
    return LadderContext(base, found, cases)


def _cases(policy: Policy, ladder: Ladder, found: Routes, at: datetime) -> Iterator[LadderCase]:
    alike: dict[tuple[object, ...], list[Route]] = {}
    for route in found:
        if route.ladder == ladder.name:
            levels = tuple(ladders.level_of(step, route.category) for step in ladder.steps)
            alike.setdefault((route.team, route.level, levels), []).append(route)
    for each in alike.values():
        yield LadderCase(each[0], tuple(each), ladder_runs.run_ladder(policy, each[0], at))


# --- what is said of a step -------------------------------------------------------------------------------


def spot(name: str, step: int | None = None, *path: str | int) -> Spot:
    """A ladder in escalation.yaml, or one of its steps."""
    return Spot("escalation", ("ladders", name) if step is None else ("ladders", name, "steps", step, *path))


def step_text(ladder: Ladder, step: int) -> str:
    """ "step 3 of ladder 'brisk' (75% of resolution)"."""
    return f"step {step + 1} of ladder {ladder.name!r} ({moment_text(ladder.steps[step].at)})"


def moment_text(moment: Moment) -> str:
    """As an admin writes it."""
    text = moment.target.value if moment.share == 1 else f"{100 * moment.share:g}% of {moment.target.value}"
    if not moment.offset:
        return text
    minutes = abs(moment.offset) / timedelta(minutes=1)
    hours, rest = divmod(minutes, 60)
    span = " ".join(f"{part:g} {unit}" for part, unit in ((hours, "h"), (rest, "min")) if part)
    return f"{text} {'+' if moment.offset > timedelta() else '-'} {span}"


# --- what shows it ----------------------------------------------------------------------------------------


Shows = Callable[[StepRun], str]


def with_proof(
    context: LadderContext, finding: Finding, among: Iterable[Route], shown: Callable[[Proof], Witness | None]
) -> Iterator[Finding]:
    """The finding with its witness, where a mail leads there; "not decided" where nobody knows of one."""
    proof = routes.proof(context.base, context.routes, among)
    if proof is None:
        return
    if proof.mail is None:
        doubt = f"it is not decided whether any mail leads to this ({proof.undecided}): {finding.message}"
        yield replace(finding, severity=Severity.UNDECIDED, message=doubt)
        return
    witness = shown(proof)
    if witness:
        yield replace(finding, witness=witness)


def witness_at_step(
    context: LadderContext, step: int, shows: Shows, fits: Callable[[StepRun], bool] = lambda _: True
) -> Callable[[Proof], Witness | None]:
    """A witness: the moment when `step` comes to the ticket of the mail, if nobody looks after it."""

    def shown(proof: Proof) -> Witness | None:
        for run, taken in step_runs(context.policy, proof, step):
            if fits(taken):
                text = f"{run.description}: {shows(taken)}"
                return Witness(text, proof.mail, local_time_of(context.policy, taken.before.team, taken.at))
        return None

    return shown


def step_runs(policy: Policy, proof: Proof, step: int) -> Iterator[tuple[LadderRun, StepRun]]:
    """Where `step` comes to the ticket that the mail opens, in whichever of its lives."""
    for run in runs_of(policy, proof):
        for taken in run.steps:
            if taken.step == step:
                yield run, taken


def runs_of(policy: Policy, proof: Proof) -> tuple[LadderRun, ...]:
    assert proof.mail
    return ladder_runs.run_ladder(policy, proof.route, proof.mail.local_time.astimezone(UTC))


def local_time_of(policy: Policy, team: str, at: datetime) -> datetime:
    """By the wall clock of where the team works."""
    return local(policy.calendar_of(team), at)
