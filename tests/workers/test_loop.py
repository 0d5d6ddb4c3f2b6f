"""The loop of every worker: turns, wakes, backs off, stops, and knows when it is stuck."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from mailbot.errors import StoreUnavailable
from mailbot.workers.loop import Loop, StopStage, backoff, stop_all, stuck

HOUR = timedelta(hours=1)


async def nothing() -> None: ...


@dataclass
class Work:
    """A worker that counts its turns and does in each what the test wants."""

    each: Callable[[], Awaitable[object]] = nothing
    delay: timedelta | float = HOUR
    name: str = "work"
    stop_stage: StopStage = "process"
    turns: int = 0
    turned: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run_once(self) -> timedelta | float:
        self.turns += 1
        async with self.turned:
            self.turned.notify_all()
        await self.each()
        return self.delay

    async def reached(self, turns: int) -> None:
        async with asyncio.timeout(5), self.turned:
            await self.turned.wait_for(lambda: self.turns >= turns)


async def idle() -> None:
    """Let everything run that can run now."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_first_turn_comes_at_once_and_then_the_loop_rests() -> None:
    work = Work()
    loop = Loop(work)
    await loop.start()
    await work.reached(1)
    await idle()
    assert work.turns == 1
    await loop.stop()


@pytest.mark.parametrize("delay", [0, 0.001, timedelta(milliseconds=1), -1])
async def test_it_turns_again_after_the_delay_that_the_worker_returned(delay: timedelta | float) -> None:
    work = Work(delay=delay)
    loop = Loop(work)
    await loop.start()
    await work.reached(4)
    await loop.stop()


async def test_a_worker_that_never_rests_leaves_room_for_others() -> None:
    work = Work(delay=0)
    loop = Loop(work)
    await loop.start()
    async with asyncio.timeout(5):
        await idle()  # would never come back if the loop kept the event loop to itself
    await loop.stop()


async def test_a_wake_ends_the_rest() -> None:
    work = Work()
    loop = Loop(work)
    await loop.start()
    for turn in range(1, 5):
        await work.reached(turn)
        await idle()
        loop.wake()
    await work.reached(5)
    await loop.stop()


async def test_a_wake_during_a_turn_asks_for_another_one() -> None:
    gate = asyncio.Event()
    work = Work(each=gate.wait)
    loop = Loop(work)
    await loop.start()
    await work.reached(1)
    loop.wake()
    loop.wake()
    gate.set()
    await work.reached(2)
    await idle()
    assert work.turns == 2  # two wakes, one turn: it sees the work of both
    await loop.stop()


async def test_stop_lets_the_turn_under_way_finish_and_starts_no_other() -> None:
    gate, finished = asyncio.Event(), []

    async def slowly() -> None:
        await gate.wait()
        finished.append(True)

    work = Work(each=slowly, delay=0)
    loop = Loop(work)
    await loop.start()
    await work.reached(1)
    loop.wake()
    stopping = asyncio.create_task(loop.stop())
    await idle()
    assert not stopping.done()
    gate.set()
    await stopping
    assert finished == [True]
    assert work.turns == 1


async def test_stop_ends_a_rest_and_a_back_off() -> None:
    async def fail() -> None:
        raise OSError("disk on fire")

    for work in (Work(), Work(each=fail)):
        loop = Loop(work, backoff=lambda failures: 3600)
        await loop.start()
        await work.reached(1)
        await idle()
        async with asyncio.timeout(5):
            await loop.stop()
            await loop.stop()  # twice is no harm


async def test_a_loop_that_never_started_stops() -> None:
    await Loop(Work()).stop()


