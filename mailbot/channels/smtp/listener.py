"""The SMTP and LMTP listener: sockets, start and graceful stop."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from mailbot import log
from mailbot.channels.smtp import port_trouble
from mailbot.channels.smtp.certificate import certificate_end
from mailbot.channels.smtp.commands import ESMTP, LMTP
from mailbot.channels.smtp.limits import COPIES, ConnectionLimits, MemoryBudget
from mailbot.channels.smtp.server import Keep, ServerState, Timeouts
from mailbot.channels.smtp.session import MailProtocol, Session
from mailbot.channels.smtp.shared_limits import SharedCounts
from mailbot.channels.stop_accepting import stop_accepting
from mailbot.config.model import Listen, Settings, SocketAddress
from mailbot.domain.policy import Policy
from mailbot.errors import ConfigError, Problem

BACKLOG = 1024
IDLE = 5.0  # seconds of silence after which a client is put out where another process takes over


class Listener:
    """Accepts mail over SMTP and LMTP, and answers 250 once `keep` has kept it.

    keep(envelope, raw) returns the id of the inbox row after its commit, or raises StoreFull (452) or another
    error (451; so does a wait of 60 s). It runs to its end even if the client goes away.
    `count_refusal` is called with each 4xx and 5xx code.
    `policy` is read for each recipient, so a reload needs no call.
    `free_space` returns the bytes left on the disk.
    `spool` is the directory for large mails while they come in; their files have no name there.
    `sockets` and `lmtp_sockets`, bound by systemd, replace those of `settings.listen`.
    `shared` makes the limits per address hold for several processes together.
    """

    name: Final = "listener"
    stop_stage: Final = "accept"

    def __init__(
        self,
        settings: Settings,
        policy: Callable[[], Policy],
        keep: Keep,
        free_space: Callable[[], int],
        sockets: Sequence[socket.socket] = (),
        lmtp_sockets: Sequence[socket.socket] = (),
        *,
        shared: SharedCounts | None = None,
        count_refusal: Callable[[int], None] = lambda code: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        spool: Path | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
    ) -> None:
        limits = settings.limits
        self.listen = listen = settings.listen
        smtp = None if listen.port is None else (listen.host, listen.port)
        self._endpoints = ((ESMTP, tuple(sockets), smtp), (LMTP, tuple(lmtp_sockets), listen.lmtp))
        self.certificate_end = certificate_end(listen.certificate)  # of the one in use
        self.retiring = False  # another process goes on accepting on our sockets
        self._servers: dict[MailProtocol, list[asyncio.Server]] = {ESMTP: [], LMTP: []}
        self._server = ServerState(
            hostname=settings.hostname,
            limits=limits,
            fronts=settings.trust.front_networks,
            proxies=settings.trust.proxy_networks,
            policy=policy,
            keep=keep,
            free_space=free_space,
            count_refusal=count_refusal,
            now=now,
            timeouts=timeouts,
            connection_limits=ConnectionLimits(limits, shared),
            memory=MemoryBudget(max(limits.in_flight // 2, COPIES * limits.size), timeouts.turn),
            spool=spool,
            tls=load_certificate(listen),
            require_tls=listen.require_tls,
        )

    @property
    def port(self) -> int:
        """Return the SMTP port in use, also when port 0 was asked for; 0 when there is none."""
        return self._port(ESMTP)

    @property
    def lmtp_port(self) -> int:
        """Return the LMTP port in use; 0 when there is none."""
        return self._port(LMTP)

    @property
    def addresses(self) -> list[str]:
        """List the addresses in use: "127.0.0.1:2525", "LMTP /run/mailbot/lmtp.sock"."""
        return [
            f"{'' if protocol is ESMTP else 'LMTP '}{_address_text(listening)}"
            for protocol, servers in self._servers.items()
            for server in servers
            for listening in server.sockets
        ]

    @property
    def sessions(self) -> int:
        """Return how many sessions are open."""
        return self._server.connection_limits.sessions

    @property
    def stress(self) -> bool:
        """Return whether so many clients are connected that patience is short."""
        return self._server.connection_limits.stress

    def _port(self, protocol: MailProtocol) -> int:
        sockets = (listening for server in self._servers[protocol] for listening in server.sockets)
        return next((int(listening.getsockname()[1]) for listening in sockets if is_tcp(listening)), 0)

    async def start(self) -> None:
        """Start to accept mail. Raises OSError when an address can't be bound."""
        for protocol, inherited, configured in self._endpoints:
            for listening in inherited or open_sockets(configured):
                self._servers[protocol].append(await self._serve(listening, protocol))

    def renew_certificate(self, listen: Listen) -> None:
        """Offer new sessions the certificate as its files are now. Whether there is TLS, a start decides.

        Raises ConfigError; then the certificate in use stays.
        """
        if self._server.tls and listen.certificate:
            self._server.tls = load_certificate(listen)
            self.certificate_end = certificate_end(listen.certificate)
            log.certificate_loaded(path=listen.certificate)

    async def _serve(self, listening: socket.socket, protocol: MailProtocol) -> asyncio.Server:
        if is_tcp(listening):  # inherited by sessions: 340 mails/s without it
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Session(self._server, protocol, loop), sock=listening, backlog=BACKLOG
        )

    async def stop(self, span: timedelta) -> None:
        """Stop accepting, let mails under way be finished and kept, then close.

        One that is `retiring` refuses nobody: whom it has accepted it serves until they leave or are silent.
        """
        end = asyncio.get_running_loop().time() + span.total_seconds()
        await stop_accepting([server for servers in self._servers.values() for server in servers])
        if self.retiring:
            await self._serve_the_last(end - IDLE)
        self._server.draining = True
        for session in (*self._server.sessions, *self._server.waiting):
            session.drain()
        try:
            async with asyncio.timeout_at(end):
                await self._server.wait_until_empty()
        except TimeoutError:
            for session in (*self._server.sessions, *self._server.waiting):
                session.abort()

    async def _serve_the_last(self, end: float) -> None:
        """Serve whom we have accepted until they leave or are silent, but not beyond `end` of the loop's clock."""
        while self._server.busy and asyncio.get_running_loop().time() < end:
            for session in tuple(self._server.sessions):
                if session.idle_seconds() > IDLE:
                    session.drain()
            await asyncio.sleep(0.1)


