"""Findings of the lint: severity, place in the files, and what shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.routing.money import Money


class Severity(StrEnum):
    """FAULT: proven, a part of the policy has no effect or does harm. REMARK: proven, and perhaps intended.

    UNDECIDED: no proof was found either way. NOTE: for information.
    """

    FAULT = "fault"
    REMARK = "remark"
    UNDECIDED = "not decided"
    NOTE = "note"


SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one of the four files ("routing", "teams", "escalation", "mailbot").

    `path` are keys and indexes from the top. `item` is a text below it, "" for the place of `path` itself.
    `operations.finding_locations` turns this into line and column.
    """

    file: str
    path: tuple[str | int, ...]
    item: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A mail, a moment or an amount that shows a finding. `shows` describes the effect in one line."""

    shows: str
    mail: RoutingFacts | None = None
    moment: datetime | None = None
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is a stable word for programs ("never-matches"). `names` are the rules, teams or ladders
    concerned, the one at `spot` first."""

    kind: str
    severity: Severity
    spot: Spot
    message: str
    hint: str = ""
    names: tuple[str, ...] = ()
    witness: Witness | None = None


def faults(findings: Iterable[Finding]) -> list[Finding]:
    """List the findings for which a policy is refused."""
    return [each for each in findings if each.severity is Severity.FAULT]
