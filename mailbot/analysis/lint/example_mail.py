"""Build an example mail that fulfils literals, or prove that there is none.

Each part of a mail (subject, sender, moment ...) is built by itself. Five facts connect parts:
`sender_domain` is the end of the sender, names and types belong to the same attachments, the new body and the
footer are in the body, amounts are in the text, and the language follows from the text. The first is decided
exactly. The others restrict the example alone and hardly ever count as a proof.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from mailbot.analysis.lint import amounts, example_text, moments, ranges
from mailbot.analysis.lint.budget import Budget, Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.text.solver import TextForm, contradiction, failing, solve
from mailbot.domain import language
from mailbot.domain.model import NO_HISTORY, Authentication, Author, CustomerHistory
from mailbot.domain.routing.conditions import HEADER, LEARNED, RoutingFacts
from mailbot.domain.routing.field_types import AddressList
from mailbot.domain.routing.learned import Model

Part = TypeVar("Part")

SUBJECT = TextForm(defaults=("Pertanyaan", "Halo", "Tanya", "Question", "..."))
BODY = TextForm(defaults=("Selamat pagi.", "Halo.", "Hello.", "..."))
LINE = TextForm()
ADDRESS = TextForm(address=True)
NAME = TextForm(defaults=("lampiran.pdf", "foto.jpg", "scan", ""), stem="berkas")
TYPE = TextForm(
    defaults=(
        *("application/pdf", "image/jpeg", "image/png", "text/csv", "application/zip", "video/mp4"),
        *("audio/mpeg", "text/calendar", "application/msword", "application/octet-stream", ""),
    ),
)
LANGUAGES = ("id", "en", "")  # the results of `language.guess`
USUAL_BYTES = 500  # of the header
SMALLEST = 1  # bytes
# As many attachments as mailbot reads parts of a mail. A file needs more bytes than this in any form.
MOST_ATTACHMENTS, SMALLEST_ATTACHMENT = 500, 10
NO_TEXTS: tuple[str, ...] = ()
_SHAPES = {"subject": SUBJECT, "sender_name": LINE, "footer": LINE}
_TRUE_OR_FALSE = frozenset({"known_customer", "reopened", "escalated_before", "machine_may_answer"})
_SHARED = {"sender_domain": "sender"}


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """The mailboxes, calendars and lists of a policy, which limit the mails that can come, and what it learned.

    `largest` is the size in bytes of the largest mail that is accepted, None without a limit.
    """

    mailboxes: tuple[str, ...]
    moments: moments.Moments
    lists: Mapping[str, AddressList] = field(default_factory=dict)
    largest: int | None = None
    learned: Model | None = None

    def listed(self, literals: Iterable[Literal]) -> tuple[str, ...]:
        """List some addresses of the lists that `literals` name."""
        named = [
            self.lists.get(str(each.atom.item), AddressList())
            for each in literals
            if each.atom.operator == "listed_in"
        ]
        addresses = [address for each in named for address in sorted(each.addresses)[:50]]
        return (
            *addresses,
            *(f"pelanggan@{domain}" for each in named for domain in sorted(each.domains)[:50]),
        )

    def learned_texts(self, literals: Iterable[Literal]) -> tuple[str, ...]:
        """List texts that are likely to be of the category that a learned condition asks for."""
        asked = (each.atom.item for each in literals if each.sign)
        category = next((str(item[0]) for item in asked if isinstance(item, tuple)), "")
        return self.learned.samples(category) if self.learned else ()


ByField = Mapping[str, list[Literal]]


def build(literals: Iterable[Literal], world: PolicyFacts, budget: Budget) -> RoutingFacts:
    """Build a mail for `literals`. Raises Empty when no mail can fulfil them, Undecided when neither is
    known.

    The engine must confirm the mail: opaque literals hold or not by chance.
    """
    by_field: dict[str, list[Literal]] = {}
    for each in literals:
        if not each.atom.opaque or each.atom.field == LEARNED:
            by_field.setdefault(_SHARED.get(each.atom.field, each.atom.field), []).append(each)
    return _mail(by_field, world, budget)


def _mail(by_field: ByField, world: PolicyFacts, budget: Budget) -> RoutingFacts:
    parts = _Parts(by_field, budget)
    listed = replace(ADDRESS, listed=world.listed(by_field.get("sender", ())))
    texts = {name: parts.text(name, shape) for name, shape in (*_SHAPES.items(), ("sender", listed))}
    headers = {
        each: parts.attempt(partial(_header, by_field[each], budget), NO_TEXTS)
        for each in by_field
        if _is_header(each)
    }
    moment = parts.attempt(lambda: world.moments.find(by_field.get("hour", ())), world.moments.usual)
    size = ranges.Range.of(by_field.get("size", ()), ranges.size_of, SMALLEST, world.largest)
    most = None if world.largest is None else world.largest // SMALLEST_ATTACHMENT
    names, types = parts.attempt(lambda: _attachments(by_field, budget, most), (NO_TEXTS, NO_TEXTS))
    history = _circumstances(by_field)
    recipient = _choice(by_field, "recipient", world.mailboxes)[0]
    languages = _choice(by_field, "language", LANGUAGES)
    named = parts.attempt(lambda: amounts.needed_amounts(by_field.get("amount", ())), NO_TEXTS)
    new_body, beside = _bodies(by_field, parts)
    if parts.undecided:
        raise parts.undecided[0]
    subject = texts["subject"]
    whole = [each for each in by_field.get("body", ()) if not (beside and each.sign)]
    slots = {**by_field, "body": [*by_field.get("new_body", ()), *whole]}
    learned = world.learned_texts(by_field.get(LEARNED, ()))  # the engine confirms it, or nothing is decided
    new_body = next((each for each in learned if not failing(slots["body"], each)), new_body)
    if named:
        subject, new_body = example_text.with_amounts(subject, new_body, named, slots)
    if "language" in by_field:
        subject, new_body = example_text.in_language(subject, new_body, languages, slots)
    body = example_text.whole_body(new_body, beside, texts["footer"])
    return RoutingFacts(
        subject=subject,
        text=body,
        new_body=new_body,
        footer=texts["footer"],
        sender=texts["sender"],
        mailbox=recipient,
        language=language.guess(f"{subject}\n{body}"),
        attachment_names=names,
        attachment_types=types,
        size=size.nearest(USUAL_BYTES + len(body.encode())),
        local_time=moment,
        sender_name=texts["sender_name"],
        headers={each.removeprefix(HEADER): values for each, values in headers.items() if values},
        customer_history=history,
    )


def _bodies(by_field: ByField, parts: "_Parts") -> tuple[str, str]:
    """Return the new body, and what has to stand beside it in the body: "" where one text fulfils both."""
    new, whole = by_field.get("new_body", []), by_field.get("body", [])
    if not new:
        return parts.text("body", BODY), ""
    if pair := contradiction([*new, *whole]):
        raise ranges.Empty(pair)
    alone, beside = parts.text("new_body", BODY), parts.text("body", BODY)
    try:
        return solve([*new, *whole], BODY, parts.budget), ""
    except (ranges.Empty, Undecided):
        return alone, beside


@dataclass(slots=True)
class _Parts:
    """Collects what is undecided about one part: another part may still prove that there is no mail."""

    by_field: ByField
    budget: Budget
    undecided: list[Undecided] = field(default_factory=list)

    def attempt(self, make: Callable[[], Part], instead: Part) -> Part:
        try:
            return make()
        except Undecided as reason:
            self.undecided.append(reason)
            return instead

    def text(self, name: str, shape: TextForm) -> str:
        return self.attempt(lambda: solve(self.by_field.get(name, ()), shape, self.budget), "")


def _choice(by_field: ByField, name: str, values: Sequence[str]) -> list[str]:
    """List the values that fulfil the literals of a field. Raises Empty when there are none."""
    allowed = [each for each in values if not failing(by_field.get(name, ()), each)]
    if not allowed:
        raise ranges.Empty(by_field[name])
    return allowed


def _circumstances(by_field: ByField) -> CustomerHistory:
    """Build the customer's history. A truth that no literal names keeps its default."""
    facts: dict[str, object] = {
        name: literals[0].sign
        for name, literals in by_field.items()
        if name in _TRUE_OR_FALSE and literals[0].atom.item is True
    }
    if "open_tickets" in by_field:
        facts["open_tickets"] = ranges.Range.of(by_field["open_tickets"], ranges.count_of).nearest(0)
    _known_customer(facts, by_field)
    if "authentication" in by_field:
        facts["authentication"] = Authentication(
            _choice(by_field, "authentication", tuple(Authentication))[0]
        )
    if "channel" in by_field:
        named = (str(each.atom.item) for each in by_field["channel"])
        facts["channel"] = _choice(by_field, "channel", (NO_HISTORY.channel, *named))[0]
    _author(facts, by_field)
    return replace(NO_HISTORY, looked_up=True, **facts)  # type: ignore[arg-type]


