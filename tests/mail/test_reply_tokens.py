"""The keyed marks in Message-IDs and addresses."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailbot.mail.compose.reply_tokens import LOCAL_PART, ReplyToken, TokenSigner, check_token_fits

KEYS = TokenSigner(b"a secret of thirty-two bytes ....")
OTHERS = TokenSigner(b"another secret of thirty-two ....")
BOX = "support@dukungan.example"
NUMBER = "TOKO-48217390-8"

digits = st.text("0123456789", min_size=8, max_size=12)
prefixes = st.text(string.ascii_uppercase, min_size=2, max_size=10)
numbers = st.builds("{}-{}-{}".format, prefixes, digits, st.sampled_from("0123456789"))
nonces = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=16)
addresses = st.builds("{}@{}.example".format, *[st.text(string.ascii_lowercase + ".-_", min_size=1)] * 2)
anything = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@given(numbers, nonces)
def test_a_message_id_of_ours_gives_its_number_back(number: str, nonce: str) -> None:
    made = KEYS.message_id(number, nonce, "dukungan.example")
    assert KEYS.number_in(made) == number
    assert KEYS.number_in(made.strip("<>")) == number
    assert OTHERS.number_in(made) is None


@given(numbers, addresses)
def test_a_reply_address_proves_its_number_and_its_participant(number: str, participant: str) -> None:
    tag = KEYS.reply_token_in(KEYS.reply_address(BOX, number, participant))
    assert tag is not None
    assert tag.number == number
    assert KEYS.verify(tag, participant.upper())
    assert not OTHERS.verify(tag, participant)


@given(nonces)
def test_a_bounce_address_gives_its_nonce_back(nonce: str) -> None:
    made = KEYS.bounce_address(BOX, nonce)
    assert KEYS.bounce_nonce(made.upper()) == nonce
    assert OTHERS.bounce_nonce(made) is None


@given(numbers, numbers, addresses, addresses)
def test_a_tag_made_for_another_participant_or_number_never_proves(
    number: str, other: str, participant: str, stranger: str
) -> None:
    tag = KEYS.reply_token_in(KEYS.reply_address(BOX, number, participant))
    assert tag is not None
    assert KEYS.verify(tag, stranger) == (stranger == participant)
    assert KEYS.verify(ReplyToken(other, tag.mac), participant) == (other == number)


MADE = {
    "message id": KEYS.message_id(NUMBER, "0a1b2c", "dukungan.example"),
    "reply": KEYS.reply_address(BOX, NUMBER, "sari@team.example"),
    "bounce": KEYS.bounce_address(BOX, "0a1b2c"),
}


def _reads(mark: str) -> bool:
    tag = KEYS.reply_token_in(mark)
    return bool(
        KEYS.number_in(mark) or KEYS.bounce_nonce(mark) or (tag and KEYS.verify(tag, "sari@team.example"))
    )


@pytest.mark.parametrize("kind", MADE)
@given(st.data())
def test_a_mark_with_one_character_flipped_never_verifies(kind: str, data: st.DataObject) -> None:
    mark = MADE[kind]
    # The mailbox's own name is no part of a tag: mail may come through an alias of it.
    start = mark.find("+") + 1 or 1
    end = mark.index("@") if kind != "message id" else len(mark) - 1
    at = data.draw(st.integers(start, end - 1))
    letter = data.draw(st.characters().filter(lambda c: c.lower() != mark[at]))
    assert _reads(mark)
    assert not _reads(mark[:at] + letter + mark[at + 1 :])


@pytest.mark.parametrize("mark", MADE.values())
def test_letters_that_lower_case_maps_into_ascii_are_not_forgiven(mark: str) -> None:
    assert _reads(mark.upper())
    assert not _reads(mark.replace("k", "\u212a").replace("s", "\u017f"))


def test_a_participant_is_another_one_when_only_unicode_says_they_are_alike() -> None:
    tag = KEYS.reply_token_in(KEYS.reply_address(BOX, NUMBER, "kiki@team.example"))
    assert tag is not None
    assert not KEYS.verify(tag, "\u212aiki@team.example")


def test_one_mark_is_never_taken_for_another_kind() -> None:
    mac = MADE["bounce"].partition("@")[0][-26:]
    assert KEYS.number_in(f"<mb.{NUMBER.lower()}.0a1b2c.{mac}@dukungan.example>") is None
    assert not KEYS.verify(ReplyToken(NUMBER, mac), "0a1b2c")
    assert KEYS.reply_token_in(MADE["bounce"]) is None
    assert KEYS.bounce_nonce(MADE["reply"]) is None


@given(anything)
@example("\udc80")
@example("<mb.toko-48217390-8." + "a" * 10_000 + "@x>")
@example("support+t.@x")
@example("+b..@")
def test_reading_is_total_on_any_text(text: str) -> None:
    assert KEYS.number_in(text) is None
    assert KEYS.bounce_nonce(text) is None
    assert KEYS.reply_token_in(text) is None
    assert not KEYS.verify(ReplyToken(text, text), text)


def test_the_longest_number_still_fits_into_a_local_part() -> None:
    address = KEYS.reply_address(BOX, "ABCDEFGHIJ-123456789012-3", "sari@team.example")
    assert len(address.partition("@")[0]) <= LOCAL_PART
    tag = KEYS.reply_token_in(address)
    assert tag is not None
    assert tag.number == "ABCDEFGHIJ-123456789012-3"
    assert KEYS.verify(tag, "sari@team.example")


@given(prefixes, st.integers(8, 12), st.integers(1, 64))
def test_a_mailbox_that_passes_the_check_has_room_for_every_mark(prefix: str, count: int, size: int) -> None:
    address = f"{'a' * size}@dukungan.example"
    room = 64 - len("+t..") - 26 - max(16, len(prefix) + count + 1)
    if size > room:
        with pytest.raises(ValueError, match=f"at most {room} leave room"):
            check_token_fits(address, prefix, count)
        return
    check_token_fits(address, prefix, count)
    made = (
        KEYS.reply_address(address, f"{prefix}-{'1' * count}-2", "sari@team.example"),
        KEYS.bounce_address(address, "f" * 16),
    )
    assert all(len(mark.partition("@")[0]) <= LOCAL_PART for mark in made)


@pytest.mark.parametrize("address", ["a+b@x.example", "dukungän@x.example", "@x.example", "support"])
def test_an_address_that_can_carry_no_tag_is_no_mailbox(address: str) -> None:
    with pytest.raises(ValueError, match="can't be a mailbox"):
        check_token_fits(address, "TOKO", 8)


@pytest.mark.parametrize(
    ("number", "nonce"),
    [
        ("TOKO-48217390", "a"),
        ("toko-48217390-8", "a"),
        (NUMBER, ""),
        (NUMBER, "A"),
        (NUMBER, "a" * 17),
        (NUMBER, "a>"),
    ],
)
def test_what_would_not_read_back_is_not_made(number: str, nonce: str) -> None:
    with pytest.raises(ValueError, match=r"number|nonce"):
        KEYS.message_id(number, nonce, "dukungan.example")


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        TokenSigner(b"short")


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(KEYS)
