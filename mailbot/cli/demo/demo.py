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
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

import click

from mailbot.cli.demo import console, settings
from mailbot.cli.demo.sink import Sink
from mailbot.cli.demo.tour import DemoFailed, Tour
from mailbot.cli.shared.open_store import fail
from mailbot.cli.shared.output import clean_block, echo, echo_wrapped
from mailbot.config.api import load
from mailbot.store.store import Store
from mailbot.views.formats import format_duration

START = 30.0  # seconds for the daemon to answer
STOP = 95.0  # seconds for it to drain; it promises 90


@click.command()
@click.option("--once", is_flag=True, hidden=True, help="End after the tour.")
def demo(once: bool) -> None:
    """Run a demonstration: the real daemon with its own store and mail sink, and sample complaints.

    It listens on 127.0.0.1:2525 (or MAILBOT_LISTEN) and shows numbers, a reply, an answer and a missed
    deadline. Then it waits for your mail. Ctrl-C ends it.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # each line at once, also into a pipe
    try:
        host, port = settings.listen_address()
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _check_port(host, port)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="mailbot-demo-"))
    try:
        with _running(directory, host, port) as tour:
            shown = tour.run()
            if tour.console:
                console.introduce(tour)
            tour.print_instructions(_command(), directory, shown)
            if not once:
                echo("Waiting for mail. Ctrl-C ends the demo.\n", bold=True)
                tour.watch()
    except KeyboardInterrupt:
        pass
    except DemoFailed as failure:
        lines = (directory / "daemon.log").read_text(errors="replace").splitlines()
        fail(f"{failure}; the end of the daemon's log:\n" + clean_block("\n".join(lines[-15:])))
    echo(f"All files are kept in {directory}. Remove it when you no longer need it.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
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
    """Return how the reader calls mailbot."""
    if Path(sys.argv[0]).name == "mailbot":
        return shlex.quote(sys.argv[0])
    return f"{shlex.quote(sys.executable)} -m mailbot"


@contextlib.contextmanager
def _running(directory: Path, host: str, port: int) -> Iterator[Tour]:
    """Start sink and daemon. Drain the daemon at the end, in any case."""
    sink = Sink()
    listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    pages = settings.console_address()
    settings.write(directory, listen, f"127.0.0.1:{sink.port}", pages)
    environment = settings.environment(os.environ)
    loaded = load(directory, environment)
    echo_wrapped(f"mailbot demo  on {listen} (SQLite), all mail stays here, Ctrl-C ends it", bold=True)
    echo_wrapped(
        f"  It takes mail for {next(iter(loaded.policy.mailboxes))}. Its files are in {directory}.\n"
    )
    sink.start()
    process = _start(directory, environment)
    try:
        _wait_until_up(process, host, port)
        with contextlib.closing(Store(loaded.settings.store)) as store:
            yield Tour(sink, store, loaded.policy, host, port, pages, lambda: process.poll() is None)
    finally:
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
            start_new_session=True,  # Ctrl-C ends the demo, which then asks the daemon to drain
        )


def _wait_until_up(process: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until:
        if process.poll() is not None:
            raise DemoFailed("the daemon did not start")
        with contextlib.suppress(OSError, smtplib.SMTPException), smtplib.SMTP(host, port, timeout=2):
            return
        time.sleep(0.05)
    raise DemoFailed(f"the daemon did not answer within {START:.0f} s")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    started = time.monotonic()
    process.terminate()  # before any output: the terminal may be closed
    echo("\nStopping the daemon (SIGTERM): it finishes the mail in progress ...")
    try:
        code = process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    taken = format_duration(timedelta(seconds=time.monotonic() - started))
    echo(f"It ended with exit code {code} after {taken}.")
