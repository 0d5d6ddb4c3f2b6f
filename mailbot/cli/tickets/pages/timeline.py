"""What happened to a ticket, a line for each moment: what was written, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any

from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.names import Names
from mailbot.cli.shared.output import FACT, clean, echo
from mailbot.cli.shared.promise_text import PROMISE_NAMES
from mailbot.cli.shared.wall_clock import Line, WallClock
from mailbot.domain import events as e
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.language import NAMES as language_names
from mailbot.domain.model import Author, Direction, NoticeKind
from mailbot.domain.reasons import Reason, parts
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.store.queries import MessageView
from mailbot.views.clean_text import LINE
from mailbot.views.event_text import actor_text, event_text
from mailbot.views.event_words import NOTICE_REASONS, REMINDER_REASONS, TURNS
from mailbot.views.formats import count_text, format_duration
from mailbot.views.wording import spaced

EXCERPT = 120  # characters of a message
FIRST, NEWEST = 3, 30  # lines of a long story
LATE = timedelta(minutes=1)  # a step that was taken later says so
BAD = (e.TargetMissed, e.DeliveryFailed, e.DeliveryBounced)  # red
WRITTEN = (e.TicketOpened, e.CustomerWrote, e.AutomaticMailReceived)  # the line of their message says it
ACTS = {Direction.IN: "wrote", Direction.OUT: "answered", Direction.NOTE: "noted"}
# Notices that follow from what the line says already.
IMPLIED = frozenset(
    {
        NoticeKind.NEW,
        NoticeKind.ASSIGNED,
        NoticeKind.ESCALATED,
        NoticeKind.HANDED_OVER,
        NoticeKind.CUSTOMER_WROTE,
        NoticeKind.DECIDED,
        NoticeKind.CLOSED,
        NoticeKind.BOUNCED,
        NoticeKind.UNDELIVERABLE,
        NoticeKind.SENT_BY_MAIL,
        NoticeKind.COMPLAINED,
    }
)


@dataclass(frozen=True)
class Timeline:
    """What a ticket's lines are made of. `explains`: a message shows why it is here, not its words."""

    names: Names
    clock: WallClock
    events: Sequence[e.Event]
    messages: Sequence[MessageView] = ()
    explains: bool = False

    @cached_property
    def written(self) -> frozenset[str]:
        """Return the Message-IDs of the messages, which stand for their events."""
        return frozenset(each.message_id for each in self.messages)

    @cached_property
    def notes(self) -> frozenset[datetime]:
        return frozenset(each.at for each in self.messages if each.direction is Direction.NOTE)

    def print(self) -> None:
        """Print the lines, of a long story its beginning and its end."""
        lines = self.lines()
        left_out = max(0, len(lines) - FIRST - NEWEST)
        self.clock.print(lines[:FIRST] if left_out else lines)
        if left_out:
            echo(f"  ... {count_text(left_out, 'line')} left out: --all shows every event")
            self.clock.print(lines[-NEWEST:])

    def lines(self) -> list[Line]:
        """Return the lines in order, of each second the messages before what came of them."""
        lines = [Line(_second(each), self._message(each)) for each in self.messages]
        for at, group in groupby(self.events, key=_second):
            events = list(group)
            if text := self._joined(events):
                lines.append(Line(at, clean(text, FACT), any(isinstance(each, BAD) for each in events)))
        return sorted(lines, key=attrgetter("at"))

    def _message(self, message: MessageView) -> str:
        act = (
            "sent an automatic mail" if message.author_kind is not Author.PERSON else ACTS[message.direction]
        )
        files = f", {count_text(len(message.attachments), 'file')}" if message.attachments else ""
        who = f"{clean(self.names.of(message.author))} {act}{files}"
        if self.explains:
            because, _ = ticket_text.describe_match(message.evidence)
            return f"{who}: {clean(self.names.in_text(because), LINE)}" if because else who
        words = shorten(message.text, message.length)
        return f"{who} | {words}" if words else who

    def _joined(self, events: Sequence[e.Event]) -> str:
        """Join what happened in one second; what was missed stands before what followed from it."""
        texts = list(dict.fromkeys(filter(None, map(self._event, events))))
        missed = [self._event(event) for event in events if isinstance(event, e.TargetMissed)]
        if not missed:
            return "; ".join(texts)
        rest = [text for text in texts if text not in missed]
        return ": ".join(filter(None, (", ".join(missed), ", ".join(rest))))

    def _event(self, event: e.Event) -> str:
        if isinstance(event, WRITTEN) and event.message_id in self.written:
            return ""
        text = SHORT.get(type(event))
        return text(event, self) if text else self.full(event)

    def full(self, event: e.Event) -> str:
        return sentence(event, self.names, self.clock.zone)

    def actor(self, by: Actor) -> str:
        """Return who did something: "Ayu Lestari", "the policy"."""
        return self.names.in_text(actor_text(by))

    def because(self, reason: Reason) -> str:
        return f" ({self.names.in_text(assignment(reason))})" if reason else ""


def _second(happened: e.Event | MessageView) -> datetime:
    return happened.at.replace(microsecond=0)


