"""Every ladder with the kinds of tickets on it, and what happens to them without care."""

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

MOST = 60  # cases of one ladder


@dataclass(frozen=True, slots=True)
class LadderCase:
    """Routes for which all steps of a ladder mean the same, from one team and level, with the runs of such
    a ticket."""

    route: Route
    routes: tuple[Route, ...]  # all such routes; `route` is the first
    runs: tuple[LadderRun, ...]


@dataclass(frozen=True, slots=True)
class LadderContext:
    """The context of all checks of ladders, people and limits. `cases` is by the ladder's name."""

    base: RuleContext
    routes: Routes
    cases: Mapping[str, Sequence[LadderCase]]

    @property
    def policy(self) -> Policy:
        return self.base.policy

    def routes_of(self, name: str) -> list[Route]:
        """List the routes that lead onto a ladder."""
        return [each for each in self.routes if each.ladder == name]


def build_context(base: RuleContext) -> LadderContext:
    found = routes.find_routes(base)
    at = base.search.world.moments.usual.astimezone(UTC)
    cases = {
        name: tuple(islice(_cases(base.policy, ladder, found, at), MOST))
        for name, ladder in base.policy.ladders.items()
    }
    return LadderContext(base, found, cases)


def _cases(policy: Policy, ladder: Ladder, found: Routes, at: datetime) -> Iterator[LadderCase]:
    groups: dict[tuple[object, ...], list[Route]] = {}
    for route in found:
        if route.ladder == ladder.name:
            levels = tuple(ladders.level_of(step, route.category) for step in ladder.steps)
            groups.setdefault((route.team, route.level, levels), []).append(route)
    for each in groups.values():
        yield LadderCase(each[0], tuple(each), ladder_runs.run_ladder(policy, each[0], at))


# --- texts about steps -------------------------------------------------------------------------------


def spot(name: str, step: int | None = None, *path: str | int) -> Spot:
    """Return the place of a ladder or of one of its steps in escalation.yaml."""
    return Spot("escalation", ("ladders", name) if step is None else ("ladders", name, "steps", step, *path))


def step_text(ladder: Ladder, step: int) -> str:
    """Name a step: "step 3 of ladder 'brisk' (75% of resolution)"."""
    return f"step {step + 1} of ladder {ladder.name!r} ({moment_text(ladder.steps[step].at)})"


def moment_text(moment: Moment) -> str:
    """Format a moment as admins write it."""
    text = moment.target.value if moment.share == 1 else f"{100 * moment.share:g}% of {moment.target.value}"
    if not moment.offset:
        return text
    return f"{text} {'+' if moment.offset > timedelta() else '-'} {span_text(abs(moment.offset))}"


def span_text(span: timedelta) -> str:
    """Format a span as admins write it: "1 h 30 min"."""
    hours, rest = divmod(span / timedelta(minutes=1), 60)
    return " ".join(f"{part:g} {unit}" for part, unit in ((hours, "h"), (rest, "min")) if part) or "nothing"


# --- witnesses ----------------------------------------------------------------------------------------


Describe = Callable[[StepRun], str]


def with_proof(
    context: LadderContext,
    finding: Finding,
    among: Iterable[Route],
    make_witness: Callable[[Proof], Witness | None],
) -> Iterator[Finding]:
    """Return the finding with a witness for a mail that leads there.

    The finding becomes "not decided" when no mail is known, and is dropped when there is none.
    """
    proof = routes.find_proof(context.base, context.routes, among)
    if proof is None:
        return
    if proof.mail is None:
        doubt = f"it is not decided whether any mail leads to this ({proof.undecided}): {finding.message}"
        yield replace(finding, severity=Severity.UNDECIDED, message=doubt)
        return
    witness = make_witness(proof)
    if witness:
        yield replace(finding, witness=witness)


def witness_at_step(
    context: LadderContext, step: int, shows: Describe, fits: Callable[[StepRun], bool] = lambda _: True
) -> Callable[[Proof], Witness | None]:
    """Return a function that finds the moment at which `step` is taken for the ticket of a mail."""

    def make_witness(proof: Proof) -> Witness | None:
        for run, taken in step_runs(context.policy, proof, step):
            if fits(taken):
                text = f"{run.description}: {shows(taken)}"
                return Witness(text, proof.mail, local_time_of(context.policy, taken.before.team, taken.at))
        return None

    return make_witness


def step_runs(policy: Policy, proof: Proof, step: int) -> Iterator[tuple[LadderRun, StepRun]]:
    """List where `step` is taken in the runs of the ticket that the mail opens."""
    for run in runs_of(policy, proof):
        for taken in run.steps:
            if taken.step == step:
                yield run, taken


def runs_of(policy: Policy, proof: Proof) -> tuple[LadderRun, ...]:
    assert proof.mail
    return ladder_runs.run_ladder(policy, proof.route, proof.mail.local_time.astimezone(UTC))


def local_time_of(policy: Policy, team: str, at: datetime) -> datetime:
    """Convert a moment to the clock of a team."""
    return local(policy.calendar_of(team), at)
