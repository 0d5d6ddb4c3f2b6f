"""The page that comes back when a form was not carried out: why, the messages since, and all that was typed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.acting import joins
from mailbot.console.acting.answer_form import AnswerForm, answer_form
from mailbot.console.acting.attempt import ANSWER, NOTE, Attempt
from mailbot.console.acting.fields import Field, Place
from mailbot.console.acting.keys import fresh_key
from mailbot.console.acting.panel import Asking, load_trial
from mailbot.console.acting.shown import sentence
from mailbot.console.acting.verbs import VerbForm, form_of
from mailbot.console.desk import desk_of
from mailbot.console.respond import page, reader_of
from mailbot.domain.acts.holds import name_of
from mailbot.domain.commands.registry import BY_NAME
from mailbot.domain.model import Direction, Ticket
from mailbot.domain.people.access import Viewer
from mailbot.domain.reasons import Refusal
from mailbot.errors import StoreUnavailable
from mailbot.store import conversation
from mailbot.store.lists import dialogue

_LOOKED_AT, _MOST_NEWS = 30, 5  # messages


class Trouble(StrEnum):
    """Why a form comes back."""

    REFUSED = "refused"
    OUTDATED = "outdated"  # others changed the ticket at the same time
    STORE = "store"  # nothing was done
    IN_DOUBT = "in_doubt"  # the commit got no answer


STATUS = {Trouble.REFUSED: 422, Trouble.OUTDATED: 409, Trouble.STORE: 503, Trouble.IN_DOUBT: 503}
_OVERTAKEN = frozenset({"answer_held", "message_since"})


@dataclass(frozen=True, slots=True)
class News:
    """A message that came while the form was being written."""

    author: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Again:
    """A form that comes back. `answer`: None while the store gives no answer; `form`: of any other verb."""

    number: str
    subject: str
    attempt: Attempt
    trouble: Trouble
    reason: str
    once: str
    overtaken: bool
    had_files: bool
    news: tuple[News, ...] = ()
    answer: AnswerForm | None = None
    form: VerbForm | None = None
    seen: int | None = None


async def again_page(
    request: Request,
    viewer: Viewer,
    ticket: Ticket,
    attempt: Attempt,
    trouble: Trouble,
    refusal: Refusal | None = None,
    *,
    had_files: bool = False,
) -> Response:
    """Show the form again. Where the store gives no answer it has the text alone."""
    desk, reader = desk_of(request), reader_of(request, viewer)
    code = refusal.reason.code if refusal else ""
    again = Again(
        number=ticket.number,
        subject=ticket.subject,
        attempt=attempt,
        trouble=trouble,
        reason=sentence(refusal.reason, reader) if refusal else "",
        once=attempt.once or fresh_key(),
        overtaken=code in _OVERTAKEN,
        had_files=had_files or bool(attempt.files),
        seen=attempt.seen,
    )
    asking = Asking(ticket, viewer, reader, desk.deps.runtime.snapshot)
    try:
        again = await desk.read(_load, asking, again)
    except StoreUnavailable:
        pass  # the text alone
    return page(request, "acting/again.html", status=STATUS[trouble], again=again)


def _load(connection: Connection, asking: Asking, again: Again) -> Again:
    attempt, trial = again.attempt, load_trial(connection, asking)
    changes: dict[str, Any] = {}
    if attempt.verb == ANSWER and asking.viewer.agent:
        changes["answer"] = answer_form(connection, trial, asking.snapshot, None)
    elif attempt.verb != NOTE:
        changes["form"] = _form(connection, trial.place, attempt)
    if again.overtaken:
        changes["news"] = _news(connection, asking, attempt)
    answer = changes.get("answer")
    seen = answer.seen if answer else conversation.newest_message(connection, again.number)
    return replace(again, seen=seen, **changes)


def _news(connection: Connection, asking: Asking, attempt: Attempt) -> tuple[News, ...]:
    """Return what others wrote since the page was opened; where the page does not know, the newest answer."""
    public = [
        each
        for each in dialogue.newest(connection, asking.ticket.number, _LOOKED_AT)
        if each.direction is not Direction.NOTE and each.author != asking.viewer.address
    ]
    newer = [each for each in public if attempt.seen is not None and each.id > attempt.seen]
    answers = [each for each in public if each.direction is Direction.OUT]
    return tuple(
        News(name_of(each.author, asking.reader.policy), each.at, each.text)
        for each in reversed((newer or answers[:1])[:_MOST_NEWS])
    )


def _form(connection: Connection, place: Place, attempt: Attempt) -> VerbForm | None:
    """Return the form of any other verb with what was typed."""
    if attempt.verb == "macro":  # chosen below the answer, and no form of its own
        return None
    if attempt.verb in BY_NAME:
        found = [form_of(BY_NAME[attempt.verb], place)]
    else:
        found = [each for each in joins.load_forms(connection, place) if each.verb == attempt.verb]
    if not found or not found[0].fields:
        return None
    return replace(found[0], fields=tuple(_filled(found[0].fields, attempt)))


def _filled(fields: tuple[Field, ...], attempt: Attempt) -> Iterator[Field]:
    """Put back what was typed. Several fields may have made up `words`: the first took its part."""
    rest = attempt.words
    for field in fields:
        if field.name == "words" and field.kind == "choice":
            values = (value for value, _ in field.options)
            value = next((each for each in values if f"{rest} ".startswith(f"{each} ")), "")
            rest = rest[len(value) :].strip()
        else:
            value = {"words": rest, "because": attempt.because, "text": attempt.text}.get(field.name, "")
        yield replace(field, value=value)
