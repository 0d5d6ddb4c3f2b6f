"""The real daemon takes mail by LMTP, from a client that knows nothing of us: Python's own smtplib."""

import asyncio
import smtplib
import socket
import sys
from pathlib import Path

from tests.scenarios.harness import RECIPIENT, ROOT, DaemonProcess, complaint, eventually
from tests.sink import SinkSmtp
from tests.test_systemd import START

RUN = """
import runpy, sys
sys.argv = ['mailbot', 'run', '--config', %r]
runpy.run_module('mailbot', run_name='__main__')
"""


def deliver(host: str, port: int, mail: bytes) -> dict[str, tuple[int, bytes]]:
    with smtplib.LMTP(host, port) as client:
        return client.sendmail("pelanggan@pelanggan.example", [RECIPIENT], mail)


async def test_smtp_and_lmtp_are_served_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    async with SinkSmtp() as sink:
        daemon = DaemonProcess(tmp_path, sink.port)
        daemon.edit("mailbot.yaml", r"(?m)^listen: .*\n", f"listen:\n  lmtp: {path}\n")
        async with daemon:
            assert await asyncio.to_thread(deliver, str(path), 0, complaint(1)) == {}
            await eventually(lambda: daemon.rows("SELECT 1 FROM outbox WHERE state = 'sent'"))
            assert await daemon.stop() == 0
        assert f"127.0.0.1:{daemon.port}, LMTP {path}" in daemon.log
        async with daemon:  # the socket that the first one left behind is no hindrance
            assert await asyncio.to_thread(deliver, str(path), 0, complaint(2)) == {}
    assert daemon.rows("SELECT peer FROM inbox") == [{"peer": ""}, {"peer": ""}]


async def test_a_socket_that_systemd_calls_lmtp_is_served_as_lmtp(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path, relay_port=1)
    with socket.create_server(("127.0.0.1", 0)) as smtp, socket.create_server(("127.0.0.1", 0)) as lmtp:
        numbers = [each.fileno() for each in (smtp, lmtp)]
        with (tmp_path / "log").open("ab") as log:
            daemon.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", START, RUN % str(daemon.config), *map(str, numbers)),
                env={**daemon.environment(), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "smtp:lmtp"},
                cwd=ROOT,
                pass_fds=numbers,
                stdout=log,
                stderr=log,
            )
        port = lmtp.getsockname()[1]
        assert await asyncio.to_thread(deliver, "127.0.0.1", port, complaint(1)) == {}
        assert await daemon.stop() == 0
    assert daemon.rows("SELECT peer FROM inbox") == [{"peer": "127.0.0.1"}]


async def test_a_refused_start_answers_the_clients_on_systemds_socket(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path, relay_port=1)
    daemon.edit("mailbot.yaml", r"(?m)^relay:", "rellay:")
    with socket.create_server(("127.0.0.1", 0)) as smtp:
        waiting = [socket.create_connection(smtp.getsockname()) for _ in range(3)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", START, RUN % str(daemon.config), str(smtp.fileno())),
            env={**daemon.environment(), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp"},
            cwd=ROOT,
            pass_fds=[smtp.fileno()],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        for client in waiting:
            client.settimeout(60)
            assert await asyncio.to_thread(client.recv, 999) == b"421 4.3.0 Not ready, try again later\r\n"
            client.close()
        output, _ = await process.communicate()
    assert process.returncode == 78
    assert b"mailbot.yaml:" in output
    assert b"rellay" in output
    assert b'"clients": 3' in output, output
