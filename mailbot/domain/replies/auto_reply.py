"""May we answer this mail by ourselves? If not, why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain.model import Authentication, Envelope, InboundMail
from mailbot.domain.policy import Mailbox, Policy, Rate
from mailbot.domain.replies.allowance import take

NOT_AUTHENTICATED = "sender not authenticated"
DOTS_SAY_NOTHING = frozenset({"gmail.com", "googlemail.com"})


@dataclass(frozen=True, slots=True)
class Permission:
    """`refused` is "" when we may answer; then `spent` holds what the answer uses up: key -> until."""

    refused: str
    spent: Mapping[str, datetime]


def permission(
    mail: InboundMail,
    envelope: Envelope,
    box: Mailbox,
    policy: Policy,
    allowances: Mapping[str, datetime],
    now: datetime,
) -> Permission:
    """Guards first (RFC 3834 and real robots), then the rates per address, domain and overall.

    `allowances` holds what `allowance_keys` named and the store knows: key -> until.
    """
    refused = guard(mail, envelope, box, policy)
    if refused:
        return Permission(refused, {})
    spent = {}
    for key, rate in rates(envelope.sender, policy, mail.sender):
        until = take(allowances.get(key), rate, now)
        if until is None:
            return Permission(f"limit reached: {key.partition(' ')[0]}", {})
        spent[key] = until
    return Permission("", spent)


def guard(mail: InboundMail, envelope: Envelope, box: Mailbox, policy: Policy) -> str:
    """Why this mail to `box` must never be answered automatically; "" when it may."""
    if not envelope.sender:
        return "null sender"
    if mail.automatic:
        return mail.automatic
    if not mail.sender:
        return "no single sender in From"
    if any(policy.mailbox_for(address) for address in (mail.sender, envelope.sender)):
        return "from an address of our own"
    if box.unauthenticated != "neutral" and not authenticated(mail, envelope):
        return NOT_AUTHENTICATED
    return ""


def authenticated(mail: InboundMail, envelope: Envelope) -> bool:
    """Do we know that who gets our answer wrote this mail?

    A pass is about From, the answer goes to the envelope's sender: who has a signed mail of his own can send
    it on with anybody there, and we would carry his words to them.
    """
    return mail.authentication is Authentication.PASS and mail.sender == envelope.sender.lower()


def rates(to: str, policy: Policy, author: str = "") -> Iterator[tuple[str, Rate]]:
    """Which rates an answer to `to` counts against; a domain of many people has none of its own.

    It also counts against the `author` named in From: the ticket's customer, who gets word of its progress,
    however many return paths a forger has.
    """
    domain = to.rpartition("@")[2].lower()
    limits = policy.answers
    scopes = [("address", owner(to), limits.per_address), ("overall", "", limits.overall)]
    if domain not in policy.shared_domains:
        scopes.insert(1, ("domain", domain, limits.per_domain))
    if author and owner(author) != owner(to):
        scopes.append(("address", owner(author), limits.per_address))
    for scope, name, scope_rates in scopes:
        for rate in scope_rates:
            yield f"{scope} {name} {rate.count} per {rate.period}", rate


def owner(address: str) -> str:
    """The address without what its owner, and whoever forges it, may add to it at will: what stands behind a
    "+" (RFC 5233), and Gmail's dots. Each spelling would else be worth an answer of its own to one person."""
    local, _, domain = address.lower().rpartition("@")
    plain = local.partition("+")[0] or local
    if domain in DOTS_SAY_NOTHING:
        plain, domain = plain.replace(".", "") or plain, "gmail.com"
    return f"{plain}@{domain}"


def allowance_keys(to: str, policy: Policy, author: str = "") -> list[str]:
    return [key for key, _ in rates(to, policy, author)]
