"""`mailbot channels setup telegram`, as used from a shell."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_merge import Shell
from tests.fakes.telegram import TOKEN, FakeTelegram

SETUP = ("channels", "setup", "telegram")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    made.env["MAILBOT_TELEGRAM_TOKEN"] = TOKEN
    yield made
    made.store.close()


def set_up(shell: Shell, telegram: str, more: str = "") -> None:
    """Add these settings of a bot to mailbot.yaml."""
    path = Path(shell.env["MAILBOT_CONFIG"]) / "mailbot.yaml"
    path.write_text(f"{path.read_text()}\nchannels:\n  telegram: {telegram}\n{more}")


async def test_the_bot_is_shown_and_its_webhook_removed(shell: Shell) -> None:
    async with FakeTelegram() as fake:
        set_up(shell, f"{{api: '{fake.api}'}}")
        fake.webhook = "https://old.example"
        said = await asyncio.to_thread(shell.run, *SETUP)

    assert "Dukungan (@dukungan_bot) answers" in said
    assert "mailbot asks for them" in said
    assert "/setjoingroups" in said
    assert (fake.webhook, fake.menu) == ("", {"": ["status", "baru"], "en": ["status", "new"]})
    assert TOKEN not in said


async def test_a_webhook_is_set_with_its_secret(shell: Shell) -> None:
    shell.env["MAILBOT_TELEGRAM_SECRET"] = "s" * 32
    async with FakeTelegram() as fake:
        served = "console: 127.0.0.1:8025\npublic_url: https://bantuan.example\n"
        set_up(shell, f"{{api: '{fake.api}', webhook: yes}}", served)
        found = json.loads(await asyncio.to_thread(shell.run, *SETUP, "--json"))

    assert (fake.webhook, fake.secret) == ("https://bantuan.example/channels/telegram", "s" * 32)
    assert (found["username"], found["webhook"]) == ("dukungan_bot", fake.webhook)


async def test_a_wrong_token_is_said(shell: Shell) -> None:
    shell.env["MAILBOT_TELEGRAM_TOKEN"] = "4711:other"
    async with FakeTelegram() as fake:
        set_up(shell, f"{{api: '{fake.api}'}}")
        said = await asyncio.to_thread(shell.run, *SETUP, code=1)
    assert "401 Unauthorized: is MAILBOT_TELEGRAM_TOKEN the bot's token?" in said


def test_a_missing_token_a_weak_secret_and_no_bot_are_said(shell: Shell) -> None:
    assert "no bot is set up" in shell.run(*SETUP, code=1)
    served = "console: 127.0.0.1:8025\npublic_url: https://bantuan.example\n"
    set_up(shell, "{webhook: yes}", served)
    shell.env["MAILBOT_TELEGRAM_SECRET"] = "weak secret"
    assert "MAILBOT_TELEGRAM_SECRET needs 16 to 256" in shell.run(*SETUP, code=1)
    del shell.env["MAILBOT_TELEGRAM_TOKEN"]
    assert "MAILBOT_TELEGRAM_TOKEN is missing" in shell.run(*SETUP, code=1)
