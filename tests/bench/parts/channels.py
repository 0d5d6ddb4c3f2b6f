"""How fast messages of a program come in by its signed calls, and acknowledgements and a webhook's events leave."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.bench import meter, stage
from tests.bench.figures import Run, percentile
from tests.bench.targets import mailbot
from tests.fakes.program import ANSWERS, SECRET, YAML, Program, content, signed
from tests.fakes.webhook_receiver import WebhookReceiver
from tests.scenarios.harness import eventually, free_port
from tests.sink import SinkSmtp

CALLERS = 8  # connections that are kept
PATIENCE = 300.0  # seconds for the last acknowledgement and the last event
OPENED = "ticket.opened"
WEBHOOKS = """
webhooks:
  - {{name: accounting, url: "{url}", events: [{opened}], allow_networks: [127.0.0.0/8]}}
"""


async def once(folder: Path, messages: int) -> Run:
    """Let a program bring so many messages, each of another person, as fast as it can."""
    port, waits, refused = free_port(), list[float](), Counter[int]()
    secrets = {
        "MAILBOT_CHANNEL_SECRET_TOKO": SECRET,
        "MAILBOT_CHANNEL_SEND_SECRET_TOKO": ANSWERS,
        "MAILBOT_WEBHOOK_SECRET_ACCOUNTING": SECRET,
    }
    with stage.own_folder(folder) as place:
        async with SinkSmtp() as sink, Program() as program, WebhookReceiver(SECRET) as receiver:
            daemon = mailbot.desk(place, sink.port, secrets)
            with (daemon.config / "mailbot.yaml").open("a") as file:
                file.write(YAML.format(port=port, url=program.url))
                file.write(WEBHOOKS.format(url=receiver.url, opened=OPENED))
            async with daemon:
                assert daemon.process
                await _call(port, [messages], [], refused)  # the pages' process starts beside the listener
                await eventually(lambda: receiver.taken, PATIENCE)
                todo = list(range(messages))
                with meter.Meter((daemon.process.pid,)) as spent:
                    began = time.perf_counter()
                    await asyncio.gather(*(_call(port, todo, waits, refused) for _ in range(CALLERS)))
                    taken = time.perf_counter() - began
                    await eventually(lambda: len(program.taken) > messages, PATIENCE)
                    acknowledged = time.perf_counter() - began
                    await receiver.wait_for(messages + 1, within=PATIENCE)
                    told = time.perf_counter() - began
                    cost = spent.spent
    answers = Counter(headers["idempotency-key"] for headers, _ in program.taken)
    measures = {
        "calls/s": messages / taken,
        "call p50 (ms)": 1000 * percentile(waits, 0.5),
        "call p99 (ms)": 1000 * percentile(waits, 0.99),
        "messages/s, acknowledged": messages / acknowledged,
        "messages/s, told to a webhook": messages / told,
        "CPU a message (ms)": 1000 * cost / messages,
    }
    faults = {
        "calls refused": sum(refused.values()),
        "without an acknowledgement": messages + 1 - len(answers),
        "acknowledged twice": sum(answers.values()) - len(answers),
    }
    return Run(measures, faults)


async def _call(port: int, todo: list[int], waits: list[float], refused: Counter[int]) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        while todo:
            number = todo.pop()
            body = content(
                f"Paket nomor {number} belum sampai, mohon dibantu", id=f"m{number}", by=f"b-{number}"
            )
            headers = signed(body, datetime.now(UTC), id=f"msg_{number}")
            began = time.perf_counter()
            reply = await client.post(f"http://127.0.0.1:{port}/channels/toko", content=body, headers=headers)
            waits.append(time.perf_counter() - began)
            if reply.status_code != 200:
                refused[reply.status_code] += 1
