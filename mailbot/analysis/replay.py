"""Mail that was routed once, taken through policies again: the work behind `rules diff`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy import Connection

from mailbot.analysis import opening_mails
from mailbot.analysis.opening_mails import OpeningMail
from mailbot.domain.model import NO_HISTORY, CustomerHistory, InboundMail
from mailbot.domain.policy import Policy
from mailbot.domain.policy_diff import Case, Change, compare_placements, place_mail, recorded_placement
from mailbot.domain.routing.conditions import STORE_FIELDS
from mailbot.mail.parsing.parse import parse
from mailbot.store import customer_history
from mailbot.store.store import Store

CHUNK = 100  # mails in memory at once


@dataclass(slots=True)
class Replayed:
    """What came of it so far. `drifted`: mails of which the old policy, asked again, says otherwise than was
    recorded when it routed them: a fault of ours, or a mailbot that decided otherwise."""

    same: int = 0
    changes: list[Change] = field(default_factory=list)
    drifted: list[Change] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.same + len(self.changes)


def replay(case: Case, old: Policy | None, new: Policy, found: Replayed) -> None:
    """One mail through both, into `found`. `old` None: against what was recorded."""
    before = place_mail(old, case) if old else None
    if case.routed and (old is None or old.version == case.policy):
        then = recorded_placement(case.routed, old)
        if before and (drift := compare_placements(case, then, before)):
            found.drifted.append(drift)
        before = before or then
    assert before, "a mail from elsewhere has no record"
    after = before if new is old else place_mail(new, case)
    if change := compare_placements(case, before, after):
        found.changes.append(change)
    else:
        found.same += 1


def stored(store: Store, numbers: Sequence[str], policies: Iterable[Policy]) -> Iterator[Case]:
    """What opened these tickets, read again; a chunk at a time. Who was split off, or whose mail is gone, is
    left out."""
    # What nobody asked for then is told from the events, where one of these policies asks for it.
    wanted = any(not STORE_FIELDS.isdisjoint(policy.asked_fields) for policy in policies)
    for start in range(0, len(numbers), CHUNK):
        yield from store.read_now(partial(_cases, numbers=numbers[start : start + CHUNK], wanted=wanted))


def _cases(connection: Connection, *, numbers: Sequence[str], wanted: bool) -> list[Case]:
    return [
        _case(connection, each, _circumstances(connection, each) if wanted else _as_recorded(each))
        for each in opening_mails.load_openings(connection, numbers)
    ]


def _case(connection: Connection, opening: OpeningMail, known: CustomerHistory) -> Case:
    # Whose word on the sender counts is settled: it is part of the customer history.
    mail = light(parse(opening_mails.raw_mail(connection, opening.inbox_id)))
    return Case(opening.number, opening.at, mail, opening.envelope, known, opening.routed, opening.policy)


def light(mail: InboundMail) -> InboundMail:
    """Without what no rule asks about: many of these may be in memory at once."""
    files = tuple(replace(each, content=b"") for each in mail.attachments)
    return replace(mail, text="" if mail.visible else mail.text, attachments=files)


def _as_recorded(opening: OpeningMail) -> CustomerHistory:
    return opening.routed.customer_history or NO_HISTORY


def _circumstances(connection: Connection, opening: OpeningMail) -> CustomerHistory:
    return customer_history.recalled(
        connection, opening.customer, opening.number, opening.at, opening.routed.customer_history
    )
