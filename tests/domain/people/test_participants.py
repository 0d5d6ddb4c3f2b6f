"""Who takes part because a mail named them, and who is only shown to agents."""

from dataclasses import replace
from typing import Any

import pytest

from mailbot.domain import events as e
from mailbot.domain.decisions import on_mail
from mailbot.domain.matching import Clues, Match, match_ticket
from mailbot.domain.model import Authentication, Author, Contact, Role
from mailbot.domain.notices import Answer
from mailbot.domain.people.participants import MOST_A_MAIL, MOST_NAMED, takes_part
from mailbot.domain.replies.undeliverable import Suppression
from tests.builders import BOX, NOW, NUMBER, RINA, envelope, facts, mail, policy

BUDI, BOSS = "budi@pelanggan.example", "bos@pelanggan.example"
PROVEN = {"authentication": Authentication.PASS}
FORGED = {"authentication": Authentication.FAIL}
CHECKED = {"senders_checked": True}


def cc(*addresses: str) -> dict[str, Any]:
    return {"cc": tuple(Contact("", address) for address in addresses)}


def named(mail_changes: dict[str, Any], fact_changes: dict[str, Any] | None = None) -> dict[str, Role]:
    """Return what the people are whom a first mail names."""
    decided = on_mail(None, mail(**mail_changes), envelope(), facts(**fact_changes or {}), policy(), NOW)
    return {address: role for event in decided.decision.events for address, role in e.roles_of(event).items()}


@pytest.mark.parametrize(
    ("mail_changes", "fact_changes", "role"),
    [
        ({**cc("asing@lain.example"), **PROVEN}, CHECKED, Role.PARTICIPANT),
        ({"to": (Contact("", "asing@lain.example"),), **PROVEN}, CHECKED, Role.PARTICIPANT),
        (cc("asing@lain.example"), CHECKED, Role.NAMED),
        (cc(BOSS), CHECKED, Role.NAMED),
        # Nobody checks senders: the people of one organisation count.
        (cc(BOSS), {}, Role.PARTICIPANT),
        (cc("bos@kantor.pelanggan.example"), {}, Role.PARTICIPANT),
        (cc("asing@lain.example"), {}, Role.NAMED),
        ({**cc("orang@gmail.com"), "sender": "budi@gmail.com"}, {}, Role.NAMED),
        # A list, by its own header.
        ({**cc("tim@x.example"), **PROVEN, "headers": {"list-id": ("<tim.x.example>",)}}, {}, Role.NAMED),
        (
            {**cc("a@x.example"), **PROVEN, "headers": {"list-post": ("<mailto:a@x.example>",)}},
            {},
            Role.NAMED,
        ),
    ],
)
def test_proof_makes_whom_a_mail_names_take_part(
    mail_changes: dict[str, Any], fact_changes: dict[str, Any], role: Role
) -> None:
    assert list(named(mail_changes, fact_changes).values()) == [role]


@pytest.mark.parametrize(
    "address",
    [
        BOX.address,
        "support+retur@dukungan.example",
        RINA.address,
        "noreply@toko.example",
        "mailer-daemon@toko.example",
        BUDI,
        "budi+rumah@pelanggan.example",
    ],
)
def test_our_own_addresses_robots_and_the_author_are_nobody_new(address: str) -> None:
    assert named({**cc(address), **PROVEN}) == {}


@pytest.mark.parametrize("changes", [FORGED, {"author": Author.MACHINE}, {"author": Author.REPORT}])
def test_a_forged_mail_and_a_machine_name_nobody(changes: dict[str, Any]) -> None:
    assert named({**cc(BOSS), **changes}) == {}


def test_of_five_hundred_people_the_first_twenty_take_part() -> None:
    crowd = tuple(f"orang{n}@lain.example" for n in range(500))
    roles = named({**cc(*crowd), **PROVEN})

    assert [address for address, role in roles.items() if role is Role.PARTICIPANT] == list(
        crowd[:MOST_A_MAIL]
    )
    assert sum(role is Role.NAMED for role in roles.values()) == MOST_NAMED


def reply(mail_changes: dict[str, Any], roles: dict[str, Role], **fact_changes: Any) -> dict[str, Role]:
    ticket = on_mail(None, mail(), envelope(), facts(), policy(), NOW).decision.ticket
    standing = facts(match=Match(NUMBER), roles=roles, **fact_changes)
    decided = on_mail(ticket, mail(**mail_changes), envelope(), standing, policy(), NOW)
    return {address: role for event in decided.decision.events for address, role in e.roles_of(event).items()}


