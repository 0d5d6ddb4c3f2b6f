"""Form fields of verbs: made from the arguments that the registry names, with what this desk has to choose from."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from mailbot.console.render import Reader
from mailbot.domain.closing.causes import causes_for
from mailbot.domain.commands.registry import Verb
from mailbot.domain.ladder import open_question
from mailbot.domain.model import Ticket
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.identities import label

WORDS, BECAUSE, TEXT = "words", "because", "text"  # names of fields
Option = tuple[str, str]  # value, label


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `kind`: choice, moment, text, long, check, checks or hidden; `sample`: a value that can be tried."""

    name: str
    kind: str
    label: str
    options: tuple[Option, ...] = ()
    required: bool = False
    hint: str = ""
    value: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The reader of the fields, and the ticket; None: on a selection of tickets.

    `identities`: of the ticket's customer, as mail and chats are addressed; none where nothing is linked.
    """

    reader: Reader
    ticket: Ticket | None
    identities: tuple[str, ...] = ()


def fields_of(verb: Verb, place: Place) -> tuple[Field, ...]:
    """Return the fields for the arguments of a verb, by its usage: `[LEVEL] [why]` is a choice and a text."""
    usage = verb.usage["en"]
    if verb.name == "wait":  # "customer | third party UNTIL"
        return replace(_whom(place), required=True), replace(_FIELDS["TIME"](place), required=False)
    if verb.name in ("unlink", "via"):
        return (replace(_identities(place, verb.name), required=True),)
    if usage.startswith(("+", "AMOUNT", "ADDRESS")):
        return _free(verb, place)
    found = []
    for word in _ARGUMENT.findall(usage):
        made = _because(place) if "why" in word else _FIELDS[word.strip("[]")](place)
        found.append(replace(made, required="[" not in word and "]" not in word))
    return (*found, _answer(place)) if verb.name == "resolve" else tuple(found)


_ARGUMENT = re.compile(r"\[?(?:[A-Z]{2,}|why)\]?")


def _free(verb: Verb, place: Place) -> tuple[Field, ...]:
    """Return a text field for what can't be chosen: tags, addresses, an amount with its reason."""
    t, own = place.reader.t, verb.words[place.reader.language][0].capitalize()
    labels = {"AMOUNT": t("Jumlah", "Amount"), "ADDRESS": t("Alamat email", "Email address")}
    first = verb.usage["en"].partition(" ")[0].strip("+")
    hint = verb.example[place.reader.language]
    if first == "AMOUNT":
        amount = Field(WORDS, "text", str(labels[first]), required=True, hint="Rp 50.000", sample="Rp 1")
        return amount, replace(_because(place), required=True)
    sample = "+x" if verb.name == "tag" else "siti@contoh.example"
    return (Field(WORDS, "text", str(labels.get(first, own)), required=True, hint=hint, sample=sample),)


# --- one for each argument --------------------------------------------------------------------------------


def _because(place: Place) -> Field:
    return Field(BECAUSE, "text", str(place.reader.t("Alasan", "Reason")), sample="x")


def _answer(place: Place) -> Field:
    label = place.reader.t("Teks untuk semua pelapor", "Text for everybody who reported it")
    return Field(TEXT, "long", str(label), required=True, sample="x")


def _whom(place: Place) -> Field:
    t = place.reader.t
    options = (
        ("pelanggan", str(t("Pelanggan", "Customer"))),
        ("pihak ketiga", str(t("Pihak ketiga, misalnya bank", "A third party, a bank for one"))),
    )
    return _choice(str(t("Menunggu siapa", "Waiting for whom")), options)


def _moment(place: Place) -> Field:
    t = place.reader.t
    hint = str(t("besok 10.00, 3 jam, Senin", "tomorrow 10:00, 3 hours, Monday"))
    return Field(WORDS, "moment", str(t("Sampai kapan", "Until when")), hint=hint, sample="1 menit")


def _choice(name: str, options: Iterable[Option]) -> Field:
    found = tuple(options)
    return Field(WORDS, "choice", name, found, sample=found[0][0] if found else "")


def _named(
    kind: str, indonesian: str, english: str, keys: Callable[[Place], Iterable[str]]
) -> Callable[[Place], Field]:
    def make(place: Place) -> Field:
        reader = place.reader
        options = [(key, reader.label(kind, key)) for key in keys(place)]
        return _choice(str(reader.t(indonesian, english)), options)

    return make


def _agents(place: Place) -> Field:
    """Offer the ticket's team first, without the one who has it."""
    reader, ticket = place.reader, place.ticket
    team = reader.policy.teams.get(ticket.team) if ticket else None
    own = team.agents if team else ()
    others = sorted((each for each in reader.policy.agents.values() if each not in own), key=lambda x: x.name)
    names = [
        (agent.address, f"{agent.name}, {reader.label('level', agent.level)}")
        for agent in (*own, *others)
        if not ticket or agent.address != ticket.assignee
    ]
    return _choice(str(reader.t("Petugas", "Agent")), names)


def _identities(place: Place, verb: str) -> Field:
    """Offer the customer's identities, without the one that the verb does nothing about."""
    t, ticket = place.reader.t, place.ticket
    kept = (ticket.customer if verb == "unlink" else ticket.answers_to) if ticket else ""
    found = [(each, label(each)) for each in place.identities if owner(each) != owner(kept)]
    return _choice(str(t("Alamat atau obrolan", "Address or chat")), found)


def _causes(place: Place) -> Field:
    reader, ticket = place.reader, place.ticket
    name = str(reader.t("Penyebab", "Cause"))
    if not reader.policy.causes:
        return Field(WORDS, "text", name, sample="x")
    found = causes_for(ticket, reader.policy) if ticket else tuple(reader.policy.causes.values())
    return _choice(name, [(each.name, reader.label("cause", each.name)) for each in found])


def _categories(place: Place) -> Field:
    if place.reader.policy.categories:
        return _named("category", "Kategori", "Category", _other_categories)(place)
    return Field(WORDS, "text", str(place.reader.t("Kategori", "Category")), sample="x")


def _other_categories(place: Place) -> Iterable[str]:
    return _without(place.reader.policy.categories, place, "category")


def _options(place: Place) -> Field:
    asked = open_question(place.ticket, place.reader.policy) if place.ticket else None
    options = [(each, each) for each in asked.options] if asked else []
    return _choice(asked.question if asked else "", options)


def _without(keys: Iterable[str], place: Place, name: str) -> list[str]:
    """Leave out what the ticket is already."""
    current = getattr(place.ticket, name) if place.ticket else None
    return [key for key in keys if key != current]


_FIELDS: Mapping[str, Callable[[Place], Field]] = {
    "AGENT": _agents,
    "TEAM": _named(
        "team",
        "Tim",
        "Team",
        lambda place: _without(place.reader.policy.teams, place, "team"),
    ),
    "LEVEL": _named(
        "level",
        "Tingkat",
        "Level",
        lambda place: _without(place.reader.policy.levels, place, "level"),
    ),
    "TIME": _moment,
    "UNTIL": _moment,
    "CAUSE": _causes,
    "PRIORITY": _named(
        "priority",
        "Prioritas",
        "Priority",
        lambda place: _without(place.reader.policy.ladder_of, place, "priority"),
    ),
    "CATEGORY": _categories,
    "OPTION": _options,
    "REQUEST": lambda _: Field(WORDS, "hidden", ""),
}
