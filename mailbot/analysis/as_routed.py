"""The routing of a ticket again, with the mail, customer history and policy of that time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mailbot.analysis import opening_mails
from mailbot.analysis.past_policies import PastPolicies
from mailbot.domain.policy import Policy
from mailbot.domain.routing import trace as routing_trace
from mailbot.domain.routing.routing_facts import mailbox_of, routing_facts
from mailbot.domain.routing.trace import RuleTrace
from mailbot.errors import ConfigError
from mailbot.mail.parsing.parse import parse
from mailbot.store import customer_history


@dataclass(frozen=True, slots=True)
class AsRouted:
    """`policy` is the version that routed it. `note` is the reason why `tried` is empty, or what differs
    today."""

    policy: str
    tried: Sequence[RuleTrace] = ()
    rules: int = 0
    note: str = ""


def as_routed(connection: Connection, number: str, current: Policy, past: PastPolicies) -> AsRouted:
    """Parse the mail that opened the ticket again and trace the rules of that time."""
    openings = opening_mails.load_openings(connection, [number])
    if not openings:
        return AsRouted("", note="no mail of its own opened it, or retention has deleted its bytes")
    opening = openings[0]
    policy, note = _policy(connection, opening.policy, current, past)
    if policy is None:
        return AsRouted(opening.policy, note=note)
    raw = opening_mails.raw_mail(connection, opening.inbox_id)
    mail = parse(raw, own_addresses=policy.mailboxes.keys())
    recorded_history = opening.routed.customer_history
    history = customer_history.recalled(connection, opening.customer, number, opening.at, recorded_history)
    box = mailbox_of(opening.envelope, policy).address
    facts = routing_facts(mail, opening.envelope.sender, box, policy, opening.at, history)
    tried = routing_trace.trace_rules(policy, facts)
    if tried[-1].rule.name != opening.routed.rule:
        note = f"today rule '{tried[-1].rule.name}' wins, but '{opening.routed.rule}' was recorded"
    return AsRouted(policy.version, tried, len(policy.rules), note)


def _policy(
    connection: Connection, version: str, current: Policy, past: PastPolicies
) -> tuple[Policy | None, str]:
    if version == current.version:
        return current, ""
    try:
        kept = past.of(connection, version)
    except ConfigError:
        return None, f"policy {version} can't be built again by this mailbot, so its rules can't be shown"
    if kept is None:
        return None, f"the sources of policy {version} are not kept, so its rules can't be shown"
    return kept, f"by policy {version}, which is no longer the one in the files"