def test_who_takes_part_names_others_when_proven() -> None:
    roles = {BUDI: Role.CUSTOMER, BOSS: Role.PARTICIPANT, "x@lain.example": Role.NAMED}
    wanted = {"sender": BOSS, **cc("x@lain.example", BUDI)}

    assert reply({**wanted, **PROVEN}, roles, **CHECKED) == {"x@lain.example": Role.PARTICIPANT}
    assert reply(wanted, roles, **CHECKED) == {}  # known as named already
    assert reply({**wanted, "sender": "asing@lain.example", **PROVEN}, roles, **CHECKED) == {}


def test_whom_an_agent_removed_no_mail_brings_back() -> None:
    roles = {BUDI: Role.CUSTOMER, BOSS: Role.REMOVED}
    assert reply({**cc(BOSS, "bos+lain@pelanggan.example"), **PROVEN}, roles) == {}
    assert not takes_part(BOSS, roles)


def test_the_ticket_never_has_more_people_than_an_answer_may_have_copies() -> None:
    roles = {BUDI: Role.CUSTOMER, **{f"n{n}@lain.example": Role.PARTICIPANT for n in range(19)}}
    found = reply({**cc("a@lain.example", "b@lain.example"), **PROVEN}, roles)

    assert found == {"a@lain.example": Role.PARTICIPANT, "b@lain.example": Role.NAMED}


@pytest.mark.parametrize("spelling", ["bu.di@gmail.com", "budi+belanja@gmail.com", "budi@googlemail.com"])
def test_one_box_takes_part_in_every_spelling(spelling: str) -> None:
    people = {NUMBER: {"budi@gmail.com"}}

    assert match_ticket(Clues(spelling, written=(NUMBER,)), {}, people).number == NUMBER
    assert takes_part(spelling, {"budi@gmail.com": Role.CUSTOMER})
    assert match_ticket(replace(Clues("budi2@gmail.com"), written=(NUMBER,)), {}, people).number == ""


def answers(roles: dict[str, Role], copies: bool = True, **fact_changes: Any) -> list[tuple[str, str]]:
    """Return (recipient, Cc) of an agent's answer and its copies."""
    rules = policy(mailboxes={BOX.address: replace(BOX, copies=copies)})
    ticket = on_mail(None, mail(), envelope(), facts(), rules, NOW).decision.ticket
    standing = facts(match=Match(NUMBER, by_token=True), proof="network", roles=roles, **fact_changes)
    decided = on_mail(
        ticket, mail(sender=RINA.address, visible="Kami cek."), envelope(), standing, rules, NOW
    )
    sent = [notice for notice in decided.decision.notices if isinstance(notice, Answer)]
    assert {(notice.to, notice.text) for notice in sent} == {(BUDI, "Kami cek.")}
    return [(notice.copy_to or notice.to, " ".join(notice.cc)) for notice in sent]


def test_an_answer_goes_to_the_customer_and_a_copy_to_each_who_takes_part() -> None:
    roles = {BUDI: Role.CUSTOMER, BOSS: Role.PARTICIPANT, "a@lain.example": Role.PARTICIPANT}
    both = f"a@lain.example {BOSS}"

    assert answers(roles) == [(BUDI, both), ("a@lain.example", both), (BOSS, both)]
    assert answers(roles, copies=False) == [(BUDI, "")]


def test_no_copy_goes_to_those_who_take_no_part_who_are_ours_or_whose_address_is_dead() -> None:
    dead = Suppression("mati@lain.example", "bounce", "5.1.1", NOW)
    roles = {
        BUDI: Role.CUSTOMER,
        "budi+rumah@pelanggan.example": Role.PARTICIPANT,
        "n@lain.example": Role.NAMED,
        "r@lain.example": Role.REMOVED,
        RINA.address: Role.PARTICIPANT,
        "support+x@dukungan.example": Role.PARTICIPANT,
        "no-reply@lain.example": Role.PARTICIPANT,
        dead.address: Role.PARTICIPANT,
    }
    assert answers(roles, suppressions={dead.address: dead}) == [(BUDI, "")]


def test_whom_an_agent_copies_takes_part_but_no_colleague_of_ours() -> None:
    ticket = on_mail(None, mail(), envelope(), facts(), policy(), NOW).decision.ticket
    sent = mail(
        sender=RINA.address, visible="Kami cek.", **cc(BOSS, "keuangan@tim.example", "x@dukungan.example")
    )
    standing = facts(match=Match(NUMBER, by_token=True), proof="network", roles={BUDI: Role.CUSTOMER})
    decision = on_mail(ticket, sent, envelope(), standing, policy(), NOW).decision

    assert [notice.copy_to for notice in decision.notices if isinstance(notice, Answer)] == ["", BOSS]
    unproven = on_mail(ticket, sent, envelope(), replace(standing, proof=""), policy(), NOW).decision
    assert not any(isinstance(event, e.ParticipantsAdded) for event in unproven.events)
