"""Renders the macros that agents name, with what the ticket holds, before anything is decided about it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain import ladder
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Below
from mailbot.domain.model import Target, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal
from mailbot.mail.compose.cleaning import header_text
from mailbot.mail.compose.template_values import LANGUAGES
from mailbot.mail.compose.times import local_time
from mailbot.store import conversation
from mailbot.workers.runtime import Snapshot


def place_macros(
    connection: Connection, snapshot: Snapshot, ticket: Ticket, act: Act, by: Actor, now: datetime
) -> Act | Refusal:
    """Return the act with the text of each macro that it names, or why one of them can't be used.

    A macro with a place for the agent's text takes the text that stands below. One that names a time makes it a
    promise.
    """
    known = snapshot.composer.templates.macros.by_name
    named = [known[each.name] for each in act.commands if isinstance(each, c.Macro) and each.name in known]
    if any("promised_at" in macro.names for macro in named):
        act = _with_promise(ticket, act, snapshot.policy, now)
    promises = [each.until for each in act.commands if isinstance(each, c.WorkOn)]
    text = act.text if act.below is Below.ANSWER else ""
    facts = MacroFacts(by, now, promises[-1] if promises else None, text)
    commands: list[c.AnyCommand] = []
    for command in act.commands:
        if isinstance(command, c.Macro):
            shown = render_macro(connection, snapshot, ticket, command.name, command.arguments, facts)
            if isinstance(shown, Refusal):
                return shown
            command = replace(command, text=shown)
        commands.append(command)
    is_placed = text and any("text" in macro.names for macro in named)
    return replace(act, commands=tuple(commands), text="" if is_placed else act.text)


def _with_promise(ticket: Ticket, act: Act, policy: Policy, now: datetime) -> Act:
    """Return the act with a promise of news, where it has none: what a customer reads is kept as a promise."""
    given = [each.until for each in act.commands if isinstance(each, c.WorkOn) and each.until]
    targets = (Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION)
    ends = (ladder.end_of_clock(ticket, policy, target) for target in targets)
    until = given[-1] if given else next((end for end in ends if end and end > now), None)
    others = tuple(each for each in act.commands if not isinstance(each, c.WorkOn))
    return replace(act, commands=(c.WorkOn(until, in_text=True), *others)) if until else act


@dataclass(frozen=True, slots=True)
class MacroFacts:
    """What a macro prints of one act. `promised_at`: the time that the act promises."""

    by: Actor
    now: datetime
    promised_at: datetime | None = None
    text: str = ""


def render_macro(
    connection: Connection,
    snapshot: Snapshot,
    ticket: Ticket,
    name: str,
    arguments: Mapping[str, str],
    facts: MacroFacts,
) -> str | Refusal:
    """Return the macro's text in the customer's language: in both while we are unsure of it."""
    languages = languages_of(ticket, snapshot.policy)
    customer_name = header_text(conversation.proven_name(connection, ticket))
    values = {
        language: {
            **values_of(ticket, snapshot.policy, language, facts),
            "customer_name": customer_name,
            "text": facts.text if language == languages[0] else "",
        }
        for language in languages
    }
    macros = snapshot.composer.templates.macros
    return macros.render(name, languages, values, arguments, dict(ticket.details), ticket.category)


def languages_of(ticket: Ticket, policy: Policy) -> tuple[str, ...]:
    """Return the ticket's language, else its mailbox's, else all."""
    box = policy.mailbox_for(ticket.mailbox)
    named = (ticket.language, box.language if box else "")
    return next(((language,) for language in named if language in LANGUAGES), LANGUAGES)


def values_of(ticket: Ticket, policy: Policy, language: str, facts: MacroFacts) -> dict[str, str]:
    """Return what a macro prints of a ticket in this language, "" for what there is not."""
    box, team = policy.mailbox_for(ticket.mailbox), policy.teams.get(ticket.team)
    agent = policy.agents.get(facts.by.name) if facts.by.kind is ActorKind.AGENT else None
    zone = policy.zone_of()  # where customers are assumed
    promised_at = facts.promised_at
    return {
        "number": ticket.number,
        "brand": box.brand if box else "",
        "mailbox": ticket.mailbox,
        "team": team.public.get(language, "") if team else "",
        "agent_name": agent.name if agent else "",
        "promised_at": local_time(promised_at, language, zone, facts.now) if promised_at else "",
    }
