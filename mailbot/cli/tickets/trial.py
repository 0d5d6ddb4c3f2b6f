"""What `explain MAIL` decides by: the store of the configuration, a mail in it, or none yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
from sqlalchemy import create_engine

from mailbot.cli.shared.open_store import load_to_decide, missing_store_reason, now, open_store
from mailbot.cli.shared.rows import deleted_text
from mailbot.cli.shared.runtime import build_runtime
from mailbot.store import queries
from mailbot.store.schema import metadata
from mailbot.views import dry_run
from mailbot.views.dry_run import Context, DryRun, TrialMail, Unfit


@contextmanager
def open_context() -> Iterator[Context]:
    """Open the store of the configuration, or an empty one in memory when there is none yet."""
    loaded = load_to_decide()
    if not missing_store_reason(loaded.settings.store):
        with open_store(decides=True) as opened:
            deferred = opened.store.engine.connect().execution_options(sqlite_begin="DEFERRED")
            with deferred as connection:
                yield Context(opened.policy, opened.build_runtime().snapshot, connection, now())
                connection.rollback()
        return
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        note = "there is no store yet, so the result is that of the very first mail"
        snapshot = build_runtime(loaded.settings, loaded.policy, None).snapshot
        yield Context(loaded.policy, snapshot, connection, now(), note)
    engine.dispose()


def find_stored(
    context: Context, message: int | None, inbox_id: int | None
) -> tuple[Context, TrialMail] | str:
    """Find a stored mail, and the context of the time when it came. Return why there is none."""
    if message is not None:
        inbox_id = queries.inbox_of(context.connection, message)
        if inbox_id is None:
            return f"there is no message {message}, or it did not come by mail"
    trial = dry_run.stored_mail(context.connection, inbox_id or 0)
    if trial and trial.envelope:
        return replace(context, at=trial.envelope.received_at), trial
    entry = queries.find_inbox_entry(context.connection, inbox_id or 0)
    gone = deleted_text(entry.deleted_at if entry else None)
    return (
        f"the bytes of mail {inbox_id} were {gone}" if gone else f"there is no mail {inbox_id} in the inbox"
    )


def run(context: Context, trial: TrialMail) -> DryRun:
    """Decide about the mail as the daemon would. Raise click.UsageError for options that don't fit."""
    try:
        return dry_run.dry_run(context, trial)
    except Unfit as unfit:
        raise click.UsageError(_unfit_text(unfit, context)) from unfit


def _unfit_text(unfit: Unfit, context: Context) -> str:
    if unfit.what == "subject":
        return "--subject goes with a text: this mail has a header of its own"
    if unfit.what == "peer":
        return f"--peer {unfit.value}: no IP address"
    known = ", ".join(context.policy.mailboxes)
    return f"--to {unfit.value}: the listener refuses it, the mailboxes are {known}"
