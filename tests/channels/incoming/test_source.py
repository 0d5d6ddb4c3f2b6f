"""What a program sends: who may, what is kept, what it becomes."""

import hmac
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.channels.incoming.channel import build
from mailbot.channels.message import ChannelMessage
from mailbot.channels.seam import Call, Event, Nothing, Reply, Unreadable
from mailbot.config.model import Incoming
from tests.fakes.program import MAP, SECRET, SETTINGS, call, content, signed

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
ANSWERED = replace(SETTINGS, send_url="https://toko.example/answers")


def received(
    body: bytes, headers: dict[str, str], settings: Incoming = SETTINGS, method: str = "POST"
) -> Reply:
    receive = build(settings, lambda: NOW).receive
    assert receive
    return receive(call(body, headers, method))


async def found(body: bytes, settings: Incoming = ANSWERED) -> ChannelMessage:
    (message,) = await build(settings, lambda: NOW).read(Event("m1", body))
    assert isinstance(message, ChannelMessage)
    return message


def test_a_signed_call_is_kept_under_the_id_of_its_message() -> None:
    reply = received(content(), signed(content(), NOW))
    (event,) = reply.events
    assert (reply.status, event.external_id, event.content) == (200, "m1", content())


def test_a_replay_under_another_id_of_the_call_is_the_same_event() -> None:
    first = received(content(), signed(content(), NOW, id="msg_1")).events
    assert received(content(), signed(content(), NOW, id="msg_2")).events == first


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_an_old_or_a_future_call_is_refused(late: timedelta) -> None:
    assert received(content(), signed(content(), NOW + late)).status == 401
    assert received(content(), signed(content(), NOW + late * 0.99)).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-signature": " ".join(["v1,AAAA"] * 5000)},
        {"webhook-id": "msg_9"},
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "\u0661\u0662"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    ],
)
def test_a_call_with_one_changed_header_is_refused(changed: dict[str, str]) -> None:
    assert received(content(), {**signed(content(), NOW), **changed}).status == 401


def test_each_truncated_signature_is_refused() -> None:
    headers = signed(content(), NOW)
    whole = headers["webhook-signature"]
    for length in range(len(whole)):
        assert received(content(), {**headers, "webhook-signature": whole[:length]}).status == 401


def test_the_signature_of_another_body_is_refused() -> None:
    assert received(content("Kirim ke alamat lain"), signed(content(), NOW)).status == 401


def test_the_secret_of_another_channel_is_refused() -> None:
    other = "whsec_" + b64encode(b"b" * 32).decode()
    assert received(content(), signed(content(), NOW, secret=other)).status == 401


def test_one_of_two_secrets_is_enough_while_it_is_changed() -> None:
    old = "whsec_" + b64encode(b"o" * 32).decode()
    both = replace(SETTINGS, secrets=(SECRET, old))
    assert received(content(), signed(content(), NOW, secret=old), both).status == 200


@pytest.mark.parametrize("kind", ["standard", "hmac", "token"])
@pytest.mark.parametrize("secrets", [(), ("whsec_???",), ("whsec_",)])
def test_without_a_usable_secret_nobody_may_call(kind: str, secrets: tuple[str, ...]) -> None:
    settings = replace(SETTINGS, signature=kind, header="X-Mark", secrets=secrets)
    empty = hmac.new(b"", content(), sha256).hexdigest()
    for mark in ("", empty, f"sha256={empty}"):
        headers = {**signed(content(), NOW, secret="whsec_"), "x-mark": mark}
        assert received(content(), headers, settings).status == 401


def test_a_digest_in_a_header_is_checked_over_the_raw_body() -> None:
    settings = replace(SETTINGS, signature="hmac", header="X-Hub-Signature-256", secrets=("rahasia-panjang",))
    digest = hmac.new(b"rahasia-panjang", content(), sha256).hexdigest()
    for mark in (f"sha256={digest}", digest, digest.upper()):
        assert received(content(), {"x-hub-signature-256": mark}, settings).status == 200
    sha1 = hmac.new(b"rahasia-panjang", content(), "sha1").hexdigest()
    for mark in ("", f"sha1={sha1}", digest[:-1], f"sha256={digest} "):
        assert received(content(), {"x-hub-signature-256": mark}, settings).status == 401
    assert received(content() + b" ", {"x-hub-signature-256": digest}, settings).status == 401
    assert received(content(), {"x-hub-signature": f"sha1={sha1}"}, settings).status == 401


