"""The arrows of the house: which room may import which, and that the core is pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent / "mailbot"
FILES = {
    ".".join(path.relative_to(HOME.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HOME.rglob("*.py"))
}

# Room -> the rooms it may import besides itself. A module on the top level that isn't named here (app, the
# supervisor, ...) puts the others together and may import everything; nobody but the cli may import it.
ROOMS = {
    "core": set(),
    "mail": {"core", "errors", "journal"},
    "store": {"core", "errors", "journal"},
    "settings": {"core", "errors", "journal"},
    "charts": set(),
    "reporting": {"core", "charts"},
    "services": {"core", "mail", "store", "settings", "charts", "reporting", "errors", "journal", "metrics"},
    "errors": set(),
    "journal": {"core", "errors"},
    "metrics": {"core", "errors"},
}

# What the duties share. Whatever else of services `app` imports is a duty, which no other may import; what is
# left are pieces of one duty (the lobby of the listener, ...).
SHARED = {"loop", "live", "settle", "approval", "bulletins", "refused"}

# What a pure function may need; whatever reads a clock, the disk, the network, or chance is missing.
PURE = set(
    """
    __future__ abc base64 binascii bisect collections dataclasses datetime decimal difflib enum fractions
    functools hashlib heapq hmac html itertools math numbers operator re2 string textwrap types typing
    unicodedata zoneinfo
    """.split()  # noqa: SIM905 - words in rows can be read
)
IMPURE_METHODS = {"now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes", "urandom"}
IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}


def imports(source: str) -> Iterator[tuple[int, str]]:
    """(line, module or module.name) of every import, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            where = f"{'.' * node.level}{module}"
            yield from ((node.lineno, f"{where}.{each.name}") for each in node.names)


def room_of(module: str) -> str:
    """ "mailbot.core.text" -> "core"; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def outward(module: str, source: str) -> list[str]:
    """The imports of a module that point where its room may not point."""
    room = room_of(module)
    wrong = []
    for line, name in imports(source):
        if name.startswith("."):
            wrong.append(f"{module}:{line} imports relatively, which hides the room")
        if not name.startswith("mailbot.") or room not in ROOMS:
            continue
        target = room_of(name)
        if target != room and target not in ROOMS[room]:
            wrong.append(
                f"{module}:{line} imports {name}: {room} knows only {sorted(ROOMS[room]) or 'itself'}"
            )
    return wrong


def impure(module: str, source: str) -> list[str]:
    """What in a module of the core reads the world."""
    wrong = [
        f"{module}:{line} imports {name}, which is not known to be pure"
        for line, name in imports(source)
        if name.split(".")[0] not in PURE | {"mailbot"}
    ]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) if name in IMPURE_METHODS:
                wrong.append(f"{module}:{node.lineno} calls .{name}: hand the value in")
            case ast.Name(id=name) if name in IMPURE_NAMES:
                wrong.append(f"{module}:{node.lineno} uses {name}()")
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                wrong.append(f"{module}:{node.lineno} waits: the core has nothing to wait for")
    return wrong


def duties(app: str) -> set[str]:
    """The modules of services that `app` starts."""
    parts = [name.split(".") for _, name in imports(app)]
    return {each[2] for each in parts if each[:2] == ["mailbot", "services"]} - SHARED


def duties_known(module: str, source: str, others: set[str]) -> list[str]:
    """The duties that another module of services imports."""
    return [
        f"{module}:{line} imports {name}: services never import each other, `app` hands them what they need"
        for line, name in imports(source)
        for parts in [name.split(".")]
        if parts[:2] == ["mailbot", "services"] and set(parts[2:3]) & others and ".".join(parts[:3]) != module
    ]


def graph() -> dict[str, set[str]]:
    """Module -> the modules of ours that it imports."""
    known: dict[str, set[str]] = {}
    for module, path in FILES.items():
        names = [name for _, name in imports(path.read_text())]
        found = {name if name in FILES else name.rpartition(".")[0] for name in names}
        known[module] = (found & set(FILES)) - {module}
    return known


def cycle(known: dict[str, set[str]]) -> list[str]:
    """One way round from a module back to itself; [] when there is none."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for each in sorted(known[module]):
            if found := walk(each, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in known if (found := walk(module, []))), [])


@pytest.mark.parametrize("module", FILES)
def test_no_arrow_points_outward(module):
    assert outward(module, FILES[module].read_text()) == []


@pytest.mark.parametrize("module", [each for each in FILES if room_of(each) == "core"])
def test_the_core_reads_no_clock_no_disk_no_network_and_no_chance(module):
    assert impure(module, FILES[module].read_text()) == []


@pytest.mark.parametrize("module", [each for each in FILES if room_of(each) == "services"])
def test_services_never_import_each_other(module):
    others = duties(FILES["mailbot.app"].read_text())
    assert {"listener", "intake", "delivery", "deadlines"} <= others
    assert duties_known(module, FILES[module].read_text(), others) == []


@pytest.mark.parametrize("module", [each for each in FILES if room_of(each) in ROOMS])
def test_nothing_in_the_rooms_knows_who_puts_them_together(module):
    assert [name for _, name in imports(FILES[module].read_text()) if room_of(name) in {"app", "cli"}] == []


def test_no_import_goes_round_in_a_circle():
    assert cycle(graph()) == []


# --- that these checks see what they are for --------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mailbot.core.x", "import mailbot.store.schema"),
        ("mailbot.core.x", "from mailbot.mail import parse"),
        ("mailbot.core.x", "from mailbot import journal"),
        ("mailbot.mail.x", "def late():\n    from mailbot.store.inbox import take"),
        ("mailbot.store.x", "from mailbot.services.loop import Loop"),
        ("mailbot.settings.x", "from mailbot.app import main"),
        ("mailbot.errors", "from mailbot.core.model import Ticket"),
        ("mailbot.core.x", "from . import model"),
    ],
)
def test_an_arrow_that_points_outward_is_seen(module, source):
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
def test_an_impure_core_is_seen(source):
    assert impure("mailbot.core.x", source)


def test_one_service_importing_another_is_seen():
    others = duties("from mailbot.services.delivery import Delivery\nfrom mailbot.services.loop import Loop")
    assert others == {"delivery"}
    assert duties_known("mailbot.services.intake", "from mailbot.services.delivery import Delivery", others)
    assert not duties_known("mailbot.services.intake", "from mailbot.services.loop import Loop", others)


def test_a_circle_is_seen():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
