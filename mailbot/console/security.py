"""What holds for every answer: headers that forbid scripts and frames, and the largest request that is read."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailbot.console.problems import MEDIA_TYPE, Problem

# No inline script or style, nothing from elsewhere, no frame around us.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "font-src 'none'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PROGRAMS = "/api/"  # below it programs ask, which read JSON
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

# The language of who reads it is not known here.
TOO_LARGE = (
    b"Terlalu besar: tidak ada yang terkirim. Kembali, lalu kirim berkas yang lebih kecil.\n"
    b"Too large: nothing was sent. Go back and send smaller files.\n"
)


# Frames of a page, by CSP level 2 section 7.7: a browser that reads `frame-ancestors` ignores X-Frame-Options.
NO_FRAMES = "frame-ancestors 'none'"

FramingOrigins = Callable[[Scope], tuple[str, ...]]


class SecurityHeaders:
    """Adds the headers above, where an answer has none of its own.

    `origins`: whose pages may show the answer to a request in a frame. It holds for its errors too: else the frame
    would stay empty.
    """

    def __init__(self, app: ASGIApp, origins: FramingOrigins = lambda _: ()) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _headers(self._origins(scope)).items():
                    headers.setdefault(name, value)
            await send(message)

        return await self._app(scope, receive, send_with_headers)


def _headers(origins: tuple[str, ...]) -> dict[str, str]:
    if not origins:
        return HEADERS
    framed = {name: value for name, value in HEADERS.items() if name != "X-Frame-Options"}
    policy = POLICY.replace(NO_FRAMES, f"frame-ancestors {' '.join(origins)}")
    return {**framed, "Content-Security-Policy": policy, "Cross-Origin-Resource-Policy": "cross-origin"}


class BodyLimit:
    """Answers 413 to a request that is larger than allowed, announced or not, before it is kept anywhere."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._most:
            return await _refuse(scope, send)
        taken, answered = 0, False

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise TooLarge
            return message

        async def send_noting(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            return await self._app(scope, receive_limited, send_noting)
        except TooLarge:
            if answered:
                raise
            return await _refuse(scope, send)


class TooLarge(Exception):
    """A request has more bytes than allowed."""


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["path"].startswith(PROGRAMS):
        media_type, body = MEDIA_TYPE, bytes(Problem("too-large").response().body)
    else:
        media_type, body = "text/plain; charset=utf-8", TOO_LARGE
    headers = [(b"content-type", media_type.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
