"""An agent's proven mail that is no reply to a notice: staff are never customers.

Theory of operation. There are three kinds. With a ticket's number or reference it is the agent's message on that
ticket, and the same checks hold as for a reply to a notice. A customer's mail that it forwards opens the ticket of
that customer: the agent is recorded as who brought it, and nothing goes out until the agent says so. Anything else
is filed, and the agent learns what works. Without proof it is the mail of anybody, but no machine answers it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailbot.domain import ladder, notify, reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands.help import help_mail
from mailbot.domain.events import AcknowledgementEnqueued
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.matching import NUMBER, Match
from mailbot.domain.model import TAKES_PART, InboundMail, Status, Ticket
from mailbot.domain.notices import Acknowledgement
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.participants import Roles, takes_part
from mailbot.domain.policy import Actions, Agent, Policy, Rate
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.replies.auto_reply import take_token

HELP = reasons.of("agent_mail_unclear")
# Acknowledgements that wait for the word of whoever brought the matter.
FORWARDED, SPOKEN = "forwarded_by_agent", "opened_by_staff"
_HELP_RATE = Rate(1, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Who brought a customer's matter to us, and what that person wrote about it.

    `spoken`: no mail was forwarded; the person wrote down what the customer said, on the phone or at a counter.
    """

    by: Actor
    cover: str = ""
    spoken: bool = False

    @property
    def why_not_acknowledged(self) -> Reason:
        """Return why no acknowledgement leaves by itself."""
        return reasons.of(FORWARDED if not self.spoken else SPOKEN, agent=self.by.name)


def match_for_agent(match: Match) -> Match:
    """Return the match of a proven agent's mail: what it names needs no other authority."""
    if match.number or not match.claims:
        return match
    return replace(
        match, number=match.claims, claims="", reason=reasons.of("named_by_agent"), confidence=NUMBER
    )


def acting_agent(mail: InboundMail, match: Match, proof: str, roles: Roles, policy: Policy) -> Agent | None:
    """Return the agent as whose message a mail goes onto its ticket, None for a customer's mail.

    An agent who takes part, on a ticket from before, is the customer there.
    """
    agent = policy.agents.get(mail.sender)
    if agent is None or match.by_token:
        return agent
    return agent if proof and not takes_part(agent.address, roles) else None


def why_not_sent(mail: InboundMail, roles: Roles, policy: Policy) -> Reason:
    """Return why a mail without a token must not go on to the customer, by whom else it was sent to."""
    people = {owner(address) for address, role in roles.items() if role in TAKES_PART}
    others = [
        contact.address
        for contact in (*mail.to, *mail.cc)
        if not policy.mailbox_for(contact.address) and contact.address != mail.sender
    ]
    if strangers := [address for address in others if owner(address) not in people]:
        return reasons.of("agent_wrote_to_others", others=", ".join(strangers[:3]))
    return reasons.of("customer_has_it") if others else NO_REASON


def on_acknowledge(ticket: Ticket, by: Actor, policy: Policy, now: datetime) -> Decision | Refusal:
    """Decide about acknowledging a forwarded mail to its customer, as its rule wants it."""
    if ticket.status is not Status.NEW:
        return reasons.refuse("acknowledged_too_late", ticket=ticket.number, status=ticket.status)
    builder = DecisionBuilder(ticket)
    promised_at = ladder.promised_at(ticket, policy)
    builder.record(AcknowledgementEnqueued(now, by, promised_at))
    then = next((rule.then for rule in policy.rules if rule.name == ticket.rule), Actions())
    known = dict(ticket.details)
    wanted = [
        policy.details[name].labels for name in then.ask_for if name in policy.details and name not in known
    ]
    builder.notify(
        Acknowledgement(
            *notify.to_customer(ticket),
            needed=tuple(wanted),
            template=then.template,
            promised_at=promised_at,
        )
    )
    return builder.decision()


def help_key(agent: str) -> str:
    """Return the key of the rate limit on help mails to an agent."""
    return f"help {agent}"


def send_help(
    builder: DecisionBuilder, agent: Agent, policy: Policy, full_at: datetime | None, now: datetime
) -> dict[str, datetime]:
    """Notify the agent what works, once an hour. Return the rate limit that it used up."""
    next_full = take_token(full_at, _HELP_RATE, now)
    if next_full is None:
        return {}
    builder.notify(help_mail(builder.ticket, agent, policy, asked=False))
    return {help_key(agent.address): next_full}
