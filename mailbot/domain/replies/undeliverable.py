"""Our mail that did not arrive: bounces, complaints, failures, and the suppressions that follow.

Theory of operation. A report has effects only when our key proves which mail it is about. The effects are
bound to the address that this mail was sent to. So a forger who uses a token that we sent to them
can suppress only their own address.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reasons
from mailbot.domain.actor import POLICY, RELAY, REPORT
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.matching import CERTAIN, STRONG, Match
from mailbot.domain.model import (
    Attachment,
    Authentication,
    Author,
    Envelope,
    Failure,
    InboundMail,
    NoticeKind,
    OutboxState,
    Report,
    Ticket,
)
from mailbot.domain.notices import Answer, ToCustomer
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.replies import agent_answer

FOR_CUSTOMERS = frozenset(notice.name for notice in get_args(ToCustomer))
ABOUT_FAILURES = frozenset(
    {NoticeKind.BOUNCED, NoticeKind.UNDELIVERABLE, NoticeKind.SENT_BY_MAIL, NoticeKind.COMPLAINED}
)
DAY = timedelta(days=1)

# How long an address is suppressed after a permanent failure, by the longest prefix of the status (RFC 3463).
# None: until it is lifted. Other codes are about the mail (5.5, 5.6), a policy (5.7) or our sender (5.1.7, 5.1.8):
# they suppress no address.
SUPPRESSED_FOR: Mapping[str, timedelta | None] = {
    "5.0.": timedelta(days=7),
    "5.1.": None,
    "5.2.0": timedelta(days=7),
    "5.2.1": None,
    "5.2.2": DAY,  # mailbox full
    "5.3.0": DAY,
    "5.3.2": DAY,
    "5.4.": timedelta(days=7),
}
_GIVEN_UP = (OutboxState.FAILED, OutboxState.SUPPRESSED)
_SENDER_CODES = frozenset({"5.1.7", "5.1.8", "5.1.9"})
# Our own relay answers 5.0.0, or no status, for whatever is wrong between us and it.
_UNSPECIFIC_AT_RELAY = "5.0."


@dataclass(frozen=True, slots=True)
class Suppression:
    """No automatic mail goes to `address` (lower case) before `until`; None: until it is lifted."""

    address: str
    kind: str  # "bounce", "complaint"
    reason: str  # of a bounce: its status (RFC 3463)
    since: datetime
    until: datetime | None = None

    @property
    def as_reason(self) -> Reason:
        """Return why no automatic mail goes there."""
        since = f"{self.since:%Y-%m-%d}"
        if self.kind == "bounce":
            return reasons.of("suppressed_bounce", since=since, status=self.reason)
        return reasons.of("suppressed_complaint", since=since)


Suppressions = Mapping[str, Suppression]


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail of our outbox that a report or a refusal is about. `why`: of a team notice, "" of other mail.

    `told`: people were notified already that mail for this ticket and recipient fails.
    """

    id: int
    ticket: str
    kind: str
    why: str
    recipient: str
    state: str
    told: bool = False


@dataclass(frozen=True, slots=True)
class ByMail:
    """An answer that a chat refused, to the customer's linked address of mail. `text`: as the agent wrote it."""

    to: str
    agent: str
    text: str
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Returned:
    """What the outbox keeps about a mail that came back; `failed` is False when it arrived unwanted."""

    id: int
    status: str
    diagnostic: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """What a report or a refusal changes beside its ticket."""

    suppression: Suppression | None = None
    returned: Returned | None = None


NOTHING = Effects()


def on_report(
    builder: DecisionBuilder, report: Report, sent: Sent | None, policy: Policy, now: datetime
) -> Effects:
    """Record a report. `sent`: the mail that it is proven to be about; without proof nothing follows."""
    if report.kind not in ("bounce", "complaint"):
        return NOTHING
    failure = _failure(report, sent)
    recipient = sent.recipient if sent else failure.address
    if not recipient or (sent and report.kind == "bounce" and sent.state in _GIVEN_UP):
        return NOTHING
    permanent = failure.status.startswith("5")
    facts = (recipient, failure.status, permanent, report.kind)
    builder.record(e.DeliveryBounced(now, REPORT, *facts, proven=sent is not None))
    if sent is None:
        return NOTHING
    if not sent.told or (sent.kind == Answer.name and report.kind == "bounce"):
        why = NoticeKind.BOUNCED if report.kind == "bounce" else NoticeKind.COMPLAINED
        because = _undelivered(sent, recipient, f"{failure.status} {failure.diagnostic}")
        _notify(builder, sent, why, because, failure.diagnostic, policy, now)
    returned = Returned(sent.id, failure.status, failure.diagnostic, failed=report.kind == "bounce")
    return Effects(_suppression(sent, report.kind, failure.status, now), returned)


def _send_by_mail(builder: DecisionBuilder, by_mail: ByMail, policy: Policy, now: datetime) -> bool:
    """Let the answer leave by mail, and later ones too, unless its agent is gone."""
    agent = policy.agents.get(by_mail.agent)
    if agent is None:
        return False
    builder.record(e.AnswersMoved(now, POLICY, by_mail.to, reasons.of("chat_refused")))
    builder.notify(agent_answer.answer(builder.ticket, agent, by_mail.text, policy, (), by_mail.files))
    return True


