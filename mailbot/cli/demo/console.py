"""The console of the demo: links that log in an agent who has something to answer, and a manager."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from mailbot.cli.demo.settings import MANAGER
from mailbot.cli.demo.tour import Tour
from mailbot.cli.shared.output import echo, echo_wrapped, print_title
from mailbot.operations import log_in
from mailbot.store.console import log_ins
from mailbot.store.console.sessions import digest_of
from mailbot.store.lists import worklists

LASTS = timedelta(hours=12)  # a real link lasts ten minutes; here nothing is at stake


def introduce(tour: Tour) -> None:
    """Print where the pages are, and links that log in."""
    agent = _busiest(tour)
    print_title("\n5. The console: open the link and answer a customer yourself")
    echo(f"  {_link(tour, agent)}")
    echo_wrapped(f"    as {tour.policy.agents[agent].name}, an agent")
    echo(f"  {_link(tour, MANAGER)}")
    echo_wrapped(f"    as {tour.policy.agents[MANAGER].name}: all tickets, the board, the admins' pages")
    echo_wrapped(
        f"  Each link logs in once. As anybody else: enter an address of teams.yaml at http://{tour.console}/login, "
        "and the mailed link is printed here."
    )


def _busiest(tour: Tour) -> str:
    """Return the agent who has most to do: the page opens on a list, not on an empty one."""
    live = tour.store.read_now(worklists.live_tickets)
    owners = Counter(ticket.assignee for ticket in live if ticket.assignee and ticket.unanswered)
    return owners.most_common(1)[0][0] if owners else next(iter(tour.policy.agents))


def _link(tour: Tour, address: str) -> str:
    secret = log_in.new_secret()
    digest, ends_at = digest_of(secret), datetime.now(UTC) + LASTS
    item = log_ins.LogIn(digest, log_ins.ANY_BROWSER, address, "/", ends_at)
    tour.store.write_now(log_ins.add, item)
    return log_in.link(f"http://{tour.console}", secret)
