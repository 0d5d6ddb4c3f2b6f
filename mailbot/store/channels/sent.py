"""What a provider took of us: recorded with the result, by its own id, so that its reports and answers find it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from mailbot.domain.model import OutboxState
from mailbot.store import outbox as mails
from mailbot.store.engine import or_skip
from mailbot.store.outbox import AttemptResult
from mailbot.store.schema import channel_contacts, channel_messages, outbox

# What comes later in this order counts, in whatever order reports come.
ORDER = ("sent", "delivered", "read", "failed")
CALL = 0  # the part that only asks the customer to write


@dataclass(frozen=True, slots=True)
class ChannelResult:
    """A result as of mail, with the ids by which the provider took its parts from 1; 0: `recipient` was called."""

    channel: str
    result: AttemptResult
    external_ids: Mapping[int, str] = field(default_factory=dict)
    recipient: str = ""


def record(connection: Connection, items: Sequence[ChannelResult]) -> list[bool]:
    """Record results. False: no longer ours, nothing recorded. Raises ClaimLost: then each is tried alone."""
    recorded = mails.record_results(connection, [item.result for item in items])
    for item, is_ours in zip(items, recorded, strict=True):
        for part, external_id in item.external_ids.items() if is_ours else ():
            row = {"channel": item.channel, "external_id": external_id, "outbox_id": item.result.id}
            row |= {"part": part, "status": ORDER[0], "status_at": item.result.at}
            connection.execute(or_skip(connection, channel_messages, "channel", "external_id").values(row))
            if part == CALL:
                _note_call(connection, item.recipient, item.result.at)
    return recorded


def _note_call(connection: Connection, address: str, at: datetime | None) -> None:
    """Record when somebody was asked to write; None: what asked them did not arrive."""
    connection.execute(or_skip(connection, channel_contacts, "address").values(address=address))
    here = channel_contacts.c.address == address
    connection.execute(update(channel_contacts).where(here).values(called_at=at))


@dataclass(frozen=True, slots=True)
class Past:
    """What is known before a message is sent: see `channels.seam.Outgoing`."""

    wrote_at: datetime | None = None
    called_at: datetime | None = None
    taken: frozenset[int] = frozenset()


def past(connection: Connection, outbox_id: int, recipient: str) -> Past:
    """Return when the recipient wrote and was called, and which parts of this message the provider has."""
    its = (channel_messages.c.outbox_id == outbox_id, channel_messages.c.status != ORDER[-1])
    taken = frozenset(connection.scalars(select(channel_messages.c.part).where(*its)))
    query = select(channel_contacts.c.wrote_at, channel_contacts.c.called_at)
    row = connection.execute(query.where(channel_contacts.c.address == recipient)).first()
    wrote_at, called_at = row or (None, None)
    return Past(wrote_at, called_at, taken)


def message_id_of(connection: Connection, channel: str, external_id: str) -> str:
    """Return the Message-ID of our message that a provider calls so, "" for none."""
    query = select(outbox.c.message_id).join(channel_messages, channel_messages.c.outbox_id == outbox.c.id)
    query = query.where(channel_messages.c.channel == channel, channel_messages.c.external_id == external_id)
    return connection.scalar(query) or ""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What a provider says became of a message of ours. `reason`: why it failed."""

    channel: str
    external_id: str
    status: str
    at: datetime
    reason: str = ""


def record_status(connection: Connection, items: Sequence[StatusReport]) -> list[bool]:
    """Record reports. False: we know no message of that id, or not yet. A failure fails the mail in the outbox."""
    return [_record_status(connection, item) for item in items]


def _record_status(connection: Connection, item: StatusReport) -> bool:
    earlier = ORDER[: ORDER.index(item.status)]
    named = (channel_messages.c.channel == item.channel, channel_messages.c.external_id == item.external_id)
    changing = update(channel_messages).where(*named, channel_messages.c.status.in_(earlier))
    values: dict[str, Any] = {"status": item.status, "status_at": item.at}
    names = (channel_messages.c.outbox_id, channel_messages.c.part)
    row = connection.execute(changing.values(values).returning(*names)).first()
    if row and item.status == ORDER[-1]:
        failed = {"state": OutboxState.FAILED, "settled_at": item.at, "reply": mails.storable(item.reason)}
        its = (outbox.c.id == row.outbox_id, outbox.c.state.in_((OutboxState.SENT, OutboxState.DEFERRED)))
        failing = update(outbox).where(*its).values(failed).returning(outbox.c.recipient)
        recipient = connection.scalar(failing)
        if recipient and row.part == CALL:
            _note_call(connection, recipient, None)
    return row is not None or connection.scalar(select(func.count()).where(*named)) == 1
