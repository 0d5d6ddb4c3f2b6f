"""The real daemon as a subprocess, with real sockets and a real sink."""

import asyncio
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# A small fixed policy: the results of the shipped policy are for the tests of that policy.
DESK = Path(__file__).parent / "config"
RECIPIENT = "support@dukungan.example"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class DaemonProcess:
    """`mailbot run` on a copy of a small configuration, with a store and a port of its own."""

    folder: Path
    relay_port: int
    env: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()  # more words for `mailbot run`
    root: Path = ROOT  # the checkout whose code runs
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        self.config = self.folder / "config"
        if not self.config.exists():
            shutil.copytree(DESK, self.config)
            shutil.copytree(ROOT / "templates", self.config / "templates")
            self.edit("mailbot.yaml", r"(?m)^monitor:.*\n", "")  # many daemons, one port

    def edit(self, name: str, pattern: str, replacement: str) -> None:
        """Replace a pattern in a file of the configuration; the pattern must be present."""
        path = self.config / name
        text, count = re.subn(pattern, replacement, path.read_text())
        assert count, f"{pattern!r} not found in {name}"
        path.write_text(text)

    @property
    def database(self) -> Path:
        return self.folder / "mailbot.db"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "MAILBOT_STORE": f"sqlite:///{self.database}",
            "MAILBOT_LISTEN": f"127.0.0.1:{self.port}",
            "MAILBOT_RELAY": f"127.0.0.1:{self.relay_port}",
            "MAILBOT_LOG": "json",
            "MAILBOT_LIMITS": "off",
            **self.env,
        }

    async def start(self) -> "DaemonProcess":
        """Start the daemon and return when mail can come in."""
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "mailbot",
                "run",
                "--config",
                str(self.config),
                *self.options,
                env=self.environment(),
                cwd=self.root,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(90):  # on a machine that does much else
            while not await greets(self.port):
                assert self.process.returncode is None, self.log[-3000:]
                await asyncio.sleep(0.02)
        return self

    async def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Stop the daemon and return its exit code."""
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(with_signal)
        async with asyncio.timeout(90):
            return await self.process.wait()

    async def __aenter__(self) -> "DaemonProcess":
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        if self.process and self.process.returncode is None:
            await self.stop(signal.SIGKILL)

    async def command(self, *words: str) -> tuple[int, str, str]:
        """Run `mailbot WORDS`; return exit code, standard output and standard error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "mailbot",
            *words,
            "--config",
            str(self.config),
            env=self.environment(),
            cwd=self.root,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Read rows of the store while the daemon runs."""
        connection = sqlite3.connect(self.database, timeout=20)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query, values)]
        finally:
            connection.close()


async def greets(port: int) -> bool:
    """Check that an SMTP server answers on this port."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    line = await reader.readline()
    writer.close()
    return line.startswith(b"220")


def complaint(number: int, sender: str = "", subject: str = "", extra: str = "") -> bytes:
    sender = sender or f"pelanggan{number}@pelanggan.example"
    return (
        f"From: Budi <{sender}>\r\nTo: {RECIPIENT}\r\n"
        f"Subject: {subject or f'Pesanan {number} belum sampai'}\r\n"
        f"Message-ID: <m{number}.{sender}>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0700\r\n{extra}"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        f"Halo admin, pesanan saya nomor {number} belum sampai juga. Mohon dibantu.\r\n"
    ).encode()


async def send(port: int, mail: bytes, sender: str, recipient: str = RECIPIENT) -> str:
    """Send one mail on its own connection and return the reply to the final dot.

    Raises OSError when the connection breaks before that reply.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for line in (
            None,
            "EHLO klien.example",
            f"MAIL FROM:<{sender}>",
            f"RCPT TO:<{recipient}>",
            "DATA",
        ):
            if line:
                writer.write(f"{line}\r\n".encode())
            reply = await _reply(reader)
            if not reply.startswith(("2", "354")):
                return reply
        writer.write(mail.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
        reply = await _reply(reader)
        writer.write(b"QUIT\r\n")
        return reply
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> str:
    while True:
        line = (await reader.readline()).decode("utf-8", "replace")
        if not line:
            raise ConnectionError("the server hung up")
        if line[3:4] != "-":
            return line.strip()


async def settled(*daemons: DaemonProcess, seconds: float = 60.0) -> None:
    """Return when all mail is decided and has left, also what these daemons send each other."""

    def mails() -> list[Any]:
        return [daemon.rows("SELECT count(*) n FROM inbox") for daemon in daemons]

    def quiet() -> bool:
        waiting = (  # a refusal for good is not believed before the relay has accepted another mail
            "SELECT 1 FROM inbox WHERE state = 'new' UNION ALL SELECT 1 FROM outbox"
            " WHERE state IN ('due', 'sending', 'dot') OR (state = 'deferred' AND coalesce(code, 0) < 500)"
        )
        before = mails()
        return not any(daemon.rows(waiting) for daemon in daemons) and mails() == before

    await eventually(quiet, seconds)


async def eventually(question: Any, seconds: float = 20.0) -> Any:
    """Ask until the answer is true and return it."""
    async with asyncio.timeout(seconds):
        while not (answer := question()):  # noqa: ASYNC110 (asks another process)
            await asyncio.sleep(0.05)
        return answer
