"""The enumerator finds what it is for: faults that are there, and none where the promises hold."""

import ast
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.faults import ledger
from tests.faults.__main__ import MEMORY
from tests.faults.points import Fault, Outcome, Silence, fault
from tests.faults.run import Result, Simulation

DAEMON = Path(__file__).parents[2] / "mailbot/daemon.py"
MEND = frozenset({"release_unheld"})  # releases what a node has claimed and not in hand
# They write to nobody in the scripts.
NOT_SIMULATED = {"Mornings", "Absences", "WeeklyReports", "Shadow", "SearchIndex", "WebhookCleanup"}


@pytest.fixture
def memory() -> Iterator[Path]:
    """Return a folder in memory where there is one: each commit of hundreds of runs is synced."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def simulation(memory: Path) -> Simulation:
    return Simulation(memory)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Result]:
    """Return the store of a run without a fault, and its result."""
    directory = tmp_path_factory.mktemp("ended")
    result = Simulation(directory).run("complaints")
    return create_engine(f"sqlite:///{directory}/run.db"), result


def claims(result: Result) -> list[int]:
    """Return the points at which a mail or an outbox row was claimed."""
    points = result.points
    return [
        point.number
        for point in points.selected()
        if point.action == "write claim" and point.number not in points.idle
    ]


def after_commit(point: int) -> Fault:
    return Fault(point, Outcome.AFTER, 0.0, Silence.KILLED)


def test_a_claim_whose_commit_reply_is_lost_is_released(simulation: Simulation) -> None:
    good = simulation.run("complaints")
    for point in claims(good):
        assert simulation.run("complaints", after_commit(point), good.counts).violations == []


def test_without_that_release_the_enumerator_finds_the_row_that_nobody_owns(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, left_out=MEND)
    good = simulation.run("complaints")
    assert good.violations == []
    for point in claims(good)[:2]:
        found = simulation.run("complaints", after_commit(point), good.counts).violations
        assert any(
            line.startswith("P18: ") and "stays claimed by n1, which is alive" in line for line in found
        )


def test_the_same_fault_gives_the_same_run(simulation: Simulation) -> None:
    good = simulation.run("refusals")
    planned = Fault(30, Outcome.NEVER, 0.0, Silence.KILLED_AFTER)
    first, second = (simulation.run("refusals", planned, good.counts).points.reached for _ in range(2))
    assert first == second
    assert first[:31] == good.points.reached[:31]


@pytest.mark.parametrize(
    ("tampering", "promise"),
    [
        ("DELETE FROM messages WHERE inbox_id = 1", "P2"),
        ("DELETE FROM inbox WHERE id = 1", "P1"),
        ("UPDATE inbox SET state = 'parked' WHERE id = 1", "P5"),
        ("UPDATE inbox SET claimed_by = 'n9' WHERE id = 1", "P18"),
        ("UPDATE outbox SET claimed_by = 'n1' WHERE id = 1", "P18"),
        ("UPDATE outbox SET state = 'deferred' WHERE id = 1", "P3"),
        ("UPDATE outbox SET message_id = 'other' WHERE id = 1", "P3"),
        ("DELETE FROM outbox WHERE kind = 'acknowledgement' AND id < 3", "P3"),
        ("UPDATE deadlines SET state = 'parked'", "P5"),
        ("DELETE FROM events WHERE seq = 1", "events"),
        ("UPDATE tickets SET level = 'L2'", "tickets"),
    ],
)
def test_the_ledger_sees_every_kind_of_loss(
    ended: tuple[Engine, Result], tampering: str, promise: str
) -> None:
    engine, good = ended
    with engine.connect() as connection:
        connection.execute(text(tampering))
        found = ledger.violations(ledger.read(connection), *good.witnesses, good.counts)
        connection.rollback()
    assert any(line.startswith(promise) for line in found)


def test_copies_beyond_the_unknown_ones_are_seen(ended: tuple[Engine, Result]) -> None:
    engine, good = ended
    sent, answered, arrived, living = good.witnesses
    with engine.connect() as connection:
        books = ledger.read(connection)
    found = ledger.violations(books, sent, answered, [*arrived, arrived[0]], living, good.counts)
    assert [line for line in found if "arrived 2 times, 0 times unknown" in line]


def test_the_simulation_has_every_worker_of_the_daemon() -> None:
    """A new worker belongs into `Node._workers`, or into NOT_SIMULATED with the reason."""
    loops = [
        node.args[0].func.id
        for node in ast.walk(ast.parse(DAEMON.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Loop"
        and isinstance(node.args[0], ast.Call)
        and isinstance(node.args[0].func, ast.Name)
    ]
    simulated = (Path(__file__).parent / "world.py").read_text()
    assert loops
    assert [name for name in loops if name not in NOT_SIMULATED and f" {name}(" not in simulated] == []


# --- a chat -----------------------------------------------------------------------------------------------


def first_point(result: Result, action: str) -> int:
    """Return the first point of a chat with this action that found something to do."""
    points = (each for each in result.points.reached if "/channels/" in each.place and each.action == action)
    return next(each.number for each in points if each.number not in result.points.idle)


@pytest.mark.parametrize("action", ["write keep", "chat read", "write finish", "write mark_dot", "chat send"])
@pytest.mark.parametrize("script", ["chat_called", "chat_polled"])
def test_a_chat_loses_and_doubles_nothing_whatever_fails_at_its_commits(
    simulation: Simulation, script: str, action: str
) -> None:
    good = simulation.run(script)
    assert good.violations == []
    for outcome in Outcome:
        planned = fault(first_point(good, action), outcome, seed=1)
        assert simulation.run(script, planned, good.counts).violations == [], planned


@pytest.mark.parametrize("script", ["chat_called", "chat_polled"])
def test_an_order_that_confirms_before_it_keeps_is_found(memory: Path, script: str) -> None:
    simulation = Simulation(memory, hasty=True)
    good = simulation.run(script)
    assert good.violations == []
    first = next(each.number for each in good.points.reached if each.action == "write keep")
    lost = Fault(first, Outcome.NEVER, 0.0, Silence.KILLED)
    found = simulation.run(script, lost, good.counts).violations
    assert any(line.startswith("P2: <chat.") and "0 times in the inbox" in line for line in found)


# --- a form and a program -----------------------------------------------------------------------------------------


def test_a_form_and_a_programs_message_are_kept_once_whatever_fails_at_their_commits(
    simulation: Simulation,
) -> None:
    good = simulation.run("posted")
    assert good.violations == []
    commits = [each for each in good.points.reached if "decide_in_turn" in each.place]
    assert len(commits) == 3  # the form, its confirmation, the program
    for point, outcome in itertools.product(commits, Outcome):
        planned = fault(point.number, outcome, seed=1)
        assert simulation.run("posted", planned, good.counts).violations == [], planned
