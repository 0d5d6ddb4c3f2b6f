"""Ladders of tickets that this node's policy does not know: another node has taken a newer one already."""

from collections.abc import Iterable

from sqlalchemy import Connection

from mailbot.domain.model import Ticket
from mailbot.store import ladders
from mailbot.workers.runtime import Live


def learn(connection: Connection, live: Live, found: Iterable[Ticket]) -> None:
    """Before anything is decided about them: the indexes of steps taken mean nothing on another ladder."""
    named = {ticket.ladder_digest for ticket in found} - {""}
    if unknown := named - live.policy.ladders_by_digest.keys():
        live.learn(ladders.known(connection, unknown))
