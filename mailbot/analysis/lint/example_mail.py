"""From literals to an example mail that fulfils them all, or the proof that there is none.

Each part of a mail (its subject, its sender, the moment it came) is settled by itself: what holds between
parts is only that `sender_domain` ends the sender, that names and types belong to the same attachments, that
amounts stand in the text, and which language the text reads as. The first is settled exactly; the others bind
the example mail alone, and never count as a proof.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from mailbot.analysis.lint import amounts, example_text, moments, ranges
from mailbot.analysis.lint.budget import Budget, Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.text.solver import TextForm, failing, solve
from mailbot.domain import language
from mailbot.domain.model import NO_HISTORY, Authentication, CustomerHistory
from mailbot.domain.routing.conditions import HEADER, RoutingFacts
from mailbot.domain.routing.field_types import AddressList

Part = TypeVar("Part")

SUBJECT = TextForm(lines=False, neutral=("Pertanyaan", "Halo", "Tanya", "Question", "..."))
BODY = TextForm(neutral=("Selamat pagi.", "Halo.", "Hello.", "..."))
LINE = TextForm(lines=False)
ADDRESS = TextForm(lines=False, address=True)
NAME = TextForm(lines=False, neutral=("lampiran.pdf", "foto.jpg", "scan", ""), stem="berkas")
TYPE = TextForm(
    lines=False,
    neutral=(
        *("application/pdf", "image/jpeg", "image/png", "text/csv", "application/zip", "video/mp4"),
        *("audio/mpeg", "text/calendar", "application/msword", "application/octet-stream", ""),
    ),
)
LANGUAGES = ("id", "en", "")  # all that `language.guess` can say
USUAL_BYTES = 500  # of the header
SMALLEST = 1  # bytes: no mail is nothing at all
NO_TEXTS: tuple[str, ...] = ()
_SHAPES = {"subject": SUBJECT, "body": BODY, "sender_name": LINE}
_TRUTHS = frozenset({"known_customer", "reopened", "escalated_before"})
_SLOT = {"sender_domain": "sender"}


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What a policy says of the mails that there can be."""

    mailboxes: tuple[str, ...]
    moments: moments.Moments
    lists: Mapping[str, AddressList] = field(default_factory=dict)

    def listed(self, asked: Iterable[Literal]) -> tuple[str, ...]:
        """Some addresses of the lists that are asked for."""
        named = [
            self.lists.get(str(each.atom.item), AddressList())
            for each in asked
            if each.atom.operator == "listed_in"
        ]
        addresses = [address for each in named for address in sorted(each.addresses)[:50]]
        return (
            *addresses,
            *(f"pelanggan@{domain}" for each in named for domain in sorted(each.domains)[:50]),
        )


Slots = Mapping[str, list[Literal]]


def build(literals: Iterable[Literal], world: PolicyFacts, budget: Budget) -> RoutingFacts:
    """A mail made to fulfil `literals`. Raises Empty when no mail can, Undecided when neither is known.

    Whether it does fulfil them is for the engine to say: opaque literals are left to chance.
    """
    slots: dict[str, list[Literal]] = {}
    for each in literals:
        if not each.atom.opaque:
            slots.setdefault(_SLOT.get(each.atom.field, each.atom.field), []).append(each)
    return _mail(slots, world, budget)


def _mail(slots: Slots, world: PolicyFacts, budget: Budget) -> RoutingFacts:
    at = _Parts(slots, budget)
    listed = replace(ADDRESS, listed=world.listed(slots.get("sender", ())))
    texts = {name: at.text(name, shape) for name, shape in (*_SHAPES.items(), ("sender", listed))}
    headers = {
        each: at.kept(partial(_header, slots[each], budget), NO_TEXTS) for each in slots if _is_header(each)
    }
    moment = at.kept(lambda: world.moments.one(slots.get("hour", ())), world.moments.usual)
    size = ranges.Range.of(slots.get("size", ()), ranges.size_of, SMALLEST)
    names, types = at.kept(lambda: _attached(slots, budget), (NO_TEXTS, NO_TEXTS))
    known = _circumstances(slots)
    recipient = _choice(slots, "recipient", world.mailboxes)[0]
    languages = _choice(slots, "language", LANGUAGES)
    named = at.kept(lambda: amounts.named(slots.get("amount", ())), NO_TEXTS)
    if at.late:
        raise at.late[0]
    subject, body = texts["subject"], texts["body"]
    if named:
        subject, body = example_text.with_amounts(subject, body, named, slots)
    if "language" in slots:
        subject, body = example_text.in_language(subject, body, languages, slots)
    return RoutingFacts(
        subject=subject,
        text=body,
        sender=texts["sender"],
        mailbox=recipient,
        language=language.guess(f"{subject}\n{body}"),
        attachment_names=names,
        attachment_types=types,
        size=size.nearest(USUAL_BYTES + len(body.encode())),
        local_time=moment,
        sender_name=texts["sender_name"],
        headers={each.removeprefix(HEADER): values for each, values in headers.items() if values},
        customer_history=known,
    )


