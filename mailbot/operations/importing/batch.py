"""One transaction of an import: what is new of some tickets, recorded with a few bulk statements.

Theory of operation. `plan` looks what of these tickets is here already, by their ids at the other desk. Only what is
new is then read, outside of any transaction. `record` is the transaction: it looks again, and raises Outdated where
another import was faster. So after a crash the same run goes on where it was, and nothing is there twice.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from mailbot.domain import ladder
from mailbot.domain.importing import old_numbers
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.matching import Match
from mailbot.domain.merging.rebuild import post_turn
from mailbot.domain.model import Direction, Status, Ticket, Turn
from mailbot.domain.policy import Mailbox
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.operations.importing import history
from mailbot.operations.importing.history import Import
from mailbot.operations.importing.model import ImportedMessage, ImportedTicket
from mailbot.operations.importing.reading import ReadMessage, read_message
from mailbot.store import tickets
from mailbot.store.codec import match_data
from mailbot.store.importing import aliases, imported
from mailbot.store.importing.imported import Added, Kind, OldMail
from mailbot.store.tickets import Message, Outdated, TicketChange
from mailbot.workers.inbound.ticketing import addresses_of
from mailbot.workers.runtime import Snapshot, load_missing_ladders
from mailbot.workers.ticket_numbers import draw_numbers


@dataclass(frozen=True, slots=True)
class Planned:
    """What is new of one ticket.

    - `number`: the ticket that it is here, "" for a new one. `digest`: of all of it.
    - `messages`: those that are new. `marks`: external id -> fingerprint, of those with a mail or files.
    - `here`: how many came here by another way, and are left out. `same`: nothing changed since the last run.
    """

    ticket: ImportedTicket
    digest: str
    number: str = ""
    messages: tuple[ImportedMessage, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    here: int = 0
    same: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A planned ticket with its new messages as read, oldest first."""

    planned: Planned
    messages: tuple[ReadMessage, ...]


@dataclass(slots=True)
class Counts:
    """What a run did, or would do.

    `same`: tickets without anything new. `here`: messages that had come by another way. `gone`: tickets that retention
    deleted since they were imported.
    """

    new: int = 0
    grown: int = 0
    same: int = 0
    gone: int = 0
    messages: int = 0
    here: int = 0
    by_status: dict[str, int] = field(default_factory=dict)  # of the new tickets
    by_mailbox: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        for name in ("new", "grown", "same", "gone", "messages", "here"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.by_status, other.by_status), (self.by_mailbox, other.by_mailbox)):
            for key, count in theirs.items():
                mine[key] = mine.get(key, 0) + count


def digest_of(ticket: ImportedTicket) -> str:
    """Return a digest of what may change of a ticket: its messages, its state, its rating, its numbers."""
    ids = sorted(each.external_id for each in ticket.messages)
    facts = (ticket.status.value, ticket.closed_at, ticket.rating, ticket.numbers, ids)
    return hashlib.sha256(repr(facts).encode("utf-8", "replace")).hexdigest()


# --- the plan -------------------------------------------------------------------------------------------------


def plan(connection: Connection, found: Sequence[ImportedTicket], source: str) -> list[Planned]:
    """Return what is new of these tickets, in their order. No two have one external id."""
    known = imported.known(connection, source, Kind.TICKET, [each.external_id for each in found])
    digests = {each.external_id: digest_of(each) for each in found}
    changed = [
        each
        for each in found
        if each.external_id not in known or known[each.external_id].digest != digests[each.external_id]
    ]
    planner = _Planner.load(connection, changed, source)
    planned = {}
    for each in changed:
        before = known.get(each.external_id)
        planned[each.external_id] = planner.plan(
            each, digests[each.external_id], before.ticket if before else ""
        )
    return [
        planned.get(id_) or Planned(each, digests[id_], known[id_].ticket, same=True)
        for each in found
        for id_ in (each.external_id,)
    ]


