"""Notify people once of what a customer writes in several short messages, as people do in chats.

Theory of operation. The notice of such a message waits a moment (see `domain.decisions`). The next message takes it
back, and its own notice leaves when the first would have: it shows the newest messages anyway. An urgent one leaves at
once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import NoticeKind
from mailbot.domain.notices import TeamNotice
from mailbot.domain.people.identities import MAIL
from mailbot.store.channels import held_notices


def join(
    connection: Connection, decisions: Sequence[Decision], now: datetime
) -> Mapping[int, datetime | None]:
    """Take back what waits and is told of by these. Map the `id` of each notice that waits to when it leaves.

    None: a later one of these decisions tells of it.
    """
    told = {place: found for place, decision in enumerate(decisions) if (found := _told(decision))}
    if not told:
        return {}
    last = {found[0].number: place for place, found in told.items()}
    earlier = held_notices.withhold(connection, last, now)
    return {
        id(notice): min(notice.hold_until, earlier.get(notice.number, notice.hold_until))
        if last[notice.number] == place
        else None
        for place, found in told.items()
        for notice in found
        if notice.hold_until
    }


def _told(decision: Decision) -> list[TeamNotice]:
    """Return the notices of what a customer wrote, where there may be others that wait."""
    return [
        notice
        for notice in decision.notices
        if isinstance(notice, TeamNotice)
        and notice.why is NoticeKind.CUSTOMER_WROTE
        and (notice.hold_until or decision.ticket.channel != MAIL)
    ]
