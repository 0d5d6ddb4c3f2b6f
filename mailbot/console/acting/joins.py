"""Forms about two tickets: merge, split, move a message, accept a claim; and how they become commands."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from mailbot.console.acting.fields import Field, Option, Place
from mailbot.console.acting.verbs import VerbForm
from mailbot.domain import commands as c
from mailbot.domain import ticket_number
from mailbot.domain.acts.holds import name_of
from mailbot.domain.model import Status, Ticket
from mailbot.domain.people import token_scope
from mailbot.store import queries
from mailbot.store.lists import dialogue
from mailbot.store.lists.dialogue import Excerpt

JOINS = (*token_scope.JOINS, "accept")
MOST_MESSAGES = 50  # that a form lists, the newest first
_EXCERPT = 60


def load_forms(connection: Connection, place: Place) -> tuple[VerbForm, ...]:
    """Load the forms that fit the ticket; `accept` is among those that wait for a decision."""
    ticket = place.ticket
    assert ticket
    messages = dialogue.excerpts(connection, ticket.number, MOST_MESSAGES)
    return tuple(_join_forms(place, ticket, messages, merged_into(connection, ticket.number)))


def _join_forms(
    place: Place, ticket: Ticket, messages: Sequence[Excerpt], merged: Sequence[str]
) -> Iterator[VerbForm]:
    t = place.reader.t
    if ticket.status is Status.FILED:
        return
    if numbers := (ticket.number,) if ticket.merged_into else merged:
        options = tuple((each, each) for each in numbers)
        which = Field("words", "choice", str(t("Tiket", "Ticket")), options, required=True)
        help_ = t("jadikan tiket tersendiri lagi", "make it a ticket of its own again")
        yield VerbForm("unmerge", str(t("Pisahkan kembali", "Unmerge")), str(help_), (which,))
    if ticket.merged_into:
        return
    other = str(t("juga kalau itu pelanggan lain", "even if it is another customer's"))
    into, even = _number(place), Field("other_customer", "check", other)
    help_ = t("jadikan bagian dari tiket lain", "make it part of another ticket")
    yield VerbForm("merge", str(t("Gabungkan", "Merge")), str(help_), (into, even))
    options = tuple(_option(place, each) for each in messages)
    if len(options) < 2:  # the last message stays
        return
    chosen = Field("message", "checks", str(t("Pesan", "Messages")), options)
    help_ = t("jadikan pesan ini tiket baru", "make these messages a new ticket")
    yield VerbForm("split", str(t("Pisahkan", "Split")), str(help_), (chosen,))
    one = Field("message", "choice", str(t("Pesan", "Message")), options, required=True)
    help_ = t("pindahkan satu pesan ke tiket lain", "move one message to another ticket")
    yield VerbForm("move-message", str(t("Pindahkan pesan", "Move message")), str(help_), (one, into, even))


def _number(place: Place) -> Field:
    label = place.reader.t("Nomor tiket lain", "Number of the other ticket")
    return Field("words", "text", str(label), required=True, hint="TOKO-48217390-8")


def _option(place: Place, message: Excerpt) -> Option:
    reader = place.reader
    who = name_of(message.author, reader.policy)
    words = " ".join(message.text.split())[:_EXCERPT]
    return str(message.id), f"{reader.clock(message.at)}, {who}: {words}"


def merged_into(connection: Connection, number: str) -> list[str]:
    """List the tickets that are part of this one."""
    links = queries.links_of(connection, number)
    return [each.ticket for each in links if each.kind == "merged_into" and each.other == number and each.now]


def other_number(verb: str, words: str) -> str:
    """Return the number of the ticket that the person named, "" where the verb names none."""
    if verb not in ("merge", "move-message"):
        return ""
    return ticket_number.normalise(words) or words[:60]


def command_of(verb: str, words: str, messages: Sequence[str], *, other: bool) -> c.Join:
    """Return the command. Raises ValueError for a message that is none."""
    ids = tuple(int(each) for each in messages)
    match verb:
        case "merge":
            return c.Merge(other_number(verb, words), other)
        case "unmerge":
            return c.Unmerge()
        case "split":
            return c.Split(ids)
        case "accept":
            return c.Accept()
    (message,) = ids
    return c.MoveMessage(message, other_number(verb, words), other)
