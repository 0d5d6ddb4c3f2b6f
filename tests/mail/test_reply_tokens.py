"""Tokens in Message-IDs and addresses are read back and verified."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailbot.mail.compose.reply_tokens import LOCAL_PART, ReplyToken, TokenSigner, check_token_fits

SIGNER = TokenSigner(b"a secret of thirty-two bytes ....")
OTHER_SIGNER = TokenSigner(b"another secret of thirty-two ....")
BOX = "support@dukungan.example"
NUMBER = "TOKO-48217390-8"

digits = st.text("0123456789", min_size=8, max_size=12)
prefixes = st.text(string.ascii_uppercase, min_size=2, max_size=10)
numbers = st.builds("{}-{}-{}".format, prefixes, digits, st.sampled_from("0123456789"))
nonces = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=16)
addresses = st.builds("{}@{}.example".format, *[st.text(string.ascii_lowercase + ".-_", min_size=1)] * 2)
anything = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@given(numbers, nonces)
def test_our_message_id_holds_its_ticket_number(number: str, nonce: str) -> None:
    token = SIGNER.message_id(number, nonce, "dukungan.example")
    assert SIGNER.number_in(token) == number
    assert SIGNER.number_in(token.strip("<>")) == number
    assert OTHER_SIGNER.number_in(token) is None


@given(numbers, addresses)
def test_a_reply_address_proves_its_number_and_its_participant(number: str, participant: str) -> None:
    token = SIGNER.reply_token_in(SIGNER.reply_address(BOX, number, participant))
    assert token is not None
    assert token.number == number
    assert SIGNER.verify(token, participant.upper())
    assert not OTHER_SIGNER.verify(token, participant)


@given(nonces)
def test_a_bounce_address_holds_its_nonce(nonce: str) -> None:
    token = SIGNER.bounce_address(BOX, nonce)
    assert SIGNER.bounce_nonce(token.upper()) == nonce
    assert OTHER_SIGNER.bounce_nonce(token) is None


@given(numbers, numbers, addresses, addresses)
def test_a_token_is_invalid_for_another_participant_or_number(
    number: str, other: str, participant: str, stranger: str
) -> None:
    token = SIGNER.reply_token_in(SIGNER.reply_address(BOX, number, participant))
    assert token is not None
    assert SIGNER.verify(token, stranger) == (stranger == participant)
    assert SIGNER.verify(ReplyToken(other, token.mac), participant) == (other == number)


TOKENS = {
    "message id": SIGNER.message_id(NUMBER, "0a1b2c", "dukungan.example"),
    "reply": SIGNER.reply_address(BOX, NUMBER, "sari@team.example"),
    "bounce": SIGNER.bounce_address(BOX, "0a1b2c"),
}


def _is_valid(text: str) -> bool:
    token = SIGNER.reply_token_in(text)
    return bool(
        SIGNER.number_in(text)
        or SIGNER.bounce_nonce(text)
        or (token and SIGNER.verify(token, "sari@team.example"))
    )


@pytest.mark.parametrize("kind", TOKENS)
@given(st.data())
def test_a_token_with_one_changed_character_is_invalid(kind: str, data: st.DataObject) -> None:
    text = TOKENS[kind]
    # The mailbox's own name is no part of a token: mail may come through an alias of it.
    start = text.find("+") + 1 or 1
    end = text.index("@") if kind != "message id" else len(text) - 1
    at = data.draw(st.integers(start, end - 1))
    letter = data.draw(st.characters().filter(lambda c: c.lower() != text[at]))
    assert _is_valid(text)
    assert not _is_valid(text[:at] + letter + text[at + 1 :])


@pytest.mark.parametrize("text", TOKENS.values())
def test_letters_that_lower_case_maps_to_ascii_are_invalid(text: str) -> None:
    assert _is_valid(text.upper())
    assert not _is_valid(text.replace("k", "\u212a").replace("s", "\u017f"))


def test_participants_that_only_unicode_makes_equal_are_different() -> None:
    token = SIGNER.reply_token_in(SIGNER.reply_address(BOX, NUMBER, "kiki@team.example"))
    assert token is not None
    assert not SIGNER.verify(token, "\u212aiki@team.example")


def test_a_token_is_valid_for_one_purpose() -> None:
    mac = TOKENS["bounce"].partition("@")[0][-26:]
    assert SIGNER.number_in(f"<mb.{NUMBER.lower()}.0a1b2c.{mac}@dukungan.example>") is None
    assert not SIGNER.verify(ReplyToken(NUMBER, mac), "0a1b2c")
    assert SIGNER.reply_token_in(TOKENS["bounce"]) is None
    assert SIGNER.bounce_nonce(TOKENS["reply"]) is None


@given(anything)
@example("\udc80")
@example("<mb.toko-48217390-8." + "a" * 10_000 + "@x>")
@example("support+t.@x")
@example("+b..@")
def test_any_text_can_be_read(text: str) -> None:
    assert SIGNER.number_in(text) is None
    assert SIGNER.bounce_nonce(text) is None
    assert SIGNER.reply_token_in(text) is None
    assert not SIGNER.verify(ReplyToken(text, text), text)


def test_the_longest_number_still_fits_into_a_local_part() -> None:
    address = SIGNER.reply_address(BOX, "ABCDEFGHIJ-123456789012-3", "sari@team.example")
    assert len(address.partition("@")[0]) <= LOCAL_PART
    token = SIGNER.reply_token_in(address)
    assert token is not None
    assert token.number == "ABCDEFGHIJ-123456789012-3"
    assert SIGNER.verify(token, "sari@team.example")


@given(prefixes, st.integers(8, 12), st.integers(1, 64))
def test_a_mailbox_that_passes_the_check_has_room_for_every_token(prefix: str, count: int, size: int) -> None:
    address = f"{'a' * size}@dukungan.example"
    room = 64 - len("+t..") - 26 - max(16, len(prefix) + count + 1)
    if size > room:
        with pytest.raises(ValueError, match=f"at most {room} leave room"):
            check_token_fits(address, prefix, count)
        return
    check_token_fits(address, prefix, count)
    made = (
        SIGNER.reply_address(address, f"{prefix}-{'1' * count}-2", "sari@team.example"),
        SIGNER.bounce_address(address, "f" * 16),
    )
    assert all(len(address.partition("@")[0]) <= LOCAL_PART for address in made)


@pytest.mark.parametrize("address", ["a+b@x.example", "dukungän@x.example", "@x.example", "support"])
def test_an_address_without_room_for_a_token_is_no_mailbox(address: str) -> None:
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
def test_invalid_numbers_and_nonces_are_refused(number: str, nonce: str) -> None:
    with pytest.raises(ValueError, match=r"number|nonce"):
        SIGNER.message_id(number, nonce, "dukungan.example")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        TokenSigner(b"short")


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(SIGNER)


@pytest.mark.parametrize("signer", [SIGNER, OTHER_SIGNER])
def test_what_a_former_or_the_next_secret_signed_is_recognised(signer: TokenSigner) -> None:
    rotated = TokenSigner(b"a new secret of enough bytes ...", (SIGNER.secret, OTHER_SIGNER.secret))
    foreign = TokenSigner(b"somebody else's secret ..........", (b"one more of somebody else's .....",))
    message_id = signer.message_id(NUMBER, "0a1b2c", "dukungan.example")
    bounce, survey = signer.bounce_address(BOX, "0a1b2c"), signer.survey_address(BOX, NUMBER)
    tap = signer.tap_address(BOX, NUMBER, "0a1b2c", "t", "sari@team.example")

    for reader, known in ((rotated, True), (foreign, False)):
        assert (reader.number_in(message_id) == NUMBER) is known
        assert (reader.bounce_nonce(bounce) == "0a1b2c") is known
        assert (reader.surveyed(survey) == NUMBER) is known
        for made in (signer.reply_address, signer.decision_address):
            token = reader.reply_token_in(made(BOX, NUMBER, "sari@team.example"))
            assert token
            assert reader.verify(token, "sari@team.example") is known
        tapped = reader.tap_token_in(tap)
        assert tapped
        assert reader.verify_tap(tapped, NUMBER, "sari@team.example") is known


def test_only_the_newest_secret_signs() -> None:
    rotated = TokenSigner(OTHER_SIGNER.secret, (SIGNER.secret,))

    assert rotated.reply_address(BOX, NUMBER, "a@b.example") == OTHER_SIGNER.reply_address(
        BOX, NUMBER, "a@b.example"
    )
