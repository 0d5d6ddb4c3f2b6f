"""Events as sentences for people."""

from datetime import timedelta

from mailbot.cli.shared.ladder_text import IN_TURN, clocks_text, spaced
from mailbot.cli.shared.output import clean, format_duration, format_time
from mailbot.domain import events as e
from mailbot.domain.model import Target

WHY = {  # of a team notice
    "new": "a new ticket",
    "customer_wrote": "the customer wrote",
    "escalated": "it was escalated",
    "handed_over": "it was handed over",
    "assigned": "it was assigned",
    "reminder": "a reminder",
    "follow_up": "the customer is silent: ask again or close",
    "unconfirmed": "it is held: accept or reject it",
    "decided": "what was asked is decided",
    "notify": "for their attention",
    "compensation": "how the request for compensation ended",
}


def actor_text(by: str) -> str:
    """Who did it, for people: "agent ayu@...", "operator eko", "the customer", "the policy"."""
    kind, _, name = by.partition(":")
    return f"{kind} {clean(name)}" if name else f"the {clean(kind)}"


def event_text(event: e.Event, zone: str) -> str:
    """What happened, on one clean line. Moments in it are local times of `zone`."""
    return clean(_said(event, zone), 600)


def _said(event: e.Event, zone: str) -> str:
    match event:
        case e.TicketOpened():
            more = f", goes on from {event.follows}" if event.follows else ""
            more += f", claims to be about {event.claims} without proof" if event.claims else ""
            more += " and is held until an agent decides" if event.held_for else ""
            more += f", perhaps means {event.suggests}" if event.suggests else ""
            if event.split_from:
                return (
                    f"{actor_text(event.by)} split it off {event.split_from}: {clean(event.subject, 120)!r}"
                )
            return f"{event.customer} wrote to {event.mailbox}: {clean(event.subject, 120)!r}{more}"
        case e.TicketRouted():
            return _routed(event)
        case e.TicketAssigned(by=by, assignee=assignee, because=because):
            told = f": {_plain(because)}" if because else ""
            return f"{actor_text(by)} gave it to {assignee}{told}"
        case e.TicketHandedOver(by=by, team=team, because=because):
            return f"{actor_text(by)} handed it over to team {team}: {_plain(because)}"
        case e.TicketEscalated(by=by, level=level, because=because):
            reason = "" if because == f"by {by}" else f": {_plain(because)}"
            return f"{actor_text(by)} escalated it to {level}{reason}"
        case e.CustomerWrote(evidence=evidence):
            return f"the customer wrote again (belongs here: {evidence})"
        case e.AutomaticMailReceived(reason=reason):
            return f"an automatic mail came, kept and not answered: {reason}"
        case e.ThanksReceived():
            return "the customer wrote nothing but thanks: kept, nobody's turn changed"
        case e.DetailsReceived(details=details):
            named = ", ".join(f"{name} {value}" for name, value in details)
            return f"that mail names what was not known: {_plain(named)}"
        case e.DeliveryBounced() | e.DeliveryFailed():
            return _undelivered(event)
        case e.AgentAnswered(agent=agent):
            return f"{agent} answered the customer"
        case e.AgentMailHeld(agent=agent, reason=reason):
            return f"a mail in the name of {agent} was held and not acted upon: {reason}"
        case e.NoteAdded(by=by, text=text):
            return f"{actor_text(by)} noted: {text}"
        case e.AcknowledgementEnqueued():
            return "the acknowledgement with the number was put in line"
        case e.AcknowledgementSuppressed(reason=reason):
            return f"no acknowledgement: {reason}"
        case e.ProgressSuppressed(reason=reason):
            return f"the customer was not told of the progress: {reason}"
        case e.ClocksSet(clocks=clocks):
            return clocks_text(clocks)
    return _later(event, zone)


def _later(event: e.Event, zone: str) -> str:
    """The rest, of the ticket's later life."""
    match event:
        case e.StepTaken():
            late = event.at - event.due_at
            after = f", taken {format_duration(late)} late" if late >= timedelta(seconds=1) else ""
            why = "" if event.because.endswith("is due") else f", {_plain(event.because)}"
            rung = f"step {event.step + 1} of ladder {event.ladder} ({spaced(event.target)})"
            return f"{rung} was due at {format_time(event.due_at, zone)}{after}{why}"
        case e.TargetMissed(target=target, due_at=due_at):
            return f"the {spaced(target)} was not given in time: due at {format_time(due_at, zone)}"
        case e.PeopleNotified(whom=whom, why=why):
            return f"told {', '.join(whom)}: {WHY.get(why) or _plain(why)}"
        case e.TicketClosed(by=by, because=because):
            return f"{actor_text(by)} closed it{f': {because}' if because else ''}"
        case e.TicketReopened():
            return "reopened"
    return _decided(event, zone)


