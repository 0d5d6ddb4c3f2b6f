"""Mail of ours that did not arrive: what becomes of it, whom we stop answering by ourselves, whom we tell.

A report has effects only when a key of ours proves which mail it is about, and they are bound to the address
that this mail was sent to: whoever forges one with a mark that we sent to them can silence nobody else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import ladder, notify
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.matching import CERTAIN, STRONG, Verdict
from mailbot.domain.model import Authentication, Envelope, Failure, InboundMail, Report, Ticket
from mailbot.domain.notices import Acknowledgement, Answer, Progress
from mailbot.domain.policy import Policy
from mailbot.domain.states import OutboxState

FOR_CUSTOMERS = frozenset({Acknowledgement.name, Answer.name, Progress.name})
ABOUT_FAILURES = frozenset({"bounced", "undeliverable", "complained"})  # a notice's `why`
DAY = timedelta(days=1)

# How long no automatic mail goes to an address after a permanent failure; the longest beginning of the status
# counts. None: until it is lifted. What is missing says something about the mail, or about us (5.5, 5.6: the
# mail itself; 5.7: policy, spam; 5.1.7, 5.1.8: our sender), and mutes nobody.
MUTED_FOR: Mapping[str, timedelta | None] = {
    "5.0.": timedelta(days=7),
    "5.1.": None,
    "5.2.0": timedelta(days=7),
    "5.2.1": None,
    "5.2.2": DAY,  # mailbox full
    "5.3.0": DAY,
    "5.3.2": DAY,
    "5.4.": timedelta(days=7),
}
_OURS = frozenset({"5.1.7", "5.1.8", "5.1.9"})
# Our own relay says 5.0.0 or nothing for whatever is wrong between us and it.
_PLAIN_AT_RELAY = "5.0."


@dataclass(frozen=True, slots=True)
class Mute:
    """No automatic mail goes to `address` (lower case) before `until`; None: until it is lifted."""

    address: str
    kind: str  # "bounce", "complaint"
    reason: str
    since: datetime
    until: datetime | None = None


Mutes = Mapping[str, Mute]


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail of our outbox that somebody tells about. `why` is that of a team notice, "" of any other mail.

    `told`: somebody has been told already that mail for this ticket and recipient fails.
    """

    id: int
    ticket: str
    kind: str
    why: str
    recipient: str
    state: str
    told: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """What the outbox keeps about a mail that came back; `failed` is False when it arrived, unwelcome."""

    id: int
    status: str
    diagnostic: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """What a report or a refusal changes beside its ticket."""

    mute: Mute | None = None
    returned: Returned | None = None


NOTHING = Effects()


def on_report(
    builder: DecisionBuilder, report: Report, sent: Sent | None, policy: Policy, now: datetime
) -> Effects:
    """`sent` is the mail that the report is proven to be about; None: nothing proves it, nothing follows."""
    if report.kind not in ("bounce", "complaint"):
        return NOTHING
    failure = _failure(report, sent)
    recipient = sent.recipient if sent else failure.address
    if not recipient or (
        sent and report.kind == "bounce" and sent.state in (OutboxState.FAILED, OutboxState.SUPPRESSED)
    ):
        return NOTHING
    permanent = failure.status.startswith("5")
    builder.record(
        e.DeliveryBounced(
            now, "report", recipient, failure.status, permanent, report.kind, proven=sent is not None
        )
    )
    if sent is None:
        return NOTHING
    if not sent.told:
        why = "bounced" if report.kind == "bounce" else "complained"
        said = f"{sent.kind} to {recipient}: {failure.status} {failure.diagnostic}"
        _tell(builder, sent, why, " ".join(said.split()), failure.diagnostic, policy, now)
    returned = Returned(sent.id, failure.status, failure.diagnostic, failed=report.kind == "bounce")
    return Effects(_mute(sent, report.kind, failure.status, now), returned)


def on_stray_report(report: Report, sent: Sent) -> Effects:
    """Mail about no ticket came back: it counts as failed. The report itself opens a ticket, so that people
    learn of it."""
    failure = _failure(report, sent)
    if report.kind not in ("bounce", "complaint") or sent.state in (
        OutboxState.FAILED,
        OutboxState.SUPPRESSED,
    ):
        return NOTHING
    failed = report.kind == "bounce"
    return Effects(returned=Returned(sent.id, failure.status, failure.diagnostic, failed))


