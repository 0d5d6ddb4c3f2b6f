"""Send one message to one address of the web, and to no address that must not get it.

Theory of operation. The name is resolved here, every address found is checked, and the connection goes to one that
was checked: another answer of the DNS a moment later changes nothing (DNS rebinding). The certificate is still that
of the name. No redirect is followed, no proxy of the environment is used, and time and size of the answer are bounded.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import cast

import httpx

from mailbot.delivery.webhooks.addresses import is_inside, is_public, parse
from mailbot.domain.programs import retry_after

PATIENCE = timedelta(seconds=20)  # for all of it: name, connection, TLS, sending, answer
# Of the answer's body, which is thrown away: bytes, and seconds. What comes with its first line counts.
LONGEST_ANSWER = 64 * 1024
LONGEST_DRAIN = 2.0
IDLE = 15.0  # seconds that a connection is kept for the next message

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a message. `code`: of the HTTP answer, None without one. `error`: "" for a success.

    `retry_after`: how long the receiver asks us to wait.
    """

    code: int | None
    error: str = ""
    retry_after: timedelta | None = None


class Refused(Exception):
    """The address must not get messages. Raised before a connection is made."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises OSError, also for a name that there is not.

    A server of names may take half a minute. So it is asked on a thread that nobody waits for, not even the exit.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | OSError) -> None:
        if future.done():
            return
        if isinstance(found, OSError):
            future.set_exception(found)
        else:
            future.set_result(found)

    def ask() -> None:
        found: list[str] | OSError
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:
            found = error if isinstance(error, OSError) else OSError(str(error))
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    return await future


class WebhookClient:
    """Sends to one URL, over a connection that is kept. `close` it.

    `allow_networks`: private networks that its addresses may be in. `trusted`: whose certificates count.
    """

    def __init__(
        self,
        url: str,
        allow_networks: Sequence[str] = (),
        *,
        resolve: Resolve = resolve,
        trusted: ssl.SSLContext | None = None,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._url = httpx.URL(url)
        self._allowed = tuple(map(ip_network, allow_networks))
        self._resolve, self._patience = resolve, patience
        # The transport alone: a client would follow cookies, redirects and proxies of the environment.
        self._transport = httpx.AsyncHTTPTransport(
            verify=trusted or ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE),
        )

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send it once. Never raises for what the other side does."""
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await self._post(await self._checked_address(), headers, body)
        except TimeoutError:
            return Answer(None, f"no answer within {self._patience.total_seconds():.0f} s")
        except Refused as refusal:
            return Answer(None, str(refusal))
        except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer(None, _error_text(error))

    async def close(self) -> None:
        await self._transport.aclose()

    async def _checked_address(self) -> str:
        """Return an address of the host that a message may go to. Raises Refused, or OSError without one."""
        found = [parse(each) for each in await self._resolve(self._url.host, self._port)]
        for address in found:  # of all: one that is refused shows that somebody plays with the name
            is_allowed = is_inside(address, self._allowed)
            if self._url.scheme != "https" and not is_allowed:
                raise Refused(f"http:// would send in the clear to {address}: not in `allow_networks`")
            if not is_allowed and not is_public(address):
                raise Refused(f"{address} is no public address, and not in `allow_networks`")
        if not found:
            raise OSError("the name has no address")
        return str(found[0])

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    async def _post(self, address: str, headers: Mapping[str, str], body: bytes) -> Answer:
        seconds = self._patience.total_seconds()
        request = httpx.Request(
            "POST",
            self._url.copy_with(host=address),
            headers={
                "host": self._url.netloc.decode(),
                "content-type": "application/json",
                "user-agent": "mailbot",
                "accept-encoding": "identity",
                **headers,
            },
            content=body,
            extensions={
                "sni_hostname": self._url.host,  # its certificate is checked, and no other's
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds),
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            await self._drain(response)
        finally:
            await response.aclose()
        return _answer(response.status_code, response.headers.get("retry-after", ""))

    async def _drain(self, response: httpx.Response) -> None:
        """Read the answer to its end, so that the connection serves again. A long or slow one is cut off."""
        size = 0
        with suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(LONGEST_DRAIN):
                async for part in cast(httpx.AsyncByteStream, response.stream):
                    size += len(part)
                    if size > LONGEST_ANSWER:
                        return


def _answer(code: int, pause: str) -> Answer:
    if 200 <= code < 300:
        return Answer(code)
    if 300 <= code < 400:
        return Answer(code, f"HTTP {code}: redirects are not followed, name the new address in `url`")
    return Answer(code, f"HTTP {code}", retry_after.read(pause))


def _error_text(error: Exception) -> str:
    """Describe what went wrong on the way. httpx leaves some texts empty."""
    cut = isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError)
    return str(error)[:300] or ("the connection was cut" if cut else type(error).__name__)
