"""How soon an agent has the receipt for a command that came by mail, at 20 commands a second."""

import asyncio
import re
import time
from email import message_from_bytes
from itertools import cycle
from pathlib import Path

from tests.bench import stage
from tests.bench.figures import Run, percentile
from tests.bench.targets import mailbot
from tests.scenarios.harness import DaemonProcess, send, settled
from tests.sink import Dialogue, SinkSmtp

VERBS = (
    "#catatan sudah dicek ke bank",
    "#ambil",
    "#tag +dicek",
    "#proses sampai besok 10.00\r\n\r\nKami cek dulu.",
)
TICKETS = 40
PER_SECOND = 20


async def once(folder: Path, seconds: int) -> Run:
    asked: dict[str, float] = {}  # marker of a mail -> when it was accepted
    waits: list[float] = []
    with stage.own_folder(folder) as place:
        async with SinkSmtp() as sink:
            sink.on["dot"] = lambda dialogue: _arrived(dialogue, asked, waits)
            daemon = mailbot.desk(place, sink.port)
            daemon.edit("mailbot.yaml", r"agent_networks: \[\]", "agent_networks: [127.0.0.0/8]")
            async with daemon:
                for number in range(TICKETS):
                    await send(daemon.port, _complaint(number), f"budi{number}@pelanggan.example")
                await settled(daemon)
                await _command_all(daemon, sink, asked, seconds)
    measures = {f"receipt p{share} (s)": percentile(waits, share / 100) for share in (50, 99)}
    return Run(measures, {"without a receipt": seconds * PER_SECOND - len(waits)})


async def _command_all(daemon: DaemonProcess, sink: SinkSmtp, asked: dict[str, float], seconds: int) -> None:
    targets = cycle(_reply_addresses(sink))
    began = time.perf_counter()
    for number in range(seconds * PER_SECOND):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        ticket, agent, to = next(targets)
        mail = _command(number, ticket, agent, VERBS[number % len(VERBS)])
        asked.setdefault(f"{ticket} {agent}", time.perf_counter())
        assert (await send(daemon.port, mail, agent, to)).startswith("250")
    await settled(daemon)


async def _arrived(dialogue: Dialogue, asked: dict[str, float], waits: list[float]) -> str | None:
    head = dialogue.content[:4000]
    if (found := re.search(rb"\[([A-Z]+-[0-9]+-[0-9])\]", head)) and b"\r\nReply-To: " in head:
        # Ticket and agent: each has one command under way, the targets come round after TICKETS mails.
        began = asked.pop(f"{found[1].decode()} {dialogue.recipients[0]}", None)
        if began is not None:
            waits.append(time.perf_counter() - began)
    return None


def _complaint(number: int) -> bytes:
    head = f"From: budi{number}@pelanggan.example\r\nSubject: Barang {number}\r\nMessage-ID: <c{number}@x.example>"
    return f"{head}\r\n\r\nPesanan nomor {number} belum sampai, mohon dibantu.\r\n".encode()


def _reply_addresses(sink: SinkSmtp) -> list[tuple[str, str, str]]:
    found = {}
    for mail in sink.taken:
        message = message_from_bytes(mail.content)
        if "+t." in (message["Reply-To"] or "") and (
            number := re.search(r"\[([A-Z0-9-]+)\]", message["Subject"])
        ):
            found.setdefault(number[1], (number[1], mail.recipients[0], message["Reply-To"]))
    return list(found.values())


def _command(count: int, number: str, agent: str, text: str) -> bytes:
    head = f"From: {agent}\r\nSubject: Re: Barang [{number}]\r\nMessage-ID: <k{count}@x.example>"
    return f"{head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
