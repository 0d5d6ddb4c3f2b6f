"""Endpoints that act on tickets: every verb of the registry, answers, notes, and what joins two tickets."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route

from mailbot import log
from mailbot.console.api import bodies
from mailbot.console.api.call import Answer, Call, Description, encode, for_programs
from mailbot.console.api.read_request import invalid
from mailbot.console.problems import Problem
from mailbot.domain import commands, ticket_number
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import MONEY, Act
from mailbot.domain.commands.registry import BY_NAME, Below, Reading
from mailbot.domain.lifecycle import Decision
from mailbot.domain.merging.operations import Changes
from mailbot.domain.model import Attachment, Ticket
from mailbot.domain.reasons import Refusal
from mailbot.mail.parsing import attachments, charsets
from mailbot.operations import ticket_commands
from mailbot.operations.program_requests import Answered, ProgramRequest, carry_out_once
from mailbot.operations.ticket_commands import BY_PROGRAM, TicketCommand
from mailbot.store import tickets
from mailbot.views import shapes
from mailbot.views.clean_text import clean_block
from mailbot.views.ledger_json import outcome_json
from mailbot.views.ticket_json import decision_json
from mailbot.workers.joins import decide_join
from mailbot.workers.transaction import Transaction

ACTED = ("not-found", "malformed", "invalid", "refused", "outdated", "key-reused", "too-large", "in-doubt")
HEADER, LONGEST_KEY = "Idempotency-Key", 200
AGAIN = {"Idempotency-Replayed": "true"}

Decide = Callable[[Transaction], Any]
Say = Callable[[Transaction, Any], dict[str, Any]]


async def _carry_out(call: Call, ticket: Ticket, decide: Decide, say: Say) -> Answer:
    """Carry out one request, once for its key. Raises Problem where it is refused."""
    request = _request(call, ticket)

    def answer(transaction: Transaction, decided: Any) -> str:
        return encode(say(transaction, decided)).decode()

    done = await call.desk.transact(lambda transaction: carry_out_once(transaction, request, decide, answer))
    if done is None:
        raise Problem("not-found", "There is no such ticket.")
    if isinstance(done, Refusal):
        raise _refused(done)
    log.program_acted(token=call.token.id, ticket=ticket.number, path=call.request.url.path, again=done.again)
    return _answer(done)


def _answer(done: Answered) -> Answer:
    return Answer(done.content.encode(), AGAIN if done.again else {})


def _request(call: Call, ticket: Ticket) -> ProgramRequest:
    key = call.request.headers.get(HEADER, "")
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise invalid((HEADER, f"it has more than {LONGEST_KEY} characters, or unprintable ones"))
    kept = hashlib.sha256(f"token {call.token.id} {key}".encode()).hexdigest() if key else ""
    asked = f"{call.request.url.path.rpartition('/')[2]} {ticket.number}\n".encode() + call.raw
    digest = hashlib.sha256(asked).hexdigest()
    return ProgramRequest(ticket.number, kept, digest, call.viewer.actor, call.desk.now())


def _refused(refusal: Refusal) -> Problem:
    reason = refusal.reason
    if reason.code == "key_reused":
        return Problem("key-reused")
    return Problem("refused", f"{str(reason)[:1000]}.", reason_code=reason.code)


# --- one ticket -------------------------------------------------------------------------------------------


async def _act(
    call: Call,
    act: Act | ticket_commands.Read,
    *,
    money: bool = False,
    anyway: bool = False,
    files: tuple[Attachment, ...] = (),
) -> Answer:
    ticket = await call.ticket()
    command = TicketCommand(
        ticket.number,
        act,
        call.viewer.actor,
        call.desk.now(),
        money=money,
        anyway=anyway,
        files=files,
        source=BY_PROGRAM,
    )
    return await _carry_out(call, ticket, lambda each: ticket_commands.decide(each, command), _say_acted)


def _say_acted(transaction: Transaction, acted: Acted) -> dict[str, Any]:
    shown = _say(transaction, acted.decision)
    return {**shown, "compensation": outcome_json(acted.compensation)} if acted.compensation else shown


def _say(transaction: Transaction, decision: Decision) -> dict[str, Any]:
    policy = transaction.snapshot.policy
    zone = policy.zone_of(decision.ticket.team)
    return decision_json(transaction.connection, decision, policy.version, zone)


@for_programs(
    Description(
        "Send an answer to the customer in the agent's name",
        shapes.Decision,
        "answer",
        body=bodies.AnswerText,
        kinds=ACTED,
    )
)
async def answer(call: Call) -> Answer:
    text = charsets.clean(call.body.text).strip()
    if not text:
        raise invalid(("text", "it is empty"))
    files = await asyncio.to_thread(_attachments, call.body.files) if call.body.files else ()
    return await _act(call, Act((), text), anyway=call.body.anyway, files=files)


def _attachments(files: list[bodies.SentFile]) -> tuple[Attachment, ...]:
    return tuple(attachments.make(each.name, "", each.content) for each in files)


@for_programs(
    Description(
        "Keep an internal note on the ticket", shapes.Decision, "note", body=bodies.NoteText, kinds=ACTED
    )
)
async def note(call: Call) -> Answer:
    kept = clean_block(call.body.text, bodies.LONGEST).strip()
    if not kept:
        raise invalid(("text", "it is empty"))
    return await _act(call, Act((commands.AddNote(kept),), below=Below.NOTE))


def _of_verb(name: str, body: type[bodies.Command]) -> Route:
    """Make the endpoint of a verb of the registry."""
    verb = BY_NAME[name]
    help_line = verb.help["en"]
    description = Description(
        f"{help_line[0].upper()}{help_line[1:]}", shapes.Decision, name, body=body, kinds=ACTED
    )

    @for_programs(description)
    async def act(call: Call) -> Answer:
        given = call.body
        if given.mixes:
            raise invalid(("words", "it stands for the other fields: give either"))
        text = clean_block(getattr(given, "text", ""), bodies.LONGEST).strip()

        def read(reading: Reading) -> Act | Refusal:
            found = given.read(verb, bodies.with_because(reading, given))
            if isinstance(found, Refusal):
                return found
            return Act(found if isinstance(found, tuple) else (found,), text)

        return await _act(call, read, money=name in MONEY, anyway=getattr(given, "anyway", False))

    return Route(f"/tickets/{{number}}/{name}", act, methods=["POST"])


# --- two tickets ------------------------------------------------------------------------------------------


async def _join(call: Call, make: Callable[[Any], commands.Join]) -> Answer:
    ticket, viewer = await call.ticket(), call.viewer

    def decide(transaction: Transaction) -> Changes | Refusal | None:
        command = make(call.body)
        if isinstance(command, commands.MoveMessage):
            _check_message(transaction, command.message, ticket)
        return decide_join(transaction, ticket.number, command, viewer.actor, sees=viewer.may_see)

    def say(transaction: Transaction, changes: Changes) -> dict[str, Any]:
        return {"tickets": [_say(transaction, each.decision) for each in changes]}

    return await _carry_out(call, ticket, decide, say)


def _check_message(transaction: Transaction, message: int, ticket: Ticket) -> None:
    if tickets.ticket_of_message(transaction.connection, message) != ticket.number:
        raise invalid(("message", "the ticket has no such message"))


def _number(text: str) -> str:
    return ticket_number.normalise(text) or text.strip()


def _of_join(
    name: str, summary: str, body: type[msgspec.Struct], make: Callable[[Any], commands.Join]
) -> Route:
    @for_programs(Description(summary, shapes.Joined, name, body=body, kinds=ACTED))
    async def join(call: Call) -> Answer:
        return await _join(call, make)

    return Route(f"/tickets/{{number}}/{name}", join, methods=["POST"])


_JOINS = (
    _of_join(
        "merge",
        "Merge the ticket into another. Undo: unmerge",
        bodies.Merge,
        lambda body: commands.Merge(_number(body.into), body.other_customer),
    ),
    _of_join(
        "unmerge", "Make a merged ticket a separate one again", bodies.Nothing, lambda _: commands.Unmerge()
    ),
    _of_join(
        "split",
        "Split messages off into a new ticket. Undo: merge",
        bodies.Split,
        lambda body: commands.Split(tuple(body.messages)),
    ),
    _of_join(
        "move-message",
        "Move a message to another ticket. Undo: move it back",
        bodies.MoveMessage,
        lambda body: commands.MoveMessage(body.message, _number(body.to), body.other_customer),
    ),
    _of_join(
        "accept",
        "A held mail is about the ticket that it names: merge it into that one",
        bodies.Nothing,
        lambda _: commands.Accept(),
    ),
)

ROUTES: list[BaseRoute] = [
    Route("/tickets/{number}/answer", answer, methods=["POST"]),
    Route("/tickets/{number}/note", note, methods=["POST"]),
    *(_of_verb(name, body) for name, body in bodies.OF_VERB.items()),
    *_JOINS,
]
