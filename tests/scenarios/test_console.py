"""The console inside the real daemon: a link from the shell logs in, `status` knows it, a taken port stops no mail."""

import json
import re
import socket
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


async def test_a_link_from_the_shell_logs_in_and_status_counts_who_is_there(tmp_path: Path) -> None:
    port = free_port()
    async with SinkSmtp() as sink, with_console(tmp_path, sink.port, port) as daemon:
        agents = re.findall(r"[\w.]+@[\w.]+", (daemon.config / "teams.yaml").read_text())
        _, out, _ = await daemon.command("console", "link", agents[0])
        found = re.search(r"http://\S+", out)
        assert found, out
        async with httpx.AsyncClient(follow_redirects=True) as browser:
            shown = await browser.get(found[0])
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown.text))
            entered = await browser.post(str(shown.url).partition("?")[0], data=fields)
            assert entered.status_code == 200, entered.text
            assert 'action="/logout"' in entered.text
        _, out, _ = await daemon.command("status", "--json")
        address = f"127.0.0.1:{port}"
        assert json.loads(out)["console"] == {"address": address, "reachable": True, "people": 1}


async def test_a_mailed_link_comes_at_once_logs_in_and_is_in_no_log(tmp_path: Path) -> None:
    port = free_port()
    async with SinkSmtp() as sink, with_console(tmp_path, sink.port, port) as daemon:
        agent = re.findall(r"[\w.]+@[\w.]+", (daemon.config / "teams.yaml").read_text())[0]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as browser:
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
