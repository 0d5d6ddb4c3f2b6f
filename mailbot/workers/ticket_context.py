"""Loads what the notices of a batch of decisions show beside their ticket: in a few statements for all of them.

A new ticket needs no look at its messages: its only one is the mail that opened it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import TAKES_PART, Attachment, Direction, Role, Ticket
from mailbot.domain.people.context import (
    NEWEST,
    NO_CONTEXT,
    TEXT_LIMIT,
    Entry,
    File,
    TicketContext,
)
from mailbot.domain.policy import Policy
from mailbot.domain.replies.folded_lines import folded_lines
from mailbot.mail.compose.mime_writer import attachment_part
from mailbot.mail.parsing.attachments import is_dangerous
from mailbot.store import conversation, tickets
from mailbot.store.agents.acts import WITHDRAWN
from mailbot.store.conversation import FiledEntry
from mailbot.store.tickets import Message

OTHER_TICKETS = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that is about to be recorded.

    `requested_at`: receipt of the mail that it answers. `participants`: who join, with their roles. `arrived`:
    messages that move to the ticket, with the ticket each is on.
    """

    before: Ticket | None
    decision: Decision
    message: Message | None = None
    requested_at: datetime | None = None
    participants: tuple[tuple[str, str], ...] = ()
    arrived: tuple[tuple[int, str], ...] = ()

    @property
    def number(self) -> str:
        return self.decision.ticket.number


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the store knows, by ticket; `others` by customer."""

    entries: Sequence[FiledEntry]
    files: Mapping[str, Sequence[File]]
    roles: Mapping[str, Mapping[str, Role]]
    notified: Mapping[str, Any]
    others: Mapping[str, Sequence[tuple[str, str]]]


def load_contexts(connection: Connection, drafts: Sequence[Draft], policy: Policy) -> list[TicketContext]:
    """Return the context of each draft; one without a notice to our people has none."""
    needed = [any(hasattr(each, "context") for each in draft.decision.notices) for draft in drafts]
    if not any(needed):
        return [NO_CONTEXT] * len(drafts)
    loaded = _load(connection, [draft for draft, is_needed in zip(drafts, needed, strict=True) if is_needed])
    contexts = []
    filed: dict[str, list[Draft]] = {}  # of this batch: not in the store yet
    for draft, is_needed in zip(drafts, needed, strict=True):
        filed.setdefault(draft.number, []).append(draft)
        if not is_needed:
            contexts.append(NO_CONTEXT)
            continue
        context = _context(draft, filed[draft.number], loaded)
        contexts.append(_with_files(connection, context, draft, policy))
    return contexts


def _load(connection: Connection, drafts: Sequence[Draft]) -> _Loaded:
    known = {draft.number for draft in drafts if draft.before}
    arrived = {id_ for draft in drafts for id_, _ in draft.arrived}
    origins = {origin for draft in drafts for _, origin in draft.arrived}
    customers = {draft.decision.ticket.customer for draft in drafts if not _is_only_ticket(draft)} - {""}
    return _Loaded(
        entries=conversation.newest_entries(connection, known | origins, arrived),
        files=conversation.files_of(connection, known | origins),
        roles=tickets.roles_of_tickets(connection, known),
        notified=conversation.earlier_notices(connection, known),
        others=conversation.open_tickets_of(connection, customers, OTHER_TICKETS + 1),
    )


def _is_only_ticket(draft: Draft) -> bool:
    """Check whether the rules have seen that this new ticket's customer has no other one open."""
    routed = (event for event in draft.decision.events if isinstance(event, e.TicketRouted))
    history = next((event.customer_history for event in routed if draft.before is None), None)
    return history is not None and history.looked_up and not history.open_tickets


