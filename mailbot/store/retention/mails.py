"""The bytes of mails that came in, their files, the bytes of mails that we sent, and the tries to send them.

A mail with files goes when its files go: its bytes hold them. What stays of bytes: their SHA-256 and when they went.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
    update,
)

from mailbot.domain.model import InboxState, OutboxState
from mailbot.store import frozen
from mailbot.store.failures import UNREPORTED
from mailbot.store.retention import channels
from mailbot.store.retention.rules import Found, Key, Page, Rules, Slice, in_window, is_free, window_end
from mailbot.store.schema import attachments, attempts, frozen_mails, inbox, outbox, raw_mails, tickets

FINAL = (OutboxState.SENT, OutboxState.SUPPRESSED, OutboxState.FAILED)
_SETTLED_AT = func.coalesce(outbox.c.settled_at, outbox.c.requested_at)
_OF_INBOX = tickets.c.number == inbox.c.ticket
_OF_OUTBOX = tickets.c.number == outbox.c.ticket
REPORTED = text(f"NOT ({UNREPORTED.text})")  # else its ticket has to learn of the failure first
_HAS_FILES = text("frozen_mails.files <> '[]'")


# --- mail that came in ------------------------------------------------------------------------------------


def find_raw_mails(connection: Connection, rules: Rules, after: Key | None) -> Page:
    """Find mails whose bytes are past their time."""
    where = _raw_mail_goes(connection, rules)
    columns = (inbox.c.id, tickets.c.mailbox, inbox.c.received_at.label("at"), inbox.c.size)
    return _page(connection, _of_inbox(*columns).where(*where), inbox.c.id, after)


def _raw_mail_goes(connection: Connection, rules: Rules) -> tuple[Any, ...]:
    at = inbox.c.received_at
    has_files = select(attachments.c.inbox_id).where(attachments.c.inbox_id == inbox.c.id).exists()
    with_files = and_(at < rules.attachments.column(), has_files)
    alone = and_(tickets.c.number.is_(None), at < rules.closed_tickets.elsewhere)
    past = or_(at < rules.raw_mail.column(), with_files, alone)
    done = (inbox.c.state == InboxState.DONE, inbox.c.deleted_at.is_(None))
    return (*done, past, is_free(connection))


def delete_raw_mails(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    """Delete the bytes of mails; their digests stay. Return the mails of which they went."""
    return [_delete_raw_mails(connection, item) for item in items]


def _delete_raw_mails(connection: Connection, item: Slice) -> list[Key]:
    goes = (inbox.c.id.in_(item.keys), *_raw_mail_goes(connection, item.rules))
    ids = connection.scalars(_locked(_of_inbox(inbox.c.id).where(*goes), inbox)).all()
    drop_raw_mails(connection, ids, item.rules)
    return list(ids)


def drop_raw_mails(connection: Connection, ids: Sequence[int], rules: Rules) -> None:
    """Delete the bytes of these mails, which the transaction has locked."""
    content = select(raw_mails.c.inbox_id, raw_mails.c.content).where(raw_mails.c.inbox_id.in_(ids))
    rows = [(row.inbox_id, row.content) for row in connection.execute(content)]
    _mark(connection, inbox, rows, rules)
    connection.execute(delete(raw_mails).where(raw_mails.c.inbox_id.in_(ids)))
    channels.empty_events(connection, ids)


# --- their files ------------------------------------------------------------------------------------------


def find_attachments(connection: Connection, rules: Rules, after: Key | None) -> Page:
    """Find mails whose files are past their time."""
    size = func.sum(attachments.c.size).label("size")
    columns = (inbox.c.id, tickets.c.mailbox, inbox.c.received_at.label("at"), size)
    query = _of_inbox(*columns).join(attachments, attachments.c.inbox_id == inbox.c.id)
    query = query.where(*_files_go(connection, rules)).group_by(*columns[:2], inbox.c.received_at)
    return _page(connection, query, attachments.c.inbox_id, after)


def _files_go(connection: Connection, rules: Rules) -> tuple[Any, ...]:
    at = inbox.c.received_at
    alone = and_(tickets.c.number.is_(None), at < rules.closed_tickets.elsewhere)
    past = or_(at < rules.attachments.column(), alone)
    return (inbox.c.state == InboxState.DONE, attachments.c.deleted_at.is_(None), past, is_free(connection))


def delete_attachments(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    """Mark the files of mails as deleted. `unused` removes contents that no other mail has."""
    return [_delete_attachments(connection, item) for item in items]


def _delete_attachments(connection: Connection, item: Slice) -> list[Key]:
    query = _of_inbox(inbox.c.id).join(attachments, attachments.c.inbox_id == inbox.c.id)
    goes = (inbox.c.id.in_(item.keys), *_files_go(connection, item.rules))
    ids = sorted(set(connection.scalars(_locked(query.where(*goes), inbox))))
    of_these = (attachments.c.inbox_id.in_(ids), attachments.c.deleted_at.is_(None))
    connection.execute(update(attachments).where(*of_these).values(deleted_at=item.rules.now))
    return list(ids)


# --- mail that we sent ------------------------------------------------------------------------------------


def find_sent_mails(connection: Connection, rules: Rules, after: Key | None) -> Page:
    """Find our mails whose bytes are past their time."""
    size = func.length(frozen_mails.c.content).label("size")
    query = _of_outbox(outbox.c.id, tickets.c.mailbox, _SETTLED_AT.label("at"), size)
    return _page(connection, query.where(*_sent_mail_goes(connection, rules)), outbox.c.id, after)


def _of_outbox(*columns: Any) -> Select[Any]:
    joined = outbox.join(frozen_mails, frozen_mails.c.nonce == outbox.c.nonce).outerjoin(tickets, _OF_OUTBOX)
    return select(*columns).select_from(joined)


def _sent_mail_goes(connection: Connection, rules: Rules) -> tuple[Any, ...]:
    past: list[ColumnElement[bool]] = [
        rules.raw_mail.column() > _SETTLED_AT,
        and_(tickets.c.number.is_(None), rules.closed_tickets.elsewhere > _SETTLED_AT),
    ]
    if (
        rules.attachments.newest > rules.raw_mail.newest
    ):  # else reading `files` costs the whole row for nothing
        past.append(and_(rules.attachments.column() > _SETTLED_AT, _HAS_FILES))
    return (outbox.c.state.in_(FINAL), REPORTED, or_(*past), is_free(connection))


def delete_sent_mails(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    """Delete the bytes of our mails; their digests stay. Return the mails of which they went."""
    return [_delete_sent_mails(connection, item) for item in items]


def _delete_sent_mails(connection: Connection, item: Slice) -> list[Key]:
    goes = (outbox.c.id.in_(item.keys), *_sent_mail_goes(connection, item.rules))
    found = connection.execute(_locked(_of_outbox(outbox.c.id, outbox.c.nonce).where(*goes), outbox)).all()
    whole = frozen.load(connection, [row.nonce for row in found])
    _mark(connection, outbox, [(row.id, whole.get(row.nonce, b"")) for row in found], item.rules)
    connection.execute(delete(frozen_mails).where(frozen_mails.c.nonce.in_([row.nonce for row in found])))
    return [row.id for row in found]


# --- attempts ---------------------------------------------------------------------------------------------


def find_attempts(connection: Connection, rules: Rules, after: Key | None) -> Page:
    """Find tries that are past their time, of mails that are not tried any more."""
    query = _of_attempts(
        attempts.c.id, tickets.c.mailbox, attempts.c.at, func.length(attempts.c.reply).label("size")
    )
    return _page(connection, query.where(*_attempts_go(connection, rules)), attempts.c.id, after)


def _of_attempts(*columns: Any) -> Select[Any]:
    joined = attempts.join(outbox, outbox.c.id == attempts.c.outbox_id).outerjoin(tickets, _OF_OUTBOX)
    return select(*columns).select_from(joined)


def _attempts_go(connection: Connection, rules: Rules) -> tuple[Any, ...]:
    alone = and_(tickets.c.number.is_(None), attempts.c.at < rules.closed_tickets.elsewhere)
    past = or_(attempts.c.at < rules.attempts.column(), alone)
    return (outbox.c.state.in_(FINAL), REPORTED, past, is_free(connection))


def delete_attempts(connection: Connection, items: Sequence[Slice]) -> list[list[Key]]:
    """Delete tries. The last answer of the relay stays with the mail."""
    return [_delete_attempts(connection, item) for item in items]


def _delete_attempts(connection: Connection, item: Slice) -> list[Key]:
    goes = (attempts.c.id.in_(item.keys), *_attempts_go(connection, item.rules))
    ids = connection.scalars(_locked(_of_attempts(attempts.c.id).where(*goes), attempts)).all()
    connection.execute(delete(attempts).where(attempts.c.id.in_(ids)))
    return list(ids)


# --- all of them ------------------------------------------------------------------------------------------


def _of_inbox(*columns: Any) -> Select[Any]:
    return select(*columns).select_from(inbox.outerjoin(tickets, _OF_INBOX))


def _page(connection: Connection, query: Select[Any], key: Any, after: Key | None) -> Page:
    last = window_end(connection, key, after)
    if last is None:
        return Page((), None)
    rows = connection.execute(query.where(in_window(key, after, last)).order_by(query.selected_columns[0]))
    return Page([Found(row[0], row.mailbox or "", row.at, row.size or 0) for row in rows], last)


def _locked(query: Select[Any], table: Table) -> Select[Any]:
    """Lock what is deleted, in one order everywhere; what another node holds is left for the next run."""
    return query.order_by(table.c.id).with_for_update(of=table, skip_locked=True)


def _mark(connection: Connection, table: Table, contents: Sequence[tuple[int, bytes]], rules: Rules) -> None:
    rows = [{"b_id": id_, "b_digest": hashlib.sha256(content).hexdigest()} for id_, content in contents]
    if rows:
        gone = {"deleted_digest": bindparam("b_digest"), "deleted_at": rules.now}
        connection.execute(update(table).where(table.c.id == bindparam("b_id")).values(gone), rows)
