"""One mail's way from DATA to the reply: read its text in parts, spool what is large, keep it, answer.

Theory of operation. Most mails are a single part and are kept at once, without a task of the session's own. A large
one goes to the spool part by part, then waits for its turn in memory. 250 follows only the commit of the mail.
"""

import asyncio
import math

from mailbot.channels.smtp.data import END, NO_SPACE, NOT_KEPT, DataBuffer, too_big
from mailbot.channels.smtp.session import BUFFER, EndSession, Phase, Session
from mailbot.domain.model import Envelope
from mailbot.errors import Refused, StoreFull


class MailTransfer:
    """Begins with the session's next byte, and ends with `Session.conclude`."""

    def __init__(self, session: Session) -> None:
        server = session.server
        self._session = session
        self._buffer = DataBuffer(server.limits.size, server.in_memory, server.spool, server.has_space)
        self._searched = 0  # unread bytes in which no END begins
        self._until = math.inf  # when we stop waiting for the store, by the loop's clock
        session.unread[:0] = b"\r\n"  # so that a dot on the first line is found like any other
        session.await_text()

    def read(self) -> bool:
        """Take what has come of the text. Return False when more must come first.

        What follows the dot stays unread. A part's end that may be the beginning of END stays, too.
        """
        session, unread = self._session, self._session.unread
        end = unread.find(END, self._searched)
        complete = end >= 0
        self._searched = max(0, len(unread) - len(END) + 1)
        if not complete and len(unread) <= BUFFER:
            return False
        size = end + len(END) if complete else self._searched
        self._buffer.add(bytes(unread[:size]))
        del unread[:size]
        self._searched = 0
        if self._buffer.is_hopeless:
            raise EndSession("\r\n".join([str(too_big(session.server.limits.size))] * session.reply_count()))
        if self._buffer.is_full or (complete and self._buffer.is_large):
            session.work(self._go_on(complete))
        elif complete:
            self._keep_small()
        else:
            session.await_text()
        return True

    async def _go_on(self, complete: bool) -> None:
        """Move a part of a large mail to the spool, and keep the mail when that was the last."""
        session, buffer, memory = self._session, self._buffer, self._session.server.memory
        if buffer.is_full:
            await buffer.spill()
        if not complete:
            return session.await_text()
        if buffer.refusal or not buffer.is_large:
            return self._keep_small()
        booked = await memory.take(buffer.received)
        if not booked:
            return session.conclude(NOT_KEPT)
        try:
            raw = await buffer.content(repair=session.front)
        except Refused as refusal:
            memory.give_back(booked)
            return session.conclude(str(refusal))
        except BaseException:  # a client that has left
            memory.give_back(booked)
            raise
        return self._keep(raw, booked)

    def _keep_small(self) -> None:
        try:
            raw = self._buffer.text(repair=self._session.front)
        except Refused as refusal:
            return self._session.conclude(str(refusal))
        return self._keep(raw, 0)

    def _keep(self, raw: bytes, booked: int) -> None:
        session, server = self._session, self._session.server
        self.close()
        session.phase = Phase.BUSY
        self._until = session.loop.time() + server.timeouts.keep.total_seconds()
        envelope = Envelope(session.sender or "", tuple(session.recipients), session.peer, server.now())
        server.keep_mail(envelope, raw, booked).add_done_callback(self._kept)

    def _kept(self, task: asyncio.Task[int]) -> None:
        session = self._session
        if session.transfer is not self:
            return  # it took too long, and the client has its reply
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreFull):
            session.process(NO_SPACE)
        elif error or task.cancelled():
            session.process(NOT_KEPT)
        else:
            session.mails += 1
            session.process(f"250 2.0.0 Ok: kept as {task.result()}")

    def seconds_left(self) -> float:
        """Return for how long the store may still take."""
        return self._until - self._session.loop.time()

    def close(self) -> None:
        """Drop the text. A mail that is being kept is kept all the same."""
        self._buffer.close()
