"""Decide about one mail of a batch: find its ticket, read it as its sender means it, collect the facts, decide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

from sqlalchemy import Connection

from mailbot.domain import reasons
from mailbot.domain.decisions import on_mail
from mailbot.domain.escalation.overdue import take_first
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import STRONG, Clues, Match, follow, match_ticket, merge_end
from mailbot.domain.model import NO_HISTORY, Authentication, Author, Direction, InboundMail, Ticket
from mailbot.domain.people.customer import customer_of
from mailbot.domain.people.identities import MAIL
from mailbot.domain.people.participants import Roles
from mailbot.domain.policy import Agent
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.replies.agent_mail import NO_AGENT_MAIL, AgentMail
from mailbot.domain.replies.mail_facts import MailDecision, MailFacts
from mailbot.domain.replies.new_matter import begins_new_matter
from mailbot.domain.replies.same_mail import is_copy, on_copy, same_mails
from mailbot.domain.replies.undeliverable import Sent
from mailbot.domain.replies.without_token import Forwarded, acting_agent, match_for_agent
from mailbot.domain.reroute import may_come_to_matter
from mailbot.domain.routing.routing_facts import mailbox_of
from mailbot.store import compensations, tickets
from mailbot.store.agents import acts
from mailbot.store.inbox import ClaimedMail
from mailbot.workers.inbound.agent_commands import NO_COMMANDS, AgentCommands, as_stored, read_commands
from mailbot.workers.inbound.agent_replies import open_forwarded, read_reply
from mailbot.workers.inbound.answered_mail import answers_acknowledgement
from mailbot.workers.inbound.batch_state import BatchState
from mailbot.workers.inbound.customer_replies import fold_reply
from mailbot.workers.inbound.ratings import rating_of
from mailbot.workers.inbound.tapped import Tapped, find_tap, mark_used
from mailbot.workers.runtime import Snapshot


@dataclass(frozen=True, slots=True)
class Processed:
    """One mail and its decision. `before`: its ticket until then, None when the mail opened one.

    `due`: what was due on the ticket, decided before an agent's mail.
    """

    claimed: ClaimedMail
    mail: InboundMail
    match: Match
    decided: MailDecision
    before: Ticket | None
    snapshot: Snapshot
    due: Decision | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A mail as its sender means it, on the ticket that it was matched with."""

    mail: InboundMail
    ticket: Ticket | None
    roles: Roles
    agent: Agent | None = None
    reply: AgentMail = NO_AGENT_MAIL
    commands: AgentCommands = NO_COMMANDS
    forwarded: Forwarded | None = None
    hides_unproven: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail with its clues, within its batch.

    `number` is for the ticket that it may open. `sent` is the mail of ours that it reports on.
    """

    connection: Connection
    claimed: ClaimedMail
    mail: InboundMail
    clues: Clues
    sent: Sent | None
    number: str
    state: BatchState
    snapshot: Snapshot
    now: datetime

    def decide(self) -> Processed:
        """Decide about the mail, and record what the next mail of the batch has to know."""
        earlier = same_mails(self.mail, self.state.earlier.get((self.mail.message_id, self.mail.sender), ()))
        if copied := next((each for each in earlier if is_copy(self.mail, each)), None):
            return self._copy(self.state.tickets[copied.ticket])
        proof = self._proof() if self.mail.sender in self.snapshot.policy.agents else ""
        matched = self._match([each.ticket for each in earlier], proof)
        match = follow(matched, self.state.merged())
        tapped = find_tap(self.connection, self.claimed.envelope, self.mail, self.snapshot)
        read = self._read(match, proof, tapped)
        facts = self._facts(read, match, self.state.tickets.get(matched.number), proof, tapped)
        decided, due = self._decide(read, facts)
        mail = self._note_acts(read.mail, decided, tapped)
        before = self.state.tickets.get(decided.decision.ticket.number)
        return Processed(self.claimed, mail, match, decided, before, self.snapshot, due)

    def _copy(self, ticket: Ticket) -> Processed:
        """File a mail that is on the ticket already and came by another way."""
        match = Match(ticket.number, reasons.of("same_mail"), confidence=STRONG)
        direction = Direction.NOTE if self.mail.sender in self.snapshot.policy.agents else Direction.IN
        decided = MailDecision(on_copy(ticket, self.mail, self.now), direction)
        mail = replace(self.mail, flags=(*self.mail.flags, "copy"))
        return Processed(self.claimed, mail, match, decided, ticket, self.snapshot)

    def _match(self, again: Sequence[str], proof: str) -> Match:
        """Find the ticket that the mail is about, before merges. `again`: tickets that have a mail like it."""
        clues, state, policy = self.clues, self.state, self.snapshot.policy
        if again:
            clues = replace(clues, again=tuple(again))
        if not begins_new_matter(self.mail.visible):
            clues = replace(clues, conversation=state.conversations.get(clues.sender, ""))
        own, staff = state.open_numbers.get(clues.sender, set()), state.staff(clues, policy)
        match = match_ticket(clues, state.messages, state.participants, own, staff)
        if not match.number and match.claims and self._strangers == "thread" and not clues.failed:
            match = replace(match, number=match.claims, claims="")
        return match_for_agent(match) if proof else match

    @property
    def _strangers(self) -> str:
        return mailbox_of(self.claimed.envelope, self.snapshot.policy).strangers

    def _read(self, match: Match, proof: str, tapped: Tapped | None) -> _Read:
        """Read the mail: an agent's reply with its commands, what an agent forwards, or a customer's text."""
        connection, policy = self.connection, self.snapshot.policy
        ticket, roles = self.state.tickets.get(match.number), self.state.roles.get(match.number, {})
        agent = acting_agent(self.mail, match, proof, roles, policy) if ticket else None
        if ticket and agent:
            return self._read_reply(
                _Read(self.mail, ticket, roles, agent), ticket, agent, match, proof, tapped
            )
        if ticket is None and proof and self.mail.author is Author.PERSON:
            mail, forwarded = open_forwarded(self.mail, policy)
            if forwarded:
                self.state.load_history(connection, mail.sender, policy, self.now)
            return _Read(mail, ticket, roles, forwarded=forwarded)
        mail, unproven = fold_reply(connection, self.mail, ticket, match.followed, policy)
        return _Read(mail, ticket, roles, hides_unproven=unproven)

    def _read_reply(
        self, read: _Read, ticket: Ticket, agent: Agent, match: Match, proof: str, tapped: Tapped | None
    ) -> _Read:
        connection, snapshot, clues = self.connection, self.snapshot, self.clues
        mail, reply = read_reply(connection, self.mail, ticket, match.followed, agent, snapshot)
        decisions_only = reply.for_colleagues or clues.for_colleagues
        reply = replace(reply, for_colleagues=decisions_only, of_another=clues.of_another)
        commands = NO_COMMANDS
        if proof:
            commands = read_commands(connection, snapshot, ticket, mail, agent, tapped, read.roles, self.now)
        return replace(read, mail=mail, reply=reply, commands=commands)

    def _facts(
        self, read: _Read, match: Match, named: Ticket | None, proof: str, tapped: Tapped | None
    ) -> MailFacts:
        """Collect what the decision needs to know. `named`: the ticket that the mail names, before merges."""
        state, snapshot, mail = self.state, self.snapshot, read.mail
        policy, envelope = snapshot.policy, self.claimed.envelope
        claimed = state.tickets.get(merge_end(match.claims, state.merged()))
        is_new = read.ticket is None
        return MailFacts(
            number=self.number,
            match=match,
            proof=proof,
            reply=read.reply,
            act=read.commands.act,
            command_facts=read.commands.facts,
            tapped=tapped is not None,
            forwarded=read.forwarded,
            hides_unproven=read.hides_unproven,
            is_untouched=self._is_untouched(read.ticket, mail),
            rating=rating_of(self.connection, mail, read.ticket, match, self.clues, snapshot),
            meant=named.customer if named else "",
            held_for=claimed if self._strangers == "hold" else None,
            language=state.languages.get(mail.sender, ""),
            rate_limits=state.rate_limits,
            returned=self.sent,
            suppressions=state.suppressions,
            acknowledged_before=is_new
            and answers_acknowledgement(self.connection, mail, self.clues, snapshot),
            filed_full=state.filed_full(mailbox_of(envelope, policy).address, policy),
            loads=snapshot.agent_loads.loads,
            customer_history=state.customer_history.get(customer_of(mail, envelope, policy), NO_HISTORY),
            roles=read.roles,
            senders_checked=bool(snapshot.trust.authserv_ids) or snapshot.trust.verify,
            storms=snapshot.storms,
        )

    def _is_untouched(self, ticket: Ticket | None, mail: InboundMail) -> bool:
        """Check whether a chat may yet come to its matter: nobody of ours has acted on it."""
        if ticket is None or not may_come_to_matter(ticket, mail, self.now):
            return False
        return not tickets.is_touched(self.connection, ticket.number)

    def _decide(self, read: _Read, facts: MailFacts) -> tuple[MailDecision, Decision | None]:
        """Decide, for an agent's mail after what is due on the ticket; return that too."""
        policy, envelope, now, ticket = self.snapshot.policy, self.claimed.envelope, self.now, read.ticket
        if not (ticket and read.agent and facts.proof):
            return on_mail(ticket, read.mail, envelope, facts, policy, now), None
        suppression = facts.suppressions.get(ticket.answers_to.lower())
        due, decided = take_first(
            ticket,
            lambda then: on_mail(then, read.mail, envelope, facts, policy, now),
            lambda found: found.decision,
            policy,
            now,
            suppression.as_reason if suppression else NO_REASON,
            facts.loads,
        )
        return decided, due

    def _note_acts(self, mail: InboundMail, decided: MailDecision, tapped: Tapped | None) -> InboundMail:
        """Record what an agent's commands used up, for the next mail of the batch. Return the mail as it is kept."""
        if not decided.acted:
            return mail
        compensations.append(self.connection, decided.acted.entries)  # the next mail of the batch counts them
        acts.mark_sent(self.connection, decided.acted.act.sends)  # and sends no held mail a second time
        if tapped:
            mark_used(self.connection, tapped, self.now)
        return as_stored(mail, decided.acted)

    def _proof(self) -> str:
        """Return how the mail showed that it comes from the agent it names, "" when it did not.

        What came by a channel shows nothing: a program that vouches for its customers vouches for no agent.
        """
        if self.mail.channel != MAIL:
            return ""
        if self.mail.authentication is Authentication.PASS:
            return "authenticated by a host that we trust"
        if self.mail.authentication is not Authentication.FAIL and self.claimed.envelope.peer:
            peer = ip_address(self.claimed.envelope.peer)
            if any(peer in network for network in self.snapshot.trust.agent_networks):
                return "sent from a trusted network"
        return ""
