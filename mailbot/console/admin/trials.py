"""New policies that admins try: their files in a folder of their own, and what the shell's commands find about them.

Theory of operation. A trial's folder has the files of the configuration with the new ones over them. Each step is a
command of the shell in a process of its own, at low priority and with limits: the daemon goes on with its mail. One
trial runs at a time. Nothing of a trial is in force, and all of it is gone with the process or after five newer ones.
"""

import asyncio
import os
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from mailbot.config.model import Settings
from mailbot.console.admin import findings
from mailbot.operations import policy_files
from mailbot.operations.policy_files import NewFiles

MOST = 5
SECONDS = 300  # for one step
PROVE = 60  # seconds of these for the analysis
MEMORY = 4 * 1024**3  # bytes of address space
OUTPUT = 256 * 1024**2  # bytes that a step may write
UNREADABLE = 78  # the exit code for a configuration that can't be used
LOW = 15  # of nice(2): mail goes before
PERIOD = "7d"


class State(StrEnum):
    WAITS = "waits"
    RUNS = "runs"
    DONE = "done"
    FAILED = "failed"  # the command itself, or its time is over
    LEFT_OUT = "left_out"  # the files can't be read; where only tests fail the rest is worth seeing


@dataclass(slots=True)
class Step:
    """One command. `found`: its result, one of `findings`; `trouble`: why there is none. Times of a monotonic clock."""

    name: str
    kind: type
    arguments: Sequence[str]
    exits: frozenset[int]  # with a result
    state: State = State.WAITS
    found: Any = None
    trouble: str = ""
    began: float = 0.0
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.began


@dataclass(slots=True)
class Trial:
    """A policy that is tried. `source`: the folder it came from, "" for an upload. `left_out`: files not taken."""

    key: str
    by: str
    at: datetime
    source: str
    new: NewFiles
    before: Mapping[str, bytes]
    left_out: Sequence[str]
    place: Path  # its files, while the steps run
    steps: Sequence[Step]
    task: "asyncio.Task[None] | None" = None
    result: "InForce | None" = None

    @property
    def checked(self) -> Any:
        """Return what the check found, None before."""
        return self.steps[0].found

    @property
    def fits(self) -> bool:
        """Check whether the files have no fault, so that they may be put in force."""
        return bool(self.checked and self.checked.ok)

    @property
    def running(self) -> bool:
        return any(step.state in (State.WAITS, State.RUNS) for step in self.steps)

    @property
    def moving(self) -> bool:
        """Check whether the page will show something new by itself."""
        return self.running or bool(self.result and self.result.waits)

    def step(self, name: str) -> Step:
        return next(each for each in self.steps if each.name == name)


@dataclass(slots=True)
class InForce:
    """What came of putting the files in force: `version` once it is in force, `trouble` why it is not.

    `former`: where the former files are.
    """

    by: str
    former: Path | None
    version: str = ""
    trouble: str = ""
    changed: Sequence[str] = ()
    task: "asyncio.Task[None] | None" = None  # that waits for the reload

    @property
    def waits(self) -> bool:
        return not (self.version or self.trouble)


class Trials:
    """The trials of this process."""

    def __init__(self) -> None:
        self._trials: OrderedDict[str, Trial] = OrderedDict()
        self._turn = asyncio.Lock()
        self.checking = asyncio.Lock()  # the files on the server are checked for one page at a time
        self.in_force = asyncio.Lock()  # files are put in place by one form at a time

    def find(self, key: str) -> Trial | None:
        return self._trials.get(key)

    def newest_first(self) -> list[Trial]:
        return list(reversed(self._trials.values()))

    def begin(self, trial: Trial, settings: Settings) -> None:
        """Keep a trial and run its steps in its turn."""
        self._trials[trial.key] = trial
        while len(self._trials) > MOST:
            _, old = self._trials.popitem(last=False)
            if old.task:
                old.task.cancel()
        trial.task = asyncio.create_task(self._run(trial, settings), name="policy trial")
        trial.task.add_done_callback(lambda _: shutil.rmtree(trial.place, ignore_errors=True))

    async def close(self) -> None:
        """End what runs."""
        tasks = [trial.task for trial in self._trials.values() if trial.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, trial: Trial, settings: Settings) -> None:
        async with self._turn:
            for step in trial.steps:
                await run_step(step, trial.place, settings)


