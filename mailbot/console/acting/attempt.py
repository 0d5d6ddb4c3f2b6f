"""What a form asks for, and how it is read into an act once the ticket is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from starlette.datastructures import FormData

from mailbot.console.acting.keys import key_of
from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.commands.grammar import MONEY, Act
from mailbot.domain.commands.registry import BY_NAME, MOST_WORDS, Below, Reading
from mailbot.domain.model import Attachment
from mailbot.domain.reasons import Refusal
from mailbot.mail.parsing import charsets
from mailbot.store.console.drafts import LONGEST

ANSWER, NOTE = "answer", "note"
_DIGITS = 18  # of an id: the engines have no larger integers

# What an answer can go with: the verb, and its argument before what the form asks for.
THEN = {
    "wait": ("wait", "pelanggan"),
    "working": ("working", ""),
    "third": ("wait", "pihak ketiga"),
    "close": ("close", ""),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A form that was sent.

    - `verb`: of the registry or of `joins`, ANSWER or NOTE. `words`: its argument. `because`: the reason.
    - `text`: the answer or note. `then`: a key of THEN, "" for none; `then_words`: what its field holds.
    - `seen`: the newest message that the page had shown. `anyway`: although a colleague has just answered.
    - `promised`: the moment that a macro in the text has named, in ISO 8601.
    - `messages`, `other_customer`: of forms about two tickets.
    - `once`: the key of the page's forms. `again`: the key of a form whose commit got no answer.
    """

    verb: str
    words: str = ""
    because: str = ""
    text: str = ""
    then: str = ""
    then_words: str = ""
    seen: int | None = None
    anyway: bool = False
    promised: str = ""
    messages: tuple[str, ...] = ()
    other_customer: bool = False
    once: str = ""
    again: str = ""
    files: tuple[Attachment, ...] = ()

    @property
    def key(self) -> str:
        """Return the key by which it is done once."""
        if self.again:
            return self.again
        texts = (self.verb, self.words, self.because, self.text, self.then, self.then_words)
        return key_of(self.once, (*texts, *self.messages, *(each.digest for each in self.files)))

    @property
    def is_note(self) -> bool:
        return self.verb == NOTE

    @property
    def about_money(self) -> bool:
        return self.verb in MONEY


def read_form(form: FormData) -> Attempt:
    """Return the fields of a form; files are read apart."""

    def line(name: str, longest: int = MOST_WORDS) -> str:
        return charsets.clean_line(str(form.get(name, "")), longest).strip()

    words = " ".join(charsets.clean_line(str(each), MOST_WORDS) for each in form.getlist("words")).strip()
    then = line("then")
    seen = line("seen", _DIGITS)
    return Attempt(
        verb=line("verb", 40),
        words=words[:MOST_WORDS],
        because=line("because"),
        text=charsets.clean(str(form.get("text", ""))).strip(),
        then=then if then in THEN else "",
        then_words=line(f"then_{then}") if then in THEN else "",
        seen=int(seen) if seen.isascii() and seen.isdigit() else None,
        anyway=bool(form.get("anyway")),
        promised=line("promised", 40),
        messages=tuple(str(each)[:_DIGITS] for each in form.getlist("message")),
        other_customer=bool(form.get("other_customer")),
        once=line("once", 64),
        again=line("again", 64),
    )


def act_of(attempt: Attempt, names_time: Callable[[datetime], bool]) -> Callable[[Reading], Act | Refusal]:
    """Return how the form is read. `names_time`: checks whether the answer names that moment to the customer."""

    def read(reading: Reading) -> Act | Refusal:
        reading = replace(reading, because=attempt.because)
        text = attempt.text
        if len(text) > LONGEST:
            return reasons.refuse("text_too_long", most=LONGEST)
        if attempt.is_note:
            return Act((c.AddNote(text),), below=Below.NOTE) if text else reasons.refuse("note_is_empty")
        if attempt.verb == ANSWER:
            return _answer(attempt, reading, names_time)
        return _verb(attempt.verb, attempt.words, text if attempt.verb == "resolve" else "", reading)

    return read


def _verb(name: str, words: str, text: str, reading: Reading) -> Act | Refusal:
    verb = BY_NAME.get(name)
    if verb is None:
        return reasons.refuse("no_verb", verb=name, near="")
    found = verb.read(words, reading)
    if isinstance(found, Refusal):
        return found
    return Act(found if isinstance(found, tuple) else (found,), text)


def _answer(attempt: Attempt, reading: Reading, names_time: Callable[[datetime], bool]) -> Act | Refusal:
    if not attempt.text:
        return reasons.refuse("answer_is_empty")
    act: Act | Refusal = Act((), attempt.text)
    if attempt.then:
        verb, words = THEN[attempt.then]
        act = _verb(verb, f"{words} {attempt.then_words}".strip(), attempt.text, reading)
    promised = _moment(attempt.promised)
    if isinstance(act, Refusal) or promised is None or not names_time(promised):
        return act
    if any(isinstance(each, c.WorkOn | c.Close) for each in act.commands):
        return act
    return replace(act, commands=(c.WorkOn(promised, in_text=True), *act.commands))


def _moment(text: str) -> datetime | None:
    """Return the moment of a hidden field, None for one that was tampered with."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
