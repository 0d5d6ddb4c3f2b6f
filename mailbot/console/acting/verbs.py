"""What this person can do on the ticket now, as forms: the verbs of the registry that the domain would not refuse.

Theory of operation. Each verb is tried: the domain decides about it with a sample of its arguments, and nothing is
recorded. So a page never offers what would be refused, and a new verb is offered without a line here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mailbot.console.acting.fields import BECAUSE, Field, Place, fields_of
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.commands.carry_out import CommandFacts, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import BY_NAME, VERBS, Reading, Verb
from mailbot.domain.commands.taps import WAIT
from mailbot.domain.compensation.requests import Request
from mailbot.domain.reasons import Refusal

COMMON = ("take", "wait", "close", "escalate")
# They have their own places on the page, or none: help is the page itself.
_APART = frozenset(
    {
        *("note", "macro", "undo", "help", "take", "close", "escalate"),
        *("send", "approve", "refuse", "accept", "decide", "release"),
    }
)
KEYS: Mapping[str, str] = {"take": "a", "escalate": "e", "close": "c", "wait": "w"}


@dataclass(frozen=True, slots=True)
class VerbForm:
    """The form of a verb. `fixed`: its argument where the page knows it; `key`: the key that opens it."""

    verb: str
    label: str
    help: str
    fields: tuple[Field, ...] = ()
    fixed: str = ""
    key: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """The forms of a ticket's page: what waits for a word, what is usual, all else."""

    pending: tuple[VerbForm, ...]
    common: tuple[VerbForm, ...]
    more: tuple[VerbForm, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """Tries verbs for one person on one ticket. `requests`: the open ones about money; `held`: an answer is held."""

    place: Place
    by: Actor
    facts: CommandFacts
    requests: tuple[Request, ...] = ()
    held: bool = False

    def works(self, verb: Verb, words: str, because: str = "", text: str = "") -> bool:
        """Check whether the domain would do it."""
        ticket, reader = self.place.ticket, self.place.reader
        assert ticket
        if verb.name == "compensate" and not reader.policy.authority.per_ticket:
            return False  # it would be on record, and refused by the rules
        found = verb.read(words, Reading(ticket, self.by, reader.policy, reader.now, because))
        if isinstance(found, Refusal):
            return False
        commands = found if isinstance(found, tuple) else (found,)
        return self.refusal(Act(commands, text)) is None

    def refusal(self, act: Act) -> Refusal | None:
        """Return why the domain would not do it."""
        ticket, reader = self.place.ticket, self.place.reader
        assert ticket
        acted = on_act(ticket, act, self.by, self.facts, reader.policy, reader.now)
        return acted if isinstance(acted, Refusal) else None


def offer(trial: Trial) -> Offer:
    """Return what works now."""
    common = [form for name in COMMON for form in _common(trial, name)]
    others = (verb for verb in VERBS if verb.name not in _APART)
    more = tuple(form for verb in others if (form := _tried(trial, verb)))
    return Offer(tuple(_pending(trial)), tuple(common), more)


def form_of(verb: Verb, place: Place, fields: tuple[Field, ...] | None = None) -> VerbForm:
    """Return the form of a verb with all its fields."""
    language = place.reader.language
    label = verb.words[language][0].capitalize()
    if fields is None:
        fields = fields_of(verb, place)
    return VerbForm(verb.name, label, verb.help[language], fields, key=KEYS.get(verb.name, ""))


def _tried(trial: Trial, verb: Verb) -> VerbForm | None:
    """Return the form with the options that work, None where nothing of it does."""
    form = form_of(verb, trial.place)
    samples = {field.name: "" for field in form.fields}
    for field in form.fields:
        samples[field.name] = f"{samples[field.name]} {field.sample}".strip()
    if any(field.kind == "choice" and field.required and not field.options for field in form.fields):
        return None
    because, text = samples.get(BECAUSE, ""), samples.get("text", "")
    if not trial.works(verb, samples.get("words", ""), because, text):
        return None
    return replace(form, fields=tuple(_working(trial, verb, each, because, text) for each in form.fields))


def _working(trial: Trial, verb: Verb, field: Field, because: str, text: str) -> Field:
    """Leave out levels below the present one. Trying every agent and category would take 50 ms."""
    if field.kind != "choice" or verb.name != "escalate":
        return field
    options = tuple(each for each in field.options if trial.works(verb, each[0], because, text))
    return replace(field, options=options)


def _common(trial: Trial, name: str) -> Iterator[VerbForm]:
    verb, language = BY_NAME[name], trial.place.reader.language
    ticket = trial.place.ticket
    assert ticket
    if name == "take":
        if ticket.assignee != trial.by.name and trial.works(verb, ""):
            yield replace(form_of(verb, trial.place, ()), first=True)
    elif name == "wait":
        if trial.works(verb, "pelanggan"):
            yield replace(form_of(verb, trial.place, ()), label=WAIT.label[language], fixed="pelanggan")
    elif form := _tried(trial, verb):
        yield form


# --- what waits for a word --------------------------------------------------------------------------------


def _pending(trial: Trial) -> Iterator[VerbForm]:
    yield from _held_mail(trial)
    yield from _about_money(trial)
    for name in ("decide", "release"):
        if form := _tried(trial, BY_NAME[name]):
            yield form
    if trial.held and trial.by.kind is ActorKind.AGENT:
        yield form_of(BY_NAME["send"], trial.place, ())


def _held_mail(trial: Trial) -> Iterator[VerbForm]:
    """Offer to accept or reject what claims to be about another ticket."""
    ticket = trial.place.ticket
    assert ticket
    if ticket.held_for and trial.works(BY_NAME["refuse"], ""):
        yield replace(form_of(BY_NAME["accept"], trial.place, ()), first=True)
        yield form_of(BY_NAME["refuse"], trial.place, ())


def _about_money(trial: Trial) -> Iterator[VerbForm]:
    """Offer to decide about each open request that this person may decide on."""
    reader = trial.place.reader
    for request in trial.requests:
        what = reader.t(
            "{amount}, alasan: {why}", "{amount}, because: {why}", amount=request.amount, why=request.because
        )
        for name in ("approve", "refuse"):
            verb = BY_NAME[name]
            if trial.works(verb, str(request.id), "x"):
                form = form_of(verb, trial.place)
                fields = tuple(each for each in form.fields if each.kind != "hidden")
                yield replace(form, help=what, fields=fields, fixed=str(request.id), first=name == "approve")


# --- on a selection of tickets ----------------------------------------------------------------------------

ON_MANY = (
    *("take", "assign", "hand-over", "escalate", "wait", "snooze", "close"),
    *("priority", "category", "tag", "note"),
)


def forms_for_many(place: Place, by: Actor) -> tuple[VerbForm, ...]:
    """Return the forms for several tickets at once; a refusal is shown on the line of its ticket."""
    is_agent = by.kind is ActorKind.AGENT
    return tuple(_for_many(BY_NAME[name], place) for name in ON_MANY if is_agent or name != "take")


def _for_many(verb: Verb, place: Place) -> VerbForm:
    if verb.name != "note":
        return form_of(verb, place)
    label = str(place.reader.t("Catatan untuk tim", "Note for the team"))
    return form_of(verb, place, (Field("text", "long", label, required=True),))
