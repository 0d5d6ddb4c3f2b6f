"""Events as sentences for people: one function for each kind of event, in the table `TEXTS`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.domain.model import NoticeKind, Role, Turn
from mailbot.domain.reasons import Reason
from mailbot.views.clean_text import clean
from mailbot.views.formats import format_duration, format_time
from mailbot.views.ladder_text import REMINDER_REASONS, clocks_text, spaced

NOTICE_REASONS: dict[NoticeKind, str] = {
    NoticeKind.NEW: "a new ticket",
    NoticeKind.CUSTOMER_WROTE: "the customer wrote",
    NoticeKind.ESCALATED: "it was escalated",
    NoticeKind.HANDED_OVER: "it was handed over",
    NoticeKind.ASSIGNED: "it was assigned",
    NoticeKind.REMINDER: "a reminder",
    NoticeKind.FOLLOW_UP: "the customer is silent: ask again or close",
    NoticeKind.UNCONFIRMED: "it is held: accept or reject it",
    NoticeKind.DECIDED: "the decision was made",
    NoticeKind.NOTIFY: "for their attention",
    NoticeKind.BOUNCED: "mail to somebody bounced",
    NoticeKind.UNDELIVERABLE: "mail to somebody could not be sent",
    NoticeKind.COMPLAINED: "a recipient reported our mail as abuse",
    NoticeKind.PROGRESS: "the progress",
    NoticeKind.COMPENSATION: "the request for compensation was decided",
    NoticeKind.CLOSED: "the closing word",
    NoticeKind.TURN_CAME_BACK: "a wait ended: the turn is ours again",
    NoticeKind.LOW_SCORE: "the customer rated it low",
    NoticeKind.INCIDENT: "many similar complaints",
}


TURNS: dict[Turn, str] = {
    Turn.OURS: "the turn stays ours",
    Turn.CUSTOMER: "the turn is the customer's",
    Turn.THIRD_PARTY: "the turn is a third party's",
}


def event_text(event: e.Event, zone: str) -> str:
    """Describe the event on one clean line, with times in `zone`."""
    return clean(TEXTS[type(event)](event, zone), 600)


def actor_text(by: Actor) -> str:
    """Name the actor: "agent ayu@...", "operator eko", "the customer", "the policy"."""
    return f"{by.kind} {clean(by.name)}" if by.name else f"the {by.kind}"


def _opened(event: e.TicketOpened, _zone: str) -> str:
    if event.split_from:
        return f"{actor_text(event.by)} split it off {event.split_from}: {clean(event.subject, 120)!r}"
    return "".join(
        (
            f"{event.customer} wrote to {event.mailbox}: {clean(event.subject, 120)!r}",
            f", goes on from {event.follows}" if event.follows else "",
            f", claims to be about {event.claims} without proof" if event.claims else "",
            " and is held until an agent decides" if event.held_for else "",
            f", perhaps means {event.suggests}" if event.suggests else "",
            f", mentions {event.mentions} in its text" if event.mentions else "",
        )
    )


def _routed(event: e.TicketRouted, _zone: str) -> str:
    tags = f", tags {', '.join(event.tags)}" if event.tags else ""
    return (
        f"rule {event.rule!r} matched, because {event.reason}: category {event.category}, "
        f"urgency {event.urgency} and complexity {event.complexity} make priority {event.priority}; "
        f"team {event.team}, level {event.level}, ladder {event.ladder}{tags}"
    )


def _escalated(event: e.TicketEscalated, _zone: str) -> str:
    reason = "" if event.reason.code == "by_actor" else _because(event.reason)
    return f"{actor_text(event.by)} escalated it to {event.level}{reason}"


def _bounced(event: e.DeliveryBounced, _zone: str) -> str:
    proof = "" if event.proven else ", but nothing proves the report"
    if event.report == "complaint":
        return f"{event.recipient} reported our mail as abuse{proof}"
    duration = "permanently" if event.permanent else "for now"
    return f"mail to {event.recipient} bounced {duration}: {event.status or 'no code'}{proof}"


def _delivery_failed(event: e.DeliveryFailed, _zone: str) -> str:
    answer = f"{event.code or ''} {event.reply}".strip() or "no answer"
    return f"the {event.notice} to {event.recipient} could not be sent: {answer}"


def _step_taken(event: e.StepTaken, zone: str) -> str:
    late = event.at - event.due_at
    after = f", taken {format_duration(late)} late" if late >= timedelta(seconds=1) else ""
    why = "" if event.reason.code == "target_due" else f", {event.reason}"
    step = f"step {event.step + 1} of ladder {event.ladder} ({spaced(event.target)})"
    return f"{step} was due at {format_time(event.due_at, zone)}{after}{why}"


def _reminder_due(event: e.ReminderDue, zone: str) -> str:
    reason = REMINDER_REASONS.get(event.target, spaced(event.target))
    return f"{reason}: a reminder was due at {format_time(event.due_at, zone)}"


def _notified(event: e.PeopleNotified, _zone: str) -> str:
    what = event.reason or NOTICE_REASONS[event.why]
    return f"notified {', '.join(event.recipients)}: {what}"


def _asked_to_decide(event: e.DecisionRequested, _zone: str) -> str:
    options = ", ".join(event.options)
    return f"{event.level} ({', '.join(event.recipients)}) was asked: {event.question} Options: {options}"


def _message_moved(event: e.MessageMoved, _zone: str) -> str:
    direction = f"to {event.to}" if event.to else f"here from {event.origin}"
    return f"{actor_text(event.by)} moved message {event.message} {direction}{_joined(event)}"


def _merge_received(event: e.MergeReceived, _zone: str) -> str:
    act = "accepted its claim and merged" if event.accepted else "merged"
    return f"{actor_text(event.by)} {act} {event.other} into it ({_count(event)}){_joined(event)}"


def _approval_requested(event: e.ApprovalRequested, _zone: str) -> str:
    absent = "" if event.on_duty else ", none of whom is on duty now"
    recipients = ", ".join(event.recipients) or "no agent"
    return f"request {event.request} was put before {event.level}: {recipients}{absent}"


def _compensation_requested(event: e.CompensationRequested, _zone: str) -> str:
    request = f"compensation of {event.amount} (request {event.request})"
    return f"{_signer(event)} asked for {request}{_because(event.reason)}"


def _compensation_granted(event: e.CompensationGranted, _zone: str) -> str:
    agents = " and ".join(event.agents)
    return f"compensation of {event.amount} was granted by {agents} (request {event.request})"


def _compensation_refused(event: e.CompensationRefused, _zone: str) -> str:
    refuser = f"the limit {event.limit}" if event.limit else _signer(event)
    return f"{refuser} refused request {event.request}{_because(event.reason)}"


def _participants_added(event: e.ParticipantsAdded, _zone: str) -> str:
    people = ", ".join(event.addresses)
    if event.role is Role.NAMED:
        return f"not confirmed, takes no part: {people} ({event.reason})"
    return f"takes part from now on: {people} ({event.reason})"


def _signer(event: e.CompensationRequested | e.CompensationApproved | e.CompensationRefused) -> str:
    """ "operator eko for ayu@...", "agent ayu@..."."""
    actor = actor_text(event.by)
    return f"{actor} for {event.agent}" if event.agent and event.by != Actor.agent(event.agent) else actor


def _because(reason: Reason | str) -> str:
    return f": {reason}" if reason else ""


def _joined(event: e.MessageMoved | e.MergeReceived) -> str:
    return f"; new participants: {', '.join(event.joined)}" if event.joined else ""


def _turn_of(event: e.AgentAnswered) -> str:
    return f"; {TURNS[event.turn]}{_because(event.reason)}" if event.reason else ""


def _turn_set(event: e.TurnSet, zone: str) -> str:
    until = f" until {format_time(event.until, zone)}" if event.until else ""
    return f"{actor_text(event.by)}: {TURNS[event.turn]}{until}{_because(event.reason)}"


def _undone(event: e.ActUndone) -> str:
    withdrawn = f"; not sent: {', '.join(event.withdrawn)}" if event.withdrawn else ""
    money = f"; request {', '.join(map(str, event.requests))} for money stays" if event.requests else ""
    return f"took back what was done last{withdrawn}{money}"


def _tags_changed(event: e.TagsChanged) -> str:
    return "tagged it " + " ".join(
        (*(f"+{tag}" for tag in event.added), *(f"-{tag}" for tag in event.removed))
    )


def _count(event: Any) -> str:
    return f"{len(event.messages)} message{'s' * (len(event.messages) != 1)}"


def _by_actor(text: Callable[[Any], str]) -> Callable[[Any, str], str]:
    """Make a text function of a sentence that begins with the actor."""
    return lambda event, _zone: f"{actor_text(event.by)} {text(event)}"


def _no_zone(text: Callable[[Any], str]) -> Callable[[Any, str], str]:
    """Make a text function of one that needs no time zone."""
    return lambda event, _zone: text(event)


TEXTS: dict[type[e.Event], Callable[[Any, str], str]] = {
    e.TicketOpened: _opened,
    e.TicketRouted: _routed,
    e.TicketAssigned: _by_actor(lambda event: f"assigned it to {event.assignee}{_because(event.reason)}"),
    e.TicketHandedOver: _by_actor(lambda event: f"handed it over to team {event.team}: {event.reason}"),
    e.TicketEscalated: _escalated,
    e.CustomerWrote: _no_zone(lambda event: f"the customer wrote again (belongs here: {event.reason})"),
    e.AutomaticMailReceived: _no_zone(
        lambda event: f"an automatic mail, kept and not answered: {event.reason}"
    ),
    e.ThanksReceived: _no_zone(lambda _: "the customer wrote only thanks: kept, and the turn stays as it is"),
    e.CopyReceived: _no_zone(lambda event: f"a further copy, kept: {event.reason}"),
    e.DetailsReceived: _no_zone(
        lambda event: "the mail adds details: " + ", ".join(map(" ".join, event.details))
    ),
    e.DeliveryBounced: _bounced,
    e.DeliveryFailed: _delivery_failed,
    e.AgentAnswered: _no_zone(lambda event: f"{event.agent} answered the customer" + _turn_of(event)),
    e.AgentMailHeld: _no_zone(
        lambda event: f"a mail in the name of {event.agent} was held and not acted upon: {event.reason}"
    ),
    e.NoteAdded: _by_actor(lambda event: f"noted: {event.text}"),
    e.AcknowledgementEnqueued: _no_zone(lambda _: "the acknowledgement with the number was enqueued"),
    e.AcknowledgementSuppressed: _no_zone(lambda event: f"no acknowledgement: {event.reason}"),
    e.ProgressSuppressed: _no_zone(
        lambda event: f"the customer was not notified of the progress: {event.reason}"
    ),
    e.ClosingWordSuppressed: _no_zone(lambda event: f"no closing word to the customer: {event.reason}"),
    e.ClocksSet: _no_zone(lambda event: clocks_text(event.clocks)),
    e.StepTaken: _step_taken,
    e.TargetMissed: lambda event, zone: (
        f"the target was missed: {spaced(event.target)}, due at {format_time(event.due_at, zone)}"
    ),
    e.ReminderDue: _reminder_due,
    e.DecisionRequested: _asked_to_decide,
    e.DecisionMade: _by_actor(lambda event: f"decided: {event.option}{_because(event.reason)}"),
    e.LadderChanged: _by_actor(
        lambda event: (
            f"moved it to ladder {event.ladder} as it is now ({event.ladder_digest}); "
            f"{clocks_text(event.clocks)}"
        )
    ),
    e.PeopleNotified: _notified,
    e.TicketClosed: _by_actor(
        lambda event: (
            f"closed it{_because(event.reason)}" + (f" (cause {event.cause})" if event.cause else "")
        )
    ),
    e.TicketReopened: _no_zone(lambda event: f"reopened{_because(event.reason)}"),
    e.TurnSet: _turn_set,
    e.NewsPromised: lambda event, zone: (
        f"{actor_text(event.by)} promised news by {format_time(event.until, zone)}{_because(event.reason)}"
    ),
    e.TicketSnoozed: lambda event, zone: (
        f"{actor_text(event.by)} snoozed it until {format_time(event.until, zone)}"
        if event.until
        else f"{actor_text(event.by)} took it back into the worklist"
    ),
    e.StatusAsked: _no_zone(lambda _: "the customer asked for the status and got it"),
    e.ActUndone: _by_actor(_undone),
    e.TicketCorrected: _by_actor(
        lambda event: "set " + ", ".join(f"{spaced(name)} to {value}" for name, value in event.values)
    ),
    e.TagsChanged: _by_actor(_tags_changed),
    e.LegalHoldPlaced: _by_actor(lambda event: f"placed a legal hold{_because(event.reason)}"),
    e.LegalHoldReleased: _by_actor(lambda event: f"released the legal hold{_because(event.reason)}"),
    e.IncidentOpened: _no_zone(
        lambda event: f"{event.count} similar complaints opened this incident: {', '.join(event.words)}"
    ),
    e.IncidentJoined: _no_zone(
        lambda event: (
            f"it is one complaint of incident {event.incident}{_because(event.reason)}"
            if event.incident
            else "it is a matter of its own again"
        )
    ),
    e.IncidentResolved: _by_actor(lambda event: f"resolved the incident: {event.text}"),
    e.SurveyEnqueued: _no_zone(lambda _: "the customer was asked for a rating"),
    e.SatisfactionRated: _no_zone(
        lambda event: f"the customer rated it {event.score} of 5{_because(event.words)}"
    ),
    e.TicketFiled: lambda event, _: f"filed as automatic mail: {event.reason}",
    e.TicketReleased: _by_actor(lambda _: "released it: it is a matter of its own"),
    e.MessageMoved: _message_moved,
    e.TicketMerged: _by_actor(
        lambda event: f"merged it into {event.into}{', of another customer' * event.other_customer}"
    ),
    e.MergeReceived: _merge_received,
    e.TicketUnmerged: _by_actor(lambda event: f"took it out of {event.into} again ({_count(event)})"),
    e.MergeReverted: _by_actor(lambda event: f"took {event.other} out of it again ({_count(event)})"),
    e.TicketSplit: _by_actor(lambda event: f"split {_count(event)} off into {event.into}"),
    e.TicketRebuilt: _no_zone(
        lambda event: f"by its messages it is now {event.status}; {clocks_text(event.clocks)}"
    ),
    e.ParticipantsAdded: _participants_added,
    e.ParticipantsRemoved: _by_actor(
        lambda event: f"removed {', '.join(event.addresses)}: takes no part any more"
    ),
    e.CustomerChanged: _by_actor(
        lambda event: (
            f"changed the customer to {event.customer}; {event.former} takes no part any more"
            if event.customer != event.former
            else f"changed where answers go to {event.customer}"
        )
    ),
    e.CompensationRequested: _compensation_requested,
    e.ApprovalRequested: _approval_requested,
    e.CompensationApproved: lambda event, _zone: (
        f"{_signer(event)} approved request {event.request}{_because(event.reason)}"
    ),
    e.CompensationGranted: _compensation_granted,
    e.CompensationRefused: _compensation_refused,
}
