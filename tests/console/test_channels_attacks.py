"""Attacks on the web addresses of channels: nobody but a provider keeps anything, and nothing of ours breaks."""

import re
import subprocess
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailbot.channels.incoming.channel import build as incoming
from mailbot.channels.seam import Call, Channel
from mailbot.channels.telegram.channel import build as telegram
from mailbot.channels.whatsapp.channel import build as whatsapp
from mailbot.config.model import Telegram, Whatsapp
from mailbot.console.channels.routes import LARGEST, called
from mailbot.store.schema import channel_events, inbox
from mailbot.store.store import Store
from tests import empty_store
from tests.builders import BOX, NOW
from tests.console.office import Office
from tests.fakes.program import SECRET, SETTINGS, content, signed
from tests.faults.virtual import VirtualLoop

PAGE = Path(__file__).parents[2] / "docs" / "channels" / "incoming.md"
OTHER = "whsec_" + "b" * 44
TOKEN, MARK = "rahasia-yang-panjang", "tanda-yang-panjang"


def clock() -> Any:
    return NOW


def channels() -> list[Channel]:
    """Return one channel of each kind that is called."""
    return [
        incoming(SETTINGS, clock),
        incoming(replace(SETTINGS, name="lain", secrets=(OTHER,)), clock),
        incoming(replace(SETTINGS, name="cap", signature="hmac", header="X-Mark", secrets=(TOKEN,)), clock),
        incoming(replace(SETTINGS, name="kunci", signature="token", header="X-Key", secrets=(TOKEN,)), clock),
        telegram(Telegram(BOX.address, webhook=True, token="1:a", secret=MARK)),
        whatsapp(Whatsapp(BOX.address, "12345", token="t", app_secret=MARK, verify_token=TOKEN)),
    ]


NAMES = [each.name for each in channels()]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = Store(empty_store.sqlite_url(tmp_path))
    yield Office(store, channels=channels())
    store.close()


def kept(office: Office) -> list[Any]:
    return office.store.read_now(lambda c: list(c.execute(select(channel_events))))


