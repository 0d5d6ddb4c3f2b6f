"""Commands about one ticket, from the shell or the console."""

import os
import pwd
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands import AddNote, Command
from mailbot.domain.decisions import on_command
from mailbot.domain.ladder import next_deadline
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Direction
from mailbot.domain.reasons import Refusal
from mailbot.operations.transaction import Transaction, transact
from mailbot.store.codec import REASON
from mailbot.store.store import Store
from mailbot.store.tickets import Message
from mailbot.workers.runtime import Runtime


@dataclass(frozen=True, slots=True)
class TicketCommand:
    number: str
    command: Command
    by: Actor
    now: datetime


def run_command(store: Store, runtime: Runtime, request: TicketCommand) -> Decision | Refusal | None:
    """Return the decision, recorded, or the refusal. None when there is no such ticket."""

    def decide(transaction: Transaction) -> Decision | Refusal | None:
        ticket = transaction.load([request.number]).get(request.number)
        if ticket is None:
            return None
        snapshot = transaction.snapshot
        loads = snapshot.agent_loads.loads
        decision = on_command(ticket, request.command, request.by, snapshot.policy, request.now, loads)
        if isinstance(decision, Decision):
            transaction.record(transaction.change(ticket, decision, _note(request)))
        return decision

    return transact(store, runtime, request.now, decide)


def _note(request: TicketCommand) -> Message | None:
    if not isinstance(request.command, AddNote):
        return None
    author, text = request.by.name, request.command.text
    evidence = {"reason": REASON.dump_python(reasons.of("command_line"), mode="json")}
    return Message(request.now, Direction.NOTE, author, "", text, text, evidence=evidence)


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
