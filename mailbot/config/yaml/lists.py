"""The `lists:` of routing.yaml: files of addresses and domains that rules ask with `listed_in`."""

from pathlib import Path, PurePosixPath

from mailbot.config.yaml import scalars
from mailbot.config.yaml.lookup import Files, texts
from mailbot.config.yaml.scalars import said, shown
from mailbot.config.yaml.source import MAX_BYTES, Place
from mailbot.domain.routing.field_types import Listed
from mailbot.domain.routing.text import fold
from mailbot.errors import Problem

MOST_SAID = 20  # of the faults of one file


def read(files: Files, problems: list[Problem]) -> dict[str, Listed] | None:
    """The lists by name, with what can be read of each; None when routing.yaml can't say which there are."""
    data = files.routing.data
    if not isinstance(data, dict) or not isinstance(data.get("lists", {}), dict):
        return None
    found: dict[str, Listed] = {str(name): Listed() for name in data.get("lists", {})}
    for place, name in texts(data, "lists", "*"):
        if name not in files.beside:
            problems.append(_unread(files, place, name))
            continue
        found[str(place[-1])], wrong = parse(files.beside[name], str(_path(files, name)))
        problems += wrong
    return found


def file_name(value: object) -> str:
    """ "vip.txt", a file in the configuration's directory or below it. ValueError(message, hint)."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > 200:
        raise ValueError(f"a file's name should stand here, not {shown(value) or 'nothing'}", "vip.txt")
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"`{shown(value)}` leads out of this directory", "put the file beside routing.yaml")
    return value


def parse(text: str, file: str) -> tuple[Listed, list[Problem]]:
    """A list's text; `#` begins a comment. What is neither address nor domain is told with its line."""
    addresses: set[str] = set()
    domains: set[str] = set()
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        try:
            if entry.partition("@")[0]:
                whole = scalars.address(entry) if "@" in entry else scalars.domain(entry)
            else:
                whole = scalars.domain(entry[1:])
        except ValueError as error:
            column = len(line) - len(line.lstrip()) + 1
            problems.append(Problem(file, number, column, *_plainly(error), excerpt=line[:200]))
            continue
        (addresses if "@" in whole else domains).add(fold(whole))
    if len(problems) > MOST_SAID:
        more = Problem(file, 0, 0, f"{len(problems) - MOST_SAID} more lines are neither")
        problems = [*problems[:MOST_SAID], more]
    return Listed(frozenset(addresses), frozenset(domains)), problems


def _plainly(error: ValueError) -> tuple[str, str]:
    message, _ = said(error)
    return message, "one address or domain a line; `#` begins a comment"


def _unread(files: Files, place: Place, name: str) -> Problem:
    path = _path(files, name)
    if not path.exists():
        return files.routing.at_value(place, f"there is no file `{shown(name)}`", f"it would be {path}")
    most = f"at most {MAX_BYTES // 1024} KB of UTF-8 text"
    return files.routing.at_value(place, f"`{shown(name)}` can't be read", most)


def _path(files: Files, name: str) -> Path:
    return Path(files.routing.file).parent / name
