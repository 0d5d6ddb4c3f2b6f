"""What the rules are asked about a mail: the facts of the mail, of its customer, of where it was sent."""

from dataclasses import replace
from datetime import datetime

from mailbot.domain.model import CustomerHistory, Envelope, InboundMail
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.routing import conditions
from mailbot.domain.web_forms.given import given_in
from mailbot.domain.worktime import local


def mailbox_of(envelope: Envelope, policy: Policy) -> Mailbox:
    """Return the first mailbox that the mail was sent to, the first of all when a reload removed that one."""
    boxes = (policy.mailbox_for(address) for address in envelope.recipients)
    return next((box for box in boxes if box), None) or next(iter(policy.mailboxes.values()))


def circumstances(mail: InboundMail, customer_history: CustomerHistory) -> CustomerHistory:
    """Return the history with what this mail says of its sender: it is recorded with the routing."""
    return replace(
        customer_history,
        authentication=mail.authentication,
        author=mail.author,
        machine_may_answer=not mail.no_auto_reply,
        channel=mail.channel,
    )


def routing_facts(
    mail: InboundMail,
    envelope_sender: str,
    mailbox: str,
    policy: Policy,
    at: datetime,
    customer_history: CustomerHistory,
) -> conditions.RoutingFacts:
    """Collect what the rules test: of a mail that comes, that is tried, or that came long ago.

    `mailbox`: our address that it was sent to. `at`: when it was or is routed.
    """
    calendar = next(iter(policy.calendars.values()))
    return conditions.RoutingFacts(
        subject=mail.subject,
        text=mail.visible or mail.text,
        new_body=mail.new_body,
        footer=mail.footer,
        sender=mail.sender or envelope_sender,
        mailbox=mailbox,
        language=mail.language,
        attachment_names=tuple(attachment.name for attachment in mail.attachments),
        attachment_types=tuple(attachment.type for attachment in mail.attachments),
        size=mail.size,
        local_time=local(calendar, at),
        sender_name=mail.sender_name,
        headers=mail.headers,
        customer_history=customer_history,
        given=given_in(mail),
    )
