"""A desk whose customers write to a bot: the loops of the daemon over a server of the Bot API."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailbot.channels.telegram.channel import build
from mailbot.config.model import Telegram
from mailbot.store.schema import channel_events, messages, outbox, suppressions
from mailbot.store.store import Store
from mailbot.workers.channels.holder import Holder
from mailbot.workers.channels.poller import ChannelPoller
from mailbot.workers.channels.reader import ChannelReader
from mailbot.workers.channels.sender import ChannelSender
from mailbot.workers.failed_mail import FailedMail
from tests.builders import BOX
from tests.fakes.telegram import GARBAGE, SITI, TOKEN, FakeTelegram
from tests.workers.test_intake import Desk


class BotDesk(Desk):
    """A desk with such a bot."""

    def __init__(self, store: Store, fake: FakeTelegram) -> None:
        super().__init__(store)
        self.fake, self.monotonic = fake, 0.0
        self.channel = build(Telegram(BOX.address, api=fake.api, token=TOKEN))
        holder = Holder(store, "telegram", "n1", lambda: self.monotonic)
        self.poller = ChannelPoller(self.deps, self.channel, holder, lambda: None)
        self.reader = ChannelReader(self.deps, self.channel, holder, lambda: None)
        self.sender = ChannelSender(self.deps, self.channel, "n1", lambda: self.monotonic)
        self.failed = FailedMail(self.deps)

    async def turn(self) -> None:
        """Fetch what people wrote, decide, and send."""
        await self.poller.run_once()
        while await self.reader.run_once() == 0:
            pass
        await self.work()
        while await self.sender.run_once() == 0:
            pass
        await self.failed.run_once()


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[BotDesk]:
    async with FakeTelegram() as fake:
        fake.patience = 0
        made = BotDesk(store, fake)
        yield made
        assert made.channel.close
        await made.channel.close()


async def test_who_blocks_the_bot_gets_nothing_until_they_write_again(desk: BotDesk) -> None:
    desk.fake.write("Saldo saya terpotong dua kali")
    desk.fake.blocked.add(SITI["id"])  # type: ignore[arg-type]
    await desk.turn()
    (row,) = desk.all(select(outbox).where(outbox.c.recipient == "telegram:62811"))
    assert (row.state, row.reply[:6]) == ("failed", "5.2.1 ")
    (suppressed,) = desk.all(select(suppressions))
    assert (suppressed.address, suppressed.until) == ("telegram:62811", None)
    assert len(desk.all(select(outbox).where(outbox.c.why == "undeliverable"))) > 0

    desk.fake.blocked.clear()
    desk.clock += timedelta(hours=1)
    desk.fake.write("/baru Paket saya juga belum sampai")
    await desk.turn()
    assert desk.all(select(suppressions)) == []
    assert len(desk.fake.texts()) == 1


async def test_who_opens_the_chat_again_is_not_suppressed_any_more(desk: BotDesk) -> None:
    desk.fake.write("Saldo saya terpotong dua kali")
    desk.fake.blocked.add(SITI["id"])  # type: ignore[arg-type]
    await desk.turn()
    desk.fake.blocked.clear()
    desk.fake.write("/start")
    await desk.turn()

    assert desk.all(select(suppressions)) == []
    assert desk.fake.texts()[0].startswith("Halo!")


async def test_a_reply_in_the_chat_goes_to_the_ticket_of_the_message_that_it_answers(desk: BotDesk) -> None:
    desk.fake.write("Saldo saya terpotong dua kali")
    await desk.turn()
    ours = {"message_id": desk.fake.sent[0].message_id, "from": {"id": 4711, "is_bot": True}}
    desk.fake.write("/baru Paket saya belum sampai")
    await desk.turn()
    desk.fake.write("Yang saldo sudah beres kak", reply_to_message=ours)
    await desk.turn()

    tickets = [each.ticket for each in desk.all(select(messages).order_by(messages.c.id))]
    assert tickets == [tickets[0], tickets[1], tickets[0]]
    assert tickets[0] != tickets[1]


async def test_an_answer_that_came_broken_is_asked_for_again(desk: BotDesk) -> None:
    desk.fake.write("Saldo saya terpotong dua kali")
    desk.fake.fail("getUpdates", GARBAGE, 429)
    assert 0 < await desk.poller.run_once() < 1  # type: ignore[operator]
    assert desk.poller.error == "Telegram: its reply can't be read"
    assert await desk.poller.run_once() == timedelta(seconds=7)
    await desk.turn()
    assert (desk.poller.error, len(desk.all(select(messages)))) == ("", 1)


async def test_an_update_that_is_brought_twice_is_one_message(desk: BotDesk) -> None:
    update = desk.fake.write("Saldo saya terpotong dua kali")
    await desk.turn()
    desk.fake.updates = [update]
    await desk.turn()
    desk.fake.updates = [{**update, "update_id": update["update_id"] + 900}]  # of the same message
    await desk.turn()

    assert len(desk.all(select(channel_events))) == 2
    assert len(desk.all(select(messages))) == 1
