"""Find the database that the settings name."""

from pathlib import Path

from mailbot.config.environment import Environment
from mailbot.config.yaml.scalars import POSTGRES

STORE = "mailbot.db"  # when no setting names one


def store_url(in_yaml: str, directory: Path, environment: Environment) -> str:
    """Return the SQLAlchemy URL of the store that the environment, else mailbot.yaml names.

    A relative path in YAML starts at systemd's state directory, else at `state_directory`. One in
    MAILBOT_STORE starts at the working directory, as in a shell.
    """
    text = environment.store or in_yaml
    base = Path.cwd() if environment.store else environment.store_base or state_directory(directory)
    return sqlalchemy_url(text, base)


def sqlalchemy_url(text: str, base: Path) -> str:
    """Return the SQLAlchemy URL of a valid file or URL (`scalars.store`). A relative path starts at `base`."""
    scheme, colon, rest = text.partition("://")
    if colon and scheme in POSTGRES:
        return f"postgresql+psycopg://{rest}"
    path, mark, query = (rest[1:] if colon else text).partition("?")
    return f"sqlite:///{(base / path).absolute()}{mark}{query}"


def state_directory(directory: Path) -> Path:
    """Return where state lies without systemd: /var/lib/mailbot for /etc/mailbot, else beside the YAML.

    So a command in a shell finds the store of the daemon that systemd has started.
    """
    whole = directory.absolute()
    return Path("/var/lib") / whole.name if whole.parent == Path("/etc") else directory
