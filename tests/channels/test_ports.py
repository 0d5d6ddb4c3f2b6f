"""A port that can't be opened, and sockets of systemd when a start is refused."""

import asyncio
import errno
import os
import socket
import threading
import time

import pytest

from mailbot.channels.smtp import not_ready
from mailbot.channels.smtp.listener import open_sockets
from mailbot.channels.smtp.port_trouble import explain
from mailbot.errors import ConfigError


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", ""])
def test_a_port_in_use_names_the_program_that_has_it(host: str) -> None:
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    with socket.create_server((host or "127.0.0.1", 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"port {port} on .* is in use by .*\(pid {os.getpid()}\)"):
            open_sockets((host, port))


def test_a_port_in_use_by_another_users_program_names_the_way_to_find_it() -> None:
    text = str(explain(OSError(errno.EADDRINUSE, "in use"), "0.0.0.0", 1))  # nothing listens on port 1
    assert "port 1 on 0.0.0.0 is in use; `ss -ltnp 'sport = :1'` as root" in text


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_port_that_needs_a_right_is_a_config_error_with_the_cures(number: int) -> None:
    refusal = explain(OSError(number, "no"), "0.0.0.0", 25)
    assert isinstance(refusal, ConfigError)  # exit 78: systemd need not try again
    for words in (
        "port 25 on 0.0.0.0",
        "mailbot.socket",
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        "redirect",
    ):
        assert words in str(refusal)


def test_an_address_of_another_machine_and_an_unknown_name_are_named() -> None:
    with pytest.raises(OSError, match=r"192\.0\.2\.7 is no address of this machine"):
        open_sockets(("192.0.2.7", 2525))
    with pytest.raises(OSError, match=r"can't open port 2525 on no-such-host\.invalid: "):
        open_sockets(("no-such-host.invalid", 2525))


def greeting(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"EHLO klien.example\r\n")  # a client that speaks too early, or a proxy
        return client.recv(999)


def test_clients_of_a_refused_start_get_421_those_that_waited_and_those_that_come() -> None:
    with socket.create_server(("127.0.0.1", 0)) as smtp, socket.create_server(("127.0.0.1", 0)) as lmtp:
        ports = [each.getsockname()[1] for each in (smtp, lmtp)]
        waiting = [socket.create_connection(("127.0.0.1", port)) for port in ports * 5]
        replies: list[bytes] = []
        late = threading.Timer(0.2, lambda: replies.append(greeting(ports[0])))
        late.start()
        assert not_ready.answer([smtp, lmtp], 0.6) == 11
        late.join()
        replies += [client.recv(999) for client in waiting]
        assert set(replies) == {not_ready.REPLY}
        assert all(client.recv(1) == b"" for client in waiting)
        for client in waiting:
            client.close()


def test_a_burst_at_a_refused_start_is_answered_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(not_ready, "MOST_OPEN", 10)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as smtp:

        async def burst() -> list[bytes]:
            port = smtp.getsockname()[1]
            return await asyncio.gather(*(asyncio.to_thread(greeting, port) for _ in range(100)))

        answering = threading.Thread(target=not_ready.answer, args=([smtp], 1.5))
        answering.start()
        assert set(asyncio.run(burst())) == {not_ready.REPLY}
        answering.join()


def test_without_sockets_nobody_is_waited_for() -> None:
    started = time.monotonic()
    assert not_ready.answer([], 5) == 0
    assert time.monotonic() - started < 1
