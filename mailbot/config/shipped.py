"""Find what comes with mailbot: configuration, templates, documentation, units."""

from pathlib import Path

FILES = ("mailbot.yaml", "teams.yaml", "routing.yaml", "escalation.yaml")

PACKAGE = Path(__file__).resolve().parent.parent


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


def _find(name: str) -> Path:
    """Return a folder of a wheel (in the package) or of a checkout (beside the package)."""
    inside = PACKAGE / "shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name
