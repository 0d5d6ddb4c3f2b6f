"""Reads an agent's mail that was held, when its author sends it after all."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import commands as c
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands import grammar
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Reading
from mailbot.domain.model import Attachment, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Refusal
from mailbot.mail.compose.inline_pictures import is_placed
from mailbot.mail.parsing.parse import parse
from mailbot.store.agents import acts
from mailbot.store.agents.acts import HeldMail
from mailbot.store.queries import raw_mail


@dataclass(frozen=True, slots=True)
class SentAfterAll:
    """What the held mail wants, with the files that go along with its text."""

    act: Act
    attachments: tuple[Attachment, ...] = ()


def send_after_all(
    connection: Connection, ticket: Ticket, act: Act, by: Actor, policy: Policy, now: datetime
) -> SentAfterAll | Refusal:
    """Return what the newest held mail of the agent wants, where `act` asks for that; else `act` itself."""
    if not any(isinstance(command, c.Send) for command in act.commands):
        return SentAfterAll(act)
    if act.text:
        return reasons.refuse("send_takes_no_text")
    held = acts.held_mail(connection, ticket.number, by.name, now)
    if held is None:
        return reasons.refuse("nothing_held", ticket=ticket.number)
    wanted: Act | Refusal = Act((), held.text)
    if grammar.has_verbs(held.text):
        wanted = grammar.read(held.text, Reading(ticket, by, policy, now))
    if isinstance(wanted, Refusal):
        return wanted
    return SentAfterAll(replace(wanted, sends=held.id), _files(connection, held, policy))


def _files(connection: Connection, held: HeldMail, policy: Policy) -> tuple[Attachment, ...]:
    """Return the files of the raw mail, without pictures of its signature and of what it quotes."""
    raw = raw_mail(connection, held.inbox_id) if held.inbox_id is not None else None
    if raw is None:
        return ()
    mail = parse(raw, own_addresses=policy.mailboxes.keys())
    return tuple(
        each for each in mail.attachments if is_placed(each, held.text) or not is_placed(each, mail.text)
    )