def sentence(event: e.Event, names: Names, zone: str) -> str:
    """Return all about an event, with names in place of addresses and without long patterns of a rule."""
    text = event_text(event, zone)
    return names.in_text(shorten_patterns(text) if isinstance(event, e.TicketRouted) else text)


def shorten(text: str, length: int, most: int = EXCERPT) -> str:
    """Return the first words of a text on one line; " ..." stands for the rest."""
    words = clean(text, 4 * most)
    if len(words) <= most:
        return words if length <= len(text) else f"{words} ..."
    return f"{words[:most].rpartition(' ')[0] or words[:most]} ..."


def assignment(reason: Reason) -> str:
    """Return why an agent has the ticket: "on duty, skill fraud"."""
    return ", ".join(_ASSIGNMENT.get(each.code, str)(each) for each in parts(reason))


_ASSIGNMENT: Mapping[str, Callable[[Reason], str]] = {
    "on_duty": lambda each: "on duty" if each.params["count"] in (1, "1") else str(each),
    "has_skill": lambda each: f"skill {each.params['skill']}",
    "has_language": lambda each: (
        f"speaks {language_names.get(str(each.params['language']), each.params['language'])}"
    ),
}


def _assigned(event: e.TicketAssigned, page: Timeline) -> str:
    by = "" if event.by.kind is ActorKind.POLICY or event.by.name != event.assignee else event.by.name
    if by:
        return f"{page.names.of(by)} took it"
    return f"assigned to {page.names.of(event.assignee)}{page.because(event.reason)}"


def _escalated(event: e.TicketEscalated, page: Timeline) -> str:
    level = page.names.label("level", event.level)
    if event.by.kind is ActorKind.POLICY:
        return f"raised to {level}" + (
            page.because(event.reason) if event.reason.code != "target_due" else ""
        )
    return f"{page.actor(event.by)} raised it to {level}{page.because(event.reason)}"


def _notified(event: e.PeopleNotified, page: Timeline) -> str:
    people = page.names.all_of(event.recipients)
    if event.why in IMPLIED:
        return ""
    if event.why is NoticeKind.REMINDER:
        return f"{people} reminded"
    if event.why is NoticeKind.PROGRESS:
        until = f", news by {page.clock.moment(event.promised_at)}" if event.promised_at else ""
        return f"customer informed{until}"
    what = str(event.reason) or NOTICE_REASONS[event.why][1]
    return f"{people} informed" if event.why is NoticeKind.NOTIFY else f"mail to {people}: {what}"


def _routed(event: e.TicketRouted, page: Timeline) -> str:
    if not page.explains:
        return ""
    names = page.names
    also = "".join(f', also rule "{names.label("rule", each)}"' for each in event.also)
    return (
        f"{names.label('category', event.category)} to {names.place_of(event.team, event.level)}, because "
        f"{names.rule_reason(event.rule, event.reason)}{also}; {event.priority} priority by urgency "
        f"{event.urgency} and complexity {event.complexity}"
    )


def _closed(event: e.TicketClosed, page: Timeline) -> str:
    cause = f", cause: {page.names.label('cause', event.cause)}" if event.cause else ""
    because = f": {event.reason}" if event.reason else ""
    return f"closed by {page.actor(event.by)}{because}{cause}"


def _step_taken(event: e.StepTaken, _page: Timeline) -> str:
    late = event.at - event.due_at
    return f"taken {format_duration(late)} after it was due" if late >= LATE else ""


def _missed(event: e.TargetMissed, _page: Timeline) -> str:
    return f"{PROMISE_NAMES.get(event.target, spaced(event.target))} late"


def _reminder_due(event: e.ReminderDue, _page: Timeline) -> str:
    found = REMINDER_REASONS.get(event.target)
    return found[1] if found else spaced(event.target)


SHORT: dict[type[e.Event], Callable[[Any, Timeline], str]] = {
    e.TicketRouted: _routed,
    e.TicketAssigned: _assigned,
    e.TicketEscalated: _escalated,
    e.TicketHandedOver: lambda event, page: (
        f"handed over to {page.names.label('team', event.team)}{page.because(event.reason)}"
    ),
    e.PeopleNotified: _notified,
    e.StepTaken: _step_taken,
    e.TargetMissed: _missed,
    e.ReminderDue: _reminder_due,
    e.DeliveryBounced: lambda event, page: event_text(event, page.clock.zone),  # the address is what is wrong
    e.DeliveryFailed: lambda event, page: event_text(event, page.clock.zone),
    e.TicketClosed: _closed,
    e.TicketRebuilt: lambda event, _page: f"by its messages it is now {event.status}",
    e.LadderChanged: lambda event, page: (
        f"{page.actor(event.by)} moved it to ladder {event.ladder} as it is now"
    ),
    e.ClocksSet: lambda _event, _page: "",
    e.AcknowledgementEnqueued: lambda _event, _page: "acknowledged",
    e.CustomerWrote: lambda _event, _page: "the customer wrote again",
    e.ThanksReceived: lambda _event, _page: "only thanks, so the turn stays as it is",
    e.NoteAdded: lambda event, page: "" if event.at in page.notes else page.full(event),
    e.AgentAnswered: lambda event, page: f"{TURNS[event.turn][1]}{page.because(event.reason)}",
}
