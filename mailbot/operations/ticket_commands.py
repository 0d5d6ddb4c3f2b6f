"""Commands about one ticket, from the shell or the console."""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.acts.holds import answers
from mailbot.domain.commands.carry_out import Acted, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Reading
from mailbot.domain.commands.results import Outcome
from mailbot.domain.escalation.overdue import take_first
from mailbot.domain.events import AgentAnswered
from mailbot.domain.ladder import next_deadline
from mailbot.domain.lifecycle import Decision
from mailbot.domain.merging.rebuild import post_turn
from mailbot.domain.model import Attachment, Direction
from mailbot.domain.reasons import Reason, Refusal
from mailbot.domain.replies.receipts import outcome_of
from mailbot.operations.transaction import transact, transact_in_turn
from mailbot.store import compensations, conversation
from mailbot.store.agents import acts
from mailbot.store.codec import REASON, Codec
from mailbot.store.console import drafts, forms, presence, sent_files
from mailbot.store.store import Store
from mailbot.store.tickets import Message
from mailbot.workers.channels import linked_answers
from mailbot.workers.command_facts import is_about_money, prepare
from mailbot.workers.runtime import Runtime
from mailbot.workers.transaction import Transaction

OUTCOME = Codec(Outcome)  # what is kept of a form that was carried out
COMMAND_LINE, ON_A_PAGE, BY_PROGRAM = map(reasons.of, ("command_line", "on_a_page", "by_program"))

Read = Callable[[Reading], Act | Refusal]


@dataclass(frozen=True, slots=True)
class TicketCommand:
    """What a person wants done on a ticket, or how it is read once the ticket is known.

    `money`: a command may be about compensation, so the ledger is locked before the ticket. `authority`: the agent
    by whose limits an operator acts about it. `anyway`: an answer is sent although a colleague has just answered.
    `once`: the key of a form; what was carried out by the same key is refused. `files` go along with the answer.
    `seen`: the newest message that its author had read; after a newer one an answer waits for another word.
    `source`: where the command came from, kept beside its message.
    """

    number: str
    act: Act | Read
    by: Actor
    now: datetime
    money: bool = False
    authority: str = ""
    anyway: bool = False
    once: str = ""
    files: tuple[Attachment, ...] = ()
    seen: int | None = None
    source: Reason = COMMAND_LINE


def run_command(store: Store, runtime: Runtime, request: TicketCommand) -> Acted | Refusal | None:
    """Return what was done, recorded, or the refusal. None when there is no such ticket."""
    return transact(store, runtime, request.now, lambda transaction: decide(transaction, request))


async def run_in_turn(store: Store, runtime: Runtime, request: TicketCommand) -> Acted | Refusal | None:
    """Do the same inside the daemon, for the pages and the API."""
    return await transact_in_turn(
        store, runtime, request.now, lambda transaction: decide(transaction, request)
    )


def decide(transaction: Transaction, request: TicketCommand) -> Acted | Refusal | None:
    """Do the same in a transaction that has locked no ticket yet."""
    connection, by, now = transaction.connection, request.by, request.now
    if request.money:
        compensations.lock(connection)
    ticket = transaction.load([request.number]).get(request.number)
    if ticket is None:
        return None
    if request.once and forms.find(connection, request.once, by):
        return reasons.refuse("already_done")
    policy = transaction.snapshot.policy
    act = request.act if isinstance(request.act, Act) else request.act(Reading(ticket, by, policy, now))
    if isinstance(act, Refusal):
        return act
    if refusal := _unseen(connection, request, act):
        return refusal
    prepared = prepare(connection, transaction.snapshot, ticket, act, by, now)
    if isinstance(prepared, Refusal):
        return prepared
    act, facts = prepared.act, replace(prepared.facts, authority=request.authority, anyway=request.anyway)
    facts = replace(facts, attachments=(*facts.attachments, *request.files))
    assert request.money or not is_about_money(act), "the ledger's lock comes before the ticket's"
    due, acted = take_first(
        ticket,
        lambda then: on_act(then, act, by, facts, policy, now),
        lambda found: found.decision if isinstance(found, Acted) else None,
        policy,
        now,
        facts.suppressed(ticket),
        facts.loads,
    )
    changes = [transaction.change(ticket, due)] if due else []
    if isinstance(acted, Acted):
        before = due.ticket if due else ticket
        changes.append(transaction.change(before, acted.decision, _message(request, act, acted)))
        transaction.record(*changes)  # after a refusal nothing: the daemon takes what is due
        linked_answers.settle(transaction, acted.decision.events)
        compensations.append(connection, acted.entries)
        acts.mark_sent(connection, acted.act.sends)
        if request.once:
            result = OUTCOME.dump_text(outcome_of(acted, policy, now))
            forms.add(connection, request.once, by, now, request.number, result)
        if request.source == ON_A_PAGE:
            _end_writing(connection, request, acted)
    return acted


def _unseen(connection: Connection, request: TicketCommand, act: Act) -> Refusal | None:
    """Refuse an answer whose author does not know what came meanwhile."""
    if request.seen is None or not answers(act):
        return None
    newer = conversation.newer_than(connection, request.number, request.seen, request.by.name)
    return reasons.refuse("message_since", count=newer) if newer else None


def _end_writing(connection: Connection, request: TicketCommand, acted: Acted) -> None:
    """Remove the draft of what is on the ticket now, and that its author writes."""
    is_note = any(isinstance(each, c.AddNote) for each in acted.act.commands)
    if is_note or acted.answer:
        drafts.remove(connection, request.number, request.by.name, note=is_note)
        presence.remove(connection, request.number, request.by.name)


def _message(request: TicketCommand, act: Act, acted: Acted) -> Message | None:
    """Return the note or the answer, to be kept on the ticket."""
    note = next((each.text for each in act.commands if isinstance(each, c.AddNote)), "")
    if not note and not acted.answer:
        return None
    evidence: dict[str, object] = {"reason": REASON.dump(request.source)}
    if request.files and not note:
        evidence["files"] = [sent_files.describe(each) for each in request.files]
    direction, text = (Direction.NOTE, note) if note else (Direction.OUT, acted.answer)
    answered = (each.turn for each in acted.decision.events if isinstance(each, AgentAnswered))
    turn = "" if note else next(map(post_turn, answered), "")
    return Message(request.now, direction, request.by.name, "", text, text, evidence=evidence, turn=turn)


def operator() -> Actor:
    """Return who sits at the shell: the login name, or behind sudo the name of its caller."""
    if os.geteuid() == 0 and os.environ.get("SUDO_USER"):
        return Actor.operator(os.environ["SUDO_USER"][:64])
    try:
        return Actor.operator(pwd.getpwuid(os.geteuid()).pw_name)
    except KeyError:  # a container with a bare user id
        return Actor.operator(f"uid {os.geteuid()}")


def due_next(decision: Decision, runtime: Runtime) -> datetime | None:
    """Return when the ticket's next deadline comes after the decision."""
    deadline = next_deadline(decision.ticket, runtime.policy)
    return deadline.due_at if deadline else None
