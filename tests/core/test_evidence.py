"""Which ticket a mail belongs to: only the tag or taking part is authority."""

import pytest

from mailbot.core.evidence import Clues, weigh

BUDI, ASING = "budi@pelanggan.example", "asing@lain.example"
A, B = "TOKO-48217390-8", "TOKO-11111111-1"
TAKES_PART = {A: {BUDI}, B: {"siti@pelanggan.example"}}


@pytest.mark.parametrize(
    ("clues", "number", "because"),
    [
        (Clues(BUDI, tagged=A), A, "reply tag of the sender"),
        (Clues("", bounced=A), A, "keyed bounce address"),
        (Clues(BUDI, signed=(A,)), A, "our signed Message-ID, sender takes part"),
        (Clues(BUDI, referenced=("<a@x>",)), A, "known Message-ID, sender takes part"),
        (Clues(BUDI, written=(A,)), A, "number in the subject, sender takes part"),
        (Clues(BUDI), "", "names no ticket of ours"),
        (Clues(BUDI, written=("TOKO-00000000-0",)), "", "names no ticket of ours"),
    ],
)
def test_a_participants_mail_finds_its_ticket(clues: Clues, number: str, because: str) -> None:
    verdict = weigh(clues, {"<a@x>": A}, TAKES_PART)

    assert (verdict.number, verdict.because) == (number, because)


@pytest.mark.parametrize(
    "clues", [Clues(ASING, signed=(A,)), Clues(ASING, referenced=("<a@x>",)), Clues(ASING, written=(A,))]
)
def test_a_stranger_with_the_right_number_or_reference_only_claims(clues: Clues) -> None:
    verdict = weigh(clues, {"<a@x>": A}, TAKES_PART)
    assert (verdict.number, verdict.claims, verdict.confidence) == ("", A, "claim")
    assert [each.why for each in verdict.weighed] == ["the sender takes no part in that ticket"]


def test_the_stronger_clue_wins_where_two_tickets_are_named() -> None:
    both = {A: {BUDI}, B: {BUDI}}

    assert weigh(Clues(BUDI, signed=(A,), written=(B,)), {}, both).number == A


def test_a_stranger_naming_a_foreign_ticket_beside_an_own_one_gets_the_own_one() -> None:
    assert weigh(Clues(BUDI, signed=(B,), written=(A,)), {}, TAKES_PART).number == A


def test_no_sender_takes_part_in_nothing() -> None:
    assert weigh(Clues("", written=(A,)), {}, {A: {""}}).number == ""
