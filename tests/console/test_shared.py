"""Results that visitors share: computed once, again after their time, and again after a failure."""

import asyncio
from datetime import timedelta

import pytest

from mailbot.console import shared
from mailbot.console.shared import Shared
from tests.builders import NOW

MINUTE = timedelta(minutes=1)


class Work:
    """Counts how often it is done, and how many do it at once."""

    def __init__(self, *faults: Exception) -> None:
        self.done = self.at_once = self.most = 0
        self._faults = list(faults)

    async def __call__(self) -> int:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.done += 1
        if self._faults:
            raise self._faults.pop()
        return self.done


async def test_all_who_ask_at_once_and_within_its_time_get_one_result() -> None:
    found, work = Shared(), Work()
    asked = [found.get("a", MINUTE, NOW, work) for _ in range(5)]
    assert await asyncio.gather(*asked) == [1] * 5
    assert await found.get("a", MINUTE, NOW + MINUTE / 2, work) == 1
    assert await found.get("a", MINUTE, NOW + MINUTE, work) == 2
    assert await found.get("b", MINUTE, NOW, work) == 3


async def test_a_failure_is_not_kept() -> None:
    found, work = Shared(), Work(ValueError("x"))
    with pytest.raises(ValueError, match="x"):
        await found.get("a", MINUTE, NOW, work)
    assert await found.get("a", MINUTE, NOW, work) == 2


async def test_who_leaves_does_not_stop_the_work_for_others() -> None:
    found, work = Shared(), Work()
    first = asyncio.create_task(found.get("a", MINUTE, NOW, work))
    second = asyncio.create_task(found.get("a", MINUTE, NOW, work))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1


async def test_heavy_work_is_done_one_after_the_other() -> None:
    found, work = Shared(), Work()
    await asyncio.gather(*(found.get(each, MINUTE, NOW, work, alone=True) for each in "abc"))
    assert (work.done, work.most) == (3, 1)


async def test_the_oldest_results_make_room() -> None:
    found, work = Shared(), Work()
    for each in range(shared.MOST + 1):
        await found.get(each, MINUTE, NOW, work)
    assert (found.last(0), found.last(1), found.last(shared.MOST)) == (None, 2, shared.MOST + 1)
    assert found.last(1, NOW + MINUTE) is None
    found.forget(1)
    assert found.last(1) is None
