"""The way in: the sockets that mail comes through, from the first 220 to the last 421."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from mailbot.core.policy import Policy
from mailbot.errors import ConfigError, Problem
from mailbot.services.caps import Caps, Memory
from mailbot.services.door import Door, shared
from mailbot.services.lobby import Keep, Lobby, Patience
from mailbot.settings.model import Listen, Settings

BACKLOG = 1024


class Listener:
    """Takes mail in over SMTP and answers 250 once `keep` has kept it.

    keep(envelope, raw) returns the id of the inbox row after its commit, or raises StoreFull (452) or
    anything else (451, as 60 s without an answer). It runs to its end even if the client goes away. `wake` is
    called after each kept mail. `policy` is asked for each recipient, so a reload needs no word to us.
    `free_space` gives the bytes left on the store's disk. `refused` is told each 4xx and 5xx code. `sockets`,
    bound already (by systemd), are served in place of `settings.listen`.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Callable[[], Policy],
        keep: Keep,
        wake: Callable[[], None],
        free_space: Callable[[], int],
        sockets: Sequence[socket.socket] = (),
        *,
        refused: Callable[[int], None] = lambda code: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience = Patience(),  # noqa: B008 (frozen)
    ) -> None:
        limits = settings.limits
        self._listen = settings.listen
        self._sockets = tuple(sockets)
        self._servers: list[asyncio.Server] = []
        self._lobby = Lobby(
            hostname=settings.hostname,
            limits=limits,
            fronts=settings.trust.front_networks,
            policy=policy,
            keep=keep,
            wake=wake,
            free_space=free_space,
            refused=refused,
            now=now,
            patience=patience,
            caps=Caps(limits),
            memory=Memory(max(limits.in_flight, 2 * limits.size), patience.room),
            tls=certificate(settings.listen),
            require_tls=settings.listen.require_tls,
        )

    @property
    def port(self) -> int:
        """The port in use, also when port 0 was asked for; 0 when only local sockets are served."""
        ports = [each.getsockname()[1] for server in self._servers for each in server.sockets if is_tcp(each)]
        return int(ports[0]) if ports else 0

    async def start(self) -> None:
        """Begins to accept mail. Raises OSError when the address can't be had."""
        loop = asyncio.get_running_loop()
        common = shared(self._lobby, loop)
        for each in self._sockets or bound(self._listen.host, self._listen.port):
            if is_tcp(
                each
            ):  # sessions inherit it; a socket made with protocol 0 would be without (340 mails/s)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = await loop.create_server(lambda: Door(self._lobby, common), sock=each, backlog=BACKLOG)
            self._servers.append(server)

    async def drain(self, within: timedelta | float) -> None:
        """Accepts nothing more, lets mails under way be finished and kept, then closes (promise P9)."""
        seconds = within.total_seconds() if isinstance(within, timedelta) else within
        self._lobby.draining = True
        for server in self._servers:
            server.close()
        for session in tuple(self._lobby.sessions):
            session.dismiss()
        try:
            async with asyncio.timeout(seconds):
                await self._lobby.empty()
        except TimeoutError:
            for session in tuple(self._lobby.sessions):
                session.abort()


def bound(host: str, port: int) -> Iterable[socket.socket]:
    """Sockets for every address that `host` means ("" is all of this machine), all on one port."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, _, _, address in dict.fromkeys(found):
        # IPPROTO_TCP by name: asyncio sets TCP_NODELAY only on sockets that say they are TCP
        each = socket.socket(family, kind, socket.IPPROTO_TCP)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        each.bind((address[0], port, *address[2:]))
        port = port or each.getsockname()[1]
        yield each


def is_tcp(each: socket.socket) -> bool:
    return each.family in (socket.AF_INET, socket.AF_INET6)


def certificate(listen: Listen) -> ssl.SSLContext | None:
    """What STARTTLS needs, None when no certificate is configured. Raises ConfigError."""
    if listen.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(listen.certificate, listen.key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        message = f"this certificate can't be used: {error}"
        raise ConfigError([Problem(str(listen.certificate), 0, 0, message)]) from error
    return context
