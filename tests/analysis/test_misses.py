"""What the rules got wrong, and proposals that are tried on the mail of the whole period."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mailbot.analysis.corrections import SettledTicket
from mailbot.analysis.misses.find import Group, Misses, find_misses
from mailbot.analysis.misses.paste import new_rule_lines, scalar
from mailbot.analysis.misses.terms import terms_of
from mailbot.config.yaml.source import parse
from mailbot.domain import commands as c
from mailbot.domain.policy import Actions, Rule
from mailbot.domain.policy_review.policy_diff import place_mail
from mailbot.domain.routing import conditions
from mailbot.store.store import Store
from tests.analysis.test_corrections import do
from tests.builders import mail, policy
from tests.workers.test_intake import Desk

LAST = Rule("everything else", None, Actions(team="frontline"), line=30)


def rule(name: str, operator: str, words: list[str], then: Actions, line: int) -> Rule:
    return Rule(name, conditions.build("text", operator, words), then, line)


PARCEL = rule("parcel", "contains", ["paket"], Actions("delivery", team="payments"), 10)
FRAUD = rule(
    "stolen account", "mentions", ["dibajak"], Actions("fraud", urgency="critical", team="management"), 20
)
TO_FRAUD = (c.Correct(category="fraud"), c.HandOver("management"))


def desk_of(store: Store, *rules: Rule) -> Desk:
    return Desk(store, rules=(*rules, LAST))


async def receive(desk: Desk, *bodies: str, then: tuple[c.AnyCommand, ...] = ()) -> None:
    for body in bodies:
        ticket = await desk.receive(Subject="Tolong", body=body)
        if then:
            do(desk, ticket.number, *then)
        desk.clock += timedelta(minutes=1)


def found(desk: Desk, **changes: Any) -> Misses:
    def read(tickets: Iterator[SettledTicket], _total: int, _label: str) -> Iterator[SettledTicket]:
        return tickets

    rules = policy(rules=desk.runtime.policy.rules, **changes)
    return find_misses(desk.store, desk.clock - timedelta(days=1), rules, read)


def only(misses: Misses) -> Group:
    [group] = misses.groups
    return group


async def test_words_that_corrected_mails_share_are_added_to_the_rule_of_the_wanted_category(
    store: Store,
) -> None:
    desk = desk_of(store, PARCEL, FRAUD)
    await receive(desk, "isi dompet pindah semua kak", "saldo saya pindah semua!", then=TO_FRAUD)
    await receive(desk, "saya mau pindah alamat", "isi paket rusak", "saldo saya berapa")

    misses = found(desk)
    good = only(misses).good

    assert (misses.tickets, misses.settled, misses.corrected, misses.wrong) == (5, 2, 2, 2)
    assert good
    assert good.proposal.term == "pindah semua"
    assert good.proposal.words == FRAUD.when
    assert (len(good.catches), good.moves) == (2, ())
    mended = good.proposal.apply(desk.runtime.policy)
    assert [place_mail(mended, each.ticket.case).values["team"] for each in good.catches] == [
        "management"
    ] * 2


async def test_a_rule_below_the_one_that_takes_the_mails_gets_a_new_rule_above_instead(store: Store) -> None:
    desk = desk_of(store, PARCEL, FRAUD)
    await receive(desk, "kurir paket minta uang jalan", "paket ditahan, minta uang jalan", then=TO_FRAUD)
    await receive(desk, "paket saya di mana")

    good = only(found(desk)).good

    assert good
    assert good.proposal.words is None
    assert desk.runtime.policy.rules[good.proposal.index].name == "parcel"
    assert good.proposal.rule.then == FRAUD.then
    assert (len(good.catches), good.moves) == (2, ())


async def test_a_new_rule_comes_above_those_that_are_learned(store: Store) -> None:
    learned = conditions.Condition("learned", "is", ("fraud", "0.9 precision"), lambda texts, hits=None: ())
    desk = desk_of(store, PARCEL, Rule("guess", learned, Actions("fraud", team="management")))
    await receive(desk, *["isi dompet pindah semua"] * 3, then=TO_FRAUD)
    proposal = only(found(desk)).best
    assert proposal
    assert desk.runtime.policy.rules[proposal.proposal.index].name == "guess"


async def test_what_a_proposal_would_move_besides_is_found_by_routing_it_again(store: Store) -> None:
    desk = desk_of(store, FRAUD)
    wrong = [f"uang jalan {word} pak" for word in ("lagi", "terus", "itu", "tadi")]
    await receive(desk, *wrong, then=TO_FRAUD)
    await receive(desk, "uang jalan untuk kurir saya titipkan")

    good = only(found(desk)).good

    assert good
    assert len(good.catches) == 4
    assert [each.case.mail.visible.strip() for each in good.moves] == ["uang jalan untuk kurir saya titipkan"]


async def test_no_proposal_is_made_where_each_would_move_more_than_it_catches(store: Store) -> None:
    desk = desk_of(store, FRAUD)
    await receive(desk, "tanya saldo", "saldo dong", then=TO_FRAUD)
    await receive(desk, "saldo kak", "cek saldo", "saldo berapa", "saldo?")

    group = only(found(desk))

    assert group.good is None
    assert group.best
    assert (group.best.proposal.term, len(group.best.moves)) == ("saldo", 4)


async def test_one_corrected_mail_alone_gives_no_proposal(store: Store) -> None:
    desk = desk_of(store, FRAUD)
    await receive(desk, "isi dompet pindah semua", then=TO_FRAUD)

    assert only(found(desk)).best is None


async def test_what_todays_rules_decide_as_people_did_is_no_miss_any_more(store: Store) -> None:
    desk = desk_of(store)
    await receive(desk, "akun dibajak", then=TO_FRAUD)

    misses = found(desk)
    assert (misses.mended, misses.wrong) == (0, 1)

    mended = policy(rules=(FRAUD, LAST))
    again = find_misses(desk.store, desk.clock - timedelta(days=1), mended, lambda tickets, *_: tickets)
    assert (again.mended, again.wrong, again.groups) == (1, 0, [])


async def test_a_correction_to_what_the_policy_does_not_have_any_more_is_no_miss(store: Store) -> None:
    desk = desk_of(store, PARCEL)
    await receive(desk, "akun dibajak", then=(c.Correct(category="fraud"),))

    misses = found(desk, categories=("delivery", "general"))

    assert (misses.corrected, misses.outdated, misses.wrong, misses.mended) == (1, 1, 0, 0)


async def test_a_priority_alone_gets_a_rule_that_goes_on(store: Store) -> None:
    desk = desk_of(store, PARCEL)
    urgent = (c.Correct(priority="urgent"),)
    await receive(desk, "paket obat insulin", "obat insulin belum ada, paket", then=urgent)
    await receive(desk, "paket biasa")

    good = only(found(desk)).good

    assert good
    assert good.proposal.rule.go_on
    assert good.proposal.rule.then == Actions(priority="urgent")
    placed = place_mail(good.proposal.apply(desk.runtime.policy), good.catches[0].ticket.case)
    assert (placed.values["priority"], placed.values["category"]) == ("urgent", "delivery")


async def test_a_team_alone_changes_no_category(store: Store) -> None:
    desk = desk_of(store, FRAUD, PARCEL)
    await receive(desk, "paket obat keras", "paket obat keras lagi", then=(c.HandOver("management"),))
    await receive(desk, "paket saya di mana")

    good = only(found(desk)).good

    assert good
    assert good.proposal.rule.then == Actions("delivery", team="management")


async def test_a_new_rule_can_be_pasted_as_it_is_printed(store: Store) -> None:
    desk = desk_of(store, PARCEL, FRAUD)
    await receive(desk, "kurir paket minta uang jalan", "paket ditahan, minta uang jalan", then=TO_FRAUD)
    good = only(found(desk)).good
    assert good

    source, problems = parse("\n".join(["rules:", *new_rule_lines(good.proposal)]).encode(), "routing.yaml")

    assert problems == []
    assert source.data == {
        "rules": [
            {
                "name": f"mentions {good.proposal.term}",
                "when": {"new_text": {"mentions": [good.proposal.term]}},
                "then": {"category": "fraud", "urgency": "critical", "team": "management"},
            }
        ]
    }


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1))
def test_any_text_on_a_line_reads_in_yaml_as_itself(text: str) -> None:
    source, problems = parse(f"rules: [{scalar(text)}]".encode(), "routing.yaml")

    assert problems == []
    assert source.data == {"rules": [text]}


def test_pairs_are_neighbours_that_a_rule_finds_with_one_space_between_them() -> None:
    found = terms_of(mail(subject="Akun ke-hack", visible="Saldo, pindah  SEMUA; email budi@x.example 0812"))

    assert {"akun", "ke-hack", "akun ke-hack", "saldo", "pindah", "pindah semua"} <= found
    assert not {"saldo pindah", "semua", "email"} & found
    assert not any("budi" in term or "0812" in term for term in found)


def test_words_of_a_signature_or_a_forwarded_mail_propose_nothing() -> None:
    assert terms_of(mail(subject="", visible="Isi pindah\n\nSalam Wawan", new_body="Isi pindah")) == {
        "isi", "pindah", "isi pindah"
    }  # fmt: skip
