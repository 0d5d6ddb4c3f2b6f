"""Answer a customer by a command, in an agent's name."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Direction
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.agent_answer import on_answer
from mailbot.operations.transaction import Transaction, transact
from mailbot.store import conversation, suppressions, tickets
from mailbot.store.codec import REASON
from mailbot.store.store import Store
from mailbot.store.tickets import Message
from mailbot.workers.runtime import Runtime


@dataclass(frozen=True, slots=True)
class AnswerCommand:
    number: str
    text: str
    by: Actor
    now: datetime


def send_answer(store: Store, runtime: Runtime, request: AnswerCommand) -> Decision | Refusal | None:
    """Return the decision, recorded, or the refusal. None when there is no such ticket."""
    return transact(store, runtime, request.now, lambda transaction: _decide(transaction, request))


def _decide(transaction: Transaction, request: AnswerCommand) -> Decision | Refusal | None:
    connection, number = transaction.connection, request.number
    ticket = transaction.load([number]).get(number)
    if ticket is None:
        return None
    references = conversation.message_ids(connection, [number], ticket.answers_to)
    roles = tickets.roles_of_tickets(connection, [number]).get(number, {})
    suppressed = suppressions.load(connection, set(roles), request.now)
    policy = transaction.snapshot.policy
    decision = on_answer(ticket, request.text, request.by, references, roles, suppressed, policy, request.now)
    if isinstance(decision, Decision):
        transaction.record(transaction.change(ticket, decision, _message(request)))
    return decision


def _message(request: AnswerCommand) -> Message:
    evidence = {"reason": REASON.dump_python(reasons.of("command_line"), mode="json")}
    text = request.text
    return Message(
        request.now, Direction.OUT, request.by.name, "", text, text, evidence=evidence, turn="answer"
    )