async def test_cancelling_stop_cuts_the_turn_short() -> None:
    loop = Loop(work := Work(each=asyncio.Event().wait))
    await loop.start()
    await work.reached(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await loop.stop()
    assert "work" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_failure_is_logged_backed_off_and_forgotten_after_a_good_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pauses: list[int] = []

    def noted(failures: int) -> float:
        pauses.append(failures)
        return 0

    async def fail_at_1_2_and_4() -> None:
        if work.turns in (1, 2, 4):
            raise ValueError(f"turn {work.turns}")

    work = Work(each=fail_at_1_2_and_4, delay=0)
    loop = Loop(work, backoff=noted)
    await loop.start()
    await work.reached(6)
    await loop.stop()
    assert pauses == [1, 2, 1]
    lines = [record.fields for record in caplog.records if record.message == "loop_failed"]  # type: ignore[attr-defined]
    assert [facts["error"] for facts in lines] == [f"ValueError: turn {n}" for n in (1, 2, 4)]
    assert all("fail_at_1_2_and_4" in facts["exception"] for facts in lines)


async def test_an_unavailable_store_is_logged_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def no_store() -> None:
        raise StoreUnavailable("locked")

    loop = Loop(work := Work(each=no_store))
    await loop.start()
    await work.reached(1)
    await idle()
    await loop.stop()
    (facts,) = [record.fields for record in caplog.records]  # type: ignore[attr-defined]
    assert facts == {"name": "work", "error": "StoreUnavailable: locked", "retry_in": 0.25}


async def test_a_wake_does_not_shorten_the_back_off_of_a_failing_loop() -> None:
    async def fail() -> None:
        raise OSError("no store")

    work = Work(each=fail)
    loop = Loop(work, backoff=lambda failures: 3600)
    await loop.start()
    await work.reached(1)
    for _ in range(5):
        loop.wake()
        await idle()
    assert work.turns == 1
    await loop.stop()


def test_the_back_off_grows_and_is_capped() -> None:
    assert [backoff(n) for n in range(1, 9)] == [0.25, 0.5, 1, 2, 4, 8, 15, 15]
    assert backoff(10**9) == 15


@dataclass
class Hand:
    """A monotonic clock that is moved by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_turn_without_end_is_stuck_and_a_resting_loop_is_not() -> None:
    hand, gate = Hand(), asyncio.Event()
    hanging = Loop(Work(each=gate.wait, name="hanging"), patience=timedelta(seconds=60), monotonic=hand)
    resting = Loop(Work(name="resting"), patience=timedelta(seconds=60), monotonic=hand)
    unstarted = Loop(Work(name="unstarted"), monotonic=hand)
    for loop in (hanging, resting):
        await loop.start()
    await idle()
    assert stuck([hanging, resting, unstarted], hand.now + 60) == []
    assert stuck([hanging, resting, unstarted], hand.now + 61) == ["hanging"]

    hand.now += 90
    gate.set()
    await idle()
    assert stuck([hanging], hand.now) == []
    assert hanging.turned_at == hand.now
    for loop in (hanging, resting):
        await loop.stop()
    assert stuck([hanging, resting], hand.now + 1e9) == []  # stopped when asked: nothing is missing


async def test_a_loop_that_oversleeps_or_dies_is_stuck() -> None:
    hand = Hand()
    loop = Loop(Work(delay=HOUR), patience=timedelta(seconds=60), monotonic=hand)
    await loop.start()
    await idle()
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "work"]
    task.cancel()
    await idle()
    assert stuck([loop], hand.now + 3600) == []
    assert stuck([loop], hand.now + 3661) == ["work"]


async def test_a_failing_loop_still_turns() -> None:
    async def fail() -> None:
        raise OSError("no store")

    hand = Hand()
    loop = Loop(Work(each=fail), patience=timedelta(seconds=60), monotonic=hand)
    await loop.start()
    await idle()
    assert stuck([loop], hand.now + 60) == []  # restarting the process would not bring the store back
    await loop.stop()


async def test_what_is_started_stops_stage_by_stage_and_a_failure_stops_no_other() -> None:
    order: list[str] = []

    def service(name: str, stage: StopStage, error: Exception | None = None) -> Loop:
        async def on_stop(span: timedelta) -> None:
            assert span > timedelta(seconds=1)
            order.append(name)
            if error:
                raise error

        return Loop(Work(name=name, stop_stage=stage), on_stop=on_stop)

    services = [
        service("heartbeat", "background"),
        service("delivery", "deliver"),
        service("listener", "accept", RuntimeError("a bug of ours")),
        service("intake", "process"),
        service("imap", "fetch"),
    ]
    for each in services:
        await each.start()
    await stop_all(services, timedelta(seconds=60))
    assert order == ["imap", "listener", "intake", "delivery", "heartbeat"]


async def test_a_turn_beyond_the_grace_is_cancelled_and_what_it_held_is_released() -> None:
    released = []

    async def release(span: timedelta) -> None:
        released.append(span)

    work = Work(each=asyncio.Event().wait)
    loop = Loop(work, grace=timedelta(milliseconds=1), on_stop=release)
    await loop.start()
    await work.reached(1)
    async with asyncio.timeout(5):
        await loop.stop(HOUR)
    assert released == [HOUR]
