"""Retry or drop mails and events of channels, lift a suppression, end a session, revoke a token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.store import inbox, outbox, suppressions
from mailbot.store.channels import events
from mailbot.store.console import forms, sessions, tokens


class What(StrEnum):
    """What can be done."""

    RETRY_INBOX = "retry_inbox"
    DROP_INBOX = "drop_inbox"
    RETRY_OUTBOX = "retry_outbox"
    DROP_OUTBOX = "drop_outbox"
    RETRY_FAILED = "retry_failed"  # all that failed in the last `target` hours
    RETRY_EVENT = "retry_event"  # of a channel
    DROP_EVENT = "drop_event"
    LIFT = "lift"
    END_SESSION = "end_session"
    REVOKE_TOKEN = "revoke_token"


class Outcome(StrEnum):
    """What came of it. REFUSED: the mail is in no state for that, or the address or the session is not there."""

    DONE = "done"
    REFUSED = "refused"
    BEFORE = "before"  # the same form was carried out before


@dataclass(frozen=True, slots=True)
class QueueCommand:
    """What a person wants done. `target`: an id, hours, an address, the digest of a session.

    `because`: the person's words, one line. `once`: the key of a form, which is carried out once.
    """

    what: What
    target: str
    by: Actor
    now: datetime
    because: str = ""
    once: str = ""


def carry_out(connection: Connection, items: Sequence[QueueCommand]) -> list[Outcome]:
    """Carry out commands: a write operation of the store."""
    return [_carry_out(connection, item) for item in items]


def _carry_out(connection: Connection, command: QueueCommand) -> Outcome:
    if command.once and forms.find(connection, command.once, command.by):
        return Outcome.BEFORE
    if not _ACTS[command.what](connection, command):
        return Outcome.REFUSED
    if command.once:
        forms.add(connection, command.once, command.by, command.now, result=command.what)
    return Outcome.DONE


def _retry_inbox(connection: Connection, command: QueueCommand) -> bool:
    return inbox.retry(connection, [int(command.target)])[0]


def _drop_inbox(connection: Connection, command: QueueCommand) -> bool:
    return inbox.drop(connection, [inbox.Unhandled(int(command.target), _dropped_by(command))])[0]


def _retry_outbox(connection: Connection, command: QueueCommand) -> bool:
    return outbox.retry(connection, [outbox.Retry(int(command.target), command.now)])[0]


def _drop_outbox(connection: Connection, command: QueueCommand) -> bool:
    reason = reasons.of("dropped", actor=str(command.by))
    if command.because:
        reason = reasons.of("dropped_because", actor=str(command.by), text=command.because)
    return outbox.drop(connection, [outbox.Dropped(int(command.target), reason, command.now)])[0]


def _retry_failed(connection: Connection, command: QueueCommand) -> bool:
    since = command.now - timedelta(hours=int(command.target))
    count, _ = outbox.retry_failed(connection, [outbox.RetryFailed(since, "", command.now)])[0]
    return count > 0


def _retry_event(connection: Connection, command: QueueCommand) -> bool:
    return events.retry(connection, [events.Again(int(command.target), command.now)])[0]


def _drop_event(connection: Connection, command: QueueCommand) -> bool:
    return events.drop(connection, [events.Dropped(int(command.target), _dropped_by(command))])[0]


def _dropped_by(command: QueueCommand) -> str:
    return f"dropped by {command.by}" + (f": {command.because}" if command.because else "")


def _lift(connection: Connection, command: QueueCommand) -> bool:
    return suppressions.remove(connection, [command.target])[0]


def _end_session(connection: Connection, command: QueueCommand) -> bool:
    sessions.end(connection, [command.target])
    return True


def _revoke_token(connection: Connection, command: QueueCommand) -> bool:
    return tokens.revoke(connection, [(int(command.target), command.now)])[0]


_ACTS: dict[What, Callable[[Connection, QueueCommand], bool]] = {
    What.RETRY_INBOX: _retry_inbox,
    What.DROP_INBOX: _drop_inbox,
    What.RETRY_OUTBOX: _retry_outbox,
    What.DROP_OUTBOX: _drop_outbox,
    What.RETRY_FAILED: _retry_failed,
    What.RETRY_EVENT: _retry_event,
    What.DROP_EVENT: _drop_event,
    What.LIFT: _lift,
    What.END_SESSION: _end_session,
    What.REVOKE_TOKEN: _revoke_token,
}
