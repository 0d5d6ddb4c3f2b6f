"""What an analysis of the policy says: findings, how grave they are, where they stand, what shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.routing.money import Money


class Severity(StrEnum):
    """FAULT: something that was written has no effect; proven. REMARK: true as well, and perhaps meant.
    UNDECIDED: the question is a good one and no proof was found either way. NOTE: for information."""

    FAULT = "fault"
    REMARK = "remark"
    UNDECIDED = "not decided"
    NOTE = "note"


SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one of the four files ("routing", "teams", "escalation", "mailbot").

    `path` are keys and indexes from the top; `item` is a text somewhere below it that is meant, "" for `path`
    itself. `settings.spots` turns this into a line and a column.
    """

    file: str
    path: tuple[str | int, ...]
    item: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A mail, a moment or an amount that shows what a finding says; `shows` is said of it in one line."""

    shows: str
    mail: RoutingFacts | None = None
    moment: datetime | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is a stable word for programs ("never-matches"), `names` are the rules (teams, ladders) that it
    is about, the one at `spot` first."""

    kind: str
    severity: Severity
    spot: Spot
    message: str
    hint: str = ""
    names: tuple[str, ...] = ()
    witness: Witness | None = None


def faults(findings: Iterable[Finding]) -> list[Finding]:
    """Those for which a policy is refused."""
    return [each for each in findings if each.severity is Severity.FAULT]
