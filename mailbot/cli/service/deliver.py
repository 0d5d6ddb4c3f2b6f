"""`mailbot deliver`: keep one mail from standard input, for a mail server's pipe (Postfix, Exim, procmail).

It starts for each mail, so it imports only what it needs, and only when it runs.
"""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.options import config_option
from mailbot.errors import ConfigError, Refused, StoreFull, StoreUnavailable

if TYPE_CHECKING:
    from mailbot.config.quick_read import AcceptSettings
    from mailbot.domain.model import Envelope

# Exit codes are those of sysexits(3), as mail servers read them: EX_TEMPFAIL means later, all others that the
# sender gets the mail back.
MBOX_LINE_ROOM = 1024  # bytes that a "From " line may have above the size of the mail


class _WrongUsage(click.UsageError):
    exit_code = os.EX_USAGE


class _Piped(click.Command):
    """A command whose wrong usage exits with 64; the usual 2 means nothing to a mail server."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _WrongUsage(error.message, error.ctx) from error


@click.command(cls=_Piped)
@click.option(
    "--from", "sender", metavar="ADDRESS", help="Envelope sender; else $SENDER, else Return-Path, else none."
)
@click.option(
    "--to",
    "recipients",
    metavar="ADDRESS",
    multiple=True,
    help="Envelope recipient, may be given again; else $ORIGINAL_RECIPIENT, $RECIPIENT, else the header.",
)
@config_option
@click.pass_context
def deliver(ctx: click.Context, sender: str | None, recipients: tuple[str, ...]) -> None:
    """Keep one mail from standard input; the running daemon takes it within a second.

    Exit codes, of sysexits(3): 0 kept, 75 not now (try again later), 67 unknown mailbox in --to,
    65 too big, 64 wrong usage.
    """
    gc.disable()  # the process is short: collecting would cost more than it frees
    stream = sys.stdin.buffer if sys.stdin else BytesIO()
    if stream.isatty():
        code = _fail(os.EX_USAGE, "pipe a mail into this command: mailbot deliver < mail.eml")
    else:
        code = _attempt(ctx, stream, sender, recipients)
    ctx.exit(code)


def _attempt(ctx: click.Context, stream: IO[bytes], sender: str | None, recipients: Sequence[str]) -> int:
    try:
        _deliver(config_directory(ctx), os.environ, stream, sender, recipients)
    except Refused as refusal:
        code = _fail(os.EX_NOUSER if refusal.code == 550 else os.EX_DATAERR, refusal.text)
    except ConfigError as refusal:
        code = _fail(os.EX_TEMPFAIL, f"the configuration can't be used\n{refusal}")
    except Exception as error:  # any other exit code would make the mail server return the mail
        code = _fail(os.EX_TEMPFAIL, f"the mail can't be kept now: {type(error).__name__}: {error}")
    else:
        return 0
    with suppress(OSError):
        while stream.read(1 << 20):  # a mail server may take a closed pipe for the answer
            pass
    return code


def _deliver(
    directory: Path, env: Mapping[str, str], stream: IO[bytes], sender: str | None, recipients: Sequence[str]
) -> None:
    """Return when the mail is committed. Raises Refused, ConfigError, or what else went wrong."""
    from datetime import UTC, datetime

    from mailbot.channels.pipe import envelope, restore
    from mailbot.channels.smtp.data import too_big
    from mailbot.config.quick_read import read_accept_settings
    from mailbot.mail.parsing.fingerprint import fingerprint

    settings = read_accept_settings(directory, env)
    raw = restore(stream.read(settings.limits.size + MBOX_LINE_ROOM))
    if len(raw) > settings.limits.size:
        raise too_big(settings.limits.size)
    if not raw:
        raise EOFError("there is no mail on standard input")
    now = datetime.now(UTC)
    envelope_given = envelope(
        raw, sender=sender, recipients=recipients, env=env, policy=settings.policy, received_at=now
    )
    _keep(settings, fingerprint(raw, now.date().isoformat()), envelope_given, raw)


def _keep(settings: "AcceptSettings", digest: str, envelope_given: "Envelope", raw: bytes) -> None:
    """Commit the mail to the inbox. Raises StoreFull, StoreUnavailable."""
    from shutil import disk_usage

    from mailbot.store import inbox
    from mailbot.store.engine import sqlite_path
    from mailbot.store.service import installation
    from mailbot.store.store import Store

    store = Store(settings.store)
    try:
        if store.sqlite:
            path = Path(sqlite_path(settings.store))
            if not path.is_file():  # SQLite would make an empty one
                raise StoreUnavailable(f"there is no store at {path}")
            if disk_usage(path.parent).free < settings.limits.space_needed:
                raise StoreFull("there is not enough space on its disk")
        if reason := store.read_now(installation.moved_reason):
            raise StoreUnavailable(reason)
        store.write_now(inbox.keep, inbox.ReceivedMail(digest, envelope_given, raw))
    finally:
        store.close()


def _fail(code: int, text: str) -> int:
    from mailbot.cli.shared.output import print_error

    with suppress(OSError):  # standard error is closed: the exit code is enough
        print_error(text)
    return code
