"""POST /tickets/NUMBER/macro: show a macro as the customer would read it, or put it into the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from mailbot.console.acting.answer_form import AnswerForm, answer_form
from mailbot.console.acting.attempt import Attempt, read_form
from mailbot.console.acting.keys import fresh_key
from mailbot.console.acting.panel import Asking, load_trial
from mailbot.console.acting.shown import sentence
from mailbot.console.desk import desk_of
from mailbot.console.render import Reader
from mailbot.console.respond import page, reader_of
from mailbot.console.ticket.find import find_ticket
from mailbot.domain import commands as c
from mailbot.domain.commands.grammar import Act
from mailbot.domain.people.access import Viewer
from mailbot.domain.reasons import Refusal
from mailbot.mail.compose.macros import Macro
from mailbot.mail.parsing import charsets
from mailbot.store.console import drafts
from mailbot.store.console.drafts import Draft
from mailbot.workers.macros import place_macros

_ARGUMENT = "argument."  # how the fields of a macro's arguments begin
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Argument:
    """A value that a macro takes. `needed`: without it nothing is put in."""

    name: str
    label: str
    value: str
    needed: bool


@dataclass(frozen=True, slots=True)
class MacroShown:
    """A macro on a ticket. `text`: as the customer reads it, "" with a `reason` why not."""

    name: str
    title: str
    text: str
    reason: str
    arguments: tuple[Argument, ...]
    promised: str = ""


@dataclass(frozen=True, slots=True)
class Composed:
    """The text of the answer with the macro below the form. `put_in`: it is in the text now."""

    number: str
    attempt: Attempt
    macro: MacroShown
    put_in: bool
    answer: AnswerForm
    once: str


async def macro(request: Request, viewer: Viewer) -> Response:
    """Render the macro that the form of an answer names, and put it into the text where that was asked for."""
    desk, ticket = desk_of(request), await find_ticket(request, viewer)
    form = await request.form()
    attempt, name = read_form(form), str(form.get("macro", "")).strip().casefold()[:60]
    reader = reader_of(request, viewer)
    asking = Asking(ticket, viewer, reader, desk.deps.runtime.snapshot)
    found, answer = await desk.read(_load, asking, name, _arguments(form))
    put_in = form.get("do") == "insert" and bool(found.text)
    if put_in:
        attempt = _with_text(attempt, found)
        draft = Draft(ticket.number, viewer.address, note=False, text=attempt.text, at=desk.now())
        await desk.write(drafts.save, draft)
    composed = Composed(ticket.number, attempt, found, put_in, answer, attempt.once or fresh_key())
    part = "HX-Request" in request.headers
    return page(request, "acting/compose.html" if part else "acting/macro.html", composed=composed)


def _with_text(attempt: Attempt, macro: MacroShown) -> Attempt:
    text = f"{attempt.text}\n\n{macro.text}".strip()
    return replace(attempt, text=text, promised=macro.promised or attempt.promised)


def _arguments(form: FormData) -> dict[str, str]:
    given = {key.removeprefix(_ARGUMENT): value for key, value in form.items() if key.startswith(_ARGUMENT)}
    return {key: text for key, value in given.items() if (text := charsets.clean_line(str(value), _LONGEST))}


def _load(
    connection: Connection, asking: Asking, name: str, given: Mapping[str, str]
) -> tuple[MacroShown, AnswerForm]:
    trial = load_trial(connection, asking)
    answer = answer_form(connection, trial, asking.snapshot, None)
    return _show(connection, asking, name, given), answer


def _show(connection: Connection, asking: Asking, name: str, given: Mapping[str, str]) -> MacroShown:
    known = asking.snapshot.composer.templates.macros.by_name.get(name)
    takes = _takes(known, given, asking) if known else ()
    wanted = Act((c.Macro(name, {each.name: each.value for each in takes if each.value}),))
    ticket, viewer, now = asking.ticket, asking.viewer, asking.reader.now
    placed = place_macros(connection, asking.snapshot, ticket, wanted, viewer.actor, now)
    title = known.titles[asking.reader.language] if known else name
    if isinstance(placed, Refusal):
        return MacroShown(name, title, "", _reason(placed, asking.reader), takes)
    texts = (each.text for each in placed.commands if isinstance(each, c.Macro))
    promises: list[datetime] = [
        each.until for each in placed.commands if isinstance(each, c.WorkOn) and each.until
    ]
    promised = promises[-1].isoformat() if promises else ""
    return MacroShown(name, title, "".join(texts), "", takes, promised)


def _reason(refusal: Refusal, reader: Reader) -> str:
    """Return why the macro has no text. What is missing is asked for by fields, not by a line of a mail."""
    if refusal.reason.code == "macro_needs":
        return str(reader.t("Isi dulu yang masih kosong.", "Fill in what is still empty first."))
    return sentence(refusal.reason, reader)


def _takes(macro: Macro, given: Mapping[str, str], asking: Asking) -> tuple[Argument, ...]:
    """Return the values that are asked for: arguments, and details that the ticket does not hold."""
    held = dict(asking.ticket.details)
    missing = [name for name in macro.names_of("detail") if name not in held]
    reader = asking.reader

    def label(name: str) -> str:
        detail = reader.policy.details.get(name)
        words = detail.labels.get(reader.language, "") if detail else ""
        return words or name.replace("_", " ").capitalize()

    return tuple(
        Argument(name, label(name), given.get(name, ""), name in macro.needed)
        for name in dict.fromkeys((*macro.names_of("argument"), *missing))
    )
