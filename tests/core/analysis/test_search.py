"""The proofs against brute force: random small rule sets, a tiny vocabulary, all small mails there are."""

from datetime import datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from mailbot.core import language, routing
from mailbot.core.analysis import Budget
from mailbot.core.analysis.dead import find
from mailbot.core.analysis.ground import ground
from mailbot.core.analysis.search import Found, Nothing
from mailbot.core.policy import Actions, Policy, Rule
from mailbot.core.routing import AllOf, AnyOf, NoneOf, RoutingFacts, When, build
from tests import builders

WORDS = ("saldo", "saldo hilang", "hilang", "aldo", "refund saldo", "refund")
TEXTS = (
    "",
    "saldo",
    "hilang",
    "refund",
    "xsaldox",
    "saldo hilang",
    "refund saldo hilang",
    "hilang saldo refund",
)
MONDAY = datetime(2026, 1, 5, tzinfo=ZoneInfo("UTC"))


def _conditions() -> st.SearchStrategy[When]:
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True)
    patterns = st.sampled_from(
        ["saldo", r"\bsaldo\b", "^refund", "hilang$", "s.ldo", "(saldo|refund) ?hilang", "[^a]aldo"]
    )
    domains = st.sampled_from(["bank.id", "mail.bank.id", "example.com"])
    return st.one_of(
        st.builds(
            build,
            st.sampled_from(["subject", "body", "text"]),
            st.sampled_from(["contains", "contains_all", "mentions", "starts_with", "ends_with", "is"]),
            words,
        ),
        st.builds(build, st.sampled_from(["subject", "body", "text"]), st.just("matches"), patterns),
        st.builds(build, st.just("sender_domain"), st.sampled_from(["is", "under", "contains"]), domains),
        st.builds(build, st.just("sender"), st.just("ends_with"), st.sampled_from(["bank.id", "a@bank.id"])),
        st.builds(build, st.just("language"), st.just("is"), st.sampled_from(["id", "en", "unsure"])),
        st.builds(
            build, st.just("size"), st.sampled_from(["over", "below"]), st.sampled_from([1000, 5000, 9000])
        ),
        st.builds(
            build,
            st.just("hour"),
            st.just("within"),
            st.sampled_from(["mon-fri 08:00-17:00", "sat, sun", "22:00-06:00", "12:00-13:00"]),
        ),
        st.builds(build, st.just("attachment_name"), st.just("exists"), st.booleans()),
        st.builds(build, st.just("attachment_name"), st.just("ends_with"), st.just(".pdf")),
    )


def _whens() -> st.SearchStrategy[When]:
    def groups(inner: st.SearchStrategy[When]) -> st.SearchStrategy[When]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(*(st.builds(group, parts) for group in (AllOf, AnyOf, NoneOf)))

    return st.recursive(_conditions(), groups, max_leaves=4)


def _mails() -> list[RoutingFacts]:
    """Every combination of few subjects, texts and senders; what else can be asked varies beside them."""
    beside = list(
        product(
            (500, 5000, 7000, 20000), (0, 9, 12, 5 * 24 + 23), ((), ("a.pdf",), ("b.jpg",)), ("id", "en", "")
        )
    )
    found = []
    for number, (subject, text, sender) in enumerate(
        product(TEXTS, TEXTS, ("a@bank.id", "x@mail.bank.id", "b@example.com"))
    ):
        for size, hour, names, spoken in beside[number % 11 :: 11]:
            at = MONDAY + timedelta(hours=hour)
            types = ("application/pdf",) * len(names)
            found.append(
                RoutingFacts(subject, text, sender, builders.BOX.address, spoken, names, types, size, at)
            )
    return found


MAILS = _mails()


def policy_of(whens: list[When], go_on: tuple[bool, ...] = ()) -> Policy:
    rules = [
        Rule(
            f"rule {number}",
            when,
            Actions(team="frontline"),
            number + 1,
            number < len(go_on) and go_on[number],
        )
        for number, when in enumerate(whens)
    ]
    return builders.policy(rules=(*rules, Rule("everything else", None, Actions(team="frontline"))))


def reached(policy: Policy) -> set[int]:
    """The rules that take some of the mails, told by the engine."""
    found: set[int] = set()
    for mail in MAILS:
        if len(found) == len(policy.rules):
            break
        found |= {match.rule_index for match in routing.matches(policy.rules, mail)}
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(_whens(), min_size=1, max_size=5), st.lists(st.booleans(), max_size=4).map(tuple))
def test_what_is_said_to_never_match_never_does_and_the_others_are_shown_to(whens, go_on):
    policy = policy_of(whens, go_on)
    at = ground(policy, Budget())
    said = {each.spot.path[1]: each for each in find(at)}
    alive = reached(policy)
    for index in range(len(whens)):
        if index in at.dead:
            assert index not in alive
        elif index not in said:  # then a mail was found, which the engine gives to this rule
            answer = at.search.ask(at.wanted[index], at.enders(index))
            assert isinstance(answer, Found)
            assert index in at.taken(answer.mail)
            facts = answer.mail
            assert facts.language == language.guess(f"{facts.subject}\n{facts.text}")


@settings(max_examples=60, deadline=None)
@given(_whens(), _whens())
def test_a_condition_and_its_negation_leave_nothing_together(first, second):
    policy = policy_of([first, second])
    at = ground(policy, Budget())
    answer = at.search.ask(at.wanted[1], (0, 1))
    assert not isinstance(answer, Found)
    if isinstance(answer, Nothing):
        assert answer.because_of <= {0, 1}
