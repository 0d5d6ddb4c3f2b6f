"""May this mail get an automatic answer? Guards first (RFC 3834), then the rates of answers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import reasons
from mailbot.domain.model import Envelope, InboundMail
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.customer import acknowledge_to, customer_of, is_proven_author, is_vouched_for
from mailbot.domain.policy import Mailbox, Policy, Rate
from mailbot.domain.reasons import NO_REASON, Reason


@dataclass(frozen=True, slots=True)
class Permission:
    """`refused`: no reason when we may answer. Then `spent` holds what the answer uses up: key -> full at."""

    refused: Reason
    spent: Mapping[str, datetime]


def permission(
    mail: InboundMail,
    envelope: Envelope,
    box: Mailbox,
    policy: Policy,
    rate_limits: Mapping[str, datetime],
    now: datetime,
) -> Permission:
    """Decide by the guards, then by the rates per address, per domain and overall.

    `rate_limits`: of the keys of `rates` those that the store knows, with the moment when each
    bucket is full again.
    """
    if refused := guard(mail, envelope, box, policy):
        return Permission(refused, {})
    to, author = acknowledge_to(mail, envelope, policy), customer_of(mail, envelope, policy)
    spent = spend(rates(to, policy, author), rate_limits, now)
    if isinstance(spent, str):
        return Permission(reasons.of("rate_limit", scope=spent), {})
    return Permission(NO_REASON, spent)


def spend(
    limits: Iterable[tuple[str, Rate]], rate_limits: Mapping[str, datetime], now: datetime
) -> dict[str, datetime] | str:
    """Return what an answer uses up of each limit, or the scope of the first one that is used up."""
    spent = {}
    for key, rate in limits:
        full_at = take_token(rate_limits.get(key), rate, now)
        if full_at is None:
            return key.partition(" ")[0]
        spent[key] = full_at
    return spent


def guard(mail: InboundMail, envelope: Envelope, box: Mailbox, policy: Policy) -> Reason:
    """Return why this mail to `box` must never be answered automatically, no reason when it may."""
    if not envelope.sender:
        return reasons.of("null_sender")
    if mail.no_auto_reply:
        return mail.no_auto_reply
    if not mail.sender:
        return reasons.of("no_sender")
    addresses = (mail.sender, envelope.sender, acknowledge_to(mail, envelope, policy))
    if not is_vouched_for(mail, policy) and any(policy.mailbox_for(address) for address in addresses):
        return reasons.of("own_address")
    if mail.sender in policy.agents or envelope.sender.lower() in policy.agents:
        return reasons.of("agents_mail")
    if box.unauthenticated != "neutral" and not is_proven_author(mail, policy):
        return reasons.of("not_authenticated")
    return NO_REASON


def rates(to: str, policy: Policy, author: str = "") -> Iterator[tuple[str, Rate]]:
    """Yield the key and the rate of each limit on an answer to `to`; a shared domain has no limit of its own.

    The answer also counts against the `author`: that is the ticket's customer, who gets notices of
    progress, however many return paths a forger has.
    """
    domain = to.rpartition("@")[2].lower()
    limits = policy.answers
    scopes = [("address", owner(to), limits.per_address), ("overall", "", limits.overall)]
    if "@" in to and domain not in policy.shared_domains:
        scopes.insert(1, ("domain", domain, limits.per_domain))
    if author and owner(author) != owner(to):
        scopes.append(("address", owner(author), limits.per_address))
    for scope, name, scope_rates in scopes:
        for rate in scope_rates:
            yield f"{scope} {name} {rate.count} per {rate.period}", rate


def status_rates(author: str, policy: Policy) -> Iterator[tuple[str, Rate]]:
    """Yield the limits on answers to questions about the state: the author's own, and those of all answers."""
    for rate in policy.answers.status:
        yield f"status {owner(author)} {rate.count} per {rate.period}", rate
    for key, rate in rates(author, policy):
        if not key.startswith("address "):
            yield key, rate


def take_token(full_at: datetime | None, rate: Rate, now: datetime) -> datetime | None:
    """Take one token from a bucket. Return the new moment when it is full again, None when it was empty.

    This is GCRA (ITU-T I.371), the token bucket without a counter: the moment is all there is to remember.
    Each token moves it by period / count, and there is a token while it stays within one period from now. A
    bucket starts full: in any n periods it gives fewer than (n + 1) x count + 1 tokens, and with a count of 1
    never two within one period.
    """
    if rate.count < 1:
        return None
    if full_at is None or full_at - now > 2 * rate.period:  # the latter only when the clock was set back
        full_at = now
    # Rounded down, or the last token could never be taken.
    after = max(full_at, now) + rate.period // rate.count
    return after if after - now <= rate.period else None