@dataclass(slots=True)
class _Planner:
    """What the store knows of the messages of a batch.

    - `placed`: external id -> ticket, of this source. `marks`: external id -> fingerprint.
    - `elsewhere`: Message-ID or fingerprint -> ticket, of mails that came by another way.
    - `seen`: external ids and fingerprints of this batch, so that nothing comes twice.
    """

    placed: Mapping[str, str]
    marks: Mapping[str, str]
    elsewhere: Mapping[str, str]
    seen: set[str] = field(default_factory=set)

    @classmethod
    def load(cls, connection: Connection, found: Sequence[ImportedTicket], source: str) -> "_Planner":
        messages = [message for each in found for message in each.messages]
        known = imported.known(connection, source, Kind.MESSAGE, {each.external_id for each in messages})
        fresh = [each for each in messages if each.external_id not in known]
        marks = {each.external_id: mark for each in fresh if (mark := _mark(each, source))}
        stored = tickets.mails_by_message_id(connection, {each.message_id for each in fresh} - {""})
        ours = imported.tickets_of(connection, source, {each.ticket for each in stored})
        elsewhere = {each.message_id: each.ticket for each in stored if each.ticket not in ours}
        elsewhere |= imported.kept_before(connection, marks.values())
        return cls({id_: each.ticket for id_, each in known.items()}, marks, elsewhere)

    def plan(self, ticket: ImportedTicket, digest: str, number: str) -> Planned:
        """Plan a ticket of which something may be new. `number`: the ticket that it is here, "" for none."""
        unknown = [each for each in ticket.messages if each.external_id not in self.placed]
        here = [place for each in unknown if (place := self._place(each)) is not None]
        fresh = [each for each in unknown if self._place(each) is None and self._is_first(each)]
        # A thread of mails may have got another beginning: then its known messages say which ticket it is.
        ids = (each.external_id for each in ticket.messages)
        number = number or next((self.placed[id_] for id_ in ids if id_ in self.placed), "")
        if not fresh and not number:
            number = next(filter(None, here), "")
        marks = {id_: self.marks[id_] for each in fresh if (id_ := each.external_id) in self.marks}
        return Planned(ticket, digest, number, tuple(fresh), marks, len(here))

    def _place(self, message: ImportedMessage) -> str | None:
        """Return the ticket of a message that came by another way, "" while it has none; None for a new message."""
        names = (message.message_id, self.marks.get(message.external_id, ""))
        return next((self.elsewhere[name] for name in names if name in self.elsewhere), None)

    def _is_first(self, message: ImportedMessage) -> bool:
        marks = {message.external_id, self.marks.get(message.external_id, message.external_id)}
        is_first = not marks & self.seen
        self.seen |= marks
        return is_first


def _mark(message: ImportedMessage, source: str) -> str:
    """Return the fingerprint of a message's mail, "" for one without bytes and files.

    By that of the bytes, the same mail that comes again by another way opens no ticket.
    """
    if message.raw:
        return fingerprint(message.raw, message.at.date().isoformat())
    if not message.files:
        return ""
    named = f"import\0{source}\0{message.external_id}"
    return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()


def read(planned: Sequence[Planned], run: Import) -> list[Ready]:
    """Read the new messages of the tickets that have any change."""
    own = run.policy.mailboxes.keys()
    return [
        Ready(
            each,
            tuple(
                sorted(
                    (read_message(message, own, run.now) for message in each.messages),
                    key=lambda message: message.at,
                )
            ),
        )
        for each in planned
        if not each.same
    ]


# --- the transaction --------------------------------------------------------------------------------------------


def record(
    connection: Connection, ready: Sequence[Ready], run: Import, snapshot: Snapshot, box: Mailbox
) -> Counts:
    """Record what is new. Raises Outdated where another import has recorded some of it meanwhile.

    `box`: the mailbox of tickets whose own is unknown.
    """
    _check(connection, ready, run)
    counts = Counts()
    loaded = _load(connection, ready)
    snapshot = load_missing_ladders(connection, snapshot, loaded.values())
    snapshot.agent_loads.refresh(connection, run.policy)
    boxes = [run.policy.mailboxes.get(each.planned.ticket.mailbox.lower(), box) for each in ready]
    fresh = [(each, box) for each, box in zip(ready, boxes, strict=True) if _is_new(each)]
    numbers = iter(draw_numbers(connection, [box for _, box in fresh]))
    busy = imported.worked_on(connection, loaded.keys())
    decided: list[_Decided] = []
    for each, box in zip(ready, boxes, strict=True):
        number = each.planned.number
        if _is_new(each):
            decision = history.begin(
                each.planned.ticket, each.messages, next(numbers), box, run, snapshot.agent_loads.loads
            )
            decided.append(_Decided(each, None, decision))
            snapshot.agent_loads.add(None, decision.ticket)
            _count_new(counts, decision.ticket)
        elif before := loaded.get(tickets.merge_target(number, loaded)):
            builder = DecisionBuilder(before, loads=snapshot.agent_loads.loads)
            decision = history.go_on(
                builder, each.planned.ticket, each.messages, run, worked_on=before.number in busy
            )
            decided.append(_Decided(each, before, decision))
            snapshot.agent_loads.add(before, decision.ticket)
            loaded[before.number] = decision.ticket  # two tickets there may be one here
            counts.grown += 1
        else:
            counts.gone += 1
        counts.here += each.planned.here
    counts.messages += _write(connection, decided, run)
    _remember(connection, decided, ready, run)
    return counts


