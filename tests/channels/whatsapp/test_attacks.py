"""Attacks on the address that WhatsApp calls, on the window, and on the token: none succeeds."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mailbot.channels.http_client import HttpClient, NotTheirs
from mailbot.channels.message import ChannelMessage, build
from mailbot.channels.seam import Call, Event, Nothing, Reply, Unreadable
from mailbot.channels.whatsapp import channel
from mailbot.channels.whatsapp.api import MEDIA_HOST
from mailbot.config.model import Whatsapp
from mailbot.domain.people.identities import is_identity
from mailbot.mail.compose.mime_writer import ComposeRefused
from mailbot.store.schema import channel_contacts, channel_events, messages
from mailbot.store.store import Store
from tests.builders import BOX
from tests.channels.whatsapp.desk import WhatsappDesk, whatsapp_desk
from tests.fakes.whatsapp import APP_SECRET, NUMBER, TOKEN, VERIFY, FakeWhatsapp, signed
from tests.workers.test_intake import KEYS

API = "https://graph.facebook.example/v21.0"
SETTINGS = Whatsapp(BOX.address, NUMBER, API, None, TOKEN, APP_SECRET, VERIFY)
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
FAKE = FakeWhatsapp(lambda: NOW)
BODY = FAKE.body(FAKE.message("Saldo saya terpotong"))


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[WhatsappDesk]:
    async with whatsapp_desk(store) as found:
        yield found


def call(headers: dict[str, str], body: bytes = BODY, settings: Whatsapp = SETTINGS) -> Reply:
    receive = channel.build(settings).receive
    assert receive
    return receive(Call("POST", headers, {}, body))


def challenge(settings: Whatsapp = SETTINGS, **query: str) -> Reply:
    receive = channel.build(settings).receive
    assert receive
    return receive(Call("GET", {}, {name.replace("_", ".", 1): value for name, value in query.items()}, b""))


def test_a_right_signature_is_taken() -> None:
    assert [each.external_id for each in call(signed(BODY)).events] == ["wamid.in1"]


SHA1 = hmac.new(APP_SECRET.encode(), BODY, hashlib.sha1).hexdigest()
DIGEST = signed(BODY)["x-hub-signature-256"]
FORGED = {
    "none": {},
    "empty": {"x-hub-signature-256": ""},
    "no digest": {"x-hub-signature-256": "sha256="},
    "another secret": signed(BODY, "a guess"),
    "the verify token": signed(BODY, VERIFY),
    "an empty secret": signed(BODY, ""),
    "of another body": signed(BODY + b" "),
    "sha1": {"x-hub-signature": f"sha1={SHA1}"},
    "sha1 in place of sha256": {"x-hub-signature-256": f"sha1={SHA1}"},
    "without its name": {"x-hub-signature-256": DIGEST.removeprefix("sha256=")},
    "in another place": {"x-hub-signature": DIGEST},
    "with more": {"x-hub-signature-256": f"{DIGEST} "},
    "no ascii": {"x-hub-signature-256": "sha256=é\udcff"},
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_wrong_signature_is_refused_and_nothing_is_kept(forged: str) -> None:
    assert call(FORGED[forged]) == Reply(401, "the signature is missing or wrong")


@pytest.mark.parametrize("secret", ["", " "])
def test_without_the_apps_secret_nobody_can_sign(secret: str) -> None:
    settings = Whatsapp(BOX.address, NUMBER, API, None, TOKEN, "", VERIFY)

    assert call(signed(BODY, secret), settings=settings).status == 401


async def test_a_replayed_call_adds_nothing(desk: WhatsappDesk) -> None:
    body = desk.fake.body(desk.fake.message("Saldo saya terpotong"))
    for _ in range(3):
        assert await desk.post(signed(body), body) == 200
        await desk.turn()

    assert len(desk.all(select(messages))) == 1


async def test_a_call_that_is_replayed_after_its_event_was_deleted_adds_nothing(desk: WhatsappDesk) -> None:
    body = desk.fake.body(desk.fake.message("Saldo saya terpotong"))
    desk.clock += timedelta(days=30)
    await desk.post(signed(body), body)
    await desk.turn()

    assert desk.all(select(messages)) == []


def test_the_challenge_is_answered_with_the_right_token_alone() -> None:
    right = {"hub_mode": "subscribe", "hub_verify_token": VERIFY, "hub_challenge": "1158201444"}

    assert challenge(**right) == Reply(200, "1158201444")
    for wrong in (
        {"hub_verify_token": ""},
        {"hub_verify_token": VERIFY.upper()},
        {"hub_verify_token": APP_SECRET},
        {"hub_verify_token": "\udcff"},
        {"hub_mode": "unsubscribe"},
        {"hub_challenge": "x" * 5000},
        {"hub_challenge": "ö"},
    ):
        assert challenge(**(right | wrong)).status == 403
    without = Whatsapp(BOX.address, NUMBER, API, None, TOKEN, APP_SECRET, "")
    assert challenge(without, **(right | {"hub_verify_token": ""})).status == 403


async def test_no_timestamp_opens_the_window_for_longer_than_our_own_receipt(desk: WhatsappDesk) -> None:
    future = str(int((desk.clock + timedelta(days=300)).timestamp()))
    await desk.fake.write("Halo", timestamp=future)
    await desk.turn()
    received_at = desk.clock

    (contact,) = desk.all(select(channel_contacts))
    assert contact.wrote_at == received_at


async def test_an_old_message_that_comes_late_opens_no_window(desk: WhatsappDesk) -> None:
    written = str(int((desk.clock - timedelta(days=2)).timestamp()))
    await desk.fake.write("Halo", timestamp=written)
    await desk.turn()

    assert [each["type"] for each in desk.fake.sent] == ["template"]


FOREIGN = [
    "https://evil.example/file",
    "http://169.254.169.254/latest/meta-data",
    "http://127.0.0.1:22/",
    "http://[::1]/",
    "https://lookaside.fbsbx.com@evil.example/",
    "https://evil.example/lookaside.fbsbx.com",
    "https://lookaside.fbsbx.com.evil.example/",
    "https://evilfbsbx.com/",
    "https://evil.example\\.fbsbx.com/",
    "https://evil.example#.fbsbx.com/",
    "https://lookaside.fbsbx.com:8443/",
    "http://lookaside.fbsbx.com/",
    "https://graph.facebook.example.evil.example/",
    "ftp://lookaside.fbsbx.com/",
    "file:///etc/passwd",
    "https://[evil.fbsbx.com/",
]


@pytest.mark.parametrize("url", FOREIGN)
async def test_no_foreign_address_gets_the_token(url: str) -> None:
    with pytest.raises(NotTheirs):
        await HttpClient(API, {}, MEDIA_HOST).ask("GET", url)


@pytest.mark.parametrize(
    "url",
    ["https://lookaside.fbsbx.com/whatsapp_business/?mid=1", "https://scontent.whatsapp.net/a", f"{API}/x"],
)
def test_addresses_of_whatsapp_are_fetched(url: str) -> None:
    assert HttpClient(API, {}, MEDIA_HOST)._is_theirs(url)


async def test_a_foreign_address_of_a_file_is_never_asked(desk: WhatsappDesk) -> None:
    async with FakeWhatsapp().served() as evil:
        desk.fake.media_url = f"{evil.url}/files/1"
        await desk.said(type="image", image=desk.fake.add_media(b"x", "image/jpeg", caption="Lihat"))

        assert evil.asked == []
    assert [each.text for each in desk.all(select(messages))] == [
        "Lihat\n\n[file tidak dapat diambil: image.jpg]"
    ]


@pytest.mark.parametrize("name", ["../me", "https://evil.example/", "1/2", "", "a b", "x" * 300])
async def test_no_name_of_a_file_leads_to_another_path(desk: WhatsappDesk, name: str) -> None:
    before = len(desk.fake.asked)
    await desk.fake.write(type="image", image={"id": name, "caption": "Lihat"})
    await desk.turn()

    assert all(path.endswith("/messages") for path, _ in desk.fake.asked[before:])


async def test_a_file_that_never_ends_is_cut_off(desk: WhatsappDesk) -> None:
    await desk.said(type="video", video=desk.fake.add_media(b"x" * 16_000_001, "video/mp4"))

    assert [each.text for each in desk.all(select(messages))] == [
        "[file terlalu besar, tidak kami terima: video.mp4]"
    ]


@pytest.mark.parametrize(
    "author",
    ["", "6281a", "+6281", "6281\r\nBcc: x@y", "٦٢٨١٢٣٤", "62 811", "6" * 40, "a@b.example", "1;2"],
)
async def test_forged_letters_of_a_phone_number_make_nobody(desk: WhatsappDesk, author: str) -> None:
    await desk.fake.write("Halo", by=author)
    await desk.turn()

    (event,) = desk.all(select(channel_events))
    assert (event.state, desk.all(select(messages))) == ("parked", [])


async def test_a_name_can_not_add_fields_to_a_mail(desk: WhatsappDesk) -> None:
    message = desk.fake.message("Halo")
    await desk.fake.call(desk.fake.body(message, name='Siti"\r\nBcc: korban@x.example\r\n\r\n<b>'))
    await desk.turn()

    (kept,) = desk.all(select(messages))
    assert kept.author == "whatsapp:+6281234567890"


ODD = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"[" * 200_000,
    b'{"entry":' * 100_000,
    b'{"entry": NaN}',
    b'{"entry": [{"changes": [{"field": "messages", "value": {"messages": [1, null, "x", []]}}]}]}',
    b'{"entry": [{"changes": [{"field": "messages", "value": {"messages": [{"id": "\\ud800"}]}}]}]}',
    b'{"entry": [{"changes": {"0": 1}}, 7, "x"]}',
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
async def test_odd_bodies_break_nothing(body: bytes) -> None:
    reply = call(signed(body), body)

    assert reply.status == 200
    for each in reply.events:
        try:
            found = await channel.build(SETTINGS).read(each)
        except Unreadable:
            continue
        assert [type(one) for one in found] == [Nothing]


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
)
anything = st.recursive(
    leaves, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=8), x, max_size=3)
)
KEYS_OF_MESSAGES = (
    *("from", "id", "timestamp", "type", "text", "button", "interactive", "location", "contacts", "context"),
    "errors",
)
odd_messages = st.fixed_dictionaries(
    {"from": st.sampled_from(["6281234567890", "1", "x"]) | anything, "id": st.text(max_size=12) | anything},
    optional=dict.fromkeys(KEYS_OF_MESSAGES[2:], anything),
)


@given(odd_messages, anything)
async def test_hostile_messages_become_mail_of_their_author_or_are_parked(message: Any, around: Any) -> None:
    value = {"metadata": {"phone_number_id": NUMBER}, "contacts": around, "messages": [message]}
    body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
    for event in call(signed(body), body).events:
        await read_and_build(event)


@given(anything, anything)
async def test_hostile_statuses_are_statuses_or_nothing(status: Any, metadata: Any) -> None:
    value = {"metadata": metadata, "statuses": [status]}
    body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
    for event in call(signed(body), body).events:
        await read_and_build(event)


async def read_and_build(event: Event) -> None:
    assert 0 < len(event.external_id) <= 500
    try:
        found = await channel.build(SETTINGS, lambda: NOW).read(event)
    except Unreadable:
        return
    for each in found:
        if isinstance(each, ChannelMessage):
            assert is_identity(each.author)
            try:
                _, raw = build(each, BOX, KEYS, NOW)
            except ComposeRefused:
                continue
            assert raw.count(b"\r\nFrom: ") + raw.startswith(b"From: ") == 1


@given(st.binary(max_size=200))
def test_any_signed_bytes_are_taken_or_kept(body: bytes) -> None:
    assert call(signed(body), body).status == 200


def test_no_secret_stands_in_the_text_of_the_channel() -> None:
    shown = f"{SETTINGS!r} {channel.build(SETTINGS)!r}"

    assert not any(secret in shown for secret in (TOKEN, APP_SECRET, VERIFY))
