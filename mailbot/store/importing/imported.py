"""What was imported, by its id at the other desk, and the mails that came with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, or_, select

from mailbot.domain.actor import CUSTOMER, ActorKind
from mailbot.domain.model import InboxState
from mailbot.store.database.prepared import Prepared, PreparedList, adding, replacing
from mailbot.store.engine import insert_or_skip
from mailbot.store.schema import events, imported, inbox, raw_mails


class Kind(StrEnum):
    TICKET = "ticket"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Known:
    """Where something went that was imported before. `digest`: of what it was then, "" of a message."""

    ticket: str
    digest: str


@dataclass(frozen=True, slots=True)
class Added:
    """Something that is imported now."""

    kind: Kind
    external_id: str
    ticket: str
    digest: str = ""


_KNOWN = PreparedList(
    lambda ids: select(imported.c.external_id, imported.c.ticket, imported.c.digest).where(
        imported.c.source == bindparam("b_source"),
        imported.c.kind == bindparam("b_kind"),
        imported.c.external_id.in_(ids),
    )
)
_SET = replacing(
    imported, ("source", "kind", "external_id", "ticket", "digest"), "source", "kind", "external_id"
)


def known(connection: Connection, source: str, kind: Kind, ids: Collection[str]) -> dict[str, Known]:
    """Return what is known of these ids of a source."""
    rows = _KNOWN.fetch(connection, ids, {"b_source": source, "b_kind": kind.value})
    return {external_id: Known(ticket, digest) for external_id, ticket, digest in rows}


def add(connection: Connection, source: str, items: Sequence[Added]) -> None:
    """Record what was imported. A ticket that is known gets its new digest."""
    if items:
        _SET.run(
            connection,
            [
                {
                    "source": source,
                    "kind": each.kind.value,
                    "external_id": each.external_id,
                    "ticket": each.ticket,
                    "digest": each.digest,
                }
                for each in items
            ],
        )


def tickets_of(connection: Connection, source: str, numbers: Collection[str]) -> set[str]:
    """Return which of these tickets came from the source."""
    query = select(imported.c.ticket).where(
        imported.c.ticket.in_(sorted(numbers)),
        imported.c.source == source,
        imported.c.kind == Kind.TICKET.value,
    )
    return set(connection.scalars(query)) if numbers else set()


def worked_on(connection: Connection, numbers: Collection[str]) -> set[str]:
    """Return on which of these tickets somebody wrote or acted here, since they were imported."""
    kinds = (ActorKind.AGENT, ActorKind.OPERATOR)
    ours = or_(events.c.by == str(CUSTOMER), *(events.c.by.startswith(kind.value) for kind in kinds))
    query = select(events.c.ticket).where(events.c.ticket.in_(sorted(numbers)), ours).distinct()
    return set(connection.scalars(query)) if numbers else set()


@dataclass(frozen=True, slots=True)
class OldMail:
    """The mail of a message: its bytes, none where the export has only its files."""

    fingerprint: str
    ticket: str
    received_at: datetime
    sender: str
    recipients: Sequence[str]
    raw: bytes


_ADD = Prepared(
    lambda dialect: insert_or_skip(dialect, inbox, ("fingerprint",)).returning(inbox.c.id),
    ("fingerprint", "state", "received_at", "sender", "recipients", "peer", "size", "ticket"),
)
_ADD_RAW = adding(raw_mails, ("inbox_id", "content"))


def keep(connection: Connection, mails: Sequence[OldMail]) -> Mapping[str, int]:
    """Keep mails that are done with. Return fingerprint -> id in the inbox; one that was here before is left out."""
    ids = {each.fingerprint: row[0][0] for each in mails if (row := _ADD.fetch(connection, _row(each)))}
    raws = {ids[each.fingerprint]: each.raw for each in mails if each.fingerprint in ids}
    if raws:
        _ADD_RAW.run(connection, [{"inbox_id": id_, "content": raw} for id_, raw in raws.items()])
    return ids


def kept_before(connection: Connection, fingerprints: Collection[str]) -> dict[str, str]:
    """Map these fingerprints to the tickets of mails that the inbox has, "" for one without a ticket."""
    return {mark: ticket or "" for mark, ticket in _KEPT.fetch(connection, set(fingerprints))}


_KEPT = PreparedList(
    lambda marks: select(inbox.c.fingerprint, inbox.c.ticket).where(inbox.c.fingerprint.in_(marks))
)


def _row(mail: OldMail) -> dict[str, object]:
    return {
        "fingerprint": mail.fingerprint,
        "state": InboxState.DONE,
        "received_at": mail.received_at,
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "peer": "",
        "size": len(mail.raw),
        "ticket": mail.ticket,
    }