def test_a_token_in_a_header_is_the_whole_secret() -> None:
    settings = replace(SETTINGS, signature="token", header="Authorization", secrets=("rahasia-panjang",))
    for given_token, status in (
        ("Bearer rahasia-panjang", 200),
        ("rahasia-panjang", 200),
        ("Bearer rahasia-panjan", 401),
        ("Bearer", 401),
        ("", 401),
    ):
        assert received(content(), {"authorization": given_token}, settings).status == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_another_method_is_refused(method: str) -> None:
    assert received(content(), signed(content(), NOW), method=method).status == 405


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'{"a": NaN}', b"\xff", b'{"a":' * 50_000])
def test_a_signed_call_that_is_no_json_object_is_refused_with_the_reason(body: bytes) -> None:
    reply = received(body, signed(body, NOW))
    assert (reply.status, reply.events) == (400, ())
    assert reply.text.startswith("it is")


def test_a_call_that_is_no_message_is_taken_and_not_kept() -> None:
    body = b'{"event": "ping"}'
    assert received(body, signed(body, NOW)) == Reply(200, "not a message")


async def test_a_message_without_an_id_is_kept_and_parked_with_the_reason() -> None:
    body = content(id="")
    (event,) = received(body, signed(body, NOW)).events
    assert len(event.external_id) < 100
    with pytest.raises(Unreadable, match="external_id"):
        await build(ANSWERED).read(event)


@pytest.mark.parametrize("odd", ["a" * 300, "a\0b", "é"])
def test_an_odd_id_is_kept_as_its_digest(odd: str) -> None:
    body = content(id=f"x{odd}")
    (event,) = received(body, signed(body, NOW)).events
    assert len(event.external_id) == 64
    assert event.external_id.isascii()


async def test_a_message_names_its_author_in_the_channel() -> None:
    message = await found(content(files=[{"name": "../a.png", "content": "aGFp"}], about="Order 7"))
    assert (message.author, message.name, message.subject) == ("toko:budi-1", "Budi", "Order 7")
    assert (message.external_id, message.proven, message.channel) == ("m1", True, "toko")
    assert [(each.content, "/" in each.name) for each in message.files] == [(b"hai", False)]


async def test_a_file_that_can_not_be_read_is_named_in_the_text() -> None:
    message = await found(content(files=[{"name": "bukti.png", "content": "?"}]))
    assert "Paket saya belum sampai" in message.text
    assert "the file bukti.png could not be read" in message.text


@pytest.mark.parametrize("vouched", [True, False])
async def test_an_address_of_mail_is_proven_only_where_the_program_vouches(vouched: bool) -> None:
    message = await found(content(by="siti@pelanggan.example"), replace(SETTINGS, vouched=vouched))
    assert (message.author, message.proven) == ("siti@pelanggan.example", vouched)


# "\u212a" is the Kelvin sign, whose small letter is k; "\ufb01" is one letter that looks like fi.
ODD = (
    *("Budi", "BUDI", "budi@", "@", "budi 1", "budi:1", "whatsapp:+62811", "budi\0", ".budi", "budi."),
    *("b..i", "a" * 65, "bud\u0456", "\u212a", "\ufb01", "budi/1", "\u202ebudi", "<budi>", "", " "),
    *("budi@toko\r\nBcc: a@b.example", "budi@toko.example, a@b.example", '"a b"@toko.example'),
)


@pytest.mark.parametrize("author", ODD)
async def test_letters_that_name_nobody_are_refused(author: str) -> None:
    with pytest.raises(Unreadable):
        await found(content(by=author))


async def test_small_letters_are_made_only_where_the_admin_says_so() -> None:
    lower = replace(ANSWERED, map=replace(MAP, author="/buyer/id|lower"))
    assert (await found(content(by="Budi-1"), lower)).author == "toko:budi-1"


async def test_without_a_way_for_answers_only_addresses_of_mail_may_write() -> None:
    with pytest.raises(Unreadable, match="no `send`"):
        await found(content(), SETTINGS)


async def test_what_is_no_message_any_more_becomes_nothing() -> None:
    (nothing,) = await build(ANSWERED).read(Event("m1", b'{"event": "ping"}'))
    assert isinstance(nothing, Nothing)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "authorization"]), st.text()
    ),
    st.binary(max_size=200),
    st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
    st.sampled_from(["standard", "hmac", "token"]),
)
def test_whoever_calls_without_the_secret_keeps_nothing(
    headers: dict[str, str], body: bytes, method: str, kind: str
) -> None:
    receive = build(replace(SETTINGS, signature=kind, header="Authorization"), lambda: NOW).receive
    assert receive
    reply = receive(Call(method, headers, {}, body))
    assert reply.status in (401, 405)
    assert reply.events == ()
