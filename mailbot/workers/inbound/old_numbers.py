"""Finds the tickets that a mail names by their number at another desk."""

import time

from sqlalchemy import Connection

from mailbot.domain.importing import old_numbers
from mailbot.domain.model import InboundMail
from mailbot.store.importing import aliases

LOOK_EVERY = 60.0  # seconds between looks whether there are such numbers by now


class OldNumbers:
    """Remembers whether the store has numbers of another desk. Without any, a mail costs no statement."""

    def __init__(self) -> None:
        self._exist, self._looked_at = False, float("-inf")

    def find(self, connection: Connection, mail: InboundMail) -> tuple[str, ...]:
        """Return the tickets that the subject or the new text names by an old number, those of the subject first."""
        if not self._any(connection):
            return ()
        # A line that is a quote never counts.
        new = "\n".join(
            line for line in mail.visible.splitlines() if not line.lstrip().startswith((">", "|"))
        )
        named = dict.fromkeys((*old_numbers.find(mail.subject), *old_numbers.find(new)))
        if not named:
            return ()
        found = aliases.find(connection, list(named))
        order = {alias: place for place, alias in enumerate(named)}
        return tuple(dict.fromkeys(number for _, number in sorted(found, key=lambda each: order[each[0]])))

    def _any(self, connection: Connection) -> bool:
        if not self._exist and time.monotonic() - self._looked_at >= LOOK_EVERY:
            self._exist, self._looked_at = aliases.exist(connection), time.monotonic()
        return self._exist
