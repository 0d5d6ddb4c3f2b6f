"""A small world for brute force: few words, conditions on every field, and all mails in it."""

from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from mailbot.domain.model import Authentication, Author, CustomerHistory
from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.routing.conditions import AllOf, AnyOf, NoneOf, RoutingFacts, When, build
from mailbot.domain.routing.field_types import AddressList, Context
from mailbot.domain.routing.learned import Learned, Model, Reached
from mailbot.domain.worktime import Calendar, Interval
from tests import builders
from tests.analysis.lint.rule_sets import OFFICE

WORDS = ("saldo", "saldo hilang", "hilang", "aldo", "refund saldo", "refund")
PATTERNS = ("saldo", r"\bsaldo\b", "^refund", "hilang$", "s.ldo", "(saldo|refund) ?hilang", "[^a]aldo")
TEXTS = (
    *(
        "",
        "saldo",
        "hilang",
        "refund",
        "xsaldox",
        "saldo hilang",
        "refund saldo hilang",
        "hilang saldo refund",
    ),
    *("saldo Rp5.000.001", "hilang Rp1.000", "refund Rp2.000.000 USD 60"),
)
SENDERS = ("a@bank.id", "x@mail.bank.id", "b@example.com")
NIGHT = Calendar("night", "Asia/Makassar", ((Interval(timedelta(), timedelta(hours=6)),),) * 7)
# Of the mails here "saldo hilang" is of this category, and whatever says "refund" is not.
_LEARNED = Learned(-1.0, {"saldo hilang": 9.0, "refun": -20.0}, (Reached(0.9, 0.5, 0.8),))
CONTEXT = Context(
    {"office": OFFICE, "night": NIGHT},
    {"vip": AddressList(frozenset({"a@bank.id"}), frozenset({"mail.bank.id"})), "empty": AddressList()},
    Model({"lost": _LEARNED}, {"lost": 60}, 300),
)
MONDAY = datetime(2026, 1, 5, tzinfo=ZoneInfo("Asia/Jakarta"))
PROOFS = tuple(Authentication)
AUTHORS = (*Author, Author.PERSON, Author.PERSON)
HEADERS = ((), ("saldo",), ("saldo hilang", "refund"), ("",))

_TEXT = ("subject", "body", "text", "new_body", "new_text", "footer")
_ASKED: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[object, ...]], ...] = (
    (_TEXT, ("matches",), PATTERNS),
    (("sender_domain",), ("is", "under", "contains"), ("bank.id", "mail.bank.id", "example.com")),
    (("sender",), ("ends_with",), ("bank.id", "a@bank.id")),
    (("sender", "sender_domain"), ("listed_in",), ("vip", "empty")),
    (("language",), ("is",), ("id", "en", "unsure")),
    (("size",), ("over", "below"), (1000, 5000, 9000)),
    (("attachments",), ("over", "below"), (0, 1, 2)),
    (("open_tickets",), ("over", "below"), (0, 2, 5)),
    (("amount",), ("over", "below"), ("Rp1.000.000", "Rp5.000.000", "USD 50")),
    (("amount", "attachment_name", "header.X-Kind"), ("exists",), (True, False)),
    (("known_customer", "reopened"), ("is",), (True, False)),
    (("authentication",), ("is",), ("pass", "fail", "none")),
    (("author",), ("is",), ("person", "machine", "report")),
    (("machine_may_answer",), ("is",), (True, False)),
    (("learned",), ("is",), (("lost", "0.9 precision"),)),
    (("header.x-kind",), ("is", "contains"), WORDS),
    (("attachment_name",), ("ends_with",), (".pdf",)),
    (("hour",), ("within",), ("mon-fri 08:00-17:00", "sat, sun", "22:00-06:00", "12:00-13:00")),
    (("hour",), ("in_calendar", "outside_calendar"), (["office"], ["night", "office"])),
)


def conditions() -> st.SearchStrategy[When]:
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True)
    phrased = st.sampled_from(["contains", "contains_all", "mentions", "starts_with", "ends_with", "is"])
    others = [
        st.builds(build, *map(st.sampled_from, (fields, operators, values)), st.just(CONTEXT))
        for fields, operators, values in _ASKED
    ]
    texts = st.builds(build, st.sampled_from(_TEXT), phrased, words)
    return st.one_of(texts, texts, texts, *others)


def whens() -> st.SearchStrategy[When]:
    def groups(inner: st.SearchStrategy[When]) -> st.SearchStrategy[When]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(*(st.builds(group, parts) for group in (AllOf, AnyOf, NoneOf)))

    return st.recursive(conditions(), groups, max_leaves=4)


def _mails() -> list[RoutingFacts]:
    """List every combination of subject, text and sender; other fields vary along."""
    hours, files = (0, 9, 12, 5 * 24 + 23), ((), ("a.pdf",), ("b.jpg", "c.txt"))
    beside = list(product((500, 5000, 7000, 20000), hours, files, ("id", "en", "")))
    found = []
    for number, (subject, text, sender) in enumerate(product(TEXTS, TEXTS, SENDERS)):
        for size, hour, names, spoken in beside[number % 23 :: 23]:
            tickets = number % 7 if number % 2 else 0  # who has some is known
            known, again = bool(tickets) or number % 4 == 0, number % 5 == 0
            author = AUTHORS[number % 5]
            may_answer = author is Author.PERSON and number % 3 > 0
            proof = PROOFS[number % 3]
            told = CustomerHistory(
                *(known, tickets, again), authentication=proof, author=author, machine_may_answer=may_answer
            )
            at, types = MONDAY + timedelta(hours=hour), ("application/pdf",) * len(names)
            found.append(
                RoutingFacts(
                    *(subject, text, sender, builders.BOX.address, spoken, names, types, size, at),
                    new_body="" if number % 6 == 5 else (text.partition(" ")[0] if number % 3 == 2 else None),
                    footer=text.rpartition(" ")[2] if number % 6 == 5 else "",
                    headers={"x-kind": HEADERS[number % 4]} if number % 4 else {},
                    customer_history=told,
                )
            )
    return found


MAILS = _mails()


def policy_of(asked: list[When], go_on: tuple[bool, ...] = ()) -> Policy:
    rules = [
        Rule(f"rule {at}", when, Actions(team="frontline"), at + 1, at < len(go_on) and go_on[at])
        for at, when in enumerate(asked)
    ]
    return builders.policy(
        rules=(*rules, Rule("everything else", None, Actions(team="frontline"))),
        calendars=CONTEXT.calendars,
        lists=CONTEXT.lists,
        learned=CONTEXT.learned,
    )
