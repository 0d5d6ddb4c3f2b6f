"""Limits per address that several processes share."""

from datetime import UTC, datetime, timedelta

import pytest

from mailbot.channels.smtp.limits import ConnectionLimits
from mailbot.channels.smtp.shared_limits import SharedCounts, SharedLimits
from mailbot.config.model import Limits

NOW = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
LIMITS = Limits(sessions_per_address=3, mails_per_minute_per_address=4)


class Desk:
    """The limits of several processes of one supervisor."""

    def __init__(self, processes: int) -> None:
        self.memory = SharedLimits(processes)
        self.rows = [self.memory.take_row() for _ in range(processes)]
        self.each = [ConnectionLimits(LIMITS, self._view(row)) for row in self.rows]

    def _view(self, row: int) -> SharedCounts:
        return SharedCounts(self.memory.file, row, self.memory.rows, self.memory.key)

    def replace(self, index: int) -> None:
        """Let one process die and another take its place."""
        self.memory.give_back(self.rows[index])
        self.rows[index] = self.memory.take_row()
        self.each[index] = ConnectionLimits(LIMITS, self._view(self.rows[index]))


@pytest.fixture
def desk() -> Desk:
    return Desk(2)


def test_the_clients_of_an_address_count_in_all_processes_together(desk: Desk) -> None:
    one, other = desk.each
    assert one.reserve("192.0.2.1", exempt=False)
    assert other.reserve("192.0.2.1", exempt=False)
    assert other.reserve("192.0.2.1", exempt=False)
    assert not one.reserve("192.0.2.1", exempt=False)
    assert one.reserve("192.0.2.2", exempt=False)
    assert one.reserve("192.0.2.1", exempt=True)  # our own MTA
    one.release("192.0.2.1")
    other.release("192.0.2.1")
    assert one.reserve("192.0.2.1", exempt=False)


def test_the_clients_of_a_process_that_died_are_forgotten(desk: Desk) -> None:
    for _ in range(3):
        assert desk.each[0].reserve("192.0.2.1", exempt=False)
    assert not desk.each[1].reserve("192.0.2.1", exempt=False)
    desk.replace(0)
    assert desk.each[1].reserve("192.0.2.1", exempt=False)


def test_the_rate_of_an_address_counts_in_all_processes_together(desk: Desk) -> None:
    sent = [limits.may_send("192.0.2.1", NOW) for _ in range(4) for limits in desk.each]
    assert sent.count(True) == 4
    assert desk.each[0].may_send("192.0.2.2", NOW)
    assert desk.each[1].may_send("192.0.2.1", NOW + timedelta(minutes=1))


def test_a_peer_that_one_process_knows_is_known_to_all(desk: Desk) -> None:
    one, other = desk.each
    other.change(LIMITS.sessions - 5)
    assert other.is_full("192.0.2.1", NOW, exempt=False)
    one.note_accepted("192.0.2.1", NOW)
    assert not other.is_full("192.0.2.1", NOW, exempt=False)
    assert other.is_full("192.0.2.1", NOW + timedelta(days=2), exempt=False)


def test_successors_have_rows_while_those_before_them_leave(desk: Desk) -> None:
    spare = {desk.memory.take_row() for _ in range(2)}
    assert not spare & set(desk.rows)
