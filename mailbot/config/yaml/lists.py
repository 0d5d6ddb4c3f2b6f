"""Read the `lists:` of routing.yaml: files of addresses and domains for the operator `listed_in`."""

from pathlib import Path, PurePosixPath

from mailbot.config.yaml import scalars
from mailbot.config.yaml.lookup import Files, texts
from mailbot.config.yaml.scalars import fail, shown
from mailbot.config.yaml.source import MAX_BYTES, Place
from mailbot.domain.routing.field_types import AddressList
from mailbot.domain.routing.text import fold
from mailbot.errors import Problem

MAX_PROBLEMS = 20  # reported for one file
_HINT = "one address or domain a line; `#` begins a comment"


def read(files: Files, problems: list[Problem]) -> dict[str, AddressList] | None:
    """Return the lists by name, with what is readable in each; None when routing.yaml names none readably."""
    data = files.routing.data
    if not isinstance(data, dict) or not isinstance(data.get("lists", {}), dict):
        return None
    found: dict[str, AddressList] = {str(name): AddressList() for name in data.get("lists", {})}
    for place, name in texts(data, "lists", "*"):
        if name not in files.list_files:
            problems.append(unreadable(files, place, name))
            continue
        found[str(place[-1])], wrong = parse(files.list_files[name], str(_path(files, name)))
        problems += wrong
    return found


def file_name(value: object) -> str:
    """Read "vip.txt", a file in the configuration's directory or below. ValueError(message, hint)."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 200:
        fail(f"a file's name is needed here, not {shown(value) or 'nothing'}", "vip.txt")
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        fail(f"`{shown(value)}` leads out of this directory", "put the file beside routing.yaml")
    return value


def parse(text: str, file: str) -> tuple[AddressList, list[Problem]]:
    """Parse a list's text; a line that is neither address nor domain is a problem. `#` begins a comment."""
    addresses: set[str] = set()
    domains: set[str] = set()
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        try:
            # "@bank.example" is a domain too.
            is_address = "@" in entry and not entry.startswith("@")
            whole = scalars.address(entry) if is_address else scalars.domain(entry.removeprefix("@"))
        except ValueError as error:
            column = len(line) - len(line.lstrip()) + 1
            problems.append(Problem(file, number, column, str(error.args[0]), _HINT, excerpt=line[:200]))
            continue
        (addresses if is_address else domains).add(fold(whole))
    if len(problems) > MAX_PROBLEMS:
        more = Problem(file, 0, 0, f"{len(problems) - MAX_PROBLEMS} more lines are neither")
        problems = [*problems[:MAX_PROBLEMS], more]
    return AddressList(frozenset(addresses), frozenset(domains)), problems


def unreadable(files: Files, place: Place, name: str) -> Problem:
    """Return why the file that is named at this place was not read."""
    path = _path(files, name)
    if not path.exists():
        return files.routing.at_value(place, f"there is no file `{shown(name)}`", f"it would be {path}")
    hint = f"at most {MAX_BYTES // 1024} KB of UTF-8 text"
    return files.routing.at_value(place, f"`{shown(name)}` can't be read", hint)


def _path(files: Files, name: str) -> Path:
    return Path(files.routing.file).parent / name
