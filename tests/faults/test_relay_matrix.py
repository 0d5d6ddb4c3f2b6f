"""What becomes of mail when the relay misbehaves in each way at each phase, to one mail or to all."""

from pathlib import Path

import pytest

from mailbot.store.outbox import MAX_UNKNOWN
from tests.faults.relay_matrix import CELLS, DAY, NEIGHBOURS, VICTIM, Cell, Mail, Matrix, Seen
from tests.profile import NIGHTLY, sample


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return Matrix(Path(tmp_path_factory.mktemp("relay")))


# By day a few of those that take an hour, and the two that end soonest for one mail; at night all.
BY_DAY = [
    *sample(CELLS[:36], 5),
    Cell("rcpt", "5xx", everybody=False),
    Cell("dot", "closed", everybody=False),
]


@pytest.mark.parametrize("cell", CELLS if NIGHTLY else BY_DAY, ids=str)
def test_the_relay_harms_no_mail_that_it_did_not_judge(matrix: Matrix, cell: Cell) -> None:
    seen = matrix.play(cell)
    for mail in seen.after.values():
        assert mail.state == "failed" or mail.taken
        assert mail.taken <= 1 + mail.unknown
        assert mail.taken <= MAX_UNKNOWN or cell.answer == "4xx"
    if cell.everybody:
        _held(seen)
    else:
        assert all(seen.during[name].state == "sent" for name in NEIGHBOURS)
        assert all((seen.during[name].settled_after or 0) < 5 for name in NEIGHBOURS)
        _judged(cell, seen.during[VICTIM])


def _held(seen: Seen) -> None:
    """Trouble with the relay for an hour fails nothing, and all is sent after it."""
    assert {mail.state for mail in seen.during.values()} <= {"due", "deferred", "sending", "dot", "sent"}
    assert {mail.state for mail in seen.after.values()} == {"sent"}


def _judged(cell: Cell, mail: Mail) -> None:
    """A mail that is refused alone fails: for 5xx as soon as the relay takes others, else after days of trying."""
    if cell.answer == "5xx":
        assert mail.state == "failed"
        assert (mail.settled_after or 0) < 60  # as soon as the relay has taken another mail
    elif cell.answer == "4xx":
        assert mail.state == "failed"
        assert 5 * DAY <= (mail.settled_after or 0) < 6 * DAY
    elif cell.phase == "dot" and cell.answer in ("closed", "silence"):
        assert (mail.state, mail.unknown) == ("failed", MAX_UNKNOWN)


def test_a_reply_that_is_no_refusal_never_makes_a_mail_sent_whose_body_did_not_leave(matrix: Matrix) -> None:
    seen = matrix.play(Cell("data", "2xx", everybody=True))
    assert {mail.state for mail in seen.during.values()} == {"deferred"}
    assert {(mail.state, mail.taken) for mail in seen.after.values()} == {("sent", 1)}
