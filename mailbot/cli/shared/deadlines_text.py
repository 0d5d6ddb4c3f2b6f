"""A ticket's deadlines, clocks and open question, printed for people."""

from mailbot.cli.shared.output import clean, echo_wrapped, print_title
from mailbot.domain import ladder
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.worktime import quiet_hours_text
from mailbot.views.event_words import clocks_text
from mailbot.views.formats import format_time
from mailbot.views.ladder_text import deadline_text, question_text
from mailbot.views.wording import Wording


def print_deadlines(ticket: Ticket, policy: Policy, zone: str) -> None:
    """Print all deadlines ahead if nothing else happens, the clocks, and the open question."""
    print_title("Deadlines, if nothing else happens")
    own, calendar = ladder.ladder_of(ticket, policy), ladder.calendar_of(ticket, policy)
    for deadline in ladder.deadlines(ticket, own, calendar):
        text = deadline_text(deadline, ticket, policy, zone)
        echo_wrapped(f"  {format_time(deadline.due_at, zone)}  {clean(text)}")
    echo_wrapped(f"  {clocks_text(ticket.clocks, Wording(zone))}")
    if own.quiet:
        echo_wrapped(f"  quiet hours: {quiet_hours_text(own.quiet)}")
    if question := question_text(ticket, policy):
        echo_wrapped(f"  to be decided: {clean(question)}")
    if own != ladder.current_ladder(ticket, policy):
        echo_wrapped(
            f"  ladder {clean(own.name)} as it was when the ticket was given it ({ticket.ladder_digest})"
        )
