"""The way in: the sockets that mail comes through, from the first 220 to the last 421."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from mailbot.channels.smtp.limits import Caps, Memory
from mailbot.channels.smtp.server import Keep, Lobby, Patience
from mailbot.channels.smtp.session import ESMTP, LMTP, Door, Tongue, shared
from mailbot.config.model import Listen, Settings, SocketAddress
from mailbot.domain.policy import Policy
from mailbot.errors import ConfigError, Problem

BACKLOG = 1024


class Listener:
    """Takes mail in over SMTP and LMTP and answers 250 once `keep` has kept it.

    keep(envelope, raw) returns the id of the inbox row after its commit, or raises StoreFull (452) or
    anything else (451, as 60 s without an answer). It runs to its end even if the client goes away. `wake` is
    called after each kept mail. `policy` is asked for each recipient, so a reload needs no word to us.
    `free_space` gives the bytes left on the store's disk. `refused` is told each 4xx and 5xx code. `sockets`
    and `lmtp_sockets`, bound already (by systemd), are served in place of what `settings.listen` says of SMTP
    and of LMTP.
    """

    name: Final = "listener"
    stop_stage: Final = "accept"

    def __init__(
        self,
        settings: Settings,
        policy: Callable[[], Policy],
        keep: Keep,
        wake: Callable[[], None],
        free_space: Callable[[], int],
        sockets: Sequence[socket.socket] = (),
        lmtp_sockets: Sequence[socket.socket] = (),
        *,
        refused: Callable[[int], None] = lambda code: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience = Patience(),  # noqa: B008 (frozen)
    ) -> None:
        limits = settings.limits
        listen = settings.listen
        smtp = None if listen.port is None else (listen.host, listen.port)
        self._ways = ((ESMTP, tuple(sockets), smtp), (LMTP, tuple(lmtp_sockets), listen.lmtp))
        self._servers: dict[Tongue, list[asyncio.Server]] = {ESMTP: [], LMTP: []}
        self._lobby = Lobby(
            hostname=settings.hostname,
            limits=limits,
            fronts=settings.trust.front_networks,
            proxies=settings.trust.proxy_networks,
            policy=policy,
            keep=keep,
            wake=wake,
            free_space=free_space,
            refused=refused,
            now=now,
            patience=patience,
            caps=Caps(limits),
            memory=Memory(max(limits.in_flight, 2 * limits.size), patience.room),
            tls=certificate(listen),
            require_tls=listen.require_tls,
        )

    @property
    def port(self) -> int:
        """SMTP's port in use, also when port 0 was asked for; 0 when there is none."""
        return self._port(ESMTP)

    @property
    def lmtp_port(self) -> int:
        """The same for LMTP."""
        return self._port(LMTP)

    @property
    def ways(self) -> list[str]:
        """Where mail comes in, for people: "127.0.0.1:2525", "LMTP /run/mailbot/lmtp.sock"."""
        served = [
            (tongue, each)
            for tongue, servers in self._servers.items()
            for server in servers
            for each in server.sockets
        ]
        return [f"{'' if tongue is ESMTP else 'LMTP '}{_where(each)}" for tongue, each in served]

    def _port(self, tongue: Tongue) -> int:
        sockets = [each for server in self._servers[tongue] for each in server.sockets]
        return next((int(each.getsockname()[1]) for each in sockets if is_tcp(each)), 0)

    async def start(self) -> None:
        """Begins to accept mail. Raises OSError when an address can't be had."""
        common = shared(self._lobby, asyncio.get_running_loop())
        for tongue, given, wanted in self._ways:
            for each in given or opened(wanted):
                self._servers[tongue].append(await self._serve(each, tongue, common))

    async def _serve(self, each: socket.socket, tongue: Tongue, common: Mapping[str, Any]) -> asyncio.Server:
        if is_tcp(each):  # sessions inherit it; a socket made with protocol 0 would be without (340 mails/s)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Door(self._lobby, common, tongue), sock=each, backlog=BACKLOG)

    async def stop(self, span: timedelta) -> None:
        """Accepts nothing more, lets mails under way be finished and kept, then closes (promise P9)."""
        self._lobby.draining = True
        for server in (server for servers in self._servers.values() for server in servers):
            server.close()
        for session in tuple(self._lobby.sessions):
            session.dismiss()
        try:
            async with asyncio.timeout(span.total_seconds()):
                await self._lobby.empty()
        except TimeoutError:
            for session in tuple(self._lobby.sessions):
                session.abort()


def opened(way: SocketAddress | None) -> Iterable[socket.socket]:
    """Sockets for a host and port, for a path, or none. Raises OSError."""
    if way is None:
        return ()
    return [bound_locally(way)] if isinstance(way, Path) else bound(*way)


def bound_locally(path: Path) -> socket.socket:
    """A local socket that everybody on this machine may use, as a port on loopback: who shall not, may not
    enter its directory. One that a daemon left behind makes room. Raises OSError."""
    if path.is_socket() and not _is_served(path):
        path.unlink()
    each = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        each.bind(str(path))
        path.chmod(0o666)
    except OSError as error:
        each.close()
        raise OSError(error.errno, error.strerror, str(path)) from error
    return each


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:  # a full backlog, no permission: somebody is there, as far as we can tell
            return True
    return True


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


def _where(each: Any) -> str:
    name = each.getsockname()
    if not is_tcp(each):
        return name if isinstance(name, str) else repr(name)
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


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
