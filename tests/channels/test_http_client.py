"""The client by which channels ask their providers, over real sockets."""

import asyncio
import logging

import pytest

from mailbot.channels.http_client import Answer, HttpClient, NoReply, NotSent, TooLarge
from tests.scenarios.harness import free_port

SECRET = "bot4711:AAsecret"


async def ask(reply: bytes, **options: int) -> Answer:
    """Ask a server that answers these bytes and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    client = HttpClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        return await client.ask("GET", f"{SECRET}/getMe", **options)
    finally:
        await client.close()
        server.close()


async def test_a_reply_is_read_and_its_address_is_nowhere_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    answer = await ask(b'HTTP/1.1 200 OK\r\nX-Kind: a\r\nContent-Length: 11\r\n\r\n{"ok":true}')

    assert (answer.status, answer.json, answer.headers["x-kind"]) == (200, {"ok": True}, "a")
    assert SECRET not in caplog.text


async def test_a_hang_up_leaves_open_whether_it_was_done() -> None:
    with pytest.raises(NoReply) as raised:
        await ask(b"")
    assert SECRET not in f"{raised.value!r} {raised.value.__cause__!r}"


async def test_a_closed_port_was_not_asked() -> None:
    client = HttpClient(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotSent):
        await client.ask("GET", SECRET)
    await client.close()


async def test_a_large_reply_is_cut_off() -> None:
    with pytest.raises(TooLarge):
        await ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"a" * 5000, largest=4999)


async def test_a_redirect_is_not_followed() -> None:
    answer = await ask(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    assert answer.status == 302


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    answer = await ask(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    assert answer.status == 200


async def test_garbage_is_no_json() -> None:
    answer = await ask(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{]x")

    assert answer.json is None