@dataclass(frozen=True, slots=True)
class _Decided:
    ready: Ready
    before: Ticket | None
    decision: Decision


def _is_new(each: Ready) -> bool:
    return not each.planned.number and bool(each.messages)


def _check(connection: Connection, ready: Sequence[Ready], run: Import) -> None:
    ids = {message.external_id for each in ready for message in each.planned.messages}
    if imported.known(connection, run.source, Kind.MESSAGE, ids):
        raise Outdated("another import has recorded some of these messages")


def _load(connection: Connection, ready: Sequence[Ready]) -> dict[str, Ticket]:
    return tickets.load_with_merge_targets(
        connection, {each.planned.number for each in ready if each.planned.number}
    )


def _count_new(counts: Counts, ticket: Ticket) -> None:
    counts.new += 1
    state = ticket.status.value if ticket.status in (Status.CLOSED, Status.FILED) else Status.OPEN.value
    counts.by_status[state] = counts.by_status.get(state, 0) + 1
    counts.by_mailbox[ticket.mailbox] = counts.by_mailbox.get(ticket.mailbox, 0) + 1


def _write(connection: Connection, decided: Sequence[_Decided], run: Import) -> int:
    """Write the tickets with their messages. Return how many messages there were."""
    mails = [mail for each in decided for mail in _mails(each)]
    kept = imported.keep(connection, mails)
    if len(kept) < len(mails):
        raise Outdated("some of these mails came by another way meanwhile")
    changes, count = [], 0
    for each in decided:
        ticket, before = each.decision.ticket, each.before
        evidence = match_data(Match(reason=run.reason(each.ready.planned.ticket)))
        marks = each.ready.planned.marks
        messages: list[Message | None] = [
            _message(message, kept.get(marks.get(message.imported.external_id, "")), evidence)
            for message in each.ready.messages
        ]
        count += len(messages)
        people = ((ticket.customer, "customer"),) if before is None else ()
        events = each.decision.events
        for message in messages or [None]:
            changes.append(
                TicketChange(
                    before=before,
                    after=ticket,
                    events=events,
                    policy=run.policy.version,
                    deadline=ladder.next_deadline(ticket, run.policy, run.now),
                    message=message,
                    participants=people,
                )
            )
            before, events, people = ticket, (), ()
    tickets.record(connection, changes, announced=False)
    return count


def _mails(each: _Decided) -> Iterable[OldMail]:
    """Yield what the inbox keeps of the messages: the bytes of their mails, or a place for their files."""
    ticket, marks = each.decision.ticket, each.ready.planned.marks
    for message in each.ready.messages:
        if mark := marks.get(message.imported.external_id):
            raw = message.imported.raw
            yield OldMail(mark, ticket.number, message.at, message.mail.sender, (ticket.mailbox,), raw)


def _message(message: ReadMessage, inbox_id: int | None, evidence: Mapping[str, object]) -> Message:
    mail, direction = message.mail, message.imported.direction
    turn = "customer" if direction is Direction.IN and not message.is_machines else ""
    return Message(
        at=message.at,
        direction=direction,
        author=message.author,
        subject=mail.subject,
        text=mail.text,
        visible=mail.visible,
        message_id=mail.message_id,
        inbox_id=inbox_id,
        evidence=evidence,
        turn=post_turn(Turn.CUSTOMER) if direction is Direction.OUT else turn,
        no_auto_reply=mail.no_auto_reply,
        flags=mail.flags,
        author_kind=mail.author,
        author_reason=mail.author_reason,
        addresses=addresses_of(mail),
        attachments=mail.attachments if inbox_id is not None else (),
    )


def _remember(
    connection: Connection, decided: Sequence[_Decided], ready: Sequence[Ready], run: Import
) -> None:
    """Record what was imported, and the old numbers, so that the next run knows them."""
    numbers = {id(each.ready): each.decision.ticket.number for each in decided}
    added, named = [], []
    for each in ready:
        ticket = each.planned.ticket
        number = numbers.get(id(each), each.planned.number)
        if not number:
            continue  # it has no message that could be imported
        added.append(Added(Kind.TICKET, ticket.external_id, number, each.planned.digest))
        added += [Added(Kind.MESSAGE, message.external_id, number) for message in each.planned.messages]
        if id(each) in numbers:
            named += [(old_numbers.key(written), number) for written in ticket.numbers]
    imported.add(connection, run.source, added)
    aliases.add(connection, named)
