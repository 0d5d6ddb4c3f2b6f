"""The command `mailbot`: what there is, loaded when it is asked for; how trouble is said and exits.

Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 78 bad configuration.
"""

import sys
from typing import Any

import click

from mailbot import __version__
from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option
from mailbot.errors import AlreadyRunning, ConfigError, StoreUnavailable

BAD_CONFIGURATION = 78  # EX_CONFIG, sysexits(3)

# command -> (module, what it does)
COMMANDS = {
    "init": ("service.check", "Write a commented, working configuration and the templates."),
    "check": ("service.check", "Validate the configuration and the templates."),
    "run": ("service.run", "The daemon, in the foreground."),
    "deliver": ("service.deliver", "Keep one mail from standard input: for a mail server that pipes."),
    "reload": ("service.reload", "Have the running daemon take the new policy; say what changed."),
    "demo": ("demo.demo", "A living demonstration on this machine; nothing of yours is touched."),
    "status": ("service.status", "Is mail flowing? Exit 1 when not, each reason on a line."),
    "ticket": (
        "tickets.group",
        "Tickets: look at them, act on them, put mail where it belongs, grant money.",
    ),
    "inbox": ("service.inbox", "Mail that came in: what waits, what is parked and why."),
    "outbox": ("service.outbox", "Mail that we owe: what waits, what failed and why."),
    "mute": ("service.suppressions", "Addresses that get no automatic mail: list, lift."),
    "compensation": ("service.ledger", "Money granted to customers: lines, statement, open requests."),
    "explain": ("tickets.explain", "Why a ticket is where it is, or where a mail would go."),
    "rules": ("rules.group", "Rules before they are in force: what a change would do to real mail."),
    "simulate": (
        "rules.simulate",
        "Time on a virtual clock: recorded tickets under another policy, or made up.",
    ),
    "report": (
        "service.report",
        "Figures of a period: times, promises, escalations, backlog, causes that rise.",
    ),
    "prove": ("tickets.prove", "What is on record about a ticket: digests, rows, attempts, replies."),
    "db": ("service.db", "The store: upgrade its schema, back it up."),
}


class Mailbot(LazyGroup):
    """The commands; trouble that has a name becomes its words and exit code here."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as refusal:
            from mailbot.cli.shared.output import print_problems

            print_problems(refusal.problems)
            ctx.exit(BAD_CONFIGURATION)
        except (StoreUnavailable, AlreadyRunning) as trouble:
            from mailbot.cli.shared.output import print_error

            print_error(_in_words(trouble))
            ctx.exit(1)


def _in_words(trouble: Exception) -> str:
    if isinstance(trouble, AlreadyRunning):
        return str(trouble)
    return f"the store can't be used now: {trouble}\n`mailbot status` shows more; nothing was changed."


@click.group(
    cls=Mailbot,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="mailbot", message="%(prog)s %(version)s")
@config_option
def cli() -> None:
    """An email ticketing daemon: every complaint gets its number, its team and its deadline.

    Every command takes --config DIR; what lists or shows takes --json.

    Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 78 bad configuration.
    """


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a terminal that lacks a letter shows "?", it does not end the command
            stream.reconfigure(errors="replace")
    cli(prog_name="mailbot")
