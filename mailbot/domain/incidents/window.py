"""Find what rises among the complaints of one mailbox and category.

Theory of operation. A complaint is a set of words. Three spans follow each other: the window that the mailbox
names, the hour before it, and the rest of the day. A word rises when the window has it far more often than
the spans before would lead to expect. Complaints are similar when they share two words that rise. A storm is
enough similar complaints, of different people, and far more than usual. So the usual rate of a busy category
is no storm, nor are many complaints about different things.
"""

from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from mailbot.domain.policy import Rate

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEWEST = 2  # similar complaints that can be a rise
AT_PACE = 5  # newest similar complaints that show the pace at which more come
FACTOR = 3  # times as many as usual
CORE = 10  # words that similar complaints are found by
SHARED = 2  # of them that a similar complaint has
MOST = 2_000  # complaints that one span remembers
MOST_COUNTED = 50_000  # words


@dataclass(frozen=True, slots=True)
class Complaint:
    """A customer's mail that opened a ticket, as far as similar ones are found by it."""

    number: str
    mailbox: str
    category: str
    person: str  # the customer in one spelling
    at: datetime
    words: frozenset[str]

    @property
    def place(self) -> tuple[str, str]:
        return self.mailbox, self.category


@dataclass(frozen=True, slots=True)
class Rise:
    """Similar complaints within the window: the words that they share, and how many people wrote them."""

    words: frozenset[str] = frozenset()
    people: int = 0
    complaints: tuple[Complaint, ...] = ()


NOTHING = Rise()


@dataclass(frozen=True, slots=True)
class Storm:
    """What a new complaint belongs to.

    - `incident`: number of the open one that it is similar to, "" for none. `informed`: its customer knows
      of it from an earlier complaint.
    - `rising`: similar ones come, which may become an incident within a minute.
    """

    incident: str = ""
    informed: bool = False
    rising: bool = False


NO_STORM = Storm()


class Storms(Protocol):
    """What a node knows of storms."""

    def look(self, complaint: Complaint, after: Rate) -> Storm:
        """Return what the complaint belongs to. Changes nothing."""


class _Calm:
    def look(self, complaint: Complaint, after: Rate) -> Storm:
        return NO_STORM


CALM: Storms = _Calm()


def is_similar(words: Collection[str], core: Collection[str]) -> bool:
    """Check whether a complaint is about what `core` is about; a short one needs fewer words."""
    shared = sum(word in core for word in words)
    return shared >= SHARED or (shared == len(words) == 1)


class Window:
    """The complaints of one mailbox and category within a day. `after`: how many open an incident."""

    def __init__(self, after: Rate) -> None:
        self.after = after
        self._numbers: set[str] = set()
        self._spans: tuple[deque[Complaint], ...] = (deque(), deque(), deque())
        self._counts: list[Counter[str]] = [Counter(), Counter(), Counter()]
        self._known_since: datetime | None = None

    def __contains__(self, number: str) -> bool:
        return number in self._numbers

    def add(self, complaint: Complaint, now: datetime) -> bool:
        """Add a complaint. Return False when it is there already."""
        if complaint.number in self._numbers:
            return False
        self._numbers.add(complaint.number)
        self._known_since = min(self._known_since or complaint.at, complaint.at)
        self._spans[0].append(complaint)
        self._counts[0].update(complaint.words)
        self.advance(now)
        return True

    def remove(self, numbers: Collection[str]) -> None:
        """Forget complaints of the window that belong to an incident: what comes after it is counted afresh."""
        gone = self._numbers & set(numbers)
        if not gone:
            return
        for each in self._spans[0]:
            if each.number in gone:
                self._counts[0].subtract(each.words)
        left = deque(each for each in self._spans[0] if each.number not in gone)
        self._spans = (left, *self._spans[1:])

    def advance(self, now: datetime) -> None:
        """Move what is old to the span where it belongs, and forget what is older than a day."""
        period = self.after.period
        for place, age in enumerate((period, period + HOUR, DAY)):
            span = self._spans[place]
            while span and (span[0].at <= now - age or len(span) > MOST):
                complaint = span.popleft()
                self._counts[place].subtract(complaint.words)
                if place == len(self._spans) - 1:
                    self._numbers.discard(complaint.number)
                else:
                    self._spans[place + 1].append(complaint)
                    self._counts[place + 1].update(complaint.words)
        if any(len(counts) > MOST_COUNTED for counts in self._counts):
            self._counts = [+counts for counts in self._counts]  # without those that are zero

    def rise(self, words: Collection[str], now: datetime) -> Rise:
        """Return the complaints of the window that are similar to one with these words."""
        self.advance(now)
        rising = [word for word in words if self._rises(word, now)]
        if len(rising) < min(SHARED, len(words)) or not rising:
            return NOTHING
        rising.sort(key=lambda word: (-self._counts[0][word], word))
        core = frozenset(rising[:CORE])
        similar = tuple(each for each in self._spans[0] if is_similar(each.words, core))
        people = len({each.person for each in similar})
        if people < FEWEST or people <= FACTOR * self._usual_similar(core, now):
            return NOTHING
        counts = Counter(word for each in similar for word in each.words)
        others = (word for word, count in counts.items() if count * 3 >= len(similar))
        return Rise(core | {word for word in others if self._rises(word, now)}, people, similar)

    def is_rising(self, words: Collection[str], now: datetime) -> bool:
        """Check whether similar complaints come at a pace that opens an incident, this one among them."""
        self.advance(now)
        rising = [word for word in words if self._rises(word, now)]
        needed = min(AT_PACE, self.after.count) - 1
        since = now - self.after.period * AT_PACE / max(AT_PACE, self.after.count)
        people: set[str] = set()
        for each in reversed(self._spans[0]) if rising else ():
            if each.at < since or len(people) >= needed:
                break
            if is_similar(each.words, rising):
                people.add(each.person)
        return bool(rising) and len(people) >= needed

    def similar(self, core: Collection[str], now: datetime) -> list[Complaint]:
        """Return the complaints of the window that share enough with `core`."""
        self.advance(now)
        return [each for each in self._spans[0] if is_similar(each.words, core)]

    def _rises(self, word: str, now: datetime) -> bool:
        count = self._counts[0][word]
        return count >= FEWEST and count > FACTOR * self._usual(word, now)

    def _usual(self, word: str, now: datetime) -> float:
        hour, day = (counts[word] for counts in self._counts[1:])
        return self._expected(hour, day, now)

    def _usual_similar(self, core: frozenset[str], now: datetime) -> float:
        hour, day = (sum(is_similar(each.words, core) for each in span) for span in self._spans[1:])
        return self._expected(hour, day, now)

    def _expected(self, hour: int, day: int, now: datetime) -> float:
        """Return how many the spans before lead to expect in the window: by the last hour, or by the day."""
        if not (hour or day) or self._known_since is None:
            return 0.0
        period = self.after.period
        known = max(now - period - self._known_since, period / 2)
        by_hour, by_day = hour * period / min(HOUR, known), (hour + day) * period / min(DAY, known)
        return max(by_hour, by_day)
