"""Carry out commands on one ticket: all of a mail or a shell command, or none.

Theory of operation. An `Act` has commands and a text. The answer that the text is comes first, then each command
in its order, on the ticket as the one before left it. The first refusal ends it, and nothing is recorded. Mail,
shell and console all come here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import filing, notify, reasons, turns
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.acts import holds, undo
from mailbot.domain.acts.undo import NOTHING_DONE, UndoFacts
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.closing.close import close
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.mentions import notify_mentioned
from mailbot.domain.commands.registry import Below
from mailbot.domain.commands.results import Result, result_of
from mailbot.domain.compensation import requests
from mailbot.domain.day import snooze
from mailbot.domain.escalation import corrections, level_questions, steps
from mailbot.domain.incidents import complaints, incident
from mailbot.domain.lifecycle import Decision, DecisionBuilder, clocks_set
from mailbot.domain.model import Attachment, NoticeKind, Role, Ticket
from mailbot.domain.notices import Answer
from mailbot.domain.people import linking, persons
from mailbot.domain.people.changes import apply_people
from mailbot.domain.people.copies import with_copies
from mailbot.domain.people.customer import why_unreachable
from mailbot.domain.people.participants import Roles
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.replies import agent_answer
from mailbot.domain.replies.undeliverable import Suppressions


@dataclass(frozen=True, slots=True)
class CommandFacts:
    """What commands need besides the ticket.

    - `roles`: of the people of the ticket. `suppressions`: which of them get no automatic mail.
    - `references`: Message-IDs of the conversation. `attachments`: the files that go along with the answer.
    - `loads`: the open tickets of agents. `open_requests`: for compensation on this ticket.
    - `ledger`: what it holds, None where no command is about money.
    - `undo`: the agent's newest act on the ticket, where it is to be taken back.
    - `authority`: the agent by whose limits an operator acts about money, "" for none.
    - `links`: the identities of the customer and of whom commands name.
    - `anyway`: an answer is sent although a colleague has just answered.
    - `by_mail`: who acts gets a receipt, so no notice of the same act.
    """

    roles: Roles = field(default_factory=dict)
    suppressions: Suppressions = field(default_factory=dict)
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    loads: Loads = field(default_factory=dict)
    open_requests: tuple[int, ...] = ()
    ledger: requests.Facts | None = None
    undo: UndoFacts = NOTHING_DONE
    links: linking.LinkFacts = linking.NO_LINKS
    authority: str = ""
    anyway: bool = False
    by_mail: bool = False

    def suppressed(self, ticket: Ticket) -> Reason:
        """Return why the customer gets no automatic mail, no reason when there is none."""
        found = self.suppressions.get(ticket.answers_to.lower())
        return found.as_reason if found else NO_REASON


@dataclass(frozen=True, slots=True)
class Acted:
    """The decision, with the ledger's new lines, and what each command did.

    `compensation`: its outcome where money was asked for.
    """

    act: Act
    decision: Decision
    compensation: requests.Outcome | None = None
    answer: str = ""  # the text that the customer gets
    done: tuple[Result, ...] = ()

    @property
    def entries(self) -> tuple[requests.Entry, ...]:
        return self.compensation.entries if self.compensation else ()


NO_FACTS = CommandFacts()
_IDENTITIES = (c.LinkIdentity, c.UnlinkIdentity, c.AnswerVia)


def on_command(
    ticket: Ticket, command: c.Command, by: Actor, policy: Policy, now: datetime, loads: Loads = NO_LOADS
) -> Decision | Refusal:
    """Decide about one command without a text; a Refusal gives the reason why not."""
    acted = on_act(ticket, Act((command,)), by, CommandFacts(loads=loads), policy, now)
    return acted if isinstance(acted, Refusal) else acted.decision


def on_act(
    ticket: Ticket, act: Act, by: Actor, facts: CommandFacts, policy: Policy, now: datetime
) -> Acted | Refusal:
    """Decide about all that was asked for at once; a Refusal gives the reason why nothing was done."""
    if refusal := next(
        (found for each in act.commands if (found := filing.why_refused(ticket, command=each))), None
    ):
        return refusal
    informed = frozenset({by.name}) if facts.by_mail else frozenset()
    builder = DecisionBuilder(ticket, loads=facts.loads, informed=informed)
    return _Acting(builder, act, by, facts, policy, now).decide()


class _Acting:
    """One act under way. Lives for one decision."""

    def __init__(
        self,
        builder: DecisionBuilder,
        act: Act,
        by: Actor,
        facts: CommandFacts,
        policy: Policy,
        now: datetime,
    ) -> None:
        self.builder, self.act, self.by = builder, act, by
        self.facts, self.policy, self.at = facts, policy, now
        self.compensation: requests.Outcome | None = None
        self.answer = ""
        self.written: Answer | None = None
        self.done: list[Result] = []
        self.resolution = ""  # what the customers of an incident get
        self.known = facts.links.known

    def decide(self) -> Acted | Refusal:
        # The answer goes where these say, so they come first.
        first = [each for each in self.act.commands if isinstance(each, _IDENTITIES)]
        others = [each for each in self.act.commands if not isinstance(each, _IDENTITIES)]
        if refusal := self._carry_out(first) or self._answer() or self._carry_out(others):
            return refusal
        return Acted(self.act, self.builder.decision(), self.compensation, self.answer, tuple(self.done))

    def _carry_out(self, commands: Sequence[c.AnyCommand]) -> Refusal | None:
        for command in commands:
            before = len(self.builder.events)
            if refusal := self._apply(command):
                return refusal
            outcome = self.compensation.state if self.compensation else ""
            self.done.append(result_of(command, self.builder.events[before:], self.by, outcome))
            self._suggest_merge(command)
        return None

    def _answer(self) -> Refusal | None:
        """Send the text as the agent's answer. With a closing command it is the closing word's text."""
        texts = [each.text for each in self.act.commands if isinstance(each, c.Macro) and each.text]
        if self.act.below is Below.ANSWER and self.act.text:
            texts.append(self.act.text)
        if texts and any(isinstance(each, c.AddNote) for each in self.act.commands):
            return reasons.refuse("note_and_answer")
        if any(isinstance(each, c.Resolve) for each in self.act.commands):
            return self._take_resolution(texts)
        only_files = self.act.sends and self.facts.attachments
        if not texts and not only_files:  # files that no text mentions stay on the ticket
            return None
        agent = self.policy.agents.get(self.by.name) if self.by.kind is ActorKind.AGENT else None
        if agent is None:
            return reasons.refuse("answer_needs_agent")
        if refusal := self._why_no_answer(agent):
            return refusal
        ticket, self.answer = self.builder.ticket, "\n\n".join(texts)
        after = agent_answer.next_turn(ticket, self.answer, self.policy)
        agent_answer.record_agent_answer(self.builder, agent.address, after, self.policy, self.at)
        mail = agent_answer.answer(
            ticket, agent, self.answer, self.policy, self.facts.references, self.facts.attachments
        )
        times = [each.until for each in self.act.commands if isinstance(each, c.WorkOn) and not each.in_text]
        mail = replace(mail, promised_at=times[-1] if times else None)
        roles = {**self.facts.roles, **dict.fromkeys(self._linked(), Role.CUSTOMER)}
        mails = with_copies(mail, roles, self.policy, self.facts.suppressions)
        if any(isinstance(each, c.Close) for each in self.act.commands):
            self.written, mails = mails[0], mails[1:]  # the customer reads it in the closing word
        self.builder.notify(*mails)
        return None

    def _why_no_answer(self, agent: Agent) -> Refusal | None:
        """Return why this agent can't answer on the ticket now."""
        ticket = self.builder.ticket
        if ticket.merged_into:
            return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
        if refusal := filing.why_refused(ticket):
            return refusal
        if unreachable := why_unreachable(ticket.answers_to):
            return Refusal(unreachable)
        if self.facts.anyway or self.act.sends:
            return None
        held = holds.why_answer_held(ticket, agent.address, self.policy, self.at)
        return reasons.refuse("answer_held", reason=held) if held else None

    def _take_resolution(self, texts: list[str]) -> Refusal | None:
        """Keep the text for the customers of an incident, which has none of its own."""
        self.resolution = "\n\n".join(texts)
        return reasons.refuse("resolve_without_files") if self.facts.attachments else None

    def _apply(self, command: c.AnyCommand) -> Refusal | None:
        builder, by, policy, now = self.builder, self.by, self.policy, self.at
        match command:
            case c.AddNote(text):
                builder.record(e.NoteAdded(now, by, text))
                notify_mentioned(builder, text, by, policy, now)
            case c.Close() | c.Wait() if builder.ticket.is_incident:
                return reasons.refuse("incident_is_resolved", ticket=builder.ticket.number)
            case c.Close(because, cause):
                suppressed = self.facts.suppressed(builder.ticket)
                return close(
                    builder, cause, self.written, reasons.written(because), by, policy, now, suppressed
                )
            case c.Reopen(because):
                return turns.reopen(builder, reasons.written(because), by, policy, now)
            case c.Assign(address):
                return _assign(builder, address, by, policy, now)
            case c.HandOver(team, because):
                return steps.hand_over_by_command(
                    *(builder, team, _reason(because, by), by, policy, now),
                    self.facts.suppressed(builder.ticket),
                )
            case c.Escalate(level, because):
                return steps.escalate_by_command(builder, level, _reason(because, by), by, policy, now)
            case c.WorkOn(until):
                suppressed = self.facts.suppressed(builder.ticket)
                # The answer has the time: nobody hears it twice.
                return turns.work_on(builder, until, by, policy, now, suppressed, informs=not self.answer)
            case c.Wait(turn, until, because):
                return turns.wait(builder, turn, until, reasons.written(because), by, policy, now)
            case c.Snooze(until):
                return snooze.snooze(builder, until, by, policy, now)
            case c.Correct():
                return corrections.correct(builder, command, by, policy, now)
            case c.Tag(added, removed):
                return corrections.tag(builder, added, removed, by, now)
            case c.Decide(option, because):
                return level_questions.decide(builder, option, because, by, policy, now)
            case c.Reject():
                return _reject_claim(builder, by, policy, now)
            case c.Release():
                return filing.release(builder, by, policy, now)
            case c.AddParticipants() | c.RemoveParticipants() | c.SetCustomer():
                return self._people(command)
            case c.Compensate() | c.Approve() | c.Refuse():
                return self._compensate(command)
            case c.Macro(name, _, text):
                return None if text else reasons.refuse("no_macros", macro=name)
            case c.LinkIdentity() | c.UnlinkIdentity() | c.AnswerVia():
                return self._identity(command)
            case c.Undo():
                return self._undo()
            case c.Resolve(cause):
                return incident.resolve(builder, self.resolution, cause, by, policy, now)
            case c.LeaveIncident():
                return complaints.leave(builder, by, policy, now)
            case c.Help():  # its answer is the mail that lists the verbs
                is_agent = self.by.kind is ActorKind.AGENT
                return None if is_agent else reasons.refuse("not_here", command=type(command).__name__)
            case c.Accept() if self.facts.by_mail:  # who loaded the facts merges it then
                return None
            case c.Accept() | c.Send():
                return reasons.refuse("not_here", command=type(command).__name__)
        return None

    def _people(self, command: c.People) -> Refusal | None:
        facts = self.facts
        return apply_people(
            *(self.builder, command, facts.roles, self.by, self.policy, self.at),
            open_requests=facts.open_requests,
        )

    def _identity(self, command: c.Identities) -> Refusal | None:
        facts = replace(self.facts.links, known=self.known)
        found = linking.apply_identity(self.builder, command, facts, self.by, self.policy, self.at)
        if isinstance(found, Refusal):
            return found
        self.known = found
        return None

    def _linked(self) -> list[str]:
        """Return the identities that commands before have linked to the customer, or that were."""
        return list(persons.of_person(self.known, self.builder.ticket.customer).values())

    def _suggest_merge(self, command: c.AnyCommand) -> None:
        """Add to a link which tickets that person has: nothing joins them but an agent."""
        number = self.builder.ticket.number
        named = command.address if isinstance(command, c.LinkIdentity) else ""
        others = [each for each in self.facts.links.tickets.get(named, ()) if each != number]
        if others:
            self.done.append(Result(reasons.of("has_tickets", tickets=", ".join(others), ticket=number)))

    def _undo(self) -> Refusal | None:
        facts, builder, now = self.facts.undo, self.builder, self.at
        links, known = linking.taken_back(facts.events, self.known, self.by, now)
        if refusal := undo.undo(builder, facts, self.facts.roles, self.by, self.policy, now, links):
            return refusal
        linking.settle_answers(builder, known, now)
        return None

    def _compensate(self, command: c.Compensation) -> Refusal | None:
        ledger = self.facts.ledger
        assert ledger is not None, "the caller loads the ledger for a command about money"
        if self.compensation:  # the ledger's next line is known for one command alone
            return reasons.refuse("one_compensation")
        agent = self.by.name if self.by.kind is ActorKind.AGENT else self.facts.authority
        signatory = requests.Signatory(self.by, agent)
        found = requests.on_compensation(
            self.builder.ticket, command, signatory, ledger, self.policy, self.at
        )
        if isinstance(found, Refusal):
            return found
        self.builder.take(found.decision)
        self.compensation = found
        return None


def _reason(because: str, by: Actor) -> Reason:
    return reasons.written(because) or reasons.of("by_actor", actor=str(by))


def _assign(
    builder: DecisionBuilder, address: str, by: Actor, policy: Policy, now: datetime
) -> Refusal | None:
    ticket, agent = builder.ticket, policy.agents.get(address)
    if ticket.merged_into:
        return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
    if agent is None:
        return reasons.refuse("no_agent", agent=address)
    reason = reasons.of("by_actor", actor=str(by))
    builder.record(e.TicketAssigned(now, by, agent.address, reason))
    steps.stop_confirmation(builder, now)
    notify.notify_team(builder, policy, now, NoticeKind.ASSIGNED, reason)
    return None


def _reject_claim(builder: DecisionBuilder, by: Actor, policy: Policy, now: datetime) -> Refusal | None:
    ticket = builder.ticket
    if not ticket.held_for or ticket.merged_into:
        return reasons.refuse("not_held", ticket=ticket.number)
    builder.record(e.TicketReleased(now, by))
    builder.record(clocks_set(builder.ticket, policy, now))
    because = reasons.of("not_about", ticket=ticket.held_for, actor=str(by))
    notify.notify_team(builder, policy, now, NoticeKind.NEW, because)
    return None
