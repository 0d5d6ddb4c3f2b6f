"""An answer that did not arrive: the frozen bytes, and what agents wrote on its ticket."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from mailbot.domain.model import Direction
from mailbot.store import frozen
from mailbot.store.schema import messages, outbox

NEWEST = 20  # answers of a ticket that are looked at


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    """`content`: the mail that was to leave. `written`: (agent, text) of the ticket's newest answers."""

    content: bytes
    written: tuple[tuple[str, str], ...]


def load(connection: Connection, outbox_id: int, ticket: str) -> RefusedAnswer | None:
    """Load what a row of the outbox was, None where its bytes are missing. `ticket`: where its answer is now."""
    nonce = connection.scalars(select(outbox.c.nonce).where(outbox.c.id == outbox_id)).one()
    content = frozen.load(connection, [nonce]).get(nonce)
    if content is None:
        return None
    own = (messages.c.ticket == ticket, messages.c.direction == Direction.OUT)
    query = select(messages.c.author, messages.c.visible).where(*own)
    written = connection.execute(query.order_by(messages.c.id.desc()).limit(NEWEST))
    return RefusedAnswer(content, tuple((each.author, each.visible) for each in written))