def _author(facts: dict[str, object], by_field: ByField) -> None:
    """Set the author; a machine is never answered by a machine. Raises Empty."""
    author = Author(_choice(by_field, "author", tuple(Author))[0]) if "author" in by_field else Author.PERSON
    if author is not Author.PERSON:  # the first choice
        if facts.get("machine_may_answer"):
            raise ranges.Empty((*by_field["author"], *by_field["machine_may_answer"]))
        facts["machine_may_answer"] = False
    facts["author"] = author


def _known_customer(facts: dict[str, object], by_field: ByField) -> None:
    """Set `known_customer` for open tickets, escalated ones and a reopened one. Raises Empty.

    The sender of a mail to a closed ticket may have been a participant, so `reopened` proves nothing.
    """
    proofs = [
        *(
            [each for each in by_field["open_tickets"] if _more_than_none(each)]
            if facts.get("open_tickets")
            else ()
        ),
        *(by_field["escalated_before"] if facts.get("escalated_before") else ()),
    ]
    if proofs and facts.get("known_customer") is False:
        raise ranges.Empty((proofs[0], *by_field["known_customer"]))
    if proofs or facts.get("reopened"):
        facts.setdefault("known_customer", True)


def _more_than_none(literal: Literal) -> bool:
    """Decide whether a literal needs at least one."""
    return (literal.atom.operator == "over") is literal.sign


