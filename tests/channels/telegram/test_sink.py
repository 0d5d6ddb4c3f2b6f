"""What we send, and what becomes of it."""

import logging
from datetime import timedelta

import pytest

from mailbot.channels.seam import Outgoing, Result
from mailbot.channels.telegram.api import Api
from mailbot.channels.telegram.sink import send
from mailbot.config.model import Telegram
from mailbot.domain.model import Attachment, AttemptOutcome
from mailbot.mail.parsing import attachments
from tests.fakes.telegram import GARBAGE, HTML, RESET, TOKEN, FakeTelegram

SITI = 62811
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30
SECRET_PART = TOKEN.partition(":")[2]


def outgoing(
    text: str = "Nomor tiket Anda TOKO-1", *files: Attachment, taken: frozenset[int] = frozenset()
) -> Outgoing:
    return Outgoing(f"telegram:{SITI}", "<1@x>", "answer", "id", "Tiket", text, files, "TOKO-1", taken=taken)


def file(name: str = "bukti.png", content: bytes = PNG) -> Attachment:
    return attachments.make(name, "", content)


async def test_a_text_is_sent_as_it_is(fake: FakeTelegram, api: Api) -> None:
    text = "*Halo* <b>Siti</b> _x_ [a](http://x) & \\ 😀"
    result = await send(api, outgoing(text))
    (sent,) = fake.sent
    assert (sent.chat, sent.text) == (SITI, text)
    assert result == Result(AttemptOutcome.SENT, "taken", 200, {1: f"4711.{SITI}.{sent.message_id}"})


async def test_a_long_text_is_cut_between_paragraphs(fake: FakeTelegram, api: Api) -> None:
    paragraphs = ["a" * 3000, "b" * 3000, "😀" * 2048, "c"]
    result = await send(api, outgoing("\n\n".join(paragraphs)))
    assert fake.texts() == paragraphs
    assert sorted(result.external_ids) == [1, 2, 3, 4]


async def test_files_follow_the_text_and_pictures_are_shown(fake: FakeTelegram, api: Api) -> None:
    await send(api, outgoing("Ini buktinya", file(), file("resi.pdf", b"%PDF-1.4 x")))
    shown = [(each.took, each.text, each.file) for each in fake.sent]
    assert shown == [
        ("sendMessage", "Ini buktinya", ""),
        ("sendPhoto", "", "bukti.png"),
        ("sendDocument", "", "resi.pdf"),
    ]
    assert [each.content for each in fake.sent[1:]] == [PNG, b"%PDF-1.4 x"]


async def test_a_picture_that_telegram_does_not_show_goes_as_a_file(fake: FakeTelegram, api: Api) -> None:
    await send(api, outgoing("", file("panjang.png", PNG + b"odd shape")))
    assert [(each.took, each.file) for each in fake.sent] == [("sendDocument", "panjang.png")]


async def test_nothing_to_send_fails(api: Api) -> None:
    assert (await send(api, outgoing(" \n"))).outcome == AttemptOutcome.FAILED


async def test_who_blocked_the_bot_gets_no_automatic_messages(fake: FakeTelegram, api: Api) -> None:
    fake.blocked.add(SITI)
    result = await send(api, outgoing())
    assert (result.outcome, result.code, result.is_ours) == (AttemptOutcome.FAILED, 403, False)
    assert result.text == "5.2.1 Telegram answers 403 Forbidden: bot was blocked by the user"


async def test_a_chat_that_is_not_there_is_an_unknown_address(fake: FakeTelegram, api: Api) -> None:
    fake.unknown.add(SITI)
    result = await send(api, outgoing())
    assert (result.outcome, result.text[:6]) == (AttemptOutcome.FAILED, "5.1.1 ")


@pytest.mark.parametrize("code", [400, 413])
async def test_what_telegram_will_never_take_fails_and_suppresses_nobody(
    fake: FakeTelegram, api: Api, code: int
) -> None:
    fake.fail("sendMessage", code)
    result = await send(api, outgoing())
    assert (result.outcome, result.code, result.text[0]) == (AttemptOutcome.FAILED, code, "T")


@pytest.mark.parametrize("fault", [401, 404, 429, 500, 503, HTML])
async def test_trouble_of_the_bot_is_trouble_of_no_message(
    fake: FakeTelegram, api: Api, fault: str | int
) -> None:
    fake.fail("sendMessage", fault)
    result = await send(api, outgoing())
    assert (result.outcome, result.is_ours) == (AttemptOutcome.DEFERRED, True)
    assert result.retry_after == (timedelta(seconds=7) if fault == 429 else None)
    assert fake.sent == []


async def test_a_token_of_another_bot_is_trouble_of_the_channel(fake: FakeTelegram) -> None:
    other = Api(Telegram("support@toko.example", api=fake.api, token="4711:other"))
    result = await send(other, outgoing())
    await other.close()
    assert (result.is_ours, result.code) == (True, 401)
    assert "MAILBOT_TELEGRAM_TOKEN" in result.text


async def test_a_server_that_is_away_is_trouble_of_the_channel() -> None:
    away = Api(Telegram("support@toko.example", api="http://127.0.0.1:9", token=TOKEN))
    result = await send(away, outgoing())
    await away.close()
    assert (result.outcome, result.is_ours, result.code) == (AttemptOutcome.DEFERRED, True, 0)


@pytest.mark.parametrize("fault", [RESET, GARBAGE, 504])
async def test_without_a_reply_it_may_have_been_sent(fake: FakeTelegram, api: Api, fault: str | int) -> None:
    fake.fail("sendMessage", fault)
    result = await send(api, outgoing())
    assert (result.outcome, result.is_ours) == (AttemptOutcome.UNKNOWN, False)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (429, AttemptOutcome.DEFERRED),
        (500, AttemptOutcome.DEFERRED),
        (400, AttemptOutcome.FAILED),
        (RESET, AttemptOutcome.UNKNOWN),
    ],
)
async def test_what_was_taken_of_a_message_stays_taken(
    fake: FakeTelegram, api: Api, fault: str | int, outcome: AttemptOutcome
) -> None:
    fake.fail("sendDocument", fault)
    pdf = file("resi.pdf", b"%PDF-1.4 x")
    first = await send(api, outgoing("Ini resinya", pdf))
    assert (first.outcome, first.is_ours, list(first.external_ids)) == (outcome, False, [1])
    assert "part 2 of 2" in first.text

    again = await send(api, outgoing("Ini resinya", pdf, taken=frozenset(first.external_ids)))
    assert (again.outcome, list(again.external_ids)) == (AttemptOutcome.SENT, [2])
    assert [each.took for each in fake.sent] == ["sendMessage", "sendDocument"]


@pytest.mark.parametrize("fault", [None, 401, 500, RESET, GARBAGE])
async def test_the_token_is_in_no_log_line_and_no_text(
    fake: FakeTelegram, api: Api, fault: str | int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.fail("sendMessage", *filter(None, [fault]))
    result = await send(api, outgoing())
    assert SECRET_PART not in caplog.text + repr(result) + repr(api)


async def test_a_reply_that_repeats_the_address_does_not_show_the_token(fake: FakeTelegram, api: Api) -> None:
    fake.echoes = True
    fake.fail("sendMessage", 400)
    result = await send(api, outgoing())
    assert SECRET_PART not in result.text
    assert "/bot.../sendMessage" in result.text
