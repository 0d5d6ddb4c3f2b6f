"""The routing of a ticket shown again: its mail, the customer history then, by the policy that was in force."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mailbot.analysis import opening_mails
from mailbot.analysis.past_policies import PastPolicies
from mailbot.domain import routing_trace
from mailbot.domain.decisions import mailbox_of, routing_facts
from mailbot.domain.policy import Policy
from mailbot.domain.routing_trace import RuleTrace
from mailbot.errors import ConfigError
from mailbot.mail.parsing.parse import parse
from mailbot.store import customer_history


@dataclass(frozen=True, slots=True)
class AsRouted:
    """`policy` is the version that routed it; `note` says why `tried` is empty, or what is not as it was."""

    policy: str
    tried: Sequence[RuleTrace] = ()
    rules: int = 0
    note: str = ""


def as_routed(connection: Connection, number: str, today: Policy, past: PastPolicies) -> AsRouted:
    """Reads the mail that opened the ticket again and asks the rules of that day."""
    found = opening_mails.load_openings(connection, [number])
    if not found:
        return AsRouted("", note="no mail of its own opened it, or that mail is no longer kept")
    opening = found[0]
    policy, note = _policy(connection, opening.policy, today, past)
    if policy is None:
        return AsRouted(opening.policy, note=note)
    raw = opening_mails.raw_mail(connection, opening.inbox_id)
    mail = parse(raw, own_addresses=policy.mailboxes.keys())
    known = opening.routed.customer_history
    recalled = customer_history.recalled(connection, opening.customer, number, opening.at, known)
    box = mailbox_of(opening.envelope, policy).address
    facts = routing_facts(mail, opening.envelope.sender, box, policy, opening.at, recalled)
    tried = routing_trace.trace_rules(policy, facts)
    if tried[-1].rule.name != opening.routed.rule:
        note = f"asked again, rule '{tried[-1].rule.name}' wins, but '{opening.routed.rule}' was recorded"
    return AsRouted(policy.version, tried, len(policy.rules), note)


def _policy(
    connection: Connection, version: str, today: Policy, past: PastPolicies
) -> tuple[Policy | None, str]:
    if version == today.version:
        return today, ""
    try:
        kept = past.of(connection, version)
    except ConfigError:
        return None, f"policy {version} can't be built again by this mailbot, so its rules can't be shown"
    if kept is None:
        return None, f"the sources of policy {version} are not kept, so its rules can't be shown"
    return kept, f"by policy {version}, which is no longer the one in the files"
