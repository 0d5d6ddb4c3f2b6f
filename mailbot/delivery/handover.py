"""Mails that their own node sends without a claim: their decision has enqueued them as its own.

Theory of operation. Before a decision is committed, it asks for a share of what delivery can hold in memory, and
of the connections that stand idle. After the commit it hands over the mails, or gives the share back. While older
mail waits in the store nothing is handed over, so that no mail overtakes it.
"""

from dataclasses import dataclass, field

from mailbot.delivery.smtp_client import RelaySession

MOST = 400  # mails in memory that were handed over or claimed
ROWS_PER_MAIL = 4  # that one decision may hand over


@dataclass(eq=False, slots=True)
class Grant:
    """A share for one transaction: so many mails, and idle connections for the first of them."""

    rows: int
    sessions: list[RelaySession] = field(default_factory=list)


class Grants:
    """The shares that are given out and not handed back yet."""

    def __init__(self) -> None:
        self._given: set[Grant] = set()

    @property
    def rows(self) -> int:
        return sum(grant.rows for grant in self._given)

    @property
    def any(self) -> bool:
        return bool(self._given)

    def give(self, mails: int, in_hand: int, idle: list[RelaySession]) -> Grant:
        """Give a share for the decisions on so many mails. Connections are taken from `idle`."""
        rows = max(0, min(mails * ROWS_PER_MAIL, MOST - in_hand - self.rows))
        sessions: list[RelaySession] = []
        while idle and len(sessions) < rows:
            session = idle.pop()
            if session.alive:
                sessions.append(session)
        grant = Grant(rows, sessions)
        self._given.add(grant)
        return grant

    def take_back(self, grant: Grant) -> None:
        self._given.discard(grant)
