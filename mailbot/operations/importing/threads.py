"""Puts the mails of an archive in order: which belong together, and what ticket each thread is.

Theory of operation. The first pass reads each mail and keeps a few values of its header. Mails are joined by the
Message-IDs that they name, and by a number of the former desk that stands in the subject of one of our mails. The
second pass reads the mails of one thread after another. So the memory is that of the headers, not of the mails.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mailbot.domain.model import Direction
from mailbot.domain.people.addresses import is_no_reply
from mailbot.operations.importing.mails import LARGEST, Head, Place, read_head
from mailbot.operations.importing.model import ImportedMessage, ImportedStatus, ImportedTicket, ReadContext


def read_threads(places: Iterable[Place], context: ReadContext) -> Iterator[ImportedTicket]:
    """Yield a ticket for each thread of these mails, the oldest first. What is left out goes to the problems."""
    threads = _Threads()
    now = datetime.now(UTC)
    for place in places:
        if place.length is not None and place.length > LARGEST:
            context.problems.add(str(place), f"the mail has more than {LARGEST >> 20} MiB")
            continue
        try:
            head = read_head(place, place.read(), context, now)
        except OSError as error:
            head = f"it can't be read: {error.strerror}"
        if isinstance(head, str):
            context.problems.add(str(place), head)
        else:
            threads.add(head)
    for heads in threads.in_order():
        if ticket := _ticket(heads, context, threads.trusted):
            yield ticket


@dataclass(slots=True)
class _Threads:
    """The mails that belong together, by a forest of union-find.

    `nodes`: of a Message-ID, a number or a mail. `trusted`: numbers that our own mails have.
    """

    heads: dict[str, Head] = field(default_factory=dict)  # by key, so that each copy is there once
    nodes: dict[str, int] = field(default_factory=dict)
    parents: list[int] = field(default_factory=list)
    trusted: set[str] = field(default_factory=set)

    def add(self, head: Head) -> None:
        if head.key in self.heads:
            return
        self.heads[head.key] = head
        mine = self._node(head.message_id or head.key)
        for named in head.references:
            self._join(mine, self._node(named))
        if head.direction is Direction.OUT:
            self.trusted.update(head.numbers)

    def in_order(self) -> Iterator[list[Head]]:
        """Yield the mails of each thread, the oldest first; threads by their first mail."""
        for head in self.heads.values():
            for number in self.trusted.intersection(head.numbers):
                self._join(self._node(head.message_id or head.key), self._node(number))
        threads: dict[int, list[Head]] = {}
        for head in sorted(self.heads.values(), key=lambda each: (each.at, each.key)):
            root = self._root(self.nodes[head.message_id or head.key])
            threads.setdefault(root, []).append(head)
        yield from threads.values()

    def _node(self, name: str) -> int:
        node = self.nodes.setdefault(name, len(self.parents))
        if node == len(self.parents):
            self.parents.append(node)
        return node

    def _root(self, node: int) -> int:
        parents = self.parents
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    def _join(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self.parents[second] = first


def _ticket(heads: list[Head], context: ReadContext, trusted: set[str]) -> ImportedTicket | None:
    customer = _customer(heads)
    if not customer:
        context.problems.add(str(heads[0].place), "nobody outside wrote it or got it")
        return None
    messages = tuple(filter(None, (_message(head, context) for head in heads)))
    numbers = dict.fromkeys(number for head in heads for number in head.numbers if number in trusted)
    is_open = context.open_since is not None and heads[-1].at >= context.open_since
    return ImportedTicket(
        external_id=heads[0].key,
        numbers=tuple(numbers),
        mailbox=next((head.mailbox for head in heads if head.mailbox), ""),
        customer=customer,
        customer_name=next((head.sender.name for head in heads if head.sender.address == customer), ""),
        subject=heads[0].subject,
        opened_at=heads[0].at,
        messages=messages,
        status=ImportedStatus.OPEN if is_open else ImportedStatus.CLOSED,
        place=str(heads[0].place),
    )


def _customer(heads: list[Head]) -> str:
    """Return who wrote to us first, a person before a robot, else to whom we wrote."""
    wrote = [head.sender.address for head in heads if head.direction is Direction.IN]
    persons = [each for each in wrote if not is_no_reply(each)]
    sent_to = [head.outside for head in heads if head.outside]
    return next(iter((*persons, *wrote, *sent_to)), "")


def _message(head: Head, context: ReadContext) -> ImportedMessage | None:
    try:
        raw = head.place.read()
    except OSError as error:  # it was there a moment ago
        context.problems.add(str(head.place), f"it can't be read: {error.strerror}")
        return None
    return ImportedMessage(
        external_id=head.key,
        at=head.at,
        direction=head.direction,
        author=head.sender.address,
        author_name=head.sender.name,
        subject=head.subject,
        text="",
        message_id=head.message_id,
        references=head.references,
        raw=raw,
    )
