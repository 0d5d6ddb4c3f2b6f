"""`mailbot ticket`: everything that is about single tickets, by command."""

import click

from mailbot.cli.groups import Group
from mailbot.cli.options import config_option

# command -> (module, what it does)
COMMANDS = {
    "show": ("ticket_look", "The case at once: facts, messages, what happened, what comes due."),
    "list": ("ticket_look", "Tickets, the newest first."),
    "search": ("ticket_look", "Tickets on which every one of some words stands."),
    "raw": ("ticket_look", "A mail on the ticket byte for byte as it came."),
    "assign": ("ticket_act", "Give the ticket to an agent, who gets a mail about it."),
    "escalate": ("ticket_act", "Raise the ticket to a level; its people there get a mail."),
    "decide": ("ticket_act", "Answer what the ticket's ladder asked."),
    "close": ("ticket_act", "Close the ticket; its clocks stop."),
    "note": ("ticket_act", "Keep a text on the ticket that never leaves the house."),
    "move-message": ("ticket_join", "Move a message to another ticket. Undone by moving it back."),
    "merge": ("ticket_join", "Merge one ticket into another. Undone by `unmerge`."),
    "unmerge": ("ticket_join", "Make a merged ticket one of its own again."),
    "split": ("ticket_join", "Split messages off to a ticket of their own. Undone by `merge`."),
    "accept": ("ticket_join", "What a held ticket claims is true: merge it into the ticket that it names."),
    "reject": ("ticket_join", "A held ticket is a matter of its own: its clocks run from now on."),
    "compensate": ("ticket_money", "Ask for compensation for the ticket's customer, within limits."),
    "approve": ("ticket_money", "Approve the ticket's open request for compensation."),
    "refuse": ("ticket_money", "Refuse the ticket's open request, or take back your own."),
}


@click.group(cls=Group, places=COMMANDS)
@config_option
def ticket() -> None:
    """Tickets: look at them, act on them, put mail where it belongs, grant money."""