def open_missing(
    listen: Listen, given: Sequence[tuple[str, socket.socket]]
) -> list[tuple[str, socket.socket]]:
    """Open what `listen` asks for and `given` lacks, as ("smtp" or "lmtp", socket). Raises like `open_sockets`."""
    smtp = None if listen.port is None else (listen.host, listen.port)
    present = {name if name in ("lmtp", "monitor") else "smtp" for name, _ in given}
    wanted = (("smtp", smtp), ("lmtp", listen.lmtp))
    return [(name, each) for name, place in wanted if name not in present for each in open_sockets(place)]


def open_sockets(address: SocketAddress | None) -> Iterable[socket.socket]:
    """Open sockets for a host and port, or a path. Raises OSError, or ConfigError without the right to."""
    if address is None:
        return ()
    if isinstance(address, Path):
        return [bind_local(address)]
    try:
        return list(bind_tcp(*address))
    except OSError as error:
        raise port_trouble.explain(error, *address) from error


def bind_local(path: Path) -> socket.socket:
    """Bind a local socket that every user of this machine may use, like a port on loopback.

    Its directory restricts access. A socket that nothing listens on any more is replaced. Raises OSError.
    """
    if path.is_socket() and not _is_served(path):
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o666)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, error.strerror, str(path)) from error
    return listening


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:  # a full backlog or no permission: it may be in use
            return True
    return True


def bind_tcp(host: str, port: int) -> Iterable[socket.socket]:
    """Bind sockets for every address of `host` ("" is all of this machine), all on one port."""
    infos = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, _, _, address in dict.fromkeys(infos):
        # IPPROTO_TCP by name: asyncio sets TCP_NODELAY only on sockets with that protocol number
        listening = socket.socket(family, kind, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listening.bind((address[0], port, *address[2:]))
        except OSError:
            listening.close()
            raise
        port = port or listening.getsockname()[1]
        yield listening


def _address_text(listening: Any) -> str:
    name = listening.getsockname()
    if not is_tcp(listening):
        return name if isinstance(name, str) else repr(name)
    return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"


def is_tcp(listening: socket.socket) -> bool:
    return listening.family in (socket.AF_INET, socket.AF_INET6)


def load_certificate(listen: Listen) -> ssl.SSLContext | None:
    """Load what STARTTLS needs; None when no certificate is configured. Raises ConfigError."""
    if listen.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password OpenSSL would ask the terminal for that of an encrypted key, and wait.
        context.load_cert_chain(listen.certificate, listen.key, password="")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        message = f"this certificate can't be used: {error}"
        hint = f"it and the key {listen.key} must be one pair, PEM, without password, readable by our user"
        raise ConfigError([Problem(str(listen.certificate), 0, 0, message, hint)]) from error
    return context
