"""What customers write: words, files, edits, and what is no message to us."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.channels.message import ChannelMessage
from mailbot.channels.seam import Event, Found, Greeting, Nothing, ReadLater, Unreadable
from mailbot.channels.telegram.api import Api
from mailbot.channels.telegram.reading import read
from mailbot.config.model import Telegram
from tests.fakes.telegram import BOT, RESET, SITI, TOKEN, FakeTelegram

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30


async def found_in(api: Api, update: dict[str, Any]) -> Found:
    (found,) = await read(api, Event("4711.1", json.dumps(update).encode()))
    return found


async def message_of(api: Api, update: dict[str, Any]) -> ChannelMessage:
    found = await found_in(api, update)
    assert isinstance(found, ChannelMessage)
    return found


async def test_a_text_is_a_message_of_the_person(fake: FakeTelegram, api: Api) -> None:
    found = await message_of(api, update := fake.write("Saldo saya terpotong\ndua kali"))
    assert (found.channel, found.author, found.name) == ("telegram", "telegram:62811", "Siti Aminah")
    assert found.external_id == f"4711.62811.{update['message']['message_id']}"
    assert (found.text, found.files, found.proven) == ("Saldo saya terpotong\ndua kali", (), True)


async def test_a_photo_comes_in_its_largest_size_with_its_caption(fake: FakeTelegram, api: Api) -> None:
    sizes = [fake.file(PNG), fake.file(PNG + b"large"), fake.file(b"")]
    found = await message_of(api, fake.write(photo=sizes, caption="Buktinya"))
    assert (found.text, [each.content for each in found.files]) == ("Buktinya", [PNG + b"large"])
    assert (found.files[0].type, found.files[0].name) == ("image/png", "photo-101.jpg")


@pytest.mark.parametrize("kind", ["document", "video", "video_note", "voice", "audio"])
async def test_each_kind_of_file_is_fetched(fake: FakeTelegram, api: Api, kind: str) -> None:
    found = await message_of(api, fake.write(**{kind: fake.file(b"content")}))
    assert [each.content for each in found.files] == [b"content"]
    assert found.files[0].name.startswith(kind)


async def test_a_name_of_a_file_is_no_path(fake: FakeTelegram, api: Api) -> None:
    named = fake.file(b"%PDF-1.4", "../../etc/passwd\r\nX: y.pdf")
    found = await message_of(api, fake.write(document=named))
    assert found.files[0].name == "passwd X: y.pdf"


@pytest.mark.parametrize("told", [30_000_000, 0])
async def test_a_file_that_bots_may_not_fetch_is_named(fake: FakeTelegram, api: Api, told: int) -> None:
    large = fake.file(b"x" * 20_000_001, "video.mp4", size=told)
    found = await message_of(api, fake.write(video=large, caption="Lihat"))
    assert found.text.startswith("Lihat\n\n[file terlalu besar, tidak kami terima: video.mp4")
    assert found.files == ()


async def test_a_file_that_lies_about_its_size_is_not_read_to_its_end(fake: FakeTelegram, api: Api) -> None:
    lies = fake.file(b"x", "a.bin", size=5)
    update = fake.write(document=lies)
    fake.grown[lies["file_id"]] = b"x" * 20_000_001  # after getFile
    assert "terlalu besar" in (await message_of(api, update)).text


async def test_a_file_that_is_gone_is_named(fake: FakeTelegram, api: Api) -> None:
    document = {**fake.file(b"x", "resi.pdf"), "file_id": "other"}
    found = await message_of(api, fake.write("", document=document))
    assert found.text == "[file tidak dapat diambil: resi.pdf]"


@pytest.mark.parametrize("fault", [401, 429, 500, RESET])
@pytest.mark.parametrize("method", ["getFile", "download"])
async def test_trouble_with_a_file_lets_the_message_wait(
    fake: FakeTelegram, api: Api, fault: str | int, method: str
) -> None:
    update = fake.write(document=fake.file(b"x", "resi.pdf"))
    fake.fail(method, fault)
    with pytest.raises(ReadLater) as raised:
        await found_in(api, update)
    assert TOKEN.partition(":")[2] not in repr(raised.value)
    assert (await message_of(api, update)).files[0].content == b"x"


async def test_places_contacts_and_stickers_are_said_in_words(fake: FakeTelegram, api: Api) -> None:
    place = await message_of(api, fake.write(location={"latitude": -6.2, "longitude": 106.816666}))
    assert place.text == "[lokasi: https://maps.google.com/?q=-6.200000,106.816666]"
    card = {"phone_number": "+62811", "first_name": "Budi\nX: y"}
    assert (await message_of(api, fake.write(contact=card))).text == "[kontak: Budi X: y +62811]"
    sticker = await message_of(api, fake.write(sticker={**fake.file(b""), "emoji": "😀"}))
    assert sticker.text == "[stiker: 😀]"


async def test_who_reads_english_gets_our_words_in_english(fake: FakeTelegram, api: Api) -> None:
    tom = {**SITI, "language_code": "en-GB"}
    found = await message_of(api, fake.write(by=tom, location={"latitude": 1, "longitude": 2}))
    assert found.text.startswith("[location: ")


async def test_a_changed_message_is_a_message_with_its_new_text(fake: FakeTelegram, api: Api) -> None:
    update = fake.write("Pesanan 123", photo=[fake.file(PNG)])
    found = await message_of(api, fake.edit(update, "Pesanan 124"))
    assert found.text == "[pesan ini mengubah pesan sebelumnya]\n\nPesanan 124"
    assert found.files == ()
    assert found.external_id == f"4711.62811.{update['message']['message_id']}.1795000060"


async def test_a_forwarded_message_says_so(fake: FakeTelegram, api: Api) -> None:
    found = await message_of(api, fake.write("Transfer berhasil", forward_origin={"type": "hidden_user"}))
    assert found.text == "[diteruskan dari percakapan lain]\n\nTransfer berhasil"


async def test_a_reply_to_a_message_of_ours_names_it(fake: FakeTelegram, api: Api) -> None:
    ours = {"message_id": 55, "from": BOT, "chat": {"id": SITI["id"], "type": "private"}, "date": 1}
    own = {**ours, "from": SITI}
    assert (await message_of(api, fake.write("Ini", reply_to_message=ours))).answers == "4711.62811.55"
    assert (await message_of(api, fake.write("Ini", reply_to_message=own))).answers == ""


@pytest.mark.parametrize("text", ["/start", "/start promo-1", "/help", "/START@dukungan_bot"])
async def test_who_opens_the_chat_is_greeted(fake: FakeTelegram, api: Api, text: str) -> None:
    assert await found_in(api, fake.write(text)) == Greeting("telegram:62811", "Siti Aminah", "id")


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("/status", "status"),
        ("/status mana paket saya", "/status mana paket saya"),
        ("/baru paket lain", "/baru paket lain"),
        ("/starter pack saya rusak", "/starter pack saya rusak"),
        ("5", "5"),
    ],
)
async def test_other_commands_are_texts(fake: FakeTelegram, api: Api, text: str, read_as: str) -> None:
    assert (await message_of(api, fake.write(text))).text == read_as


CHAT = {"id": SITI["id"], "type": "private"}
MESSAGE = {"message_id": 7, "date": 1, "chat": CHAT, "from": SITI, "text": "Halo"}


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1},
        {"update_id": 1, "my_chat_member": {}},
        {"update_id": 1, "message": {**MESSAGE, "chat": {"id": -100, "type": "supergroup"}}},
        {"update_id": 1, "message": {**MESSAGE, "chat": {"id": -100, "type": "channel"}}},
        {"update_id": 1, "message": {**MESSAGE, "from": {**SITI, "is_bot": True}}},
        {"update_id": 1, "message": {**MESSAGE, "from": {**SITI, "id": 99}}},
        {"update_id": 1, "message": {**MESSAGE, "chat": {"id": 99, "type": "private"}}},
        {"update_id": 1, "message": {"message_id": 7, "date": 1, "chat": CHAT, "text": "Halo"}},
        {"update_id": 1, "message": {**MESSAGE, "text": "", "pinned_message": MESSAGE}},
        {"update_id": 1, "message": {**MESSAGE, "text": " \n "}},
    ],
)
async def test_what_is_no_message_of_a_person_to_us_says_why(api: Api, update: dict[str, Any]) -> None:
    found = await found_in(api, update)
    assert isinstance(found, Nothing)
    assert found.reason


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b'{"update_id": 1, "message": "Halo"}',
        b'{"update_id": 1, "message": {"message_id": 1, "chat": {"id": "1", "type": "private"}}}',
        json.dumps({"update_id": 1, "message": {**MESSAGE, "text": 5}}).encode(),
        json.dumps({"update_id": 1, "message": {**MESSAGE, "photo": {"file_id": "x"}}}).encode(),
        json.dumps({"update_id": 1, "message": {**MESSAGE, "from": {**SITI, "id": "62811"}}}).encode(),
        json.dumps({"update_id": 1, "message": {**MESSAGE, "from": {**SITI, "id": -5}}}).encode(),
        json.dumps({"update_id": 1, "message": {**MESSAGE, "from": {**SITI, "id": 2**60}}}).encode(),
        json.dumps(
            {"update_id": 1, "message": {**MESSAGE, "location": {"latitude": "NaN", "longitude": 1}}}
        ).encode(),
        b'{"update_id": 1, "message": {"location": {"latitude": NaN}}}',
        b'{"update_id": 1, "message": {"text": "\\ud800"}}',
        b'{"update_id": 1, "message": ' + b"[" * 500_000 + b"]" * 500_000 + b"}",
        b'{"update_id": 1, "message": {"text": "' + b"x" * 10_000_000,
    ],
)
async def test_what_is_not_as_described_is_unreadable(api: Api, content: bytes) -> None:
    with pytest.raises(Unreadable):
        await read(api, Event("4711.1", content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*MESSAGE, "photo"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*MESSAGE, "caption", "contact", "sticker", "edit_date"]), JSON))
async def test_no_content_makes_anything_else_of_it(changes: dict[str, Any]) -> None:
    """Whatever stands in a message, it is read, is nothing, or is unreadable; its author is who wrote it."""
    api = Api(Telegram("support@toko.example", token=TOKEN))
    content = json.dumps({"update_id": 1, "message": {**MESSAGE, **changes}}).encode()
    try:
        (found,) = await read(api, Event("4711.1", content))
    except Unreadable:
        return
    if isinstance(found, ChannelMessage):
        sender = changes.get("from", SITI)
        assert found.author == f"telegram:{sender['id']}"
        assert found.text.encode("utf-8")
        assert found.name.isprintable()
