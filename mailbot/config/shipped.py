"""The configuration and the templates that come with mailbot: where they are, and writing them out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILES = ("mailbot.yaml", "teams.yaml", "routing.yaml", "escalation.yaml")

PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Written:
    """What `init` did: paths it wrote, paths that were there already and stay as they are."""

    written: tuple[Path, ...]
    left: tuple[Path, ...]


def config() -> Path:
    return _find("config")


def templates() -> Path:
    return _find("templates")


def templates_for(directory: Path) -> Path:
    """The admin's own beside the YAML, else the checkout's that the YAML stands in, else the shipped ones."""
    own, beside = directory / "templates", directory.absolute().parent / "templates"
    if own.is_dir():
        return own
    return beside if beside.is_dir() and beside.resolve() == templates() else templates()


def init(directory: Path) -> Written:
    """Writes a commented, working configuration and the templates; never overwrites. Raises OSError."""
    written: list[Path] = []
    left: list[Path] = []
    for origin, path in _wanted(directory):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:  # "x": two admins at once don't overwrite either
                file.write(origin.read_bytes())
            written.append(path)
        except FileExistsError:
            left.append(path)
    return Written(tuple(written), tuple(left))


def _wanted(directory: Path) -> Iterator[tuple[Path, Path]]:
    lists = sorted(path.name for path in config().glob("*.txt"))
    for name in (*FILES, *lists):
        yield config() / name, directory / name
    for origin in sorted(templates().glob("*/*.j2")):
        yield origin, directory / "templates" / origin.parent.name / origin.name


def _find(name: str) -> Path:
    """In a wheel the folder lies in the package, in a checkout beside it."""
    inside = PACKAGE / "shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name