def on_stray_report(report: Report, sent: Sent) -> Effects:
    """Return the effects of a report about mail of no ticket. It opens a ticket itself, so people see it."""
    failure = _failure(report, sent)
    if report.kind not in ("bounce", "complaint") or sent.state in _GIVEN_UP:
        return NOTHING
    failed = report.kind == "bounce"
    return Effects(returned=Returned(sent.id, failure.status, failure.diagnostic, failed))


def on_failure(
    ticket: Ticket,
    sent: Sent,
    code: int | None,
    reply: str,
    policy: Policy,
    now: datetime,
    by_mail: ByMail | None = None,
) -> tuple[Decision, Suppression | None]:
    """Record that our own relay or a chat refused a message for good, or that we gave it up.

    `by_mail`: how the customer gets what a chat refused.
    """
    builder = DecisionBuilder(ticket)
    builder.record(e.DeliveryFailed(now, RELAY, sent.kind, sent.recipient, code, reply))
    because = _undelivered(sent, sent.recipient, f"{code or ''} {reply}")
    why = NoticeKind.UNDELIVERABLE
    if by_mail and _send_by_mail(builder, by_mail, policy, now):
        why, because = NoticeKind.SENT_BY_MAIL, reasons.of("sent_by_mail", address=by_mail.to)
    if not sent.told or sent.kind == Answer.name:  # what somebody wrote and was not read is never kept quiet
        _notify(builder, sent, why, because, reply, policy, now)
    status = reply.split(" ", 1)[0]
    unspecific = not status.startswith("5.") or status.startswith(_UNSPECIFIC_AT_RELAY)
    return builder.decision(), None if unspecific else _suppression(sent, "bounce", status, now)


def lifted(
    suppressions: Suppressions, mail: InboundMail, envelope: Envelope, match: Match, now: datetime
) -> frozenset[str]:
    """Return the addresses that this mail shows to be alive.

    Proof lifts a suppression at once: an authenticated sender, or a participant who answers a mail that no
    forger knows. Without proof anybody may have written, and could make us answer a dead address again and
    again. So a bounce is forgotten a day later at the earliest, and a complaint not at all.
    """
    if mail.author is not Author.PERSON or mail.authentication is Authentication.FAIL:
        return frozenset()
    proven = mail.authentication is Authentication.PASS or match.confidence in (CERTAIN, STRONG)
    alive = set()
    for address in {mail.sender.lower(), envelope.sender.lower()} & suppressions.keys():
        found = suppressions[address]
        late = found.kind == "bounce" and now - found.since >= DAY
        if late or (proven and address == mail.sender.lower()):
            alive.add(address)
    return frozenset(alive)


def _failure(report: Report, sent: Sent | None) -> Failure:
    """Return what the report states about the address we sent to; forwarded mail fails under another one."""
    own = [each for each in report.recipients if sent and each.address == sent.recipient.lower()]
    failed = [each for each in report.recipients if each.action == "failed"]
    return next(iter((*own, *failed, *report.recipients)), Failure("", "failed"))


def _suppression(sent: Sent, kind: str, status: str, now: datetime) -> Suppression | None:
    if sent.kind not in FOR_CUSTOMERS:
        return None
    address = sent.recipient.lower()
    if kind == "complaint":
        return Suppression(address, kind, "", now)
    prefix = max((each for each in SUPPRESSED_FOR if status.startswith(each)), key=len, default="")
    if not prefix or status in _SENDER_CODES:
        return None
    span = SUPPRESSED_FOR[prefix]
    return Suppression(address, kind, status, now, None if span is None else now + span)


def _undelivered(sent: Sent, recipient: str, detail: str) -> Reason:
    detail = " ".join(detail.split())
    return reasons.of("undelivered", kind=sent.kind, recipient=recipient, detail=detail)


def _notify(
    builder: DecisionBuilder,
    sent: Sent,
    why: NoticeKind,
    because: Reason,
    text: str,
    policy: Policy,
    now: datetime,
) -> None:
    """Notify the owner; of a lost notice to an agent, the colleagues. Of a lost notice of failure, nobody."""
    if sent.why in ABOUT_FAILURES:
        return
    lost, owner = {sent.recipient.lower()}, builder.ticket.assignee
    for_owner = sent.kind in FOR_CUSTOMERS and owner and owner not in lost
    recipients = (owner,) if owner and for_owner else _others(builder.ticket, lost, policy)
    if recipients:
        notify.notify_team(builder, policy, now, why, because, text, recipients)


def _others(ticket: Ticket, lost: Collection[str], policy: Policy) -> tuple[str, ...]:
    """Return the people at the ticket's level that mail reaches; without any, those of the next level up."""
    here = max(ladder.rank_of(policy, ticket.level), 0)
    for level in policy.levels[here:]:
        people = (agent.address for agent in ladder.agents_at(policy, ticket.team, level))
        if found := tuple(address for address in people if address.lower() not in lost):
            return found
    return ()
