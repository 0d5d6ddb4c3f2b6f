"""A bot of a server in this process."""

from collections.abc import AsyncIterator

import pytest

from mailbot.channels.telegram.api import Api
from mailbot.config.model import Telegram
from tests.fakes.telegram import TOKEN, FakeTelegram


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
async def api(fake: FakeTelegram) -> AsyncIterator[Api]:
    opened = Api(Telegram("support@toko.example", api=fake.api, token=TOKEN))
    yield opened
    await opened.close()
