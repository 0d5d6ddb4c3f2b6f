"""WhatsApp's Cloud API as its documentation describes it: messages, media, templates, the 24-hour window, signed calls.

It answers over a real socket on loopback, and calls our web address for what people write and for statuses. It fails
on request.
"""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from mailbot.config.model import Whatsapp, WhatsappTemplate

NUMBER, TOKEN, APP_SECRET, VERIFY = (
    "105550001111",
    "EAAtoken-of-the-system-user",
    "the app's secret",
    "verify me",
)
WINDOW = timedelta(hours=24)
LIMIT = {"text": 4096}
CODES = {  # faults of sending: HTTP status, WhatsApp's code
    "rate": (429, 130429),
    "pair": (400, 131056),
    "token": (401, 190),
    "down": (503, 0),
    "internal": (500, 131000),
    "closed": (400, 131047),
    "no_whatsapp": (400, 131026),
}
Post = Callable[[dict[str, str], bytes], Awaitable[int]]


@dataclass
class FakeWhatsapp:
    """One number. `post` delivers a call to us, and returns the HTTP status that it got.

    - `sent`: messages that it took, as they came, with `id`. `faults`: of the next sends, see `CODES`; also "cut":
      taken, without a reply, and "garbage".
    - `statuses`: reported for each message. `early`: before its sender gets the reply.
    - `media`: by id. `media_url`: given instead of its own. `broken_media`: statuses of the next fetches.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    post: Post | None = None
    url: str = ""
    templates: frozenset[tuple[str, str]] = frozenset({("ticket_news", "id"), ("ticket_news", "en_US")})
    sent: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: deque[str] = field(default_factory=deque)
    statuses: tuple[str, ...] = ()
    early: bool = False
    media: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    media_url: str = ""
    broken_media: deque[int] = field(default_factory=deque)
    wrote_at: dict[str, datetime] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # (path, Authorization) of each request

    def __post_init__(self) -> None:
        self._count = itertools.count(1)
        self._tasks: set[asyncio.Task[Any]] = set()

    def settings(self, *, template: bool = True) -> Whatsapp:
        languages = {"id": "id", "en": "en_US"}
        found = WhatsappTemplate("ticket_news", languages) if template else None
        api = f"{self.url}/v21.0"
        return Whatsapp("support@dukungan.example", NUMBER, api, found, TOKEN, APP_SECRET, VERIFY)

    def texts(self, to: str = "") -> list[str]:
        """Return the texts that people got."""
        return [
            each["text"]["body"] for each in self.sent if each["type"] == "text" and to in ("", each["to"])
        ]

    # --- what people do ---

    def message(self, text: str = "", by: str = "6281234567890", **more: Any) -> dict[str, Any]:
        """Return a message as a call has it. Other kinds give `type` and their object."""
        self.wrote_at[by] = self.now()
        own = {
            "from": by,
            "id": f"wamid.in{next(self._count)}",
            "timestamp": str(int(self.now().timestamp())),
        }
        return {**own, "type": "text", **({"text": {"body": text}} if text else {}), **more}

    def body(
        self,
        *messages: dict[str, Any],
        statuses: tuple[dict[str, Any], ...] = (),
        number: str = NUMBER,
        name: str = "Siti Aminah",
    ) -> bytes:
        """Return the body of a call with these messages and statuses."""
        people = sorted({each["from"] for each in messages})
        value: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "62 21 5550 1111", "phone_number_id": number},
            "contacts": [{"profile": {"name": name}, "wa_id": each} for each in people],
            "messages": list(messages),
            "statuses": list(statuses),
        }
        changes = [{"field": "messages", "value": {name: found for name, found in value.items() if found}}]
        return json.dumps(
            {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
        ).encode()

    def status(self, id_: str, status: str, code: int = 0) -> dict[str, Any]:
        """Return a status as a call has it."""
        moment = str(int(self.now().timestamp()))
        found: dict[str, Any] = {
            "id": id_,
            "status": status,
            "timestamp": moment,
            "recipient_id": "6281234567890",
        }
        if code:
            found["errors"] = [{"code": code, "title": "Message failed", "message": "Message failed to send"}]
        return found

    async def call(self, body: bytes) -> int:
        """Sign a body and deliver it."""
        assert self.post
        return await self.post(signed(body), body)

    async def write(self, text: str = "", by: str = "6281234567890", **more: Any) -> int:
        return await self.call(self.body(self.message(text, by, **more)))

    async def report(self, id_: str, status: str, code: int = 0) -> int:
        return await self.call(self.body(statuses=(self.status(id_, status, code),)))

    def add_media(self, content: bytes, mime: str, **more: Any) -> dict[str, Any]:
        """Keep a file, and return what a message says of it."""
        name = f"9{next(self._count):06}"
        self.media[name] = (content, mime)
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return {"id": name, "mime_type": mime, "sha256": digest, **more}

    # --- the API ---

    async def messages(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        content = await request.json()
        fault = self.faults.popleft() if self.faults else ""
        if fault in CODES:
            return failed(*CODES[fault])
        if problem := self._problem(content):
            return problem
        name = f"wamid.out{next(self._count)}"
        self.sent.append({**content, "id": name})
        if self.early:
            await self._report_all(name)
        elif self.statuses:
            task = asyncio.create_task(self._report_all(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if fault == "cut":
            return StreamingResponse(cut(), headers={"Content-Length": "100"})
        if fault == "garbage":
            return Response("<html>", 200)
        people = [{"input": content["to"], "wa_id": content["to"]}]
        return JSONResponse({"messaging_product": "whatsapp", "contacts": people, "messages": [{"id": name}]})

    async def _report_all(self, name: str) -> None:
        for each in self.statuses:
            await self.report(name, each)

    def _problem(self, content: dict[str, Any]) -> Response | None:
        kind, to = content["type"], content["to"]
        if content.get("messaging_product") != "whatsapp" or not to.isdigit():
            return failed(400, 100)
        if kind == "template":
            template = content["template"]
            if (template["name"], template["language"]["code"]) not in self.templates:
                return failed(404, 132001)
            return None if len(template["components"][0]["parameters"]) == 1 else failed(400, 132000)
        if self.now() - self.wrote_at.get(to, datetime.min.replace(tzinfo=UTC)) > WINDOW:
            return failed(400, 131047)
        if kind == "text":
            return None if 0 < len(content["text"]["body"]) <= LIMIT["text"] else failed(400, 100)
        return None if content[kind]["id"] in self.uploads else failed(400, 131053)

    async def upload(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        form = await request.form()
        file: Any = form["file"]
        name = f"8{next(self._count):06}"
        self.uploads[name] = {"name": file.filename, "type": form["type"], "content": await file.read()}
        await form.close()
        return JSONResponse({"id": name})

    async def one(self, request: Request) -> Response:
        """Answer for an id: of our number, or of a file."""
        if refusal := self._refusal(request):
            return refusal
        name = request.path_params["name"]
        if name == NUMBER:
            about = {"verified_name": "TokoDompet", "display_phone_number": "+62 21-5550-1111"}
            return JSONResponse({**about, "id": NUMBER})
        if self.broken_media:
            return failed(self.broken_media.popleft(), 131000)
        if name not in self.media:
            return failed(400, 100)
        content, mime = self.media[name]
        about = {"url": self.media_url or f"{self.url}/files/{name}", "mime_type": mime}
        return JSONResponse({**about, "file_size": len(content), "id": name, "messaging_product": "whatsapp"})

    async def file(self, request: Request) -> Response:
        refusal = self._refusal(request)
        return refusal or Response(self.media[request.path_params["name"]][0])

    def _refusal(self, request: Request) -> Response | None:
        given = request.headers.get("Authorization", "")
        self.asked.append((request.url.path, given))
        return None if given == f"Bearer {TOKEN}" else failed(401, 190)

    @asynccontextmanager
    async def served(self) -> AsyncIterator["FakeWhatsapp"]:
        """Answer on a free port."""
        routes = [
            Route(f"/v21.0/{NUMBER}/messages", self.messages, methods=["POST"]),
            Route(f"/v21.0/{NUMBER}/media", self.upload, methods=["POST"]),
            Route("/v21.0/{name}", self.one),
            Route("/files/{name}", self.file),
        ]
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = _Server(uvicorn.Config(Starlette(routes=routes), lifespan="off", log_config=None))
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield self
        finally:
            server.should_exit = True
            await task
            await asyncio.gather(*self._tasks, return_exceptions=True)


def signed(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    """Return the headers of a call with this body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}


def failed(status: int, code: int) -> Response:
    if not code:
        return Response("<h1>Service unavailable</h1>", status)
    error = {
        "message": f"(#{code}) Message failed",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "A",
    }
    return JSONResponse({"error": error}, status)


async def cut() -> AsyncIterator[bytes]:
    yield b"{"
    raise ConnectionError("the fake hangs up")


def post_to(url: str) -> Post:
    """Return what delivers calls to a web address; 0 where nobody answers."""

    async def post(headers: dict[str, str], body: bytes) -> int:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            try:
                return (await client.post(url, content=body, headers=headers)).status_code
            except httpx.HTTPError:
                return 0

    return post


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to the tests."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
