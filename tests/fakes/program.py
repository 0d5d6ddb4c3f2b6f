"""A program that sends us what its people wrote, and takes our answers: a marketplace with a web server of its own."""

import asyncio
import hmac
import json
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256
from typing import Any

from mailbot.channels.seam import Call
from mailbot.config.model import Incoming
from mailbot.domain.programs.call import CallMap, FilesMap
from tests.builders import BOX

SECRET, ANSWERS = "whsec_" + b64encode(b"k" * 32).decode(), "whsec_" + b64encode(b"a" * 32).decode()
MAP = CallMap(
    "/buyer/id",
    "/message/text",
    "/message/id",
    name="/buyer/name",
    subject="{/message/about}",
    answers="/message/answers",
    files=FilesMap("/message/files", "/content", "/name", "/type"),
    when={"/event": ("message",)},
)
SETTINGS = Incoming("toko", BOX.address, "standard", "", MAP, secrets=(SECRET,), send_secrets=(ANSWERS,))

# What mailbot.yaml says of it; `format` takes the port of the pages and the address for answers.
YAML = """
console: 127.0.0.1:{port}
public_url: https://bantuan.dukungan.example
channels:
  incoming:
    - name: toko
      map: {{author: /buyer/id, name: /buyer/name, text: /message/text, external_id: /message/id}}
      send: {{url: "{url}"}}
      sample: |
        {{"buyer": {{"id": "budi-1"}}, "message": {{"id": "m1", "text": "Halo"}}}}
"""


def content(
    text: str = "Paket saya belum sampai", id: str = "m1", by: str = "budi-1", **message: Any
) -> bytes:
    """Return the JSON of a message."""
    found = {"id": id, "text": text, **message}
    return json.dumps({"event": "message", "buyer": {"id": by, "name": "Budi"}, "message": found}).encode()


def signed(body: bytes, at: datetime, *, secret: str = SECRET, id: str = "msg_1") -> dict[str, str]:
    """Return the headers that sign a call as the Standard Webhooks say, made apart from the code that checks them."""
    moment = str(int(at.timestamp()))
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{moment}.".encode() + body, sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


def call(body: bytes, headers: dict[str, str], method: str = "POST") -> Call:
    """Return a call as the console hands it to a channel."""
    return Call(method, headers, {}, body)


class Program:
    """Its web server. `taken`: headers and JSON of what it got; `status`: what it answers, 0 hangs up."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.status, self.reply, self.headers = 200, b"{}", ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Program":
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/answers"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = (line.partition(": ") for line in head.splitlines()[1:] if line)
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        self.taken.append((headers, json.loads(body)))
        self._check(headers, body)
        if self.status:
            fields = f"{self.headers}Content-Length: {len(self.reply)}\r\nConnection: close\r\n"
            writer.write(f"HTTP/1.1 {self.status} X\r\n{fields}\r\n".encode() + self.reply)
            await writer.drain()
        writer.close()

    def _check(self, headers: dict[str, str], body: bytes) -> None:
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]))  # noqa: DTZ006 - only its seconds count
        wanted = signed(body, at, secret=ANSWERS, id=headers["webhook-id"])
        assert headers["webhook-signature"] == wanted["webhook-signature"]
