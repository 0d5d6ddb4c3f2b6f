"""What a list is asked for by the address of its page. Other pages link here: the names below are a contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from mailbot.domain.model import OVER, Status, Turn
from mailbot.domain.people.access import Viewer
from mailbot.domain.people.identities import read_identity
from mailbot.domain.ticket_number import normalise
from mailbot.store.lists.ticket_list import TicketFilter

SIZE = 50  # tickets of a page
LAST = 200  # pages: who wants to see more narrows the list or searches
LIVE = tuple(status for status in Status if status not in OVER)
ALL = "all"  # of `status`; "" is all that are not over
_NAMES = (
    "team",
    "level",
    "priority",
    "agent",
    "status",
    "category",
    "tag",
    "turn",
    "customer",
    "channel",
    "incident",
)
_FLAGS = ("late", "unassigned", "automatic")


class Order(StrEnum):
    PROMISE = "promise"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a team list, as they were given; unknown values find nothing."""

    team: str = ""
    level: str = ""
    priority: str = ""
    agent: str = ""
    status: str = ""
    category: str = ""
    tag: str = ""
    turn: str = ""
    customer: str = ""
    channel: str = ""
    incident: str = ""
    late: bool = False
    unassigned: bool = False
    automatic: bool = False
    sort: Order = Order.PROMISE
    page: int = 1

    @property
    def statuses(self) -> tuple[str, ...]:
        if self.automatic:
            return (Status.FILED,)
        if self.status == ALL:
            return tuple(status for status in Status if status is not Status.FILED)
        return (self.status,) if self.status else LIVE

    @property
    def is_live(self) -> bool:
        """Check whether all that is asked for is open: what is over has no promise, and there is much of it."""
        return set(self.statuses) <= set(LIVE)

    @property
    def by_promise(self) -> bool:
        return self.is_live and (self.late or self.sort is Order.PROMISE)

    @property
    def narrowings(self) -> int:
        """Count what is asked beside the team."""
        return sum(bool(getattr(self, name)) for name in (*_NAMES, *_FLAGS) if name != "team")

    def query(self, **changes: object) -> str:
        """Return the query string of this list with some parameters changed; without any it is the first page."""
        given = {name: getattr(self, name) for name in _NAMES}
        given |= {name: "1" for name in _FLAGS if getattr(self, name)}
        given |= {"sort": self.sort if self.sort is not Order.PROMISE else "", **changes}
        return urlencode({name: value for name, value in given.items() if value})

    def filter(self, viewer: Viewer) -> TicketFilter:
        """Return what to ask the store for."""
        turns = {turn.value: turn for turn in Turn}
        return TicketFilter(
            statuses=self.statuses if self.turn in ("", *turns) else ("",),
            team=self.team,
            assignee=self.agent.lower(),
            customer=read_identity(self.customer) or self.customer.lower(),
            channel=self.channel.lower(),
            level=self.level,
            priority=self.priority,
            category=self.category,
            tag=self.tag,
            turn=turns.get(self.turn),
            unassigned=self.unassigned,
            incident=(normalise(self.incident) or "-") if self.incident else "",
            folded=not (self.customer or self.incident),
            seen_by=viewer,
            limit=SIZE,
            page=self.page,
        )


def read(given: Mapping[str, str]) -> Asked:
    """Read the parameters of an address. A page or an order that does not exist is the first one."""
    texts = {name: given.get(name, "").strip()[:200] for name in _NAMES}
    flags = {name: given.get(name, "") in ("1", "on", "true") for name in _FLAGS}
    sort = Order.NEWEST if given.get("sort") == Order.NEWEST else Order.PROMISE
    return Asked(**texts, **flags, sort=sort, page=page_of(given))  # type: ignore[arg-type]


def page_of(given: Mapping[str, str]) -> int:
    """Return the number of the page that is asked for, from 1 on."""
    written = given.get("page", "")
    return (
        min(max(int(written), 1), LAST) if written.isascii() and written.isdigit() and len(written) < 6 else 1
    )