WRONG: list[dict[str, str]] = [
    {},
    {"X-Telegram-Bot-Api-Secret-Token": ""},
    {"X-Telegram-Bot-Api-Secret-Token": MARK[:-1]},
    {"X-Telegram-Bot-Api-Secret-Token": TOKEN},
    {"X-Hub-Signature-256": "sha256=" + "0" * 64},
    {"X-Hub-Signature": "sha1=" + "0" * 40},
    {"X-Mark": "sha256="},
    {"X-Key": ""},
    {"X-Key": "Bearer "},
    {"X-Key": MARK},
    {"Authorization": f"Bearer {TOKEN}"},
    {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,"},
]


@pytest.mark.parametrize("name", NAMES)
async def test_wrong_and_foreign_signatures_keep_nothing(office: Office, name: str) -> None:
    async with office.visitor() as stranger:
        for headers in WRONG:
            for body in (b"", b"{}", content(), b"\xff\0"):
                answer = await stranger.client.post(f"/channels/{name}", content=body, headers=headers)
                assert 400 <= answer.status_code < 500, (headers, body)
    assert kept(office) == []


@pytest.mark.parametrize("name", NAMES)
async def test_other_methods_keep_nothing(office: Office, name: str) -> None:
    async with office.visitor() as stranger:
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            headers = signed(content(), NOW)
            answer = await stranger.client.request(
                method, f"/channels/{name}", content=content(), headers=headers
            )
            assert 400 <= answer.status_code < 500, method
    assert kept(office) == []


@pytest.mark.parametrize(
    "path",
    [
        "mail",
        "page",
        "form",
        "api",
        "TOKO",
        "toko%00",
        "toko%2f..%2flain",
        "..%2fadmin",
        "tok%C5%8D",
        "toko/x",
        "",
    ],
)
async def test_other_names_are_not_there(office: Office, path: str) -> None:
    async with office.visitor() as stranger:
        body = content()
        answer = await stranger.client.post(f"/channels/{path}", content=body, headers=signed(body, NOW))
    assert answer.status_code in (404, 405)
    assert kept(office) == []


async def test_a_call_for_one_channel_is_none_for_another(office: Office) -> None:
    headers = signed(content(), NOW)
    async with office.visitor() as stranger:
        for name in NAMES[1:]:
            answer = await stranger.client.post(f"/channels/{name}", content=content(), headers=headers)
            assert answer.status_code in (401, 403)
        assert (
            await stranger.client.post("/channels/toko", content=content(), headers=headers)
        ).status_code == 200
    assert [each.channel for each in kept(office)] == ["toko"]


async def test_a_replay_is_one_event_and_an_old_one_none(office: Office) -> None:
    async with office.visitor() as stranger:
        for id in ("msg_1", "msg_1", "msg_2"):
            headers = signed(content(), NOW, id=id)
            answer = await stranger.client.post("/channels/toko", content=content(), headers=headers)
            assert answer.status_code == 200
    assert len(kept(office)) == 1


async def test_of_two_signatures_in_two_fields_a_wrong_one_counts(office: Office) -> None:
    good = signed(content(), NOW)
    twice = [*good.items(), ("webhook-signature", "v1,AAAA"), ("webhook-id", "other")]
    async with office.visitor() as stranger:
        answer = await stranger.client.post("/channels/toko", content=content(), headers=twice)
    assert answer.status_code == 401
    assert kept(office) == []


@pytest.mark.parametrize("name", NAMES)
async def test_a_body_above_the_limit_is_refused_before_it_is_read_to_its_end(
    office: Office, name: str
) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100_000
            yield b"a" * 100_000

    async with office.visitor() as stranger:
        answer = await stranger.client.post(f"/channels/{name}", content=endless())
        exact = await stranger.client.post(f"/channels/{name}", content=b"a" * (LARGEST + 1))
    assert (answer.status_code, exact.status_code) == (413, 413)
    assert read <= LARGEST + 200_000
    assert kept(office) == []


def test_a_body_that_never_ends_is_given_up() -> None:
    loop = VirtualLoop()

    async def receive() -> Any:
        await loop.create_future()

    async def call(office_desk: Any) -> int:
        app = type("App", (), {"state": type("State", (), {"desk": office_desk})})
        scope = {"type": "http", "method": "POST", "headers": [], "query_string": b"", "app": app}
        request = Request({**scope, "path": "/", "path_params": {"name": "toko"}}, receive)
        with pytest.raises(HTTPException) as refusal:
            await called(request)
        return refusal.value.status_code

    desk = type("Desk", (), {"channels": {"toko": incoming(SETTINGS, clock)}})
    loop.call_later(3600, loop.stop)
    try:
        assert loop.run_until_complete(call(desk)) == 408
        assert loop.time() < 60
    finally:
        loop.close()


def test_ten_thousand_calls_leave_nothing_in_memory() -> None:
    body = content("x" * 10_000)
    wrong = Call("POST", {**signed(body, NOW), "webhook-signature": "v1,AAAA"}, {}, body)
    for channel in channels():
        assert channel.receive
        for _ in range(100):
            channel.receive(wrong)
    tracemalloc.start()
    try:
        for channel in channels():
            assert channel.receive
            for _ in range(10_000 // len(NAMES)):
                channel.receive(wrong)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 500_000


def test_the_curl_lines_of_the_page_work(office: Office, tmp_path: Path) -> None:
    lines = re.search(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert lines
    map_ = replace(SETTINGS.map, author="/buyer/id|lower", when={"/event": ("message.created",)})
    program = incoming(
        replace(SETTINGS, name="marketplace", map=map_, secrets=(TOKEN,), send_url="https://t.example")
    )
    served = Office(office.store, channels=[program])
    with served.served() as pages:
        script = lines[1].replace("https://bantuan.dukungan.example", pages.url)
        env = {"PATH": "/usr/bin:/bin", "MAILBOT_CHANNEL_SECRET_MARKETPLACE": TOKEN}
        done = subprocess.run(
            ["sh", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stdout) == (0, "kept")
    (event,) = kept(served)
    assert (event.channel, event.external_id) == ("marketplace", "m-2")


async def test_no_call_reaches_the_inbox_by_itself(office: Office) -> None:
    async with office.visitor() as stranger:
        await stranger.client.post(
            "/channels/toko", content=content(), headers=signed(content(), NOW, secret=SECRET)
        )
    assert office.store.read_now(lambda c: list(c.execute(select(inbox)))) == []
