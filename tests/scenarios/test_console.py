"""The console inside the real daemon: a link from the shell logs in, `status` knows it, a taken port stops no mail."""

import asyncio
import json
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.scenarios.harness import DaemonProcess, complaint, eventually, free_port, send
from tests.sink import SinkSmtp

AGENT = "rina@staf.example"


def with_console(folder: Path, relay: int, port: int) -> DaemonProcess:
    daemon = DaemonProcess(folder, relay)
    with (daemon.config / "mailbot.yaml").open("a") as file:
        file.write(f"\nconsole: 127.0.0.1:{port}\n")
    return daemon


@asynccontextmanager
async def browser_of(daemon: DaemonProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Log the last agent in by a link from the shell: a manager, who sees all tickets."""
    agents = re.findall(r"[\w.]+@[\w.]+", (daemon.config / "teams.yaml").read_text())
    _, out, _ = await daemon.command("console", "link", agents[-1])
    found = re.search(r"http://[^/]+", out)
    assert found, out
    async with httpx.AsyncClient(base_url=found[0], follow_redirects=True, timeout=30) as browser:
        shown = await browser.get(out[found.end() :].split()[0])
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown.text))
        entered = await browser.post(shown.url.path, data=fields)
        assert entered.status_code == 200, entered.text
        yield browser


async def test_a_link_from_the_shell_logs_in_and_status_counts_who_is_there(tmp_path: Path) -> None:
    port = free_port()
    async with SinkSmtp() as sink, with_console(tmp_path, sink.port, port) as daemon:
        async with browser_of(daemon) as browser:
            entered = await browser.get("/tickets")
            assert 'action="/logout"' in entered.text
        _, out, _ = await daemon.command("status", "--json")
        address = f"127.0.0.1:{port}"
        assert json.loads(out)["console"] == {"address": address, "reachable": True, "people": 1}


async def test_a_mailed_link_comes_at_once_logs_in_and_is_in_no_log(tmp_path: Path) -> None:
    port = free_port()
    async with SinkSmtp() as sink, with_console(tmp_path, sink.port, port) as daemon:
        agent = re.findall(r"[\w.]+@[\w.]+", (daemon.config / "teams.yaml").read_text())[0]
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", follow_redirects=True, timeout=30
        ) as browser:
            form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', (await browser.get("/login")).text))
            assert (await browser.post("/login", data={**form, "address": agent})).status_code == 200
            (mail,) = await eventually(lambda: sink.mails)
            link = re.search(r"http://\S+", mail.content.decode())
            assert link
            assert mail.recipients == (agent,)
            shown = await browser.get(link[0])
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown.text))
            entered = await browser.post("/login/link", data=fields)
            assert 'action="/logout"' in entered.text
        assert "logged_in" in daemon.log
        assert fields["key"] not in daemon.log


async def test_mail_comes_in_though_another_program_has_the_consoles_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with SinkSmtp() as sink, with_console(tmp_path, sink.port, port) as daemon:
            reply = await send(daemon.port, complaint(1), "pelanggan1@pelanggan.example")
            assert reply.startswith("250")
            assert "console_unavailable" in daemon.log


async def test_an_open_page_hears_of_a_mail_at_once_and_keeps_no_daemon_from_its_stop(tmp_path: Path) -> None:
    port = free_port()
    async with (
        SinkSmtp() as sink,
        with_console(tmp_path, sink.port, port) as daemon,
        browser_of(daemon) as browser,
        browser.stream("GET", "/events", timeout=20) as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        await asyncio.sleep(1)
        began = time.monotonic()
        await send(daemon.port, complaint(1), "pelanggan1@pelanggan.example")
        number = await anext(line async for line in lines if line.startswith("data:"))
        print(f"a mail by SMTP was heard of after {time.monotonic() - began:.2f} s")
        shown = await browser.get("/tickets/team")
        assert number.removeprefix("data:").strip() in shown.text
        began = time.monotonic()
        await daemon.stop()
        assert time.monotonic() - began < 10


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in found.read_text().split()] if found.exists() else []


def runs(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def test_the_process_of_the_pages_may_be_killed_and_ends_with_its_daemon(tmp_path: Path) -> None:
    port = free_port()
    async with SinkSmtp() as sink, with_console(tmp_path, sink.port, port) as daemon:
        assert daemon.process
        main = daemon.process.pid
        await eventually(lambda: children(main))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as browser:
            assert (await browser.get("/login")).status_code == 200
            (first,) = children(main)
            os.kill(first, signal.SIGKILL)
            reply = await send(daemon.port, complaint(1), "pelanggan1@pelanggan.example")
            assert reply.startswith("250")
            assert (await browser.get("/login")).status_code == 200  # it waited for the next process
        (second,) = children(main)
        assert second != first
        await daemon.stop(signal.SIGKILL)
        await eventually(lambda: not runs(second))


async def test_a_reload_reaches_the_pages_and_ends_the_sessions_of_who_left(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, with_console(tmp_path, sink.port, free_port()) as daemon:
        agents = re.findall(r"[\w.]+@[\w.]+", (daemon.config / "teams.yaml").read_text())
        async with browser_of(daemon) as browser:
            daemon.edit("teams.yaml", re.escape(agents[-1]), "orang.baru@tim.example")
            code, _, err = await daemon.command("reload")
            assert code == 0, err
            until = time.monotonic() + 20
            while 'action="/logout"' in (await browser.get("/tickets")).text:
                assert time.monotonic() < until
                await asyncio.sleep(0.1)
