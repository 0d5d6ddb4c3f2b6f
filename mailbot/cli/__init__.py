"""The command `mailbot`: its commands, imported when one is called, and how errors become exit codes.

Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 78 bad configuration.
"""

import gc
import os
import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from typing import Any

import click

from mailbot import __version__
from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option
from mailbot.errors import AlreadyRunning, CommitUnknown, ConfigError, StoreUnavailable

USUAL_COLLECTION = gc.get_threshold()
BAD_CONFIGURATION = 78  # EX_CONFIG, sysexits(3)

# command -> (module, help line)
COMMANDS = {
    "init": ("service.init", "Write a commented, working configuration and the templates."),
    "systemd": ("service.shipped", "Write the units for systemd, with the path of this mailbot in them."),
    "docs": ("service.shipped", "Show the documentation of this version, on operating it too."),
    "check": ("service.check", "Validate the configuration and the templates."),
    "run": ("service.run", "Run the daemon in the foreground."),
    "deliver": ("service.deliver", "Accept one mail from standard input, for a mail server that pipes."),
    "reload": ("service.reload", "Reload the daemon's policy and show what changed."),
    "demo": ("demo.demo", "Run a demonstration on this machine, apart from your own store."),
    "status": ("service.status", "Show whether mail is flowing. Exit 1 when not, with each reason."),
    "ticket": (
        "tickets.group",
        "Show tickets, act on them, put mail on the right ticket, grant compensation.",
    ),
    "cause": ("service.causes", "Why matters come about, and what was done about it: list, act."),
    "macro": ("tickets.macros", "Texts that agents put into answers: list, show."),
    "template": ("service.template", "What our mails look like, with example values: list, show."),
    "inbox": ("service.inbox", "Mail that came in: what waits, what is parked and why."),
    "outbox": ("service.outbox", "Mail that mailbot sends: what waits, what failed and why."),
    "channels": (
        "channels.group",
        "Channels beside mail, such as chats: what waits, what is parked and why.",
    ),
    "suppression": ("service.suppressions", "Addresses that get no automatic mail: list, lift."),
    "compensation": ("service.ledger", "Compensation for customers: lines, statement, open requests."),
    "explain": ("tickets.explain", "Explain why a ticket is where it is, or where a mail would go."),
    "rules": ("rules.group", "Judge rules before they are in force: faults, effects on real mail."),
    "simulate": ("rules.simulate", "Simulate a policy on recorded or synthetic tickets."),
    "report": ("service.report", "Report figures of a period: times, targets, escalations, backlog, causes."),
    "prove": ("tickets.prove", "Show the records of a ticket: digests, rows, attempts, answers."),
    "completion": ("service.completion", "Write what completes mailbot's commands in bash, zsh or fish."),
    "token": (
        "service.token",
        "Tokens of programs, which use the API in an agent's name: create, list, revoke.",
    ),
    "webhooks": (
        "webhooks.group",
        "Programs elsewhere that hear of events: list, test, replay, disable.",
    ),
    "console": ("console.group", "The web console: links that log people in, who is logged in."),
    "secret": ("service.secret", "The secrets that sign reply addresses and Message-IDs: list, rotate."),
    "retention": ("service.retention", "How long things are kept, and what is past its time."),
    "export": ("transfer.export", "Write all tickets, mails and files as JSON Lines."),
    "import": (
        "transfer.import_tickets",
        "Import tickets and mails of another desk, without a mail to anybody.",
    ),
    "db": ("service.db", "Upgrade the store's schema, back the store up, move it to PostgreSQL."),
}
ALIASES = {"mute": "suppression"}
FOR_OTHERS = (
    "init",
    "report",
)  # they write files for the daemon's user and for readers, by the operator's umask


class Mailbot(LazyGroup):
    """The top group. It turns known errors into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as refusal:
            from mailbot.cli.shared.output import print_problems

            print_problems(refusal.problems)
            ctx.exit(BAD_CONFIGURATION)
        except (StoreUnavailable, AlreadyRunning) as error:
            from mailbot.cli.shared.output import print_error

            text = str(error)
            if isinstance(error, CommitUnknown):
                text = (
                    f"the store broke off before it confirmed: {error}\n"
                    "All of it was done, or nothing. Look which, before you repeat the command."
                )
            elif isinstance(error, StoreUnavailable):
                text = (
                    f"the store can't be used now: {error}\n`mailbot status` shows more; nothing was changed."
                )
            print_error(text)
            ctx.exit(1)


@click.group(
    cls=Mailbot,
    modules=COMMANDS,
    aliases=ALIASES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="mailbot", message="%(prog)s %(version)s")
@config_option
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Run an email ticketing daemon: every complaint gets its number, its team and its deadline.

    Every command takes --config DIR. Commands that list or show take --json.

    Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 78 bad configuration.
    """
    if ctx.invoked_subcommand not in FOR_OTHERS:
        old = os.umask(0o077)  # stores, backups and exports hold customers' mail
        ctx.call_on_close(lambda: os.umask(old))


def _import_late(name: str) -> None:
    """Import a module when something in it is used: SQLAlchemy imports this one for plug-ins that we have none of."""
    spec = find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    spec.loader = LazyLoader(spec.loader)
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], module)


def main() -> None:
    gc.set_threshold(100_000, 20, 20)  # imports make no garbage, and looking for it takes a tenth of them
    _import_late("importlib.metadata")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that lacks a letter shows "?" and does not end the command.
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="mailbot")
    finally:
        gc.freeze()  # the interpreter would look for garbage once more, in all modules
