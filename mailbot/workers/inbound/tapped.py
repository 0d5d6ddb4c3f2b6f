"""Mails to the addresses of one-tap links: our key shows whose link it is, the code what it does."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.taps import VALID_FOR, command_of
from mailbot.domain.model import Envelope, InboundMail, Ticket
from mailbot.domain.policy import Agent
from mailbot.domain.reasons import Refusal
from mailbot.mail.compose.reply_tokens import TapToken
from mailbot.store.agents import taps
from mailbot.store.agents.taps import Offer
from mailbot.workers.runtime import Snapshot


@dataclass(frozen=True, slots=True)
class Tapped:
    """A link that was tapped; `offer`: the notice that has it, None where our key shows none of this sender."""

    token: TapToken
    offer: Offer | None


def find_tap(
    connection: Connection, envelope: Envelope, mail: InboundMail, snapshot: Snapshot
) -> Tapped | None:
    """Return the link whose address the mail was sent to, None for any other mail."""
    named = [each for each in envelope.recipients if "+a." in each.lower()]
    tokens = [token for each in named if (token := snapshot.keys.tap_token_in(each))]
    if not tokens:
        return None
    token = tokens[0]
    offer = taps.load_offers(connection, [token.nonce]).get(token.nonce)
    is_own = (
        offer is not None
        and mail.sender in snapshot.policy.agents
        and offer.recipient.lower() == mail.sender
        and snapshot.keys.verify_tap(token, offer.ticket, mail.sender)
    )
    return Tapped(token, offer if is_own else None)


def read_tap(
    connection: Connection, snapshot: Snapshot, ticket: Ticket, tapped: Tapped, agent: Agent, now: datetime
) -> Act | Refusal:
    """Return what the link does on the ticket, or why it does nothing any more."""
    token, offer = tapped.token, tapped.offer
    if offer is None:
        return reasons.refuse("tap_foreign")
    if taps.used_at(connection, token.nonce, token.code):
        return reasons.refuse("tap_used")
    if now - offer.at > VALID_FOR:
        return reasons.refuse("tap_expired", days=VALID_FOR.days)
    command = command_of(token.code, ticket, Actor.agent(agent.address), snapshot.policy)
    return command if isinstance(command, Refusal) else Act((command,))


def mark_used(connection: Connection, tapped: Tapped, now: datetime) -> None:
    taps.mark_used(connection, tapped.token.nonce, tapped.token.code, now)