@dataclass(slots=True)
class _Parts:
    """What could not be decided of a part is kept for later: another part may prove that there is no mail."""

    slots: Slots
    budget: Budget
    late: list[Undecided] = field(default_factory=list)

    def kept(self, make: Callable[[], Part], instead: Part) -> Part:
        try:
            return make()
        except Undecided as undecided:
            self.late.append(undecided)
            return instead

    def text(self, name: str, shape: TextForm) -> str:
        return self.kept(lambda: solve(self.slots.get(name, ()), shape, self.budget), "")


def _choice(slots: Slots, name: str, known: Sequence[str]) -> list[str]:
    """The values of a field with few of them that fulfil what is asked. Raises Empty."""
    found = [each for each in known if not failing(slots.get(name, ()), each)]
    if not found:
        raise ranges.Empty(slots[name])
    return found


def _circumstances(slots: Slots) -> CustomerHistory:
    """A truth that nobody asks for is left as it is; two answers to one question never come this far."""
    told: dict[str, object] = {
        name: asked[0].sign for name, asked in slots.items() if name in _TRUTHS and asked[0].atom.item is True
    }
    if "open_tickets" in slots:
        told["open_tickets"] = ranges.Range.of(slots["open_tickets"], ranges.count_of).nearest(0)
    _known_customer(told, slots)
    if "authentication" in slots:
        told["authentication"] = Authentication(_choice(slots, "authentication", tuple(Authentication))[0])
    return replace(NO_HISTORY, looked_up=True, **told)  # type: ignore[arg-type]


def _known_customer(told: dict[str, object], slots: Slots) -> None:
    """Who has open tickets, or had one escalated, had a ticket before. Raises Empty. (Who goes on with a
    closed ticket may have been another's participant.)"""
    proofs = [
        *([each for each in slots["open_tickets"] if _some(each)] if told.get("open_tickets") else ()),
        *(slots["escalated_before"] if told.get("escalated_before") else ()),
    ]
    if proofs and told.get("known_customer") is False:
        raise ranges.Empty((proofs[0], *slots["known_customer"]))
    if proofs or told.get("reopened"):
        told.setdefault("known_customer", True)


def _some(asked: Literal) -> bool:
    """Does it ask for more than none?"""
    return (asked.atom.operator == "over") is asked.sign


def _attached(slots: Slots, budget: Budget) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and types of attachments: one for each that must be there, as many as `attachments` says."""
    asked_names, asked_types = slots.get("attachment_name", ()), slots.get("attachment_type", ())
    counted = slots.get("attachments", ())
    wanted = ranges.Range.of(counted, ranges.count_of)
    names, types = _elements(asked_names, NAME, budget), _elements(asked_types, TYPE, budget)
    most = wanted.most
    if most is not None and max(len(names), len(types)) > most:
        if not most:
            raise ranges.Empty((*counted, *(each for each in (*asked_names, *asked_types) if each.sign)))
        names, types = (
            _merged(asked_names, names, most, NAME, budget),
            _merged(asked_types, types, most, TYPE, budget),
        )
    count = max(len(names), len(types), wanted.least)
    return _filled(names, count, asked_names, NAME, budget), _filled(types, count, asked_types, TYPE, budget)


def _is_header(name: str) -> bool:
    return name.startswith(HEADER)


def _header(asked: Sequence[Literal], budget: Budget) -> tuple[str, ...]:
    """Values of a header field: one that does all where there is such a one, else one for each."""
    try:
        value = solve(asked, LINE, budget)
        return (value,) if value else ()
    except (ranges.Empty, Undecided):
        return tuple(_elements(asked, LINE, budget))


def _elements(asked: Sequence[Literal], shape: TextForm, budget: Budget) -> list[str]:
    """A text for each that some attachment must fulfil; what none may fulfil, none of them does."""
    refused = [each for each in asked if not each.sign]
    return list(dict.fromkeys(solve([each, *refused], shape, budget) for each in asked if each.sign))


def _merged(
    asked: Sequence[Literal], single: list[str], most: int, shape: TextForm, budget: Budget
) -> list[str]:
    """All that is asked for in one text, when there may not be one for each. Two of three is not tried."""
    if len(single) <= most:
        return single
    try:
        return [solve(asked, shape, budget)]
    except ranges.Empty:
        raise Undecided("how few attachments would do was not worked out") from None


def _filled(
    some: list[str], count: int, asked: Sequence[Literal], shape: TextForm, budget: Budget
) -> tuple[str, ...]:
    if len(some) >= count:
        return tuple(some)
    refused = [each for each in asked if not each.sign]
    return (*some, *[solve(refused, shape, budget)] * (count - len(some)))
