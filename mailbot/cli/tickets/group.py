"""`mailbot ticket`: all commands about single tickets, by name."""

import click

from mailbot.cli.shared.command_group import LazyGroup
from mailbot.cli.shared.options import config_option

# command -> (module, help line)
COMMANDS = {
    "show": ("tickets.show", "Show the ticket: facts, messages, events, deadlines."),
    "list": ("tickets.show", "List tickets, the newest first."),
    "search": ("tickets.search", "Find tickets by words, phrases and filters."),
    "raw": ("tickets.show", "Write a mail on the ticket to standard output, byte for byte."),
    "attachment": ("tickets.attachment", "Write a file that came in a mail on the ticket."),
    "take": ("tickets.act", "The ticket is yours."),
    "assign": ("tickets.act", "Assign it to another agent."),
    "hand-over": ("tickets.act", "Hand it over to another team."),
    "escalate": ("tickets.act", "Raise it to the next level or the one named."),
    "working": ("tickets.act", "Still ours; the customer reads until when."),
    "wait": ("tickets.act", "Wait for the customer, or a third party."),
    "turns": ("tickets.turns", "List tickets of an earlier version that would be ours now."),
    "snooze": ("tickets.act", "Leave it out of the worklist until then."),
    "decide": ("tickets.act", "Answer the question of an escalation."),
    "close": ("tickets.act", "Close the ticket, with its cause."),
    "reopen": ("tickets.act", "Reopen a closed ticket."),
    "tag": ("tickets.act", "Add or remove tags."),
    "resolve": ("tickets.act", "The incident is over: all its customers get the text below."),
    "detach": ("tickets.act", "Take it out of its incident."),
    "release": ("tickets.act", "Make an automatic mail an ordinary ticket."),
    "open": ("tickets.open_new", "Open a ticket for a customer who called or came by."),
    "acknowledge": ("tickets.acknowledge", "Send the acknowledgement that waits for an agent's word."),
    "answer": ("tickets.act", "Send an agent's answer to the customer."),
    "macro": ("tickets.act", "Send a checked text in the customer's language."),
    "undo": ("tickets.act", "Take your last mail back before it leaves."),
    "send": ("tickets.act", "Send your held answer after all."),
    "note": ("tickets.act", "Keep an internal note on the ticket."),
    "legal-hold": ("tickets.legal_hold", "Keep the ticket from all deletion by retention, or release it."),
    "participant": ("tickets.people", "Add, remove and list the people who take part."),
    "link": ("tickets.link", "It is the same person as the customer; or links to the page of the ticket."),
    "unlink": ("tickets.act", "Take that back: it is another person."),
    "via": ("tickets.act", "Where answers to this ticket go."),
    "set": ("tickets.people", "Correct priority, category, team or customer."),
    "move-message": ("tickets.merge", "Move a message to another ticket. Undo: move it back."),
    "merge": ("tickets.merge", "Merge one ticket into another. Undo: `unmerge`."),
    "unmerge": ("tickets.merge", "Make a merged ticket a separate one again."),
    "split": ("tickets.merge", "Split messages off into a new ticket. Undo: `merge`."),
    "accept": ("tickets.merge", "Accept the claim of a held ticket: merge it into the ticket that it names."),
    "reject": ("tickets.merge", "Reject the claim of a held ticket: it stays separate and its clocks start."),
    "compensate": ("tickets.compensation", "Request compensation for the ticket's customer, within limits."),
    "approve": ("tickets.compensation", "Approve the ticket's open request for compensation."),
    "refuse": ("tickets.compensation", "Refuse the ticket's open request, or withdraw your own."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
@config_option
def ticket() -> None:
    """Show tickets, act on them, put mail on the right ticket, grant compensation."""
