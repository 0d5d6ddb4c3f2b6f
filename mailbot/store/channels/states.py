"""Which node works for a channel, how far its provider was read, and what is wrong with it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BigInteger, Connection, or_, select, type_coerce, update

from mailbot.store.engine import or_skip
from mailbot.store.schema import MICROSECOND, channel_states, database_now, nodes

HELD = timedelta(seconds=60)  # without a word of its node, until another one takes the channel


@dataclass(frozen=True, slots=True)
class Hold:
    """A node that wants to work for a channel, or goes on with it."""

    channel: str
    node: str


def hold(connection: Connection, items: Sequence[Hold]) -> list[bool]:
    """Give channels to nodes, by the database's clock. False: another node has it."""
    return [_hold(connection, item) for item in items]


def _hold(connection: Connection, item: Hold) -> bool:
    connection.execute(or_skip(connection, channel_states, "channel").values(channel=item.channel))
    now = type_coerce(database_now(), BigInteger)
    free = or_(
        channel_states.c.holder.is_(None),
        channel_states.c.holder == item.node,
        channel_states.c.held_until < now,
    )
    taking = update(channel_states).where(channel_states.c.channel == item.channel, free)
    values = {"holder": item.node, "held_until": now + HELD // MICROSECOND}
    return connection.execute(taking.values(values)).rowcount == 1


def release(connection: Connection, items: Sequence[Hold]) -> list[None]:
    """Let another node have these channels at once."""
    for item in items:
        mine = (channel_states.c.channel == item.channel, channel_states.c.holder == item.node)
        connection.execute(update(channel_states).where(*mine).values(holder=None, held_until=None))
    return [None] * len(items)


def release_of_nobody(connection: Connection) -> None:
    """Let others have the channels of nodes that died, before their time is over."""
    dead = channel_states.c.holder.not_in(select(nodes.c.id))
    connection.execute(update(channel_states).where(dead).values(holder=None, held_until=None))


def position(connection: Connection, channel: str) -> str:
    """Return how far a provider was read, "" at first."""
    query = select(channel_states.c.position).where(channel_states.c.channel == channel)
    return connection.scalar(query) or ""


@dataclass(frozen=True, slots=True)
class Position:
    channel: str
    position: str


def advance(connection: Connection, items: Sequence[Position]) -> list[None]:
    """Record how far providers were read."""
    for item in items:
        here = channel_states.c.channel == item.channel
        connection.execute(update(channel_states).where(here).values(position=item.position))
    return [None] * len(items)


@dataclass(frozen=True, slots=True)
class ChannelError:
    """What is wrong with a channel; "" for nothing."""

    channel: str
    error: str


def record_error(connection: Connection, items: Sequence[ChannelError]) -> list[None]:
    """Record what is wrong with channels, for `status` on every node."""
    for item in items:
        here = channel_states.c.channel == item.channel
        connection.execute(update(channel_states).where(here).values(error=item.error[:300] or None))
    return [None] * len(items)
