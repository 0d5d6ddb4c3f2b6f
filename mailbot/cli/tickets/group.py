"""`mailbot ticket`: everything that is about single tickets, by command."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, what it does)
COMMANDS = {
    "show": ("tickets.show", "The case at once: facts, messages, what happened, what comes due."),
    "list": ("tickets.show", "Tickets, the newest first."),
    "search": ("tickets.show", "Tickets on which every one of some words stands."),
    "raw": ("tickets.show", "A mail on the ticket byte for byte as it came."),
    "assign": ("tickets.act", "Give the ticket to an agent, who gets a mail about it."),
    "escalate": ("tickets.act", "Raise the ticket to a level; its people there get a mail."),
    "decide": ("tickets.act", "Answer what the ticket's ladder asked."),
    "close": ("tickets.act", "Close the ticket; its clocks stop."),
    "note": ("tickets.act", "Keep a text on the ticket that never leaves the house."),
    "move-message": ("tickets.merge", "Move a message to another ticket. Undone by moving it back."),
    "merge": ("tickets.merge", "Merge one ticket into another. Undone by `unmerge`."),
    "unmerge": ("tickets.merge", "Make a merged ticket one of its own again."),
    "split": ("tickets.merge", "Split messages off to a ticket of their own. Undone by `merge`."),
    "accept": ("tickets.merge", "What a held ticket claims is true: merge it into the ticket that it names."),
    "reject": ("tickets.merge", "A held ticket is a matter of its own: its clocks run from now on."),
    "compensate": ("tickets.compensation", "Ask for compensation for the ticket's customer, within limits."),
    "approve": ("tickets.compensation", "Approve the ticket's open request for compensation."),
    "refuse": ("tickets.compensation", "Refuse the ticket's open request, or take back your own."),
}


@click.group(cls=LazyGroup, places=COMMANDS)
@config_option
def ticket() -> None:
    """Tickets: look at them, act on them, put mail where it belongs, grant money."""