def _decided(event: e.Event, zone: str) -> str:
    """What a ladder asked, reminded of, or is from now on."""
    match event:
        case e.ReminderDue(target=target, due_at=due_at):
            return f"{IN_TURN[target]}: a reminder was due at {format_time(due_at, zone)}"
        case e.DecisionRequested(of=level, question=question, options=options, whom=whom):
            return f"{level} ({', '.join(whom)}) was asked: {question} Options: {', '.join(options)}"
        case e.DecisionMade(by=by, option=option, because=because):
            return f"{actor_text(by)} decided: {option}{_why(because)}"
        case e.LadderChanged(by=by, ladder=name, ladder_digest=digest, clocks=clocks):
            return (
                f"{actor_text(by)} had it climb ladder {name} as it is now ({digest}); {clocks_text(clocks)}"
            )
    return _joined(event)


def _joined(event: e.Event) -> str:
    """What happened between this ticket and another."""
    match event:
        case e.TicketReleased(by=by):
            return f"{actor_text(by)} rejected the claim: it is a matter of its own"
        case e.MessageMoved(by=by, message=message, to=to, origin=origin):
            way = f"to {to}" if to else f"here from {origin}"
            return f"{actor_text(by)} moved message {message} {way}{_takes_part(event.joined)}"
        case e.TicketMerged(by=by, into=into, other_customer=other):
            return f"{actor_text(by)} merged it into {into}{', of another customer' if other else ''}"
        case e.MergeReceived(by=by, other=other, messages=messages, accepted=accepted):
            what = "accepted its claim and merged" if accepted else "merged"
            return f"{actor_text(by)} {what} {other} into it ({_count(messages)}){_takes_part(event.joined)}"
        case e.TicketUnmerged(by=by, into=into, messages=messages):
            return f"{actor_text(by)} took it out of {into} again ({_count(messages)})"
        case e.MergeReverted(by=by, other=other, messages=messages):
            return f"{actor_text(by)} took {other} out of it again ({_count(messages)})"
        case e.TicketSplit(by=by, into=into, messages=messages):
            return f"{actor_text(by)} split {_count(messages)} off into {into}"
        case e.TicketRebuilt(status=status, clocks=clocks):
            return f"by the messages it has now it is {status}; {clocks_text(clocks)}"
    return _compensated(event)


def _compensated(event: e.Event) -> str:
    """What became of a request for compensation."""
    match event:
        case e.CompensationRequested(by=by, amount=amount, request=request, agent=agent, because=because):
            return f"{_for(by, agent)} asked for compensation of {amount} (request {request}){_why(because)}"
        case e.ApprovalRequested(request=request, level=level, whom=whom, on_duty=on_duty):
            there = "" if on_duty else ", of whom nobody is on duty now"
            return f"request {request} was put before {level}: {', '.join(whom) or 'nobody'}{there}"
        case e.CompensationApproved(by=by, request=request, agent=agent, because=because):
            return f"{_for(by, agent)} approved request {request}{_why(because)}"
        case e.CompensationGranted(amount=amount, request=request, agents=agents):
            return f"compensation of {amount} was granted by {' and '.join(agents)} (request {request})"
        case e.CompensationRefused(by=by, request=request, agent=agent, because=because, limit=limit):
            who_ = f"the limit {limit}" if limit else _for(by, agent)
            return f"{who_} refused request {request}{_why(because)}"
    return type(event).__name__


def _for(by: str, agent: str) -> str:
    """ "operator eko for ayu@...", "agent ayu@..."."""
    return f"{actor_text(by)} for {agent}" if agent and by != f"agent:{agent}" else actor_text(by)


def _why(because: str) -> str:
    return f": {because}" if because else ""


def _takes_part(joined: tuple[str, ...]) -> str:
    return f"; now takes part: {', '.join(joined)}" if joined else ""


def _count(messages: tuple[int, ...]) -> str:
    return f"{len(messages)} message{'s' * (len(messages) != 1)}"


def _undelivered(event: e.DeliveryBounced | e.DeliveryFailed) -> str:
    if isinstance(event, e.DeliveryFailed):
        answer = f"{event.code or ''} {event.reply}".strip() or "no answer"
        return f"the {event.kind} to {event.recipient} could not be sent: {answer}"
    proof = "" if event.proven else ", but nothing proves the report"
    if event.kind == "complaint":
        return f"{event.recipient} reported our mail as abuse{proof}"
    lasting = "for good" if event.permanent else "for now"
    return f"mail to {event.recipient} came back {lasting}: {event.status or 'no code'}{proof}"


def _routed(event: e.TicketRouted) -> str:
    tags = f", tags {', '.join(event.tags)}" if event.tags else ""
    return (
        f"rule {event.rule!r} matched, because {event.because}: category {event.category}, "
        f"urgency {event.urgency} and complexity {event.complexity} make priority {event.priority}; "
        f"team {event.team}, level {event.level}, ladder {event.ladder}{tags}"
    )


def _plain(because: str) -> str:
    """Reasons of ours name targets as the YAML writes them."""
    for target in Target:
        because = because.replace(target.value, spaced(target))
    return because
