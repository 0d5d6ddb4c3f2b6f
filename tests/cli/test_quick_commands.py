"""Commands that only read: they import little, and go on when the YAML is broken."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailbot.cli import cli
from mailbot.config import shipped
from mailbot.config.api import load
from mailbot.store import policies
from mailbot.store.store import Store
from tests import empty_store

ROOT = Path(__file__).parents[2]
HEAVY = {
    "pydantic",
    "yaml",
    "jinja2",
    "rich",
    "aiosmtpd",
    "aiosmtplib",
    "cryptography",
    "holidays",
    "alembic",
}
RUN = """
import json, sys
from mailbot.cli import cli
for words in json.loads(sys.argv[1]):
    try: cli(words, standalone_mode=False)
    except SystemExit: pass
    print("imported", *words, sorted(set(json.loads(sys.argv[2])) & sys.modules.keys()), file=sys.stderr)
"""
LIGHT = (["ticket", "list"], ["outbox", "list"], ["ticket", "list", "--json"])


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a desk whose store keeps the shipped policy."""
    config, url = shutil.copytree(shipped.config(), tmp_path / "config"), empty_store.migrated_url(tmp_path)
    env = {
        "MAILBOT_CONFIG": str(config),
        "MAILBOT_STORE": f"{tmp_path}/mailbot.db",
        "XDG_CACHE_HOME": f"{tmp_path}/cache",
    }
    loaded, store = load(Path(config), env), Store(url)
    sources = (loaded.sources.files, loaded.sources.templates)
    store.write_now(
        policies.record_active,
        policies.ActivePolicy(loaded.policy.version, datetime.now(UTC), {}, *sources),
    )
    store.close()
    return env


def test_a_reading_command_imports_neither_loader_nor_composer(env: dict[str, str]) -> None:
    CliRunner().invoke(cli, ["ticket", "list"], env=env)  # fills the cache
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(LIGHT), json.dumps(sorted(HEAVY))],
        env=os.environ | env,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert [line.rpartition(" ")[2] for line in done.stderr.splitlines()] == ["[]"] * len(LIGHT), done.stderr


READERS = (
    *(["ticket", "list"], ["inbox", "list"], ["outbox", "list"], ["suppression", "list"]),
    *(["cause", "list"], ["compensation", "list"], ["console", "sessions"]),
)


@pytest.mark.parametrize("fault", ["a broken line", "no routing.yaml", "no directory"])
def test_reading_goes_on_with_the_policy_in_the_store(fault: str, env: dict[str, str]) -> None:
    config = Path(env["MAILBOT_CONFIG"])
    whole = {tuple(words): CliRunner().invoke(cli, words, env=env) for words in READERS}
    match fault:
        case "a broken line":
            (config / "routing.yaml").write_text("rules: [\n")
        case "no routing.yaml":
            (config / "routing.yaml").unlink()
        case _:
            shutil.rmtree(config)

    for words, before in whole.items():
        after = CliRunner().invoke(cli, list(words), env=env)
        assert (after.exit_code, after.stdout) == (before.exit_code, before.stdout), words
        [line] = after.stderr.splitlines()[: 1 + len(before.stderr.splitlines())][:1]
        assert line.startswith("mailbot: the configuration can't be used"), words
        assert "the store keeps" in line
    refused = CliRunner().invoke(cli, ["ticket", "note", "TOKO-48217390-8", "words"], env=env)
    assert refused.exit_code == 78
