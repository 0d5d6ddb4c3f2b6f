"""A command that left work in the store wakes the daemons of this host, and harms nobody else."""

import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mailbot.operations import daemons
from mailbot.store.service import nodes
from mailbot.store.store import Store


@pytest.fixture
def woken() -> Iterator[list[int]]:
    seen: list[int] = []
    old = signal.signal(daemons.WAKE, lambda number, frame: seen.append(number))
    yield seen
    signal.signal(daemons.WAKE, old)


def node(store: Store, name: str, host: str, pid: int) -> None:
    store.write_now(nodes.register, nodes.Node(name, host, pid, "delivery", datetime.now(UTC), "v1"))


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_daemon_of_this_host_is_woken_and_one_elsewhere_is_not(store: Store, woken: list[int]) -> None:
    node(store, "elsewhere", f"not-{socket.gethostname()}", os.getpid())
    daemons.wake(store)
    assert woken == []

    node(store, "here", socket.gethostname(), os.getpid())
    daemons.wake(store)
    assert woken == [daemons.WAKE]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_daemon_that_has_ended_is_no_trouble(store: Store) -> None:
    ended = os.fork()
    if ended == 0:
        os._exit(0)
    os.waitpid(ended, 0)
    node(store, "here", socket.gethostname(), ended)

    daemons.wake(store)


def test_a_process_that_does_not_know_the_signal_comes_to_no_harm() -> None:
    assert signal.getsignal(daemons.WAKE) is signal.SIG_DFL
    os.kill(os.getpid(), daemons.WAKE)