def _context(draft: Draft, filed: Sequence[Draft], loaded: _Loaded) -> TicketContext:
    ticket, arrived = draft.decision.ticket, {id_ for id_, _ in draft.arrived}
    stored = [each for each in loaded.entries if each.ticket == draft.number or each.id in arrived]
    new = [_entry(each.message) for each in reversed(filed) if each.message]
    entries = _withdrawn([*new, *(each.entry for each in stored)], draft)
    total = len(new) + max((each.total for each in stored if each.ticket == draft.number), default=0)
    roles = {**loaded.roles.get(draft.number, {})}
    for event in (event for each in filed for event in each.decision.events):
        roles |= e.roles_of(event)
    others = loaded.others.get(ticket.customer, ())
    return TicketContext(
        entries=tuple(entries[:NEWEST]),
        older=max(total + len(arrived) - NEWEST, 0),
        participants=_with_roles(roles, TAKES_PART - {Role.CUSTOMER}),
        unconfirmed=_with_roles(roles, {Role.NAMED}),
        other_tickets=tuple(pair for pair in others if pair[0] != ticket.number)[:OTHER_TICKETS],
        notified=loaded.notified.get(draft.number, {}),
        files=_files(draft, filed, loaded),
    )


def _withdrawn(entries: list[Entry], draft: Draft) -> list[Entry]:
    """Show what this decision takes back as what it is from now on: a note that nobody got."""
    undone = next((event for event in draft.decision.events if isinstance(event, e.ActUndone)), None)
    if undone is None or not undone.withdrawn:
        return entries
    for place, entry in enumerate(entries):
        if entry.direction is Direction.OUT and entry.author == undone.by.name:
            note = replace(entry, direction=Direction.NOTE, flags=(*entry.flags, WITHDRAWN))
            return [*entries[:place], note, *entries[place + 1 :]]
    return entries


def _with_roles(roles: Mapping[str, Role], wanted: Iterable[Role]) -> tuple[str, ...]:
    return tuple(sorted(address for address, role in roles.items() if role in wanted))


def _entry(message: Message) -> Entry:
    visible = message.visible or message.text
    return Entry(
        direction=message.direction,
        author=message.author,
        text=visible[:TEXT_LIMIT],
        at=message.at,
        authentication=message.authentication,
        flags=message.flags,
        cut=max(0, len(visible) - TEXT_LIMIT),
        folded="\n".join(folded_lines(message.text, visible)) if message.direction is Direction.IN else "",
        **conversation.named(message.addresses),
    )


# --- files ------------------------------------------------------------------------------------------------


def _files(draft: Draft, filed: Sequence[Draft], loaded: _Loaded) -> tuple[File, ...]:
    numbers = (draft.number, *dict.fromkeys(origin for _, origin in draft.arrived))
    stored = [each for number in numbers for each in loaded.files.get(number, ())]
    new = [
        File(0, each.name, each.type, each.size, each.digest)
        for draft in filed
        if draft.message and draft.message.inbox_id is not None
        for each in draft.message.attachments
    ]
    return tuple(replace(each, position=place) for place, each in enumerate((*stored, *new), 1))


def _with_files(
    connection: Connection, context: TicketContext, draft: Draft, policy: Policy
) -> TicketContext:
    """Encode the files that some recipient has not got yet, the newest first, as long as they fit."""
    chosen, room = [], policy.attach_up_to
    recipients = {notice.to for notice in draft.decision.notices}
    for file in reversed(context.files):
        if (
            file.deleted_at is None
            and file.size <= room
            and context.is_new(file, recipients)
            and not _runs(file)
        ):
            chosen.append(file)
            room -= file.size
    if not chosen:
        return context
    at_hand = {each.digest: each.content for each in (draft.message.attachments if draft.message else ())}
    missing = {file.digest for file in chosen} - at_hand.keys()
    held = at_hand | conversation.contents_of(connection, missing)
    parts = {
        file.position: attachment_part(
            Attachment(file.name, file.type, file.size, file.digest, held[file.digest])
        )
        for file in chosen
        if file.digest in held
    }
    files = (replace(file, part=parts.get(file.position, b"")) for file in context.files)
    return replace(context, files=tuple(files))


def _runs(file: File) -> bool:
    return is_dangerous(Attachment(file.name, file.type, file.size, file.digest))
