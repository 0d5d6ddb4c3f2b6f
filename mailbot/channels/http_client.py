"""Ask a provider over HTTP: bounded answers, no proxy of the environment, and no secret in an error or a log line.

Theory of operation. A request that did not reach the provider (`NotSent`) may be repeated freely. One that got no
reply (`NoReply`) may have been carried out. Errors name the trouble and never the address: it can hold a token.
A whole address may come from the provider, and the token goes along: so only the provider's own hosts are asked.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from mailbot import __version__

LARGEST_REPLY = 2_000_000  # bytes of a reply that is no file
CONNECT_SECONDS, SECONDS = 10.0, 30.0
CONNECTIONS = 16
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class NotSent(OSError):
    """The provider could not be reached: it knows nothing of this request."""


class NotTheirs(NotSent):
    """The address is of somebody else, who must not get the provider's token."""


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
    """Asks one provider. Connections are made at the first request and kept.

    `headers`: of each request. `other_hosts`: where its files may lie, beside the API itself.
    """

    def __init__(
        self, api: str, headers: Mapping[str, str] | None = None, other_hosts: re.Pattern[str] | None = None
    ) -> None:
        self._api, self._other_hosts = api.rstrip("/"), other_hosts
        self._headers = {"User-Agent": f"mailbot/{__version__}", **(headers or {})}
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
        url = path if "://" in path.partition("?")[0] else f"{self._api}/{path}"
        if not self._is_theirs(url):
            raise NotTheirs("the address is not the provider's")
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

    def _is_theirs(self, url: str) -> bool:
        """Check for an address of the API's own scheme, host and port, or one of its other hosts by HTTPS."""
        try:
            place, own = urlsplit(url), urlsplit(self._api)
        except ValueError:
            return False
        if (place.scheme, place.netloc) == (own.scheme, own.netloc):
            return True
        is_other = self._other_hosts is not None and self._other_hosts.fullmatch(place.netloc) is not None
        return place.scheme == "https" and is_other

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