def _attachments(
    by_field: ByField, budget: Budget, limit: int | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and types of attachments: one text for each that is required. `limit`: more never fit."""
    asked_names, asked_types = by_field.get("attachment_name", ()), by_field.get("attachment_type", ())
    counted = by_field.get("attachments", ())
    count_range = ranges.Range.of(counted, ranges.count_of, most=limit)
    if count_range.least > MOST_ATTACHMENTS:
        raise Undecided(f"no example is made with {count_range.least} attachments")
    names, types = _one_each(asked_names, NAME, budget), _one_each(asked_types, TYPE, budget)
    most = count_range.most
    if most is not None and max(len(names), len(types)) > most:
        if not most:
            raise ranges.Empty((*counted, *(each for each in (*asked_names, *asked_types) if each.sign)))
        names, types = (
            _in_one(asked_names, names, most, NAME, budget),
            _in_one(asked_types, types, most, TYPE, budget),
        )
    count = max(len(names), len(types), count_range.least)
    return _padded(names, count, asked_names, NAME, budget), _padded(types, count, asked_types, TYPE, budget)


def _is_header(name: str) -> bool:
    return name.startswith(HEADER)


def _header(literals: Sequence[Literal], budget: Budget) -> tuple[str, ...]:
    """Return the values of a header field: one that fulfils all literals, or else one for each."""
    try:
        value = solve(literals, LINE, budget)
        return (value,) if value else ()
    except (ranges.Empty, Undecided):
        return tuple(_one_each(literals, LINE, budget))


def _one_each(literals: Sequence[Literal], shape: TextForm, budget: Budget) -> list[str]:
    """Solve each required literal by itself; every text also avoids what is forbidden."""
    forbidden = [each for each in literals if not each.sign]
    return list(dict.fromkeys(solve([each, *forbidden], shape, budget) for each in literals if each.sign))


def _in_one(
    literals: Sequence[Literal], texts: list[str], most: int, shape: TextForm, budget: Budget
) -> list[str]:
    """Solve all literals in one text, where `most` is less than one for each. Two of three is not tried."""
    if len(texts) <= most:
        return texts
    try:
        return [solve(literals, shape, budget)]
    except ranges.Empty:
        raise Undecided("the smallest number of attachments was not worked out") from None


def _padded(
    texts: list[str], count: int, literals: Sequence[Literal], shape: TextForm, budget: Budget
) -> tuple[str, ...]:
    if len(texts) >= count:
        return tuple(texts)
    forbidden = [each for each in literals if not each.sign]
    return (*texts, *[solve(forbidden, shape, budget)] * (count - len(texts)))
