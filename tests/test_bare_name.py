"""Nothing tells anybody to install mailbot from an index by its name: there it is another project's."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLACES = ("mailbot", "config", "templates", "systemd", "docs", "tests", ".ci")
INSTALLER = r"\b(?:pip3?|pipx|uv|uvx|poetry|conda|easy_install)\b"
# The name alone or with an extra; not part of a path, an address or a file's name.
BY_NAME = re.compile(rf"{INSTALLER}.*(?<![\w/.@-])mailbot(?![\w/.@-])|(?<![\w/.-])mailbot\[")
SELF = Path(__file__)


def faults(text: str) -> list[str]:
    return [line for line in text.splitlines() if BY_NAME.search(line)]


def test_no_text_installs_by_the_bare_name() -> None:
    files = [path for place in PLACES for path in (ROOT / place).rglob("*") if path.is_file()]
    texts = {path for path in files if path.suffix not in (".png", ".pyc", ".gz")} - {SELF}
    texts |= {path for path in ROOT.glob("*") if path.suffix in (".md", ".toml") or path.name == "Makefile"}
    assert len(texts) > 400
    found = [(str(path), line) for path in sorted(texts) for line in faults(path.read_text(errors="replace"))]
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["pip install mailbot", "pip install 'mailbot[auth]'", "pipx install --global mailbot", "uv tool install mailbot",
     '    "mailbot[auth]",', "python -m pip install -U mailbot==1.0"],
)  # fmt: skip
def test_a_bare_name_would_be_noticed(line: str) -> None:
    assert faults(line)


@pytest.mark.parametrize(
    "line",
    [
        "pipx install .",
        "pip install '.[postgres]'",
        "pip install ./mailbot-0.1.0-py3-none-any.whl",
        "/opt/mailbot/bin/pip install .",
    ],
)
def test_a_path_or_a_file_is_no_bare_name(line: str) -> None:
    assert not faults(line)
