"""The states of what the store keeps: mail received, mail to send, attempts, deadlines, messages."""

from enum import StrEnum


class InboxState(StrEnum):
    NEW = "new"  # no decision yet
    DONE = "done"  # it is on a ticket, or an operator dropped it
    PARKED = "parked"  # it could not be handled: an operator decides


class OutboxState(StrEnum):
    DUE = "due"
    SENDING = "sending"  # a node holds it
    DOT = "dot"  # the final dot of DATA may have left: the relay may have the mail
    SENT = "sent"
    DEFERRED = "deferred"  # tried, and to be tried again
    FAILED = "failed"
    SUPPRESSED = "suppressed"  # it never leaves


WAITING = (OutboxState.DUE, OutboxState.DEFERRED)
UNDER_WAY = (OutboxState.SENDING, OutboxState.DOT)


class AttemptOutcome(StrEnum):
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the connection died after the final dot left
    BOUNCED = "bounced"  # a report came back later
    COMPLAINED = "complained"


class DeadlineState(StrEnum):
    ARMED = "armed"
    PARKED = "parked"  # our code failed on it: the next decision on the ticket sets a new one


class Direction(StrEnum):
    """Where a message goes: from the customer, to the customer, or a note that stays internal."""

    IN = "in"
    OUT = "out"
    NOTE = "note"
