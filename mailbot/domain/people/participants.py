"""Who takes part in a ticket, and who was only named in a mail about it.

Theory of operation. The customer takes part. So does a person in To or Cc of a mail whose author takes part
and is proven. Where nobody checks senders, people of the author's own organisation count as well. Everybody else
is kept as named: agents see them as not confirmed, and add them by a command. What an agent removed, no mail
brings back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import CUSTOMER, Actor
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import TAKES_PART, Authentication, Author, Contact, InboundMail, Role
from mailbot.domain.people.addresses import is_no_reply, organisation, owner
from mailbot.domain.people.customer import is_ours
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.patterns import Pattern

Roles = Mapping[str, Role]  # by address

MOST_A_MAIL = 20  # people who take part because of one mail
MOST_TAKING_PART = 20  # people of one ticket, beside its customer
MOST_NAMED = 100  # people of one ticket
_LIST_FIELDS = ("list-post", "list-id", "x-beenthere", "mailing-list", "x-mailing-list", "x-google-group-id")
_LIST_NAME = Pattern(r"[\w.+-]+(?:@[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class _Standing:
    """The author of a mail about a ticket: whether those whom it names take part, and why (not)."""

    counts: bool
    same_organisation: bool  # only they count
    reason: Reason


def takes_part(address: str, roles: Roles) -> bool:
    """Check whether a person takes part, in whatever spelling of the address."""
    if roles.get(address) in TAKES_PART:
        return True
    person = owner(address)
    return any(role in TAKES_PART and owner(each) == person for each, role in roles.items())


def taking_part(roles: Roles) -> set[str]:
    """Return the addresses that take part."""
    return {address for address, role in roles.items() if role in TAKES_PART}


def record_named(
    builder: DecisionBuilder,
    mail: InboundMail,
    roles: Roles,
    policy: Policy,
    now: datetime,
    *,
    senders_checked: bool,
    agent: str = "",
) -> Roles:
    """Record whom a mail names in To and Cc. Return the roles from now on.

    `roles`: of the ticket until now. `senders_checked`: somebody checks senders, so that a mail without proof
    has none. `agent`: the address of the agent whose proven answer it is.
    """
    if mail.author is not Author.PERSON or mail.authentication is Authentication.FAIL:
        return roles
    others = list(_others(mail, roles, policy))
    if not others:
        return roles
    standing = _standing(mail, roles, senders_checked=senders_checked, agent=agent)
    joining, named = _divide(others, mail, roles, policy, standing)
    by, message_id = Actor.agent(agent) if agent else CUSTOMER, mail.message_id
    unconfirmed = reasons.of("copied_unconfirmed", sender=mail.sender)
    if joining:
        builder.record(e.ParticipantsAdded(now, by, joining, Role.PARTICIPANT, standing.reason, message_id))
    if named:
        builder.record(e.ParticipantsAdded(now, by, named, Role.NAMED, unconfirmed, message_id))
    return {**roles, **dict.fromkeys(joining, Role.PARTICIPANT), **dict.fromkeys(named, Role.NAMED)}


def _others(mail: InboundMail, roles: Roles, policy: Policy) -> Iterator[Contact]:
    """Yield each person of To and Cc who is none of ours, no robot, and in no part yet."""
    settled = {owner(address) for address, role in roles.items() if role is not Role.NAMED} | {
        owner(mail.sender)
    }
    for contact in (*mail.to, *mail.cc):
        address = contact.address
        if is_ours(address, policy) or is_no_reply(address):
            continue
        if (person := owner(address)) not in settled:
            settled.add(person)
            yield contact


def _standing(mail: InboundMail, roles: Roles, *, senders_checked: bool, agent: str) -> _Standing:
    if agent:
        return _Standing(True, False, reasons.of("copied_by_agent", agent=agent))
    if not mail.sender or not takes_part(mail.sender, roles):
        return _Standing(False, False, reasons.of("copied_unconfirmed", sender=mail.sender))
    if mail.authentication is Authentication.PASS:
        return _Standing(True, False, reasons.of("copied_by_proven", sender=mail.sender))
    return _Standing(not senders_checked, True, reasons.of("copied_by_colleague", sender=mail.sender))


def _divide(
    others: list[Contact], mail: InboundMail, roles: Roles, policy: Policy, standing: _Standing
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return who takes part from now on, and who is only named and was not before."""
    lists = _lists(mail)
    mine = organisation(mail.sender, policy.shared_domains)
    staff = _staff_organisations(policy) if mail.sender in policy.agents else frozenset()
    room = min(MOST_A_MAIL, MOST_TAKING_PART - sum(role is Role.PARTICIPANT for role in roles.values()))
    room_for_named = MOST_NAMED - sum(role is Role.NAMED for role in roles.values())
    known = {owner(address): address for address, role in roles.items() if role is Role.NAMED}
    joining: list[str] = []
    named: list[str] = []
    for address in (contact.address for contact in others):
        theirs = organisation(address, policy.shared_domains)
        fits = theirs not in staff and (not standing.same_organisation or theirs == mine != "")
        if standing.counts and fits and address not in lists and len(joining) < room:
            joining.append(known.get(owner(address), address))
        elif owner(address) not in known and len(named) < room_for_named:
            named.append(address)
    return tuple(joining), tuple(named)


def _staff_organisations(policy: Policy) -> frozenset[str]:
    """Return our own organisations: a colleague whom an agent copies must not be shown to a customer."""
    ours = (*policy.agents, *policy.mailboxes)
    return frozenset(organisation(address, policy.shared_domains) for address in ours) - {""}


def _lists(mail: InboundMail) -> set[str]:
    """Return the addresses of mailing lists that the mail came through (RFC 2369, RFC 2919)."""
    found: set[str] = set()
    for name in _LIST_FIELDS:
        for value in mail.headers.get(name, ())[:2]:
            for word in _LIST_NAME.findall(value[:1000].lower()):
                found.add(word if "@" in word else word.replace(".", "@", 1))
    return found
