"""Where the store is: what mailbot.yaml, the environment and systemd say, as one SQLAlchemy URL."""

from collections.abc import Mapping
from pathlib import Path

from mailbot.config import environment
from mailbot.config.environment import Environment
from mailbot.config.yaml import source
from mailbot.config.yaml.scalars import POSTGRES, store_without_password

STORE = "mailbot.db"  # when nobody says anything


def store_url(in_yaml: str, directory: Path, said: Environment) -> str:
    """A relative path starts at systemd's state directory, else at `state_directory`; in MAILBOT_STORE, as
    everywhere in a shell, where one stands."""
    text = said.store or in_yaml
    base = Path.cwd() if said.store else said.store_base or state_directory(directory)
    scheme, colon, rest = text.partition("://")
    if colon and scheme in POSTGRES:
        return f"postgresql+psycopg://{rest}"
    path, mark, query = (rest[1:] if colon else text).partition("?")
    return f"sqlite:///{(base / path).absolute()}{mark}{query}"


def known_store(directory: Path, env: Mapping[str, str]) -> str:
    """Where the store is, whatever else is wrong with the files; "" when they can't tell."""
    said, *_ = environment.read(env)
    file, _ = source.read(directory / "mailbot.yaml")
    try:
        in_yaml = store_without_password(file.data.get("store", STORE) if isinstance(file.data, dict) else "")
    except ValueError:
        in_yaml = ""
    return store_url(in_yaml, directory, said) if in_yaml or said.store else ""


def state_directory(directory: Path) -> Path:
    """Where state lies without systemd's word: /var/lib/mailbot for /etc/mailbot, else beside the YAML.

    So a command in a shell finds the store of the daemon that systemd has started.
    """
    whole = directory.absolute()
    return Path("/var/lib") / whole.name if whole.parent == Path("/etc") else directory
