"""Every ladder with the tickets that climb it: where they start, what becomes of them when left alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from mailbot.analysis.lint import routes
from mailbot.analysis.lint.context import Ground
from mailbot.analysis.lint.finding import Finding, Severity, Spot, Witness
from mailbot.analysis.lint.ladders import runs
from mailbot.analysis.lint.ladders.runs import Life, Taken
from mailbot.analysis.lint.routes import Proof, Route, Routes
from mailbot.domain import ladder
from mailbot.domain.policy import Ladder, Moment, Policy
from mailbot.domain.worktime import local

MOST = 60  # kinds of tickets on one ladder that are played


@dataclass(frozen=True, slots=True)
class Climb:
    """Tickets that are alike on a ladder: they start at one place, and every step means the same to them."""

    route: Route
    like: tuple[Route, ...]  # all of them, `route` is the first
    lives: tuple[Life, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """What all questions about ladders, people and money share. `climbs` is by the ladder's name."""

    ground: Ground
    routes: Routes
    climbs: Mapping[str, Sequence[Climb]]

    @property
    def policy(self) -> Policy:
        return self.ground.policy

    def on(self, name: str) -> list[Route]:
        """The routes that lead onto a ladder."""
        return [each for each in self.routes if each.ladder == name]


def desk(ground: Ground) -> Desk:
    found = routes.of(ground)
    at = ground.search.world.moments.usual.astimezone(UTC)
    climbs = {
        name: tuple(islice(_climbs(ground.policy, mine, found, at), MOST))
        for name, mine in ground.policy.ladders.items()
    }
    return Desk(ground, found, climbs)


def _climbs(policy: Policy, mine: Ladder, found: Routes, at: datetime) -> Iterator[Climb]:
    alike: dict[tuple[object, ...], list[Route]] = {}
    for route in found:
        if route.ladder == mine.name:
            levels = tuple(ladder.level_of(step, route.category) for step in mine.steps)
            alike.setdefault((route.team, route.level, levels), []).append(route)
    for each in alike.values():
        yield Climb(each[0], tuple(each), runs.lives(policy, each[0], at))


# --- what is said of a step -------------------------------------------------------------------------------


def spot(name: str, step: int | None = None, *path: str | int) -> Spot:
    """A ladder in escalation.yaml, or one of its steps."""
    return Spot("escalation", ("ladders", name) if step is None else ("ladders", name, "steps", step, *path))


def said(mine: Ladder, step: int) -> str:
    """ "step 3 of ladder 'brisk' (75% of resolution)"."""
    return f"step {step + 1} of ladder {mine.name!r} ({when(mine.steps[step].at)})"


def when(moment: Moment) -> str:
    """As an admin writes it."""
    text = moment.target.value if moment.share == 1 else f"{100 * moment.share:g}% of {moment.target.value}"
    if not moment.offset:
        return text
    minutes = abs(moment.offset) / timedelta(minutes=1)
    hours, rest = divmod(minutes, 60)
    span = " ".join(f"{part:g} {unit}" for part, unit in ((hours, "h"), (rest, "min")) if part)
    return f"{text} {'+' if moment.offset > timedelta() else '-'} {span}"


# --- what shows it ----------------------------------------------------------------------------------------


Shows = Callable[[Taken], str]


def proven(
    desk: Desk, finding: Finding, among: Iterable[Route], shown: Callable[[Proof], Witness | None]
) -> Iterator[Finding]:
    """The finding with its witness, where a mail leads there; "not decided" where nobody knows of one."""
    proof = routes.proof(desk.ground, desk.routes, among)
    if proof is None:
        return
    if proof.mail is None:
        doubt = f"it is not decided whether any mail leads to this ({proof.undecided}): {finding.message}"
        yield replace(finding, severity=Severity.UNDECIDED, message=doubt)
        return
    witness = shown(proof)
    if witness:
        yield replace(finding, witness=witness)


def at_step(
    desk: Desk, step: int, shows: Shows, fits: Callable[[Taken], bool] = lambda _: True
) -> Callable[[Proof], Witness | None]:
    """A witness: the moment when `step` comes to the ticket of the mail, if nobody looks after it."""

    def shown(proof: Proof) -> Witness | None:
        for life, taken in came(desk.policy, proof, step):
            if fits(taken):
                text = f"{life.as_told}: {shows(taken)}"
                return Witness(text, proof.mail, on_clock(desk.policy, taken.before.team, taken.at))
        return None

    return shown


def came(policy: Policy, proof: Proof, step: int) -> Iterator[tuple[Life, Taken]]:
    """Where `step` comes to the ticket that the mail opens, in whichever of its lives."""
    for life in lives_of(policy, proof):
        for taken in life.steps:
            if taken.step == step:
                yield life, taken


def lives_of(policy: Policy, proof: Proof) -> tuple[Life, ...]:
    assert proof.mail
    return runs.lives(policy, proof.route, proof.mail.local_time.astimezone(UTC))


def on_clock(policy: Policy, team: str, at: datetime) -> datetime:
    """By the wall clock of where the team works."""
    return local(policy.calendar_of(team), at)
