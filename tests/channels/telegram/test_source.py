"""What Telegram has for us: by asking, and by its calls."""

import asyncio
import json
from datetime import timedelta

import pytest

from mailbot.channels.seam import Call, Polled, Unavailable
from mailbot.channels.telegram.api import Api
from mailbot.channels.telegram.channel import build, poll, receive
from mailbot.config.model import Telegram
from tests.fakes.telegram import GARBAGE, HTML, RESET, TOKEN, FakeTelegram

SECRET = "a-secret-of-this-webhook"
UPDATE = b'{"update_id": 870000001, "message": {}}'


def call(body: bytes = UPDATE, secret: str = SECRET) -> Call:
    return Call("POST", {"x-telegram-bot-api-secret-token": secret}, {}, body)


async def test_news_come_once_and_are_confirmed_by_the_next_question(fake: FakeTelegram, api: Api) -> None:
    first, second = fake.write("Halo"), fake.write("Paket saya belum sampai")

    polled = await poll(api, "")
    assert [each.external_id for each in polled.events] == [
        f"4711.{first['update_id']}",
        f"4711.{second['update_id']}",
    ]
    assert json.loads(polled.events[1].content) == second
    assert len(fake.updates) == 2  # until they are confirmed

    third = fake.write("Nomor resinya JX1")
    again = await poll(api, polled.position)
    assert [each.external_id for each in again.events] == [f"4711.{third['update_id']}"]
    assert fake.updates == [third]


async def test_without_a_confirmation_the_same_news_come_again(fake: FakeTelegram, api: Api) -> None:
    fake.write("Halo")
    assert (await poll(api, "")).events == (await poll(api, "")).events


async def test_a_question_waits_for_news(fake: FakeTelegram, api: Api) -> None:
    asking = asyncio.ensure_future(poll(api, ""))
    while "getUpdates" not in fake.asked:  # noqa: ASYNC110
        await asyncio.sleep(0)
    fake.write("Halo")
    assert len((await asking).events) == 1


async def test_the_position_of_another_bot_confirms_nothing(fake: FakeTelegram, api: Api) -> None:
    fake.write("Halo")
    assert len((await poll(api, "99:999999999")).events) == 1


async def test_an_offset_is_dropped_when_it_has_confirmed(fake: FakeTelegram, api: Api) -> None:
    """After a silent week Telegram begins with another update id, perhaps a smaller one."""
    fake.write("Halo")
    polled = await poll(api, "")
    fake.patience = 0
    confirmed = await poll(api, polled.position)
    assert (confirmed, fake.updates) == (Polled((), ""), [])

    fake.next_update = 12
    fake.write("Halo lagi")
    assert [each.external_id for each in (await poll(api, confirmed.position)).events] == ["4711.12"]


async def test_another_program_that_asks_for_the_same_bot_is_named(fake: FakeTelegram, api: Api) -> None:
    asking = asyncio.ensure_future(poll(api, ""))
    while "getUpdates" not in fake.asked:  # noqa: ASYNC110
        await asyncio.sleep(0)
    other = asyncio.ensure_future(poll(api, ""))
    with pytest.raises(Unavailable, match="only one program may ask"):
        await asking
    fake.write("Halo")
    assert len((await other).events) == 1


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (401, "401 .*MAILBOT_TELEGRAM_TOKEN"),
        (409, "409 .*channels setup telegram"),
        (429, "429 .*again in 7 s"),
        (500, "500"),
        (HTML, "502"),
        (GARBAGE, "can't be read"),
        (RESET, "no reply"),
    ],
)
async def test_trouble_is_said_in_plain_words_and_never_names_the_token(
    fake: FakeTelegram, api: Api, fault: str | int, text: str
) -> None:
    fake.fail("getUpdates", fault)
    with pytest.raises(Unavailable, match=text) as raised:
        await poll(api, "")
    assert TOKEN.partition(":")[2] not in repr(raised.value)
    assert raised.value.__suppress_context__
    assert raised.value.pause == (timedelta(seconds=7) if fault == 429 else None)


async def test_nobody_there_is_said_too() -> None:
    api = Api(Telegram("support@toko.example", api="http://127.0.0.1:9", token=TOKEN))
    with pytest.raises(Unavailable, match="can't be reached"):
        await poll(api, "")
    await api.close()


async def test_a_missing_token_is_said_without_asking(fake: FakeTelegram) -> None:
    channel = build(Telegram("support@toko.example", api=fake.api))
    assert channel.poll
    with pytest.raises(Unavailable, match="MAILBOT_TELEGRAM_TOKEN is missing"):
        await channel.poll("")
    assert fake.asked == []


def test_a_call_with_the_secret_is_the_same_event_as_by_asking() -> None:
    reply = receive("4711", SECRET, call())
    assert (reply.status, [each.external_id for each in reply.events]) == (200, ["4711.870000001"])
    assert reply.events[0].content == UPDATE


@pytest.mark.parametrize("given", ["", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper(), "é"])
def test_a_call_without_the_secret_is_refused(given: str) -> None:
    assert receive("4711", SECRET, call(secret=given)).status == 401
    assert receive("4711", SECRET, Call("POST", {}, {}, UPDATE)).status == 401


@pytest.mark.parametrize("given", ["", "x"])
def test_without_a_secret_of_ours_nobody_may_call(given: str) -> None:
    assert receive("4711", "", call(secret=given)).status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"update_id": -1}',
        b'{"update_id": true}',
        b'{"update_id": 1e3}',
        b'{"update_id": NaN}',
        b'{"update_id": "1"}',
        b'{"update_id": 99999999999999999999999999}',
        b"[" * 1_000_000,
        b'{"update_id": 1, "x": ' + b"[" * 1_000_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_update_is_refused(body: bytes) -> None:
    assert receive("4711", SECRET, call(body)).status == 400


def test_only_one_of_the_two_ways_is_open() -> None:
    asking = build(Telegram("support@toko.example"))
    called = build(Telegram("support@toko.example", webhook=True))
    assert (asking.receive, called.poll) == (None, None)
    assert asking.poll
    assert called.receive
