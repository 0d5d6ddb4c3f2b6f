"""Commands of programs, each carried out once by the key that came with it.

Theory of operation. The row of `done_forms` is written in the transaction of the act, with the answer that the program
got. The same key again returns that answer, after a crash, a lost reply and beside a second request of the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.reasons import Refusal
from mailbot.store.console import forms
from mailbot.store.tickets import Outdated
from mailbot.workers.transaction import Transaction

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class ProgramRequest:
    """A request that changes a ticket. `key`: "" to carry it out as often as it comes.

    `digest`: of what is asked. The key with another one is refused.
    """

    number: str
    key: str
    digest: str
    by: Actor
    now: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """What the program gets, as JSON. `again`: it was carried out before."""

    content: str
    again: bool = False


def carry_out_once(
    transaction: Transaction,
    request: ProgramRequest,
    decide: Callable[[Transaction], D | Refusal | None],
    answer: Callable[[Transaction, D], str],
) -> Answered | Refusal | None:
    """Decide, and return what `answer` makes of it; what the key did before is returned as it was then.

    A refusal is not kept: the same key may try again.
    """
    connection = transaction.connection
    if request.key and (done := forms.find(connection, request.key, request.by)):
        digest, _, content = done.result.partition("\n")
        same = digest == request.digest
        return Answered(content, again=True) if same else reasons.refuse("key_reused")
    decided = decide(transaction)
    if decided is None or isinstance(decided, Refusal):
        return decided
    content = answer(transaction, decided)
    if request.key:
        _keep(connection, request, content)
    return Answered(content)


def _keep(connection: Connection, request: ProgramRequest, content: str) -> None:
    try:
        result = f"{request.digest}\n{content}"
        forms.add(connection, request.key, request.by, request.now, request.number, result)
    except IntegrityError as error:  # another node was first with the key: decided again, that one is found
        raise Outdated("the key was used at the same time") from error
