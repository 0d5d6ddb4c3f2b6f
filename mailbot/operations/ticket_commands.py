"""What a person tells mailbot to do with a ticket: loaded, decided and recorded in one transaction."""

import os
import pwd
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain.commands import AddNote, Command
from mailbot.domain.decisions import on_command
from mailbot.domain.ladder import next_deadline
from mailbot.domain.lifecycle import Decision
from mailbot.store import tickets
from mailbot.store.store import Store
from mailbot.store.tickets import Message
from mailbot.workers.outbox_rows import outcome
from mailbot.workers.runtime import Live


@dataclass(frozen=True, slots=True)
class Act:
    """One command. `by`: "operator:<login name>" or "agent:<address>"."""

    number: str
    command: Command
    by: str
    now: datetime


def act(store: Store, live: Live, wanted: Act) -> Decision | str | None:
    """What it led to, recorded; the refusal in words; None when there is no such ticket."""
    return tickets.decide_now(store, lambda connection, item: _apply(connection, item, live), wanted)


def _apply(connection: Connection, wanted: Act, live: Live) -> Decision | str | None:
    ticket = tickets.load(connection, [wanted.number]).get(wanted.number)
    if ticket is None:
        return None
    live.rota.look(connection, live.policy)
    decision = on_command(ticket, wanted.command, wanted.by, live.policy, wanted.now, live.rota.loads)
    if isinstance(decision, Decision):
        message = _note(wanted) if isinstance(wanted.command, AddNote) else None
        tickets.record(connection, [outcome(ticket, decision, live, wanted.now, message=message)])
    return decision


def _note(wanted: Act) -> Message:
    assert isinstance(wanted.command, AddNote)
    author = wanted.by.partition(":")[2]
    text = wanted.command.text
    return Message(wanted.now, "note", author, "", text, text, evidence={"because": "command line"})


def operator() -> str:
    """Who sits at the shell: the login name; behind sudo, whoever called it."""
    if os.geteuid() == 0 and os.environ.get("SUDO_USER"):
        return f"operator:{os.environ['SUDO_USER'][:64]}"
    try:
        return f"operator:{pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:  # a container with a bare user id
        return f"operator:uid {os.geteuid()}"


def due_next(decision: Decision, live: Live) -> datetime | None:
    """The ticket's next deadline after the decision."""
    deadline = next_deadline(decision.ticket, live.policy)
    return deadline.due_at if deadline else None
