"""Route stored mail again by other policies: the work behind `rules diff`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from mailbot.analysis import opening_mails
from mailbot.analysis.opening_mails import OpeningMail
from mailbot.domain.model import NO_HISTORY, CustomerHistory, InboundMail
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_diff import (
    Case,
    Change,
    Placement,
    compare_placements,
    place_mail,
    recorded_placement,
)
from mailbot.domain.routing.conditions import STORE_FIELDS
from mailbot.mail.parsing.parse import parse
from mailbot.store import customer_history
from mailbot.store.store import Store

CHUNK = 100  # mails in memory at once


@dataclass(slots=True)
class Replayed:
    """The result so far. `drifted`: the old policy routes a mail differently today than recorded.

    That is a fault of mailbot, or of an older version that decided differently. `subjects` are those of `changes`.
    """

    same: int = 0
    changes: list[Change] = field(default_factory=list)
    drifted: list[Change] = field(default_factory=list)
    subjects: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.same + len(self.changes)


def replay(case: Case, old: Policy | None, new: Policy, result: Replayed) -> tuple[Placement, Placement]:
    """Route one mail by both policies, add the result and return both placements.

    `old` None: compare with the record.
    """
    before = place_mail(old, case) if old else None
    if case.routed and (old is None or old.version == case.policy):
        then = recorded_placement(case.routed, old)
        if before and (drift := compare_placements(case, then, before)):
            result.drifted.append(drift)
        before = before or then
    assert before, "a mail from elsewhere has no record"
    after = before if new is old else place_mail(new, case)
    if change := compare_placements(case, before, after):
        result.changes.append(change)
        result.subjects[case.name] = case.mail.subject
    else:
        result.same += 1
    return before, after


def stored_cases(store: Store, numbers: Sequence[str], policies: Iterable[Policy]) -> Iterator[Case]:
    """Read the mails that opened these tickets, a chunk at a time.

    Tickets that were split off and tickets whose mail is gone are left out.
    """
    # History that no rule used then is read from the events, where one of these policies uses it.
    from_events = any(not STORE_FIELDS.isdisjoint(policy.asked_fields) for policy in policies)
    for start in range(0, len(numbers), CHUNK):
        yield from store.read_now(
            partial(_cases, numbers=numbers[start : start + CHUNK], from_events=from_events)
        )


def _cases(connection: Connection, *, numbers: Sequence[str], from_events: bool) -> list[Case]:
    return [
        _case(connection, each, _history_of(connection, each) if from_events else _recorded_history(each))
        for each in opening_mails.load_openings(connection, numbers)
    ]


def _case(connection: Connection, opening: OpeningMail, known: CustomerHistory) -> Case:
    # Trust in the sender is already part of the customer history.
    mail = without_content(parse(opening_mails.raw_mail(connection, opening.inbox_id)))
    return Case(opening.number, opening.at, mail, opening.envelope, known, opening.routed, opening.policy)


def without_content(mail: InboundMail) -> InboundMail:
    """Remove what no rule reads, because many mails may be in memory."""
    files = tuple(replace(each, content=b"") for each in mail.attachments)
    return replace(mail, text="" if mail.visible else mail.text, attachments=files)


def _recorded_history(opening: OpeningMail) -> CustomerHistory:
    return opening.routed.customer_history or NO_HISTORY


def _history_of(connection: Connection, opening: OpeningMail) -> CustomerHistory:
    return customer_history.recalled(
        connection, opening.customer, opening.number, opening.at, opening.routed.customer_history
    )
