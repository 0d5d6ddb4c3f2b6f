"""The arrows of the house: which folder may import which, and that the domain is pure."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent / "mailbot"
FILES = {
    ".".join(path.relative_to(HOME.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HOME.rglob("*.py"))
}

# From the ground up. A folder imports itself and what lies below it, never a neighbour on its own floor.
FLOORS = (
    {"domain"},
    {"mail", "store", "config"},
    {"channels", "delivery", "reports"},
    {"analysis"},
    {"workers"},
    {"operations"},
    {"views"},
    {"console", "processes"},
    {"daemon"},
    {"cli"},
)
FLOOR = {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}
# Beside the floors: everybody may log and raise; metrics belong to what runs in the daemon.
BESIDE = {"errors": set(FLOOR) - {"domain"}, "log": set(FLOOR) - {"domain"}}
BESIDE["log_output"] = set()  # of `log` alone
BESIDE["metrics"] = {"channels", "delivery", "workers", "operations", "console", "processes", "daemon"}
BESIDE["metrics_page"] = {"processes", "daemon"}
BESIDE["systemd"] = {"processes", "daemon"}
LARGEST_FOLDER = 25

# What a pure function may need. Whatever reads a clock, the disk, the network or chance is missing.
PURE = set(
    """
    __future__ abc base64 binascii bisect collections dataclasses datetime decimal difflib enum fractions
    functools hashlib heapq hmac html itertools json math numbers operator re re2 string textwrap types typing
    unicodedata zoneinfo
    """.split()  # noqa: SIM905 - words in rows can be read
)
IMPURE_METHODS = {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes", "urandom"}
IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, module or module.name) of every import, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            where = f"{'.' * node.level}{node.module or ''}"
            yield from ((node.lineno, f"{where}.{each.name}") for each in node.names)


def folder_of(module: str) -> str:
    """Return "domain" for "mailbot.domain.model", "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def allowed(folder: str, target: str) -> bool:
    """Tell whether a folder may import another."""
    if folder == target or folder not in FLOOR:
        return True
    if target in BESIDE:
        return folder in BESIDE[target]
    return target not in FLOOR or FLOOR[target] < FLOOR[folder]


def outward(module: str, source: str) -> list[str]:
    """Return the imports of a module that point where its folder may not point."""
    folder = folder_of(module)
    wrong = []
    for line, name in imports(source):
        if name.startswith("."):
            wrong.append(f"{module}:{line} imports relatively, which hides the folder")
        elif name.startswith("mailbot.") and not allowed(folder, folder_of(name)):
            wrong.append(
                f"{module}:{line} imports {name}: {folder} lies below {folder_of(name)} or beside it"
            )
    return wrong


def impure(module: str, source: str) -> list[str]:
    """Return what in a module of the domain reads the world."""
    wrong = [
        f"{module}:{line} imports {name}, which is not known to be pure"
        for line, name in imports(source)
        if name.split(".")[0] not in PURE | {"mailbot"}
    ]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) if name in IMPURE_METHODS:
                wrong.append(f"{module}:{node.lineno} calls .{name}: pass the value in")
            case ast.Name(id=name) if name in IMPURE_NAMES:
                wrong.append(f"{module}:{node.lineno} uses {name}()")
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                wrong.append(f"{module}:{node.lineno} waits: the domain has nothing to wait for")
    return wrong


def graph() -> dict[str, set[str]]:
    """Map each module to the modules of ours that it imports."""
    known: dict[str, set[str]] = {}
    for module, path in FILES.items():
        names = [name for _, name in imports(path.read_text())]
        found = {name if name in FILES else name.rpartition(".")[0] for name in names}
        known[module] = (found & set(FILES)) - {module}
    return known


def cycle(known: dict[str, set[str]]) -> list[str]:
    """Return one path from a module back to itself; [] when there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for each in sorted(known[module]):
            if found := walk(each, [*path, module]):
                return found
        done.add(module)
        return []

    return next((found for module in known if (found := walk(module, []))), [])


def test_no_arrow_points_upward():
    assert [each for module, path in FILES.items() for each in outward(module, path.read_text())] == []


def test_each_folder_has_its_floor():
    assert {folder_of(module) for module in FILES} - {""} <= set(FLOOR) | set(BESIDE) | {"__main__"}


def test_the_domain_reads_no_clock_no_disk_no_network_and_no_chance():
    domain = {module: path for module, path in FILES.items() if folder_of(module) == "domain"}
    assert [each for module, path in domain.items() for each in impure(module, path.read_text())] == []


def test_no_import_goes_round_in_a_circle():
    assert cycle(graph()) == []


def test_no_folder_grows_beyond_what_one_can_survey():
    sizes = Counter(path.parent.relative_to(HOME) for path in FILES.values())
    assert {folder: size for folder, size in sizes.items() if size > LARGEST_FOLDER} == {}


# --- that these checks see what they are for --------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mailbot.domain.x", "import mailbot.store.schema"),
        ("mailbot.domain.x", "from mailbot.mail import parsing"),
        ("mailbot.domain.x", "from mailbot import log"),
        ("mailbot.mail.x", "def late():\n    from mailbot.store.inbox import take"),
        ("mailbot.store.x", "from mailbot.workers.loop import Loop"),
        ("mailbot.store.x", "from mailbot import metrics"),
        ("mailbot.config.x", "from mailbot.daemon import main"),
        ("mailbot.workers.x", "from mailbot.operations.ticket_commands import run_command"),
        ("mailbot.domain.x", "from . import model"),
    ],
)
def test_an_arrow_that_points_upward_is_seen(module, source):
    assert outward(module, source)


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "import time",
        "from os import environ",
        "import asyncio",
        "import logging",
        "import jinja2",
        "from pathlib import Path",
        "from datetime import datetime\nat = datetime.now()",
        "from datetime import date\nat = date.today()",
        "text = open('x').read()",
        "print('x')",
        "async def f(): ...",
    ],
)
def test_an_impure_domain_is_seen(source):
    assert impure("mailbot.domain.x", source)


def test_a_circle_is_seen():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