def on_failure(
    ticket: Ticket, sent: Sent, code: int | None, reply: str, policy: Policy, now: datetime
) -> tuple[Decision, Mute | None]:
    """Our own relay gave a mail up, or we did."""
    builder = DecisionBuilder(ticket)
    builder.record(e.DeliveryFailed(now, "relay", sent.kind, sent.recipient, code, reply))
    if not sent.told:
        because = f"{sent.kind} to {sent.recipient}: {code or ''} {reply}"
        _tell(builder, sent, "undeliverable", " ".join(because.split()), reply, policy, now)
    status = reply.split(" ", 1)[0]
    plain = not status.startswith("5.") or status.startswith(_PLAIN_AT_RELAY)
    return builder.decision(), None if plain else _mute(sent, "bounce", status, now)


def refusal(mute: Mute | None) -> str:
    """Why no automatic mail goes to a muted address; "" when there is no mute."""
    if mute is None:
        return ""
    what = "bounced" if mute.kind == "bounce" else "complained"
    return f"address {what}: on {mute.since:%Y-%m-%d}, {mute.reason}".rstrip(", ")


def lifted(
    mutes: Mutes, mail: InboundMail, envelope: Envelope, verdict: Verdict, now: datetime
) -> frozenset[str]:
    """The addresses that this mail shows to be alive.

    Proof lifts at once: an authenticated sender, or a participant who answers a mail that a forger does not
    know. Without it anybody may have written, and would have us answer a dead address, or somebody who has
    complained, again and again: a bounce is forgotten a day later at the earliest, a complaint is not.
    """
    if mail.automatic or mail.authentication is Authentication.FAIL:
        return frozenset()
    proven = mail.authentication is Authentication.PASS or verdict.confidence in (CERTAIN, STRONG)
    found = set()
    for address in {mail.sender.lower(), envelope.sender.lower()} & mutes.keys():
        mute = mutes[address]
        late = mute.kind == "bounce" and now - mute.since >= DAY
        if late or (proven and address == mail.sender.lower()):
            found.add(address)
    return frozenset(found)


def _failure(report: Report, sent: Sent | None) -> Failure:
    """What the report says about the address we sent to; forwarded mail fails under another one."""
    own = [each for each in report.recipients if sent and each.address == sent.recipient.lower()]
    failed = [each for each in report.recipients if each.action == "failed"]
    return next(iter((*own, *failed, *report.recipients)), Failure("", "failed"))


def _mute(sent: Sent, kind: str, status: str, now: datetime) -> Mute | None:
    if sent.kind not in FOR_CUSTOMERS:
        return None
    address = sent.recipient.lower()
    if kind == "complaint":
        return Mute(address, kind, "", now)
    beginning = max((each for each in MUTED_FOR if status.startswith(each)), key=len, default="")
    if not beginning or status in _OURS:
        return None
    span = MUTED_FOR[beginning]
    return Mute(address, kind, status, now, None if span is None else now + span)


def _tell(
    builder: DecisionBuilder, sent: Sent, why: str, because: str, text: str, policy: Policy, now: datetime
) -> None:
    """Tells the owner; of a notice to an agent, those beside. A notice about a failure that fails: nobody."""
    if sent.why in ABOUT_FAILURES:
        return
    lost = {sent.recipient.lower()}
    if sent.kind in FOR_CUSTOMERS:
        assignee = builder.ticket.assignee
        whom = (assignee,) if assignee and assignee not in lost else _others(builder.ticket, lost, policy)
    else:
        whom = _others(builder.ticket, lost, policy)
    if whom:
        notify.team(builder, policy, now, why, because, text, whom=whom)


def _others(ticket: Ticket, lost: Collection[str], policy: Policy) -> tuple[str, ...]:
    """The people at the ticket's level but those whom no mail reaches; without any, one level up."""
    here = max(ladder.rank_of(policy, ticket.level), 0)
    for level in policy.levels[here:]:
        people = (agent.address for agent in ladder.agents_at(policy, ticket.team, level))
        if found := tuple(address for address in people if address.lower() not in lost):
            return found
    return ()
