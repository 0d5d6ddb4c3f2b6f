"""The fault directories: a good base, and directories that each hold only the files that are wrong."""

import shutil
from datetime import date
from pathlib import Path

from mailbot.config.api import Loaded, load
from mailbot.errors import ConfigError, Problem

BAD = Path(__file__).parent.parent / "scenarios" / "bad_config"
BASE = BAD / "base"
TODAY = date(2026, 11, 21)


def directories() -> list[Path]:
    """List the directories with an `expected` file: `file:line:column: message | hint` a line."""
    return sorted(path for path in BAD.iterdir() if path.is_dir() and path != BASE)


def lay(target: Path, fault: Path | None = None) -> Path:
    """Write a whole configuration to `target`: the base, with the files of the fault instead."""
    for origin in (BASE, fault):
        for path in origin.glob("*.yaml") if origin else ():
            shutil.copyfile(path, target / path.name)
    return target


def problems(directory: Path, env: dict[str, str] | None = None) -> tuple[Problem, ...]:
    try:
        load(directory, env or {}, today=TODAY)
    except ConfigError as refusal:
        return refusal.problems
    return ()


def loaded(directory: Path, env: dict[str, str] | None = None) -> Loaded:
    return load(directory, env or {}, today=TODAY)


def brief(problem: Problem) -> str:
    """`file:line:column: message | hint`, without the directory."""
    where = [problem.file.rpartition("/")[2], *([problem.line, problem.column] if problem.line else [])]
    said = f"{problem.message} | {problem.hint}" if problem.hint else problem.message
    return f"{':'.join(map(str, where))}: {said}"
