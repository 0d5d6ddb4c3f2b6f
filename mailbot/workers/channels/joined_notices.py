"""Notify people once of what a customer writes in several short messages, as people do in chats.

Theory of operation. The notice of such a message waits a moment (see `domain.decisions`). The next message takes it
back, and its own notice leaves when the first would have: it shows the newest messages anyway.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import NoticeKind
from mailbot.domain.notices import TeamNotice
from mailbot.store.channels import held_notices


def join(
    connection: Connection, decisions: Iterable[Decision], now: datetime
) -> Mapping[int, datetime | None]:
    """Take back what waits and is told of by these. Map the `id` of each notice that waits to when it leaves.

    None: a later one of these decisions tells of it.
    """
    waiting = {
        id(notice): ((notice.number, notice.to), notice.hold_until)
        for decision in decisions
        for notice in decision.notices
        if isinstance(notice, TeamNotice) and notice.hold_until and notice.why is NoticeKind.CUSTOMER_WROTE
    }
    if not waiting:
        return {}
    last = {place: each for each, (place, _) in waiting.items()}
    earlier = held_notices.withhold(connection, last, now)
    return {
        each: min(until, earlier.get(place, until)) if last[place] == each else None
        for each, (place, until) in waiting.items()
    }
