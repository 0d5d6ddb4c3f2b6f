"""How live tickets stand: late, at risk, nobody's, somebody else's turn."""

import pytest

from mailbot.domain.day.standing import State, standing
from mailbot.domain.model import Turn
from tests.builders import NOW, policy
from tests.domain.day.test_worklist import ticket


@pytest.mark.parametrize(
    ("promised_in", "state"),
    [(-0.1, State.LATE), (0.0, State.LATE), (0.3, State.SOON), (0.4, None), (9.0, None)],
)
def test_a_promise_is_at_risk_in_its_last_quarter_and_late_after_it(
    promised_in: float, state: State | None
) -> None:
    """The clocks of these tickets began an hour ago."""
    found = standing(ticket("one", promised_in), policy()).states(NOW)
    assert found - {State.OPEN, State.UNASSIGNED} == ({state} if state else set())


def test_nothing_is_late_while_the_customer_has_to_act() -> None:
    waiting = ticket("one", -1, turn=Turn.CUSTOMER, assignee="rina@tim.example")
    assert standing(waiting, policy()).states(NOW) == {State.OPEN, State.CUSTOMER}
    assert standing(ticket("one", -1, turn=Turn.THIRD_PARTY), policy()).states(NOW) == {
        *(State.OPEN, State.LATE, State.THIRD_PARTY, State.UNASSIGNED)
    }
