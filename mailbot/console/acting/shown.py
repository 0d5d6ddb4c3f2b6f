"""What came of a form, in the words of who sent it."""

from dataclasses import dataclass
from datetime import datetime

from mailbot.console.render import Reader
from mailbot.domain.commands.results import Outcome
from mailbot.domain.reasons import Reason, render
from mailbot.mail.compose.notice_values import with_labels
from mailbot.mail.compose.receipt_values import receipt_values
from mailbot.operations.ticket_commands import OUTCOME
from mailbot.store.console.forms import DoneForm


@dataclass(frozen=True, slots=True)
class Shown:
    """An outcome in sentences. `again`: the same form had been sent before, and was not carried out twice."""

    results: tuple[str, ...]
    next_steps: str
    text: str
    also_sent: str
    turn: str
    turn_until: datetime | None
    promised_at: datetime | None
    undo_until: datetime | None
    again: bool


def of(form: DoneForm, reader: Reader, *, again: bool = False) -> Shown:
    """Return the outcome in a form's row. One of a program has none."""
    outcome = OUTCOME.load_text(form.result) if form.result else Outcome()
    values = receipt_values(
        outcome, reader.policy, language=reader.language, zone=reader.zone, now=reader.now
    )
    results, next_steps = values["results"], values["next_steps"]
    assert isinstance(results, tuple)
    undo_until = outcome.undo_until
    return Shown(
        results=tuple(capital(str(each)) for each in results),
        next_steps=str(next_steps),
        text=outcome.text,
        also_sent=sentence(outcome.also_sent, reader),
        turn=sentence(outcome.turn, reader),
        turn_until=outcome.turn_until,
        promised_at=outcome.promised_at,
        undo_until=undo_until if undo_until and undo_until > reader.now else None,
        again=again,
    )


def sentence(reason: Reason, reader: Reader) -> str:
    """Return a reason as a sentence in the reader's language, without a full stop; "" for none."""
    text = render(with_labels(reason, reader.policy, reader.language), reader.language)
    for option, words in _OPTIONS.items():
        text = text.replace(option, str(reader.t(*words)))
    return capital(text)


def capital(text: str) -> str:
    """Begin a sentence, but leave an address or a file's name as it is."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.strip(":,;").isalpha() else text


# What the shell has options for, in the words of the pages.
_OPTIONS = {
    "--other-customer": ("beri tanda pada kotaknya", "tick the box"),
    "--anyway": ('"Tetap kirim"', '"Send anyway"'),
}
