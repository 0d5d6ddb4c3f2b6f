"""What systemd gets from us and hands to us, over real sockets and descriptors."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.systemd import Supervisor, Watchdog, from_environment, inherited_sockets

START = """
import fcntl, os, sys
for index, fd in enumerate([fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[2:]]):
    os.dup2(fd, 3 + index)
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
ADOPT = """
import os, socket
from mailbot.systemd import inherited_sockets
for name, found in inherited_sockets(os.environ, os.getpid()):
    print(name, found.getsockname()[1], found.proto == socket.IPPROTO_TCP, found.get_inheritable())
"""


@pytest.fixture(params=["file", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """The address as NOTIFY_SOCKET spells it, and the socket that receives what is sent there."""
    name = f"\0mailbot-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as received:
        received.bind(name)
        received.settimeout(5)
        yield name.replace("\0", "@"), received


def test_each_state_is_one_datagram(listening: tuple[str, socket.socket]) -> None:
    address, received = listening
    supervisor = Supervisor(address)
    supervisor.ready("policy 3f2a,\nlistening")
    assert received.recv(999) == b"READY=1\nSTATUS=policy 3f2a, listening"
    supervisor.reloading()
    first, second = received.recv(999).decode().split("\n")
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdigit()
    supervisor.ready()
    assert received.recv(999) == b"READY=1"
    supervisor.stopping("draining")
    assert received.recv(999) == b"STOPPING=1\nSTATUS=draining"
    supervisor.status("held")
    assert received.recv(999) == b"STATUS=held"
    supervisor.alive()
    assert received.recv(999) == b"WATCHDOG=1"


def test_without_a_supervisor_nothing_is_sent() -> None:
    supervisor = from_environment({}, pid=1)
    assert supervisor == Supervisor("", None)
    supervisor.ready()


def test_a_supervisor_that_is_gone_is_logged_and_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Supervisor(str(tmp_path / "nobody")).ready()
    assert [record.message for record in caplog.records] == ["supervisor_unreachable"]


@pytest.mark.parametrize(
    ("env", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, timedelta(minutes=1)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "41"}, timedelta(minutes=1)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "42"}, None),  # meant for our parent
    ],
)
def test_the_watchdog_is_ours_only_when_it_names_us(env: dict[str, str], watchdog: timedelta | None) -> None:
    assert from_environment(env, pid=41).watchdog == watchdog


async def test_the_watchdog_is_fed_only_while_every_loop_turns(listening: tuple[str, socket.socket]) -> None:
    address, received = listening
    received.settimeout(0)
    names: list[str] = []
    worker = Watchdog(Supervisor(address), timedelta(seconds=20), lambda: names)
    assert await worker.run_once() == timedelta(seconds=20)
    assert received.recv(999) == b"WATCHDOG=1"

    names.append("delivery")
    await worker.run_once()
    assert received.recv(999) == b"STATUS=stuck: delivery"
    with pytest.raises(BlockingIOError):
        received.recv(999)

    names.clear()
    await worker.run_once()
    assert received.recv(999) == b"WATCHDOG=1"


def adopt(env: dict[str, str], *given: socket.socket) -> str:
    """Return the output of a child started as systemd starts one: sockets from descriptor 3 on."""
    numbers = [each.fileno() for each in given]
    done = subprocess.run(
        [sys.executable, "-c", START, ADOPT, *map(str, numbers)],
        env={"PYTHONPATH": str(Path(__file__).parent.parent), **env},
        pass_fds=numbers,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@pytest.fixture
def ports() -> Iterator[list[socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        yield [one, two]


def test_sockets_are_inherited_with_their_names(ports: list[socket.socket]) -> None:
    first, second = (each.getsockname()[1] for each in ports)
    both = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "smtp:other"}
    assert adopt(both, *ports) == f"smtp {first} True False\nother {second} True False\n"
    assert adopt({"LISTEN_FDS": "2"}, *ports) == f" {first} True False\n {second} True False\n"


def test_sockets_meant_for_another_process_are_left_alone(ports: list[socket.socket]) -> None:
    assert adopt({"LISTEN_FDS": "2", "LISTEN_PID": "1"}, *ports) == ""


def test_without_systemd_no_socket_is_taken() -> None:
    assert inherited_sockets({}, pid=os.getpid()) == []
