"""Events go to webhooks in their order, at least once, under an id that stays, and hold up nobody else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from mailbot.config.model import Webhook
from mailbot.delivery.webhooks.client import WebhookClient
from mailbot.domain.webhooks.event_types import KINDS
from mailbot.errors import StoreUnavailable
from mailbot.store.schema import event_feed, events, metadata, webhook_attempts, webhooks
from mailbot.store.service import nodes
from mailbot.store.store import Store
from mailbot.store.webhooks import feed, states
from mailbot.store.webhooks.states import Change, Named
from mailbot.views.webhook_json import bodies
from mailbot.workers.webhooks.cleanup import WebhookCleanup
from mailbot.workers.webhooks.sender import WebhookSender
from tests.domain.programs.test_standard_webhooks import OTHER, SECRET, text
from tests.fakes.webhook_receiver import RESET, SILENT, WebhookReceiver
from tests.postgres_server import serve_postgres_alone
from tests.shaky_store import ShakyStore
from tests.workers.test_intake import BUDI, Desk

NAME = "accounting"
SHORT = timedelta(seconds=2)  # a busy machine needs a part of it


class WebhookDesk(Desk):
    """A desk whose events go to receivers on loopback."""

    def __init__(self, store: Store, stack: AsyncExitStack) -> None:
        super().__init__(store)
        self._stack = stack

    async def receiver(self, **options: Any) -> WebhookReceiver:
        made = WebhookReceiver(text(SECRET), now=lambda: self.clock.timestamp(), **options)
        return await self._stack.enter_async_context(made)

    def sender(
        self,
        receiver: WebhookReceiver,
        name: str = NAME,
        *,
        node: str = "n1",
        store: Any = None,
        **changes: Any,
    ) -> WebhookSender:
        """Configure the webhook and return its worker on this node."""
        chosen = Webhook(name, receiver.url, allow_networks=("127.0.0.0/8",), secrets=(SECRET,))
        webhook = replace(chosen, **changes)
        self.store.write_now(states.prepare, Named((name,), self.clock))
        deps = replace(self.deps, store=store or self.store)
        client = WebhookClient(webhook.url, webhook.allow_networks, patience=SHORT)
        worker = WebhookSender(deps, webhook, node, bodies, client)
        self._stack.push_async_callback(client.close)
        return worker

    def state(self, name: str = NAME) -> states.Webhook:
        found = self.store.read_now(states.load, name)
        assert found
        return found

    def public_events(self) -> list[tuple[str, int, str]]:
        """List what webhooks should hear of: ticket, place, type."""
        rows = self.all(select(events.c.ticket, events.c.seq, events.c.kind))
        return [(row.ticket, row.seq, KINDS[row.kind]) for row in rows if row.kind in KINDS]

    async def wait_until_due(self) -> None:
        self.clock = max(self.clock, self.state().due_at)


def places(receiver: WebhookReceiver) -> list[tuple[str, int, str]]:
    """List what was taken, as `public_events` lists it."""
    return [
        (each.body["data"]["ticket"]["number"], each.body["data"]["event"]["seq"], each.type)
        for each in receiver.taken
    ]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with serve_postgres_alone() as url:
        yield url


@pytest.fixture
def fed(store_url: str) -> Iterator[Store]:
    store = Store(store_url, feeds=lambda: True)
    metadata.create_all(store.engine)
    yield store
    store.close()


@pytest.fixture
async def desk(fed: Store) -> AsyncIterator[WebhookDesk]:
    async with AsyncExitStack() as stack:
        yield WebhookDesk(fed, stack)


async def turn(*senders: WebhookSender) -> None:
    """Let the workers send all that waits, until each of them rests."""
    for sender in senders:
        while await sender.run_once() == timedelta():
            pass


# --- what is sent ------------------------------------------------------------------------------------------------


async def test_each_event_is_sent_once_in_its_order(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver)
    first = await desk.receive(Subject="Saldo terpotong")
    await desk.receive(sender=BUDI, Subject=f"Re: [{first.number}]")
    await turn(sender)
    await turn(sender)

    assert sorted(places(receiver)) == sorted(desk.public_events())
    assert [seq for _, seq, _ in places(receiver)] == sorted(seq for _, seq, _ in places(receiver))
    assert {"ticket.opened", "ticket.routed", "customer.wrote"} <= {each.type for each in receiver.taken}
    assert len({each.identity for each in receiver.taken}) == len(receiver.taken)
    assert receiver.wrong == 0
    assert desk.state().delivered_at == desk.clock


async def test_a_message_has_the_ticket_and_the_event_as_the_api_has_them(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver)
    ticket = await desk.receive(Subject="Saldo terpotong")
    await turn(sender)

    opened = receiver.taken[0].body
    assert (opened["type"], opened["version"]) == ("ticket.opened", 1)
    assert opened["timestamp"] == desk.clock.isoformat()
    assert opened["data"]["ticket"]["number"] == ticket.number
    assert opened["data"]["ticket"]["team"] == "payments"
    assert opened["data"]["event"]["kind"] == "ticket_opened"
    assert opened["data"]["event"]["data"]["customer"] == BUDI


async def test_only_the_events_that_a_webhook_names_are_sent_there(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver, events=("ticket.opened",))
    await desk.receive()
    await turn(sender)

    assert [each.type for each in receiver.taken] == ["ticket.opened"]
    assert not (await _waits(desk))


async def test_only_tickets_of_the_teams_that_a_webhook_names_are_sent_there(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver, teams=("payments",))
    await desk.receive(Subject="Lain")
    theirs = await desk.receive(Subject="Saldo terpotong")
    await turn(sender)

    assert {number for number, _, _ in places(receiver)} == {theirs.number}


async def test_a_ticket_that_was_deleted_is_passed_by(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver)
    gone, kept = await desk.receive(), await desk.receive(sender="siti@lain.example")
    with desk.store.engine.begin() as connection:
        connection.execute(delete(events).where(events.c.ticket == gone.number))
    await turn(sender)

    assert {number for number, _, _ in places(receiver)} == {kept.number}


async def _waits(desk: WebhookDesk) -> int:
    return await desk.store.read(feed.count_after, desk.state().place)


# --- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "302", "404", RESET, SILENT])
async def test_what_is_not_taken_is_sent_again_under_its_id_and_nothing_overtakes(
    desk: WebhookDesk, fault: str
) -> None:
    receiver = await desk.receiver(steps=["204", fault, fault])
    sender = desk.sender(receiver)
    await desk.receive()
    await turn(sender)
    assert len(receiver.taken) == 1
    assert (desk.state().failures, desk.state().due_at > desk.clock) == (1, True)
    await turn(sender)  # it is not due yet
    assert len(receiver.messages) == 2
    for _ in range(2):
        await desk.wait_until_due()
        await turn(sender)

    assert [(place, seq) for place, seq, _ in places(receiver)] == [
        (place, seq) for place, seq, _ in sorted(desk.public_events())
    ]
    assert len({each.identity for each in receiver.messages[1:4]}) == 1
    assert (desk.state().failures, desk.state().error) == (0, None)


async def test_a_receiver_that_asks_for_a_pause_gets_it(desk: WebhookDesk) -> None:
    receiver = await desk.receiver(steps=["429"], pause="600")
    sender = desk.sender(receiver)
    await desk.receive()
    await turn(sender)

    assert desk.state().due_at == desk.clock + timedelta(minutes=10)


async def test_a_receiver_with_another_secret_gets_nothing_it_believes(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver, secrets=(OTHER,))
    await desk.receive()
    await turn(sender)

    assert (receiver.messages, receiver.wrong) == ([], 1)
    assert desk.state().error == "HTTP 401"


async def test_while_the_secret_is_changed_both_are_believed(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver, secrets=(OTHER, SECRET))
    await desk.receive()
    await turn(sender)

    assert receiver.taken
    assert receiver.wrong == 0


async def test_without_a_secret_nothing_is_sent_and_everything_waits(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver, secrets=())
    await desk.receive()
    await turn(sender)

    assert "has no secret" in sender.trouble
    assert receiver.connections == 0
    await turn(desk.sender(receiver))
    assert sorted(places(receiver)) == sorted(desk.public_events())


async def test_a_receiver_that_is_gone_is_disabled_at_once_and_goes_on_when_it_is_enabled(
    desk: WebhookDesk,
) -> None:
    receiver = await desk.receiver(steps=["410"])
    sender = desk.sender(receiver)
    await desk.receive()
    await turn(sender)
    await turn(sender)
    assert "is disabled since" in sender.trouble
    assert "`mailbot webhooks enable accounting`" in sender.trouble
    assert receiver.taken == []

    desk.store.write_now(states.enable, Change(NAME, desk.clock))
    await turn(sender)
    assert sorted(places(receiver)) == sorted(desk.public_events())
    assert sender.trouble == ""


async def test_after_five_days_of_failures_it_is_disabled(desk: WebhookDesk) -> None:
    receiver = await desk.receiver(usual="500")
    sender = desk.sender(receiver)
    await desk.receive()
    await turn(sender)
    started, clocks = desk.clock, []
    while desk.state().disabled_at is None:
        await desk.wait_until_due()
        await turn(sender)
        clocks.append(desk.clock - started)
        if len(clocks) == 12:  # the next 470 are alike
            with desk.store.engine.begin() as connection:
                connection.execute(update(webhooks).values(failures=485))
        assert len(clocks) < 20
    await turn(sender)

    assert desk.state().disabled_by == "mailbot"
    assert "HTTP 500" in sender.trouble
    assert timedelta(hours=1) < clocks[11] < timedelta(hours=3)


async def test_what_a_person_disabled_is_no_trouble(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver)
    await desk.receive()
    desk.store.write_now(states.disable, Change(NAME, desk.clock, "operator:eko"))
    await turn(sender)

    assert (sender.trouble, receiver.connections) == ("", 0)


async def test_a_silent_receiver_delays_no_other_and_no_mail(desk: WebhookDesk) -> None:
    silent, good = await desk.receiver(usual=SILENT), await desk.receiver()
    first, second = desk.sender(silent, "silent"), desk.sender(good, "good")
    await desk.receive()
    waiting = asyncio.create_task(first.run_once())
    await turn(second)
    ticket = await desk.receive(sender="siti@lain.example")
    await turn(second)

    assert sorted(places(good)) == sorted(desk.public_events())
    assert ticket.number in {number for number, _, _ in places(good)}
    await waiting
    assert desk.state("silent").failures == 1


async def test_when_the_store_does_not_confirm_a_message_it_is_sent_again_under_its_id(
    desk: WebhookDesk,
) -> None:
    receiver = await desk.receiver()
    for committed in (False, True):
        shaky = ShakyStore(desk.store, "record", committed=committed)
        sender = desk.sender(receiver, store=shaky)
        await desk.receive(sender=f"{committed}@lain.example")
        with pytest.raises(StoreUnavailable):
            await turn(sender)
        await turn(sender)

    assert set(places(receiver)) == set(desk.public_events())
    assert len(receiver.taken) > len(desk.public_events())
    assert len({each.identity for each in receiver.taken}) == len(desk.public_events())


async def test_of_two_nodes_one_sends_and_when_it_leaves_the_other_goes_on(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    for node in ("n1", "n2"):
        desk.store.write_now(nodes.register, nodes.Node(node, "host", 1, "delivery", desk.clock, "v1"))
    one, two = desk.sender(receiver), desk.sender(receiver, node="n2")
    await desk.receive()
    await asyncio.gather(turn(one), turn(two))
    assert sorted(places(receiver)) == sorted(desk.public_events())

    await desk.receive(sender="siti@lain.example")
    await turn(two)
    await turn(one)
    assert sorted(places(receiver)) == sorted(desk.public_events())
    await one.close(timedelta())
    await desk.receive(sender="ani@lain.example")
    await turn(two)
    await turn(one)
    assert sorted(places(receiver)) == sorted(desk.public_events())


# --- operators ---------------------------------------------------------------------------------------------------


async def test_a_replay_sends_the_same_events_under_the_same_ids(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver)
    await desk.receive()
    await turn(sender)
    first = [(each.identity, each.body) for each in receiver.taken]
    place = desk.store.read_now(feed.place_before, event_feed.c.at >= desk.clock)
    desk.store.write_now(states.move, Change(NAME, desk.clock, place=place))
    await turn(sender)

    assert [(each.identity, each.body) for each in receiver.taken[len(first) :]] == first


async def test_what_is_a_month_old_is_removed_once_it_was_sent(desk: WebhookDesk) -> None:
    receiver = await desk.receiver()
    sender = desk.sender(receiver)
    cleanup = WebhookCleanup(desk.deps, (NAME,))
    await desk.receive()
    desk.clock += timedelta(days=29)
    await turn(sender)
    await cleanup.run_once()
    assert await _waits(desk) == 0
    assert len(desk.all(select(event_feed.c.id))) == len(receiver.taken)

    desk.clock += timedelta(days=2)
    late = await desk.receive(sender="siti@lain.example")
    await cleanup.run_once()
    left = {row.ticket for row in desk.all(select(event_feed.c.ticket))}
    assert left == {late.number}
    assert desk.one(select(func.count()).select_from(webhook_attempts))[0] == len(receiver.taken)
    desk.clock += timedelta(days=29)
    await cleanup.run_once()
    assert desk.one(select(func.count()).select_from(webhook_attempts))[0] == 0