def build(
    settings: Settings,
    files: Mapping[str, bytes],
    left_out: Sequence[str],
    source: str,
    by: str,
    at: datetime,
) -> Trial:
    """Write a trial's folder: the configuration with `files` over it. Raises OSError, Unusable."""
    live = settings.directory.resolve()
    before = policy_files.read_folder(live)
    changed = {name: content for name, content in files.items() if before.get(name) != content}
    new = NewFiles(live, changed, policy_files.digest(before))
    new.check_links()
    folder = Path(tempfile.mkdtemp(prefix="mailbot-policy-"))
    for name, path in policy_files.list_folder(live):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if name in before:
            place.write_bytes(before[name])
        else:
            place.symlink_to(path)  # keys and certificates, which the settings name
    for name, content in changed.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_bytes(content)
    key = secrets.token_urlsafe(12)
    return Trial(key, by, at, source, new, before, left_out, folder, _steps(live, folder))


def _steps(live: Path, new: Path) -> list[Step]:
    diff = (
        "rules",
        "diff",
        "live",
        str(new),
        "--config",
        str(live),
        "--since",
        PERIOD,
        "--max-changed",
        "100%",
    )
    simulate = ("simulate", "--config", str(live), "--policy", str(new), "--from", PERIOD)
    prove = ("rules", "check", "--config", str(new), "--seconds", str(PROVE))
    both = frozenset({0, 1})
    return [
        Step("check", findings.Checked, ("check", "--config", str(new)), frozenset({0, UNREADABLE})),
        Step("lint", findings.Proven, prove, both),
        Step("diff", findings.Compared, diff, both),
        Step("simulate", findings.Simulation, simulate, both),
    ]


async def run_step(step: Step, place: Path, settings: Settings) -> None:
    """Run a step in a process of its own; `place` is a folder beside which it may write. Never raises."""
    step.state, step.began = State.RUNS, time.monotonic()
    try:
        code, output, errors = await run_command(step.arguments, place, settings)
        if code == UNREADABLE and code not in step.exits:
            step.state = State.LEFT_OUT
            return
        if code not in step.exits:
            raise RuntimeError(errors[-2_000:] or f"exit {code}")
        step.found = await asyncio.to_thread(msgspec.json.decode, output, type=step.kind)
        step.state = State.DONE
    except subprocess.TimeoutExpired:
        step.state, step.trouble = State.FAILED, f"no result within {SECONDS} s"
    except (RuntimeError, OSError, msgspec.MsgspecError) as error:
        step.state, step.trouble = State.FAILED, str(error).replace(f"{place}/", "")
    finally:
        step.ended = time.monotonic()


async def run_command(arguments: Sequence[str], folder: Path, settings: Settings) -> tuple[int, bytes, str]:
    """Run a command of the shell, and return its exit code, its JSON and what it wrote to standard error.

    Raises subprocess.TimeoutExpired.
    """
    environment = {**os.environ, "MAILBOT_STORE": settings.store}
    command = (sys.executable, "-m", "mailbot", *arguments, "--json")
    with (
        tempfile.TemporaryFile(dir=folder.parent) as output,
        tempfile.TemporaryFile(dir=folder.parent) as errors,
    ):
        process = subprocess.Popen(  # noqa: ASYNC220 - a start takes a millisecond
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment
        )
        try:
            _limit(process.pid)
            code = await asyncio.to_thread(process.wait, SECONDS)
        finally:
            if process.poll() is None:  # its time is over, or the daemon stops
                process.kill()
                process.wait()
        output.seek(0)
        errors.seek(0)
        return code, await asyncio.to_thread(output.read), errors.read(64_000).decode("utf-8", "replace")


def _limit(pid: int) -> None:
    """Let mail go before this process, and bound what it takes."""
    with suppress(OSError):  # it has ended already, or our service may not: SystemCallFilter=~@resources
        os.setpriority(os.PRIO_PROCESS, pid, LOW)
    limits = {resource.RLIMIT_AS: MEMORY, resource.RLIMIT_FSIZE: OUTPUT, resource.RLIMIT_CPU: SECONDS}
    for limit, most in limits.items():
        with suppress(OSError):
            resource.prlimit(pid, limit, (most, most))
