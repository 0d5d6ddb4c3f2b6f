"""Ask a provider over HTTP: bounded answers, no proxy of the environment, and no secret in an error or a log line.

Theory of operation. A request that did not reach the provider (`NotSent`) may be repeated freely. One that got no
reply (`NoReply`) may have been carried out. Errors name the trouble and never the address: it can hold a token.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from mailbot import __version__

LARGEST_REPLY = 2_000_000  # bytes of a reply that is no file
CONNECT_SECONDS, SECONDS = 10.0, 30.0
CONNECTIONS = 16
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class NotSent(OSError):
    """The provider could not be reached: it knows nothing of this request."""


class NoReply(OSError):
    """The request left and got no whole reply: the provider may have carried it out."""


class TooLarge(Exception):
    """A reply or a file has more bytes than we take."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of the provider. `headers` by name in small letters."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def json(self) -> Any:
        """Return its body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class HttpClient:
    """Asks one provider. Connections are made at the first request and kept. `headers`: of each request."""

    def __init__(self, api: str, headers: Mapping[str, str] | None = None) -> None:
        self._api, self._headers = (
            api.rstrip("/"),
            {"User-Agent": f"mailbot/{__version__}", **(headers or {})},
        )
        self._opened: httpx.AsyncClient | None = None
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses

    async def ask(
        self,
        method: str,
        path: str,
        *,
        seconds: float = SECONDS,
        largest: int = LARGEST_REPLY,
        **content: Any,
    ) -> Answer:
        """Ask for a path below the API, or for a whole address. `content`: `json`, `data`, `files` or `params`.

        `seconds`: until each part of the reply. Raises NotSent, NoReply and TooLarge. Follows no redirect.
        """
        url = path if path.startswith(("https://", "http://")) else f"{self._api}/{path}"
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        try:
            async with self._client.stream(method, url, timeout=timeout, **content) as reply:
                body = await _body(reply, largest)
                return Answer(reply.status_code, body, {k.lower(): v for k, v in reply.headers.items()})
        except _NOT_SENT as error:
            raise NotSent(f"it can't be reached ({type(error).__name__})") from None
        except httpx.InvalidURL:
            raise NotSent("that is no address") from None
        except httpx.HTTPError as error:
            raise NoReply(f"it gave no reply ({type(error).__name__})") from None

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            limits = httpx.Limits(max_connections=CONNECTIONS)
            self._opened = httpx.AsyncClient(
                headers=self._headers, limits=limits, trust_env=False, follow_redirects=False
            )
        return self._opened

    async def close(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None


async def _body(reply: httpx.Response, largest: int) -> bytes:
    body = bytearray()
    async for part in reply.aiter_bytes():
        body += part
        if len(body) > largest:
            raise TooLarge(f"more than {largest} bytes")
    return bytes(body)
