"""The form of an answer: its text, what is to happen with it, and the macros that can be put in."""

from dataclasses import dataclass

from sqlalchemy import Connection

from mailbot.console.acting.attempt import THEN
from mailbot.console.acting.fields import Field, Place, fields_of
from mailbot.console.acting.shown import sentence
from mailbot.console.acting.verbs import Trial
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import BY_NAME
from mailbot.mail.compose.macros import Macro
from mailbot.store import conversation
from mailbot.store.console.drafts import Draft
from mailbot.workers.runtime import Snapshot


@dataclass(frozen=True, slots=True)
class Then:
    """What is to happen with the answer: a key of `attempt.THEN`, and the field of its argument."""

    name: str
    label: str
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class MacroChoice:
    """A macro in the list. `fits`: it is made for the ticket's category."""

    name: str
    title: str
    fits: bool


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The form. `why_not`: why no answer can be sent now, "" where one can; `seen`: the newest message shown."""

    why_not: str
    seen: int
    draft: Draft | None
    then: tuple[Then, ...]
    macros: tuple[MacroChoice, ...]


def answer_form(connection: Connection, trial: Trial, snapshot: Snapshot, draft: Draft | None) -> AnswerForm:
    """Return the form of an answer on the ticket as it is now."""
    ticket, reader = trial.place.ticket, trial.place.reader
    assert ticket
    refusal = trial.refusal(Act((), "x"))
    held = refusal is not None and refusal.reason.code == "answer_held"  # it can be sent anyway
    return AnswerForm(
        why_not=sentence(refusal.reason, reader) if refusal and not held else "",
        seen=conversation.newest_message(connection, ticket.number),
        draft=draft,
        then=tuple(each for each in then_of(trial.place) if held or _works(trial, each)),
        macros=macro_choices(trial.place, snapshot),
    )


def then_of(place: Place) -> tuple[Then, ...]:
    """Return what an answer can go with, with its fields."""
    t = place.reader.t
    (moment,) = fields_of(BY_NAME["working"], place)
    (cause,) = fields_of(BY_NAME["close"], place)
    return (
        Then("wait", str(t("tunggu pelanggan", "wait for the customer"))),
        Then("working", str(t("masih dikerjakan, kabar paling lambat", "still ours, news by")), moment),
        Then("third", str(t("tunggu pihak ketiga sampai", "wait for a third party until")), moment),
        Then("close", str(t("selesai, penyebab", "close, cause")), cause),
    )


def _works(trial: Trial, then: Then) -> bool:
    verb, words = THEN[then.name]
    sample = then.field.sample if then.field else ""
    return trial.works(BY_NAME[verb], f"{words} {sample}".strip(), text="x")


def macro_choices(place: Place, snapshot: Snapshot) -> tuple[MacroChoice, ...]:
    """Return all macros, those for the ticket's category first."""
    ticket, language = place.ticket, place.reader.language
    assert ticket

    def choice(macro: Macro) -> MacroChoice:
        return MacroChoice(macro.name, macro.titles[language], macro.fits(ticket.category))

    found = map(choice, snapshot.composer.templates.macros.by_name.values())
    return tuple(sorted(found, key=lambda each: (not each.fits, each.title)))
