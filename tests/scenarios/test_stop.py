"""SIGTERM stops every worker in the daemon's one list, also one that a test adds to it."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from mailbot.daemon import ROLES, Daemon, serve
from mailbot.operations.validate_policy import validate
from mailbot.store import migrate
from mailbot.workers.loop import STOP_ORDER, Loop, StopStage
from tests.scenarios.harness import DESK, free_port


@dataclass
class AddedWorker:
    stop_stage: StopStage
    name: Final = "added"
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def run_once(self) -> timedelta:
        self.started.set()
        return timedelta(hours=1)


@pytest.mark.parametrize("stage", STOP_ORDER)
async def test_p9_a_worker_added_to_the_list_is_stopped_at_sigterm(tmp_path: Path, stage: StopStage) -> None:
    stopped: list[timedelta] = []

    async def on_stop(span: timedelta) -> None:
        stopped.append(span)

    store = f"sqlite:///{tmp_path}/mailbot.db"
    env = {
        "MAILBOT_STORE": store,
        "MAILBOT_LISTEN": f"127.0.0.1:{free_port()}",
    }
    validated = validate(DESK, env, datetime.now(UTC).date())
    migrate.upgrade(store)
    daemon = Daemon(validated.loaded.settings, env, ROLES)
    worker = AddedWorker(stage)
    daemon.add(Loop(worker, on_stop=on_stop))
    running = asyncio.create_task(serve(daemon, validated, time.monotonic()))
    async with asyncio.timeout(30):
        await worker.started.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await running == 0
    assert len(stopped) == 1


def test_a_worker_that_no_stage_would_stop_is_refused(tmp_path: Path) -> None:
    env = {"MAILBOT_STORE": f"sqlite:///{tmp_path}/mailbot.db"}
    daemon = Daemon(validate(DESK, env, datetime.now(UTC).date()).loaded.settings, env, ROLES)
    with pytest.raises(ValueError, match="added stops at 'later', which is none of"):
        daemon.add(Loop(AddedWorker("later")))  # type: ignore[arg-type]
    assert daemon.services == []
