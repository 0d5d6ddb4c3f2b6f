"""What this node knows of storms: the complaints of a day, and the open incidents.

Theory of operation. Intake asks and adds in memory, so that no mail costs a statement of its own. The worker
reads what other nodes decided a few times a second, and opens incidents under a lock of the database. Until
then a node may not know of an incident: its complaints get the usual acknowledgement, their notices wait, and
the worker joins them afterwards.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from mailbot.domain.incidents.window import (
    NO_STORM,
    NOTHING,
    Complaint,
    Rise,
    Storm,
    Window,
    is_similar,
)
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy, Rate
from mailbot.store.incidents import Incident

MOST_PENDING = 20  # complaints of one window that are looked at in one turn


@dataclass(slots=True)
class _Known:
    """An open incident, whose complaints belong to it, and the numbers of similar ones that can't."""

    incident: Incident
    people: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def takes(self, complaint: Complaint) -> bool:
        mine = (self.incident.mailbox, self.incident.category)
        return complaint.place == mine and is_similar(complaint.words, self.incident.words)


class StormWatch:
    """Used by several threads; each call is short. Knows nothing before the worker's first turn."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[tuple[str, str, Rate], Window] = {}
        self._incidents: dict[str, _Known] = {}
        self._pending: dict[tuple[str, str, Rate], list[Complaint]] = {}
        self.ready = False

    # --- intake -------------------------------------------------------------------------------------------

    def look(self, complaint: Complaint, after: Rate) -> Storm:
        """Return what the complaint belongs to. Changes nothing."""
        with self._lock:
            for known in self._incidents.values():
                if known.takes(complaint):
                    return Storm(known.incident.number, complaint.person in known.people)
            window = self._windows.get((*complaint.place, after))
            if not self.ready or window is None:
                return NO_STORM
            return Storm(rising=window.is_rising(complaint.words, complaint.at))

    def add_new(self, complaint: Complaint | None, ticket: Ticket, policy: Policy) -> None:
        """Add what this node decided; None is no complaint."""
        box = policy.mailboxes.get(ticket.mailbox)
        if complaint and box and box.incident:
            self.add(complaint, box.incident.after, ticket.incident)

    def add(self, complaint: Complaint, after: Rate, incident: str | None = None) -> None:
        """Add what a decision of this or another node opened; `incident`: what it is a complaint of.

        Only complaints without one count as rising.
        """
        with self._lock:
            key = (*complaint.place, after)
            window = self._windows.setdefault(key, Window(after))
            if incident:
                if incident in self._incidents:
                    self._incidents[incident].people.add(complaint.person)
                window.remove([complaint.number])
                return
            if not window.add(complaint, complaint.at) or not self.ready:
                return
            pending = self._pending.setdefault(key, [])
            pending.append(complaint)
            del pending[:-MOST_PENDING]

    def counts(self, number: str) -> bool:
        """Check for a complaint that is counted already."""
        with self._lock:
            return any(number in window for window in self._windows.values())

    # --- the worker ---------------------------------------------------------------------------------------

    def know(self, incidents: Iterable[Incident]) -> list[str]:
        """Take over which incidents are open. Return those that are new here: who takes part is not known."""
        with self._lock:
            known = self._incidents
            self._incidents = {
                each.number: replace(known.get(each.number, _Known(each)), incident=each)
                for each in incidents
            }
            return [number for number in self._incidents if number not in known]

    def add_people(self, number: str, people: Iterable[str]) -> None:
        with self._lock:
            if number in self._incidents:
                self._incidents[number].people.update(people)

    def see_to(self, incident: Incident, joined: Collection[Complaint], others: Collection[str]) -> None:
        """Take over which complaints belong to an incident, and the numbers of those that can't join it."""
        with self._lock:
            if known := self._incidents.get(incident.number):
                known.people.update(each.person for each in joined)
                known.others.update(others)
            for key, window in self._windows.items():
                if key[:2] == (incident.mailbox, incident.category):
                    window.remove([each.number for each in joined])

    def rises(self, now: datetime) -> list[Rise]:
        """Return the storms among what came since the last call that belong to no open incident."""
        with self._lock:
            pending, self._pending = self._pending, {}
            found = []
            for key, complaints in pending.items():
                rise = self._rise(key, complaints, now)
                if rise.people >= key[2].count:
                    found.append(rise)
            return found

    def _rise(self, key: tuple[str, str, Rate], complaints: list[Complaint], now: datetime) -> Rise:
        """Return the largest rise that these complaints are part of."""
        best = NOTHING
        for complaint in complaints:
            if any(known.takes(complaint) for known in self._incidents.values()):
                continue
            rise = self._windows[key].rise(complaint.words, now)
            best = max(best, rise, key=lambda each: each.people)
        return best

    def to_join(self, incident: Incident, policy: Policy, now: datetime) -> list[Complaint]:
        """Return the complaints of the window that are similar to the incident's."""
        box = policy.mailboxes.get(incident.mailbox)
        if box is None or box.incident is None:
            return []
        with self._lock:
            window = self._windows.get((incident.mailbox, incident.category, box.incident.after))
            known = self._incidents.get(incident.number)
            found = window.similar(incident.words, now) if window else []
            return [each for each in found if known and each.number not in known.others]
