"""`mailbot demo`: the real daemon on this machine, sample complaints, and what becomes of them."""

import contextlib
import os
import shlex
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

import click

from mailbot.cli.demo import settings
from mailbot.cli.demo.sink import Sink
from mailbot.cli.demo.tour import DemoFailed, Tour, instructions, tour, watch
from mailbot.cli.shared.formats import format_duration
from mailbot.cli.shared.open_store import fail
from mailbot.cli.shared.output import clean_block, echo, print_title
from mailbot.config.api import load
from mailbot.store.store import Store

START = 30.0  # seconds for the daemon to answer
STOP = 95.0  # for it to drain: it promises 90 (P9)


@click.command()
@click.option("--once", is_flag=True, hidden=True, help="End after the tour.")
def demo(once: bool) -> None:
    """A living demonstration: the real daemon on 127.0.0.1:2525 (or MAILBOT_LISTEN) with a store and a mail
    sink of its own. Sample complaints, their numbers, a reply, an answer, a deadline. Ctrl-C ends it."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # each line at once, also into a pipe
    try:
        host, port = settings.listen_of()
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _refuse_when_taken(host, port)
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="mailbot-demo-"))
    try:
        with _running(directory, host, port) as at:
            tour(at)
            instructions(at, directory, _command())
            if not once:
                echo("Waiting for mail. Ctrl-C ends the demo.\n", bold=True)
                watch(at)
    except KeyboardInterrupt:
        pass
    except DemoFailed as failure:
        fail(f"{failure}\n{_tail(directory)}")
    echo(f"Everything is kept in {directory}; remove it when you have seen enough.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _refuse_when_taken(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fail(
                f"can't listen on {host}:{port}: {error.strerror}\n"
                f"Another demo, or a mail server, may be running there. Take another port:\n"
                f"  MAILBOT_LISTEN=127.0.0.1:2626 {_command()} demo"
            )


def _command() -> str:
    """How to call mailbot from where the reader sits."""
    called = Path(sys.argv[0])
    return (
        shlex.quote(sys.argv[0]) if called.name == "mailbot" else f"{shlex.quote(sys.executable)} -m mailbot"
    )


@contextlib.contextmanager
def _running(directory: Path, host: str, port: int) -> Iterator[Tour]:
    """Sink and daemon up; the daemon drained at the end, whatever happened."""
    sink = Sink()
    sink.start()
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    settings.write(directory, shown, f"127.0.0.1:{sink.port}")
    environment = settings.environment(os.environ)
    loaded = load(directory, environment)
    print_title("mailbot demo")
    echo(f"  daemon  {shown}, takes mail for {next(iter(loaded.policy.mailboxes))}")
    echo(f"  files   {directory}: configuration, templates, store (SQLite), daemon.log")
    echo(f"  sink    127.0.0.1:{sink.port}, catches all that mailbot sends: nothing leaves this machine\n")
    process = _start(directory, environment)
    store = None
    try:
        _wait_until_up(process, host, port)
        store = Store(loaded.settings.store)
        yield Tour(sink, store, loaded.policy, Sender(host, port), lambda: process.poll() is None)
    finally:
        if store:
            store.close()
        _stop(process)
        sink.stop()


def _start(directory: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    with (directory / "daemon.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "mailbot", "run", "--config", str(directory)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us: we then ask the daemon to drain
        )


def _wait_until_up(process: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until:
        if process.poll() is not None:
            raise DemoFailed("the daemon did not start; the end of its log:")
        with contextlib.suppress(OSError, smtplib.SMTPException), smtplib.SMTP(host, port, timeout=2):
            return
        time.sleep(0.05)
    raise DemoFailed(f"the daemon did not answer within {START:.0f} s; the end of its log:")


class Sender:
    """Sends mail as the world does: over SMTP, a connection each."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    def __call__(self, mail: EmailMessage, sender: str, recipient: str) -> float:
        """Returns the moment of the 250, by `time.monotonic`."""
        try:
            with smtplib.SMTP(self.host, self.port, timeout=30) as session:
                session.send_message(mail, sender, [recipient])
                return time.monotonic()
        except (OSError, smtplib.SMTPException) as error:
            raise DemoFailed(f"the daemon did not take the mail: {error}; the end of its log:") from error


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    started = time.monotonic()
    process.terminate()  # first of all: the terminal we would print to may be gone
    echo("\nStopping the daemon (SIGTERM): it finishes what is under way ...")
    try:
        code = process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    echo(
        f"It ended with exit code {code} after {format_duration(timedelta(seconds=time.monotonic() - started))}."
    )


def _tail(directory: Path) -> str:
    log = directory / "daemon.log"
    return clean_block("\n".join(log.read_text(errors="replace").splitlines()[-15:])) if log.is_file() else ""
