"""Which ticket a mail belongs to: only the tag or taking part is authority."""

import pytest

from mailbot.domain.matching import Clues, follow, match_ticket

BUDI, ASING = "budi@pelanggan.example", "asing@lain.example"
A, B = "TOKO-48217390-8", "TOKO-11111111-1"
TAKES_PART = {A: {BUDI}, B: {"siti@pelanggan.example"}}


@pytest.mark.parametrize(
    ("clues", "number", "because"),
    [
        (Clues(BUDI, tagged=A), A, "reply token of the sender"),
        (Clues("", bounced=A), A, "keyed bounce address"),
        (Clues(BUDI, signed=(A,)), A, "our signed Message-ID, sender takes part"),
        (Clues(BUDI, referenced=("<a@x>",)), A, "known Message-ID, sender takes part"),
        (Clues(BUDI, written=(A,)), A, "number in the subject, sender takes part"),
        (Clues(BUDI, in_text=(A,)), A, "number in the text, sender takes part"),
        (Clues(BUDI, in_text=(B, A)), A, "number in the text, sender takes part"),
        (
            Clues(BUDI, quoted=(A,)),
            A,
            "number in a quote of our mail, and nothing else names a ticket, sender takes part",
        ),
        (Clues(BUDI, quoted=(A,), written=("TOKO-00000000-0",)), "", "names no ticket of ours"),
        (Clues(BUDI, quoted=(A,), in_text=(B,)), "", "names no ticket of ours"),
        (Clues(BUDI), "", "names no ticket of ours"),
        (Clues(BUDI, written=("TOKO-00000000-0",)), "", "names no ticket of ours"),
    ],
)
def test_a_participants_mail_finds_its_ticket(clues: Clues, number: str, because: str) -> None:
    match = match_ticket(clues, {"<a@x>": A}, TAKES_PART)

    assert (match.number, str(match.reason)) == (number, because)


@pytest.mark.parametrize(
    "clues", [Clues(ASING, signed=(A,)), Clues(ASING, referenced=("<a@x>",)), Clues(ASING, written=(A,))]
)
def test_a_stranger_with_the_right_number_or_reference_only_claims(clues: Clues) -> None:
    match = match_ticket(clues, {"<a@x>": A}, TAKES_PART)
    assert (match.number, match.claims, match.confidence) == ("", A, "claim")
    assert [str(each.reason) for each in match.clues] == ["the sender takes no part in that ticket"]


@pytest.mark.parametrize("failed", [False, True])
def test_a_number_in_a_strangers_text_is_only_mentioned(failed: bool) -> None:
    match = match_ticket(Clues(ASING, in_text=(A, B), failed=failed), {}, TAKES_PART)
    assert (match.number, match.claims, match.mentions, match.confidence) == ("", "", A, "none")
    assert match_ticket(Clues(ASING, quoted=(A,)), {}, TAKES_PART).mentions == A


def test_the_subject_goes_before_the_text() -> None:
    both = {A: {BUDI}, B: {BUDI}}
    match = match_ticket(Clues(BUDI, written=(B,), in_text=(A,)), {}, both)
    assert (match.number, match.mentions) == (B, "")
    # What is a claim in the subject stays one beside a mention.
    stranger = match_ticket(Clues(ASING, written=(B,), in_text=(A,)), {}, both)
    assert (stranger.claims, stranger.mentions) == (B, A)


def test_the_stronger_clue_wins_where_two_tickets_are_named() -> None:
    both = {A: {BUDI}, B: {BUDI}}

    assert match_ticket(Clues(BUDI, signed=(A,), written=(B,)), {}, both).number == A


def test_a_stranger_naming_a_foreign_ticket_beside_an_own_one_gets_the_own_one() -> None:
    assert match_ticket(Clues(BUDI, signed=(B,), written=(A,)), {}, TAKES_PART).number == A


def test_no_sender_takes_part_in_nothing() -> None:
    assert match_ticket(Clues("", written=(A,)), {}, {A: {""}}).number == ""


@pytest.mark.parametrize(
    ("clues", "sure"),
    [
        (Clues(BUDI, tagged=A), "certain"),
        (Clues("", bounced=A), "certain"),
        (Clues(BUDI, signed=(A,)), "strong"),
        (Clues(BUDI, referenced=("<a@x>",)), "strong"),
        (Clues(BUDI, written=(A,)), "number"),
        (Clues(ASING, signed=(A,)), "claim"),
        (Clues(BUDI), "none"),
    ],
)
def test_the_certainty_follows_from_the_clue_that_decided(clues: Clues, sure: str) -> None:
    assert match_ticket(clues, {"<a@x>": A}, TAKES_PART).confidence == sure


def test_each_clue_has_the_reason_why_it_did_not_count() -> None:
    clues = Clues(BUDI, signed=(A, "TOKO-00000000-0"), referenced=("<b@x>",), written=(A,))
    weighed = match_ticket(clues, {"<b@x>": B}, TAKES_PART).clues

    assert [(each.kind, each.named, each.counted, str(each.reason)) for each in weighed] == [
        ("signed_message_id", A, True, "sender takes part"),
        ("signed_message_id", "TOKO-00000000-0", False, "there is no such ticket"),
        ("known_message_id", B, False, "the sender takes no part in that ticket"),
        ("number_in_subject", A, False, "a stronger clue decided"),
    ]


@pytest.mark.parametrize(
    ("own", "written", "suggests"),
    [
        ({A}, (), A),
        ({A, B}, (), A),
        (set(), (), ""),
        ({A, "TOKO-48217381-8"}, (), ""),  # two are near: no suggestion is safe
        ({A}, (A,), ""),  # it is found all the same
    ],
)
def test_a_mistyped_number_suggests_the_only_own_ticket_that_is_near(
    own: set[str], written: tuple[str, ...], suggests: str
) -> None:
    match = match_ticket(Clues(BUDI, written=written, mistyped=("TOKO-48217391-8",)), {}, TAKES_PART, own)

    assert match.suggests == suggests
    assert match.number == (A if written else "")


def test_a_mail_with_a_thousand_clues_keeps_thirty() -> None:
    assert len(match_ticket(Clues(BUDI, written=tuple(f"N{n}" for n in range(1000))), {}, {}).clues) == 30


def test_a_merged_tickets_mail_follows_to_the_end_of_the_chain() -> None:
    found = match_ticket(Clues(BUDI, written=(A,)), {}, TAKES_PART)
    followed = follow(found, {A: B, B: "TOKO-22222222-2"})

    assert (followed.number, followed.followed) == ("TOKO-22222222-2", (A, B))
    assert str(followed.reason) == (
        f"number in the subject, sender takes part; {A} and {B} merged into TOKO-22222222-2"
    )
    assert follow(found, {}) == found
    assert follow(found, {A: B, B: A}) == found  # following a circle ends
