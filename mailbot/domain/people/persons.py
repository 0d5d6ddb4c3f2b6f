"""Which identities are one person: linked by an agent, each by one link, and never by a name.

Theory of operation. The links of a person are a tree: between two identities there is one way. Linking adds one link
and joins the persons at its ends. Unlinking cuts one link, and each part is a person of its own again, so that it
takes back exactly what a link did. An identity stands in one place alone, so no two persons can share it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mailbot.domain.people.addresses import owner

MOST_LINKED = 20  # identities of one person


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity of somebody who has several. `address`: as `addresses.owner` writes it.

    - `written`: as mail to it is addressed. `person`: the first of the person's identities.
    - `linked_to`: the identity that it is linked to, "" for the first. `at`, `by`, `reason`: of that link.
    """

    address: str
    written: str
    person: str
    linked_to: str
    at: datetime
    by: str
    reason: str


Known = Mapping[str, Identity]  # by address; all identities of each person in it


def of_person(known: Known, address: str) -> dict[str, str]:
    """Map all identities of the person with this address to how they are written; {} for one who is not linked."""
    found = known.get(owner(address))
    person = found.person if found else None
    return {each.address: each.written for each in known.values() if each.person == person}


def is_linked(known: Known, one: str, other: str) -> bool:
    """Check whether two addresses are of one person by a link."""
    return owner(other) in of_person(known, one)


def link(known: Known, one: str, other: str, at: datetime, by: str, reason: str) -> dict[str, Identity]:
    """Return the identities after `other` was linked to `one`, both as they are written.

    Where they are of one person already, nothing changes.
    """
    if is_linked(known, one, other) or owner(one) == owner(other):
        return dict(known)
    found = dict(known)
    for written in (one, other):
        address = owner(written)
        found.setdefault(address, Identity(address, written, address, "", at, by, reason))
    first, joins = found[owner(one)], owner(other)
    turned = _from(joins, [each for each in found.values() if each.person == found[joins].person])
    for each in turned:
        found[each.address] = replace(each, person=first.person)
    found[joins] = replace(found[joins], linked_to=first.address, at=at, by=by, reason=reason)
    return found


def link_between(known: Known, customer: str, address: str) -> tuple[str, str] | None:
    """Return the link whose cut parts `address` from `customer`: the one next to it. None: they are not linked."""
    start, end = owner(customer), owner(address)
    if start == end or not is_linked(known, start, end):
        return None
    members = [each for each in known.values() if each.person == known[start].person]
    toward = {each.address: each.linked_to for each in _from(start, members)}
    return toward[end], end


def unlink(known: Known, one: str, other: str) -> dict[str, Identity]:
    """Return the identities after the link between two addresses was cut. Without such a link nothing changes."""
    a, b = owner(one), owner(other)
    if not is_linked(known, a, b):
        return dict(known)
    upper, lower = (a, b) if known[b].linked_to == a else (b, a)
    if known[lower].linked_to != upper:
        return dict(known)
    members = [each for each in known.values() if each.person == known[a].person]
    below = _below(lower, members)
    found = {address: each for address, each in known.items() if each not in members}
    for part in (below, [each for each in members if each not in below]):
        first = lower if part is below else known[a].person
        if len(part) > 1:
            found |= {each.address: replace(each, person=first) for each in part}
    if lower in found:
        found[lower] = replace(found[lower], linked_to="")
    return found


def _from(first: str, members: Iterable[Identity]) -> list[Identity]:
    """Return the identities of a person with their links turned so that all lead to `first`, its new first one."""
    listed = {each.address: each for each in members}
    turned, address, after = dict(listed), first, ""
    carried: Identity | None = None
    while address:
        here = listed[address]
        link_of = carried or here
        turned[address] = replace(here, linked_to=after, at=link_of.at, by=link_of.by, reason=link_of.reason)
        address, after, carried = here.linked_to, address, here
    return [replace(each, person=first) for each in turned.values()]


def _below(address: str, members: Iterable[Identity]) -> list[Identity]:
    """Return this identity and all whose links lead to it."""
    listed = list(members)

    def walk(at: str) -> Iterator[str]:
        yield at
        for each in listed:
            if each.linked_to == at:
                yield from walk(each.address)

    found = set(walk(address))
    return [each for each in listed if each.address in found]
