"""The monitor over a real loopback socket, read with Prometheus' own parser."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailbot.errors import StoreUnavailable
from mailbot.metrics import MOST_REASONS, Figures, Metrics
from mailbot.workers.health.http_monitor import LARGEST_REQUEST, MOST_AT_ONCE, PATIENCE, Monitor
from mailbot.workers.health.troubles import Code, Trouble
from mailbot.workers.loop import Loop


@dataclass
class MonitorSetup:
    """What the monitor asks: a store, the reasons why we are not well, a clock moved by hand."""

    metrics: Metrics = field(default_factory=Metrics)
    figures: Figures | Exception = field(default_factory=Figures)
    found: list[Trouble] = field(default_factory=list)
    asked: int = 0
    now: float = 100.0

    async def ask(self) -> Figures:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.figures, Exception):
            raise self.figures
        return self.figures

    def troubles(self) -> list[Trouble]:
        return self.found

    def show(self, metrics: Metrics) -> None:
        metrics.sessions.set(3)

    def clock(self) -> float:
        return self.now


@asynccontextmanager
async def monitored(
    monitor_setup: MonitorSetup, host: str = "127.0.0.1", loops: tuple[Loop, ...] = ()
) -> AsyncIterator[Monitor]:
    monitor = Monitor(
        host,
        0,
        metrics=monitor_setup.metrics,
        figures=monitor_setup.ask,
        health=monitor_setup,
        loops=loops,
        monotonic=monitor_setup.clock,
    )
    await monitor.start()
    try:
        yield monitor
    finally:
        await monitor.stop()


async def send(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def get(port: int, path: str) -> tuple[int, str]:
    head, _, body = (await send(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())).partition(
        b"\r\n\r\n"
    )
    assert f"Content-Length: {len(body)}".encode() in head
    return int(head.split()[1]), body.decode()


async def samples(port: int) -> dict[str, float]:
    """name{label value} -> value"""
    status, text = await get(port, "/metrics")
    assert status == 200
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_is_counted_is_shown() -> None:
    monitor_setup = MonitorSetup()
    monitor_setup.metrics.accepted.inc(3)
    monitor_setup.metrics.suppress("limit reached: domain")
    monitor_setup.metrics.acknowledgement_seconds.observe(0.02)
    async with monitored(monitor_setup) as monitor:
        shown = await samples(monitor.port)
    assert shown["mailbot_mails_accepted_total"] == 3
    assert shown["mailbot_acknowledgements_suppressed_total{limit reached}"] == 1
    assert shown["mailbot_acknowledgement_seconds_bucket{0.01}"] == 0
    assert shown["mailbot_acknowledgement_seconds_bucket{0.025}"] == 1
    assert shown["process_resident_memory_bytes"] > 1e6


async def test_the_figures_of_the_store_are_read_at_a_scrape() -> None:
    monitor_setup = MonitorSetup(
        figures=Figures(
            inbox={"new": 4, "parked": 1},
            outbox={"due": 7},
            overdue_deadlines=2,
            oldest={"outbox": timedelta(seconds=90)},
        )
    )
    async with monitored(monitor_setup) as monitor:
        assert monitor_setup.asked == 0
        shown = await samples(monitor.port)
    assert (shown["mailbot_inbox_mails{new}"], shown["mailbot_inbox_mails{parked}"]) == (4, 1)
    assert shown["mailbot_outbox_mails{due}"] == 7
    assert shown["mailbot_deadlines_overdue"] == 2
    assert shown["mailbot_oldest_waiting_seconds{outbox}"] == 90
    assert shown["mailbot_oldest_waiting_seconds{inbox}"] == 0
    assert shown["mailbot_store_up"] == 1


async def test_many_scrapes_in_one_second_are_one_query() -> None:
    monitor_setup = MonitorSetup(figures=Figures(inbox={"new": 1}))
    async with monitored(monitor_setup) as monitor:
        await asyncio.gather(*(samples(monitor.port) for _ in range(5)))
        assert monitor_setup.asked == 1
        monitor_setup.now += 1
        monitor_setup.figures = Figures(outbox={"due": 1})
        shown = await samples(monitor.port)
    assert monitor_setup.asked == 2
    assert "mailbot_inbox_mails{new}" not in shown  # nothing old stays
    assert shown["mailbot_outbox_mails{due}"] == 1


async def test_without_a_store_the_counters_are_still_shown() -> None:
    monitor_setup = MonitorSetup(figures=Figures(inbox={"new": 9}))
    monitor_setup.metrics.accepted.inc()
    async with monitored(monitor_setup) as monitor:
        await samples(monitor.port)
        monitor_setup.now += 5
        monitor_setup.figures = StoreUnavailable("down")
        shown = await samples(monitor.port)
    assert shown["mailbot_store_up"] == 0
    assert shown["mailbot_mails_accepted_total"] == 1
    assert not [name for name in shown if name.startswith(("mailbot_inbox_mails{", "mailbot_oldest"))]


async def test_the_age_of_each_loops_last_turn_is_shown() -> None:
    class Worker:
        name: Final = "intake"
        stop_stage: Final = "process"

        async def run_once(self) -> float:
            return 3600

    monitor_setup = MonitorSetup()
    loop = Loop(Worker(), monotonic=monitor_setup.clock)
    async with monitored(monitor_setup, loops=(loop,)) as monitor:
        monitor_setup.now += 12
        assert (await samples(monitor.port))["mailbot_loop_last_run_seconds{intake}"] == 12


STUCK = Trouble(Code.LOOP_STUCK, "delivery is stuck")
FULL = Trouble(Code.DISK_FULL, "the disk is full")
RELAY = Trouble(Code.RELAY, "the relay refuses all mail")
PARKED = Trouble(Code.MAIL_PARKED, "1 mail is parked")


@pytest.mark.parametrize(
    ("found", "healthz", "readyz", "livez"),
    [
        ([], "", "", ""),
        ([PARKED], "", "", ""),  # one bad mail must not take a node out of service
        ([RELAY, PARKED], RELAY.text, "", ""),  # mail can still come in
        ([FULL], FULL.text, FULL.text, ""),  # a restart makes no room
        ([STUCK, FULL], f"{STUCK.text}\n{FULL.text}", f"{STUCK.text}\n{FULL.text}", STUCK.text),
    ],
)
async def test_each_path_returns_ok_or_every_reason(
    found: list[Trouble], healthz: str, readyz: str, livez: str
) -> None:
    async with monitored(MonitorSetup(found=found)) as monitor:
        for path, reasons in (("/healthz", healthz), ("/readyz", readyz), ("/livez", livez)):
            assert await get(monitor.port, path) == ((503, f"{reasons}\n") if reasons else (200, "ok\n"))


async def test_a_verbose_answer_adds_what_does_not_change_it() -> None:
    async with monitored(MonitorSetup(found=[PARKED])) as monitor:
        assert await get(monitor.port, "/healthz?verbose") == (200, f"ok\nnote: {PARKED.text}\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /metrics/../etc HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"400"),
        (b"\xff\xfe\x00\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * LARGEST_REQUEST + b"\r\n\r\n", b"400"),
    ],
)
async def test_anything_else_is_refused(request_: bytes, status: bytes) -> None:
    async with monitored(MonitorSetup()) as monitor:
        assert (await send(monitor.port, request_)).split()[1] == status
        assert (await get(monitor.port, "/healthz"))[0] == 200


async def test_clients_that_leave_or_send_nothing_delay_no_other() -> None:
    async with monitored(MonitorSetup()) as monitor:
        gone = socket.create_connection(("127.0.0.1", monitor.port))
        gone.sendall(b"GET /metr")
        gone.close()
        silent = [socket.create_connection(("127.0.0.1", monitor.port)) for _ in range(MOST_AT_ONCE - 2)]
        assert (await get(monitor.port, "/healthz"))[0] == 200
        async with asyncio.timeout(PATIENCE - 1):
            await monitor.stop()  # waits for none of them
        for connection in silent:
            connection.close()


async def test_connections_over_the_limit_are_closed() -> None:
    async with monitored(MonitorSetup()) as monitor:
        open_ = [await asyncio.open_connection("127.0.0.1", monitor.port) for _ in range(MOST_AT_ONCE + 1)]
        async with asyncio.timeout(PATIENCE - 1):
            assert await open_[-1][0].read() == b""
        for _, writer in open_:
            writer.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "mail.example"])
def test_only_a_loopback_address_is_listened_on(host: str) -> None:
    with pytest.raises(ValueError, match=r"loopback|IPv4"):
        Monitor(host, 0, metrics=Metrics(), figures=MonitorSetup().ask, health=MonitorSetup())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
async def test_every_loopback_address_is_good(host: str) -> None:
    async with monitored(MonitorSetup(), host) as monitor:
        assert monitor.port > 0


async def test_a_taken_port_is_logged_and_stops_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    async with monitored(MonitorSetup()) as monitor:
        other = Monitor(
            "127.0.0.1", monitor.port, metrics=Metrics(), figures=MonitorSetup().ask, health=MonitorSetup()
        )
        await other.start()
        await other.stop()
    assert [record.message for record in caplog.records] == ["monitor_unavailable"]


async def test_senders_cannot_make_up_labels_without_end() -> None:
    monitor_setup = MonitorSetup()
    for n in range(1000):
        monitor_setup.metrics.suppress(f"X-Made-Up-{n}: yes")
    async with monitored(monitor_setup) as monitor:
        shown = await samples(monitor.port)
    counted = {
        name: value
        for name, value in shown.items()
        if name.startswith("mailbot_acknowledgements_suppressed_total")
    }
    assert len(counted) == MOST_REASONS + 1
    assert sum(counted.values()) == 1000


def test_two_sets_of_metrics_share_nothing() -> None:
    first, second = Metrics(), Metrics()
    first.opened.inc()
    opened = [each.registry.get_sample_value("mailbot_tickets_opened_total") for each in (first, second)]
    assert opened == [1, 0]
