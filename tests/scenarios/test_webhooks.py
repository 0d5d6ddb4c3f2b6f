"""The daemon and its webhooks: nothing is lost and ids stay however often it is killed; the shell feeds them too."""

import asyncio
import json
import random
import signal
from collections import Counter
from pathlib import Path

import pytest

from mailbot.domain.webhooks.event_types import KINDS
from tests.domain.programs.test_standard_webhooks import SECRET, text
from tests.fakes.webhook_receiver import SILENT, WebhookReceiver
from tests.profile import NIGHTLY
from tests.scenarios.harness import DaemonProcess, complaint, eventually, send
from tests.sink import SinkSmtp

MAILS, KILLS = (120, 12) if NIGHTLY else (24, 4)
VARIABLE = "MAILBOT_WEBHOOK_SECRET_ACCOUNTING"


def configured(folder: Path, sink: SinkSmtp, receiver: WebhookReceiver) -> DaemonProcess:
    daemon = DaemonProcess(folder, sink.port, env={VARIABLE: text(SECRET)})
    hook = f"webhooks:\n  - name: accounting\n    url: {receiver.url}\n    allow_networks: [127.0.0.0/8]\n\n"
    daemon.edit("mailbot.yaml", r"(?m)^admins:", f"{hook}admins:")
    return daemon


def recorded(daemon: DaemonProcess) -> set[tuple[str, int]]:
    """List the events that webhooks hear of, as the store has them."""
    rows = daemon.rows("SELECT ticket, seq, kind FROM events")
    return {(row["ticket"], row["seq"]) for row in rows if row["kind"] in KINDS}


def taken(receiver: WebhookReceiver) -> set[tuple[str, int]]:
    return {
        (each.body["data"]["ticket"]["number"], each.body["data"]["event"]["seq"])
        for each in receiver.taken
        if each.type != "webhook.test"
    }


async def deliver(daemon: DaemonProcess, number: int) -> None:
    """Send one mail until it is taken."""
    while True:
        try:
            if (await send(daemon.port, complaint(number), f"k{number}@x.example")).startswith("250"):
                return
        except OSError:
            await asyncio.sleep(0.05)  # the daemon is down


@pytest.mark.timeout(300)
async def test_events_arrive_at_least_once_under_one_id_however_often_the_daemon_is_killed(
    tmp_path: Path,
) -> None:
    rng = random.Random(1)
    async with SinkSmtp() as sink, WebhookReceiver(text(SECRET)) as receiver:
        daemon = configured(tmp_path, sink, receiver)
        await daemon.start()
        clients = [asyncio.create_task(deliver(daemon, number)) for number in range(MAILS)]
        for kill in range(KILLS):
            await receiver.wait_for((kill + 1) * 3 + rng.randrange(5), within=90)
            await daemon.stop(signal.SIGKILL)
            await daemon.start()
        await asyncio.gather(*clients)
        await eventually(lambda: not daemon.rows("SELECT 1 FROM inbox WHERE state = 'new'"), 60)
        await eventually(lambda: taken(receiver) == recorded(daemon), 90)
        assert await daemon.stop() == 0

        opened = [row["ticket"] for row in daemon.rows("SELECT ticket FROM events WHERE seq = 1")]
        assert len(opened) == MAILS
        ids = {(each.body["data"]["ticket"]["number"], each.body["data"]["event"]["seq"], each.identity)
               for each in receiver.taken}  # fmt: skip
        assert len(ids) == len(recorded(daemon))
        assert receiver.wrong == 0
        first = list(dict.fromkeys(each.identity for each in receiver.taken))
        by_id = {each.identity: each.body["data"] for each in receiver.taken}
        places: Counter[str] = Counter()
        for identity in first:  # in order, when what is known is dropped
            number, seq = by_id[identity]["ticket"]["number"], by_id[identity]["event"]["seq"]
            assert seq > places[number]
            places[number] = seq


@pytest.mark.timeout(200)
async def test_a_shells_act_reaches_the_webhook_and_operators_can_see_and_steer_it(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, WebhookReceiver(text(SECRET)) as receiver:
        daemon = configured(tmp_path, sink, receiver)
        async with daemon:
            await deliver(daemon, 1)
            await eventually(lambda: taken(receiver) and taken(receiver) == recorded(daemon), 60)
            (ticket,) = {number for number, _ in taken(receiver)}
            assert (await daemon.command("ticket", "tag", ticket, "refund"))[0] == 0
            await eventually(lambda: receiver.taken[-1].type == "ticket.tags_changed", 60)

            assert (await daemon.command("webhooks", "test", "accounting"))[0] == 0
            assert receiver.taken[-1].type == "webhook.test"
            code, out, _ = await daemon.command("webhooks", "list", "accounting", "--json")
            shown = json.loads(out)
            assert (code, shown["state"], shown["waiting"], shown["error"]) == (0, "active", 0, None)
            assert shown["attempts"][0]["code"] == 204

            assert (await daemon.command("webhooks", "disable", "accounting"))[0] == 0
            assert (await daemon.command("webhooks", "disable", "accounting"))[0] == 1
            before = len(receiver.taken)
            assert (await daemon.command("webhooks", "replay", "accounting", "--since", "1d"))[0] == 0
            code, out, _ = await daemon.command("webhooks", "list", "--json")
            assert json.loads(out)[0]["state"] == "disabled"
            assert json.loads(out)[0]["waiting"] == len(recorded(daemon))
            assert len(receiver.taken) == before
            assert (await daemon.command("webhooks", "enable", "accounting"))[0] == 0
            await receiver.wait_for(before + len(recorded(daemon)))
            assert (await daemon.command("webhooks", "replay", "nobody", "--since", "1d"))[0] == 1


@pytest.mark.timeout(120)
async def test_a_receiver_that_never_answers_delays_neither_mail_nor_the_stop(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, WebhookReceiver(text(SECRET), usual=SILENT) as receiver:
        daemon = configured(tmp_path, sink, receiver)
        await daemon.start()
        await deliver(daemon, 1)
        await eventually(lambda: receiver.messages, 60)
        await deliver(daemon, 2)
        await eventually(lambda: len(sink.taken) >= 2, 60)
        assert await daemon.stop() == 0
        assert daemon.rows("SELECT holder FROM webhooks") == [{"holder": None}]
