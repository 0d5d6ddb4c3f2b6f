"""Find what comes with mailbot: configuration, templates, documentation, units. Write a configuration out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILES = ("mailbot.yaml", "teams.yaml", "routing.yaml", "escalation.yaml")

PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Written:
    """The paths that `init` wrote, and those that existed and were left as they are."""

    written: tuple[Path, ...]
    left: tuple[Path, ...]


def config() -> Path:
    return _find("config")


def templates() -> Path:
    return _find("templates")


def docs() -> Path:
    return _find("docs")


def pages() -> list[Path]:
    """Return the pages of the documentation, those for operators last."""
    return [*sorted(docs().glob("*.md")), *sorted(docs().glob("*/*.md"))]


def units() -> Path:
    return _find("systemd")


def templates_for(directory: Path) -> Path:
    """Return the templates beside the YAML, else those of the checkout around it, else the shipped ones."""
    own, beside = directory / "templates", directory.absolute().parent / "templates"
    if own.is_dir():
        return own
    return beside if beside.is_dir() and beside.resolve() == templates() else templates()


def init(directory: Path) -> Written:
    """Write a commented, working configuration and the templates; never overwrite. Raises OSError."""
    written: list[Path] = []
    left: list[Path] = []
    for origin, path in _copies(directory):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open(
                "xb"
            ) as file:  # "x" fails for an existing file, also when two admins run it at once
                file.write(origin.read_bytes())
            written.append(path)
        except FileExistsError:
            left.append(path)
    return Written(tuple(written), tuple(left))


def _copies(directory: Path) -> Iterator[tuple[Path, Path]]:
    lists = sorted(path.name for path in config().glob("*.txt"))
    for name in (*FILES, *lists):
        yield config() / name, directory / name
    for origin in sorted(templates().glob("*/*.j2")):
        yield origin, directory / "templates" / origin.parent.name / origin.name


def _find(name: str) -> Path:
    """Return a folder of a wheel (in the package) or of a checkout (beside the package)."""
    inside = PACKAGE / "shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name
