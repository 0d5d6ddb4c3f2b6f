"""Reads and routes a mail before its transaction, in a process that may have no store at all."""

from dataclasses import replace
from datetime import datetime

from mailbot.config.model import Trust
from mailbot.domain.model import Envelope, InboundMail
from mailbot.domain.people.customer import with_trusted_origin
from mailbot.domain.policy import Policy
from mailbot.domain.routing.routed import route_early
from mailbot.mail.parsing.parse import parse


def prepare(envelope: Envelope, raw: bytes, policy: Policy, trust: Trust, now: datetime) -> InboundMail:
    """Return the parsed mail with its route. A decision by another policy, or on other facts, routes it again."""
    mail = parse(raw, trust.authserv_ids, policy.mailboxes.keys())
    return replace(mail, routed=route_early(with_trusted_origin(mail, policy), envelope, policy, now))
