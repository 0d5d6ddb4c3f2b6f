"""Fetches mail from an IMAP folder into the inbox: first stored, then marked, last recorded as done.

A crash between any two of these costs a repetition, which the fingerprint detects: no mail is lost, none
counts twice (promises P1, P2). Bodies are read with PEEK, so that reading marks nothing.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from mailbot import log
from mailbot.channels.imap import folder
from mailbot.channels.imap.client import (
    ImapConnection,
    ImapConnectionLost,
    ImapRefused,
    Response,
    connect,
    sequence,
)
from mailbot.channels.imap.folder import ListedMail, LoginRefused, read_number
from mailbot.config.model import ImapAccount
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy
from mailbot.errors import StoreUnavailable
from mailbot.mail.parsing.envelope import sender_and_recipients
from mailbot.store.service import imap_folders
from mailbot.store.service.imap_folders import Folder, FolderError, OpenedFolder, Position, Progress
from mailbot.store.store import Store

BATCH = 50  # mails fetched and stored together
BATCH_SIZE = 8 << 20  # bytes of them; a larger mail comes alone
MAX_BREAKS = 3  # connections that may break over one mail before it is skipped

Keep = Callable[[Envelope, bytes], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long we wait. `idle`: before we look by ourselves, also to notice a connection that died silently.

    RFC 2177 allows 29 minutes; the address translators of many networks forget a connection after 5.
    """

    read: timedelta = timedelta(seconds=60)
    turn: timedelta = timedelta(minutes=10)
    idle: timedelta = timedelta(minutes=4)
    retry: timedelta = timedelta(seconds=1)  # doubled with each failure
    max_retry: timedelta = timedelta(minutes=2)
    login_retry: timedelta = timedelta(minutes=1)  # many wrong logins lock an account
    max_login_retry: timedelta = timedelta(minutes=15)


class ImapFetcher:
    """The worker, one for each account.

    `keep` stores a mail and returns after the commit. `wake` is called when
    the server reports new mail. `size_limit`: bytes of a mail.
    """

    stop_stage: Final = "fetch"

    def __init__(
        self,
        store: Store,
        account: ImapAccount,
        *,
        policy: Callable[[], Policy],
        keep: Keep,
        wake: Callable[[], None],
        size_limit: int,
        now: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.name = f"imap {account.name}"
        self.error = ""  # why no mail can be fetched now
        self._store, self._account, self._policy, self._keep = store, account, policy, keep
        self._wake, self._size_limit, self._now = wake, size_limit, now
        self._tls, self._timeouts = tls, timeouts or Timeouts()
        self._folder = Folder(f"{account.user}@{account.host}", account.folder)
        self._connection: ImapConnection | None = None
        self._position: Position | None = None
        self._listed: deque[ListedMail] = deque()
        self._failures = 0
        self._breaks: dict[int, int] = {}  # UID -> connections that broke while it was fetched
        self._first_turn = True  # no turn has succeeded yet

    async def run_once(self) -> timedelta | float:
        try:
            async with asyncio.timeout(self._timeouts.turn.total_seconds()):
                delay = await self._turn()
        except (ImapConnectionLost, ImapRefused, LoginRefused, TimeoutError) as error:
            await self._disconnect()
            return await self._fail(error)
        except BaseException:  # trouble with the store, or a stop: nothing can follow half a response
            await self._disconnect()
            raise
        if self._failures or self._first_turn:
            self._failures, self._first_turn = 0, False
            await self._record_error("")
        return delay

    async def close(self, span: timedelta = timedelta()) -> None:
        """Log out of the server. What is not marked yet is fetched again, and recognised."""
        await self._disconnect()

    async def _turn(self) -> timedelta | float:
        connection = self._connection or await self._open()
        await connection.resume()
        if not self._listed:
            await self._list_new(connection)
        if self._listed:
            await self._fetch_and_store(connection, self._next_batch())
            return 0
        if connection.has_new_mail:
            return 0
        if "IDLE" not in connection.capabilities:
            return self._account.every
        await connection.idle(self._wake)
        return self._timeouts.idle

    # --- the connection ---

    async def _open(self) -> ImapConnection:
        account, read_timeout = self._account, self._timeouts.read.total_seconds()
        connection, logged_in = await connect(
            account.host, account.port, account.tls, self._tls, read_timeout=read_timeout
        )
        self._connection = connection
        if not logged_in:
            await folder.log_in(connection, account.user, account.password)
        await connection.command(b"CAPABILITY")  # may differ from those before the login
        uidvalidity, next_uid = await folder.select(connection, account.folder)
        opened = OpenedFolder(self._folder, uidvalidity, next_uid, self._now())
        self._position = await self._store.write(imap_folders.start, opened)
        log.imap_connected(account=account.name)
        if self._position.restarted:
            log.imap_folder_reset(account=account.name)
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._position = None
        self._listed.clear()
        if connection:
            await connection.close()

    async def _fail(self, error: Exception) -> timedelta:
        """Log and record a failure. Return the delay before the next turn."""
        timeouts, refused = self._timeouts, isinstance(error, LoginRefused)
        first, longest = timeouts.retry, timeouts.max_retry
        if refused:
            first, longest = timeouts.login_retry, timeouts.max_login_retry
        delay: timedelta = min(first * 2 ** min(self._failures, 16), longest)
        self._failures += 1
        reason = str(error) or f"no end within {timeouts.turn}"
        write_log = log.imap_login_refused if refused else log.imap_down
        write_log(account=self._account.name, error=reason, retry_in=delay)
        if reason != self.error:
            await self._record_error(reason)
        return delay

    async def _record_error(self, reason: str) -> None:
        self.error = reason
        await self._store.write(imap_folders.record_error, FolderError(self._folder, reason, self._now()))

    # --- listing ---

    async def _list_new(self, connection: ImapConnection) -> None:
        """List what came since the last look; the first time also what was skipped."""
        position = self._position
        assert position
        connection.has_new_mail = False
        mails: dict[int, ListedMail] = {}
        top = position.uid

        def note(response: Response) -> None:
            nonlocal top
            items = response.fetch_items()
            top = max(top, read_number(items.get(b"UID")))
            if mail := folder.read_listed(items, position):
                mails[mail.uid] = mail

        # "n:*" always names the last mail, also when all its UIDs are smaller (RFC 3501 6.4.8).
        items = b"(UID FLAGS INTERNALDATE RFC822.SIZE)"
        await connection.command(b"UID FETCH", b"%d:*" % (position.uid + 1), items, on_response=note)
        if position.skipped and self._first_turn:  # the cause may be mended, the mail may be gone
            await connection.command(b"UID FETCH", sequence(list(position.skipped)), items, on_response=note)
            await self._advance(position.uid, recovered=tuple(set(position.skipped) - set(mails)))
        if not mails and top > position.uid:
            await self._advance(top)  # nothing up to there is for us, so it need not be listed again
        self._listed.extend(mails[uid] for uid in sorted(mails, key=lambda uid: (uid <= position.uid, uid)))

    def _next_batch(self) -> list[ListedMail]:
        """Return the next mails to fetch together. A mail that broke a connection comes alone."""
        batch = [self._listed.popleft()]
        size = batch[0].size
        while self._listed and len(batch) < BATCH:
            following = self._listed[0]
            size += following.size
            if size > BATCH_SIZE or following.uid in self._breaks or batch[0].uid in self._breaks:
                break
            batch.append(self._listed.popleft())
        return batch

    # --- fetching and storing ---

    async def _fetch_and_store(self, connection: ImapConnection, batch: Sequence[ListedMail]) -> None:
        """Fetch, store and mark a batch, then record it as done. Raises StoreUnavailable."""
        position = self._position
        assert position
        allowed, skipped = self._fetchable(batch)
        bodies = await self._fetch(connection, allowed, skipped)
        kept, trouble = await self._store_all(allowed, bodies, skipped)
        if kept:
            try:
                await folder.mark(connection, self._account, kept)
            except ImapRefused as refusal:
                log.imap_not_marked(account=self._account.name, mails=len(kept), error=refusal)
        if trouble:
            raise trouble
        for uid, reason in skipped.items():
            if uid not in position.skipped:
                log.imap_mail_skipped(account=self._account.name, uid=uid, reason=reason)
        await self._advance(max(mail.uid for mail in batch), tuple(skipped), tuple(kept))

    async def _advance(
        self, uid: int, skipped: tuple[int, ...] = (), recovered: tuple[int, ...] = ()
    ) -> None:
        """Record that everything up to `uid` is done."""
        position = self._position
        assert position
        progress = Progress(self._folder, position.uidvalidity, uid, skipped, recovered)
        await self._store.write(imap_folders.advance, progress)
        still_skipped = tuple({*position.skipped, *skipped} - set(recovered))
        self._position = replace(position, uid=max(uid, position.uid), skipped=still_skipped)

    def _fetchable(self, batch: Sequence[ListedMail]) -> tuple[list[ListedMail], dict[int, str]]:
        """Return the mails that can be fetched, and why the others are skipped."""
        skipped: dict[int, str] = {}
        for mail in batch:
            if mail.size > self._size_limit + self._size_limit // 8:  # servers count line ends differently
                skipped[mail.uid] = f"{mail.size} bytes, {self._size_limit} are taken (limits.size)"
            elif self._breaks.get(mail.uid, 0) >= MAX_BREAKS:
                skipped[mail.uid] = f"the connection broke {MAX_BREAKS} times while it was fetched"
        return [mail for mail in batch if mail.uid not in skipped], skipped

    async def _fetch(
        self, connection: ImapConnection, batch: Sequence[ListedMail], skipped: dict[int, str]
    ) -> dict[int, bytes]:
        """Fetch the bytes of mails by UID. A mail that was deleted is in neither result."""
        bodies: dict[int, bytes] = {}
        unfit: dict[int, str] = {}

        def note(response: Response) -> None:
            items = response.fetch_items()
            uid, body = read_number(items.get(b"UID")), items.get(b"BODY[]", ())
            if isinstance(body, bytes) and len(body) <= self._size_limit:
                bodies[uid] = body
            elif body is None or isinstance(body, bytes):
                unfit[uid] = f"it has more than {self._size_limit} bytes (limits.size), or none at all"

        refusal = await self._fetch_bodies(connection, batch, note) if batch else ""
        if len(batch) > 1:  # fetched alone, each shows whether the server refuses it or it had no room
            for mail in batch:
                if mail.uid in unfit or (refusal and mail.uid not in bodies):
                    bodies |= await self._fetch(connection, [mail], skipped)
        elif batch and batch[0].uid not in bodies and (reason := refusal or unfit.get(batch[0].uid)):
            skipped[batch[0].uid] = reason
        return bodies

    async def _fetch_bodies(
        self, connection: ImapConnection, batch: Sequence[ListedMail], note: Callable[[Response], None]
    ) -> str:
        """Fetch bodies. Return why the server refuses some of them; "" when it doesn't."""
        uids = [mail.uid for mail in batch]
        room = max(self._size_limit, BATCH_SIZE) + (1 << 16)
        try:
            await connection.command(
                b"UID FETCH", sequence(uids), b"(UID BODY.PEEK[])", on_response=note, room=room
            )
        except ImapRefused as refusal:
            return str(refusal)
        except ImapConnectionLost:
            for uid in uids:  # which of them broke it shows when each is fetched alone
                self._breaks[uid] = self._breaks.get(uid, 0) + (len(batch) == 1)
            raise
        for uid in uids:
            self._breaks.pop(uid, None)
        return ""

    async def _store_all(
        self, batch: Sequence[ListedMail], bodies: dict[int, bytes], skipped: dict[int, str]
    ) -> tuple[list[int], StoreUnavailable | None]:
        """Store mails in one commit. Return the UIDs that are kept, and the store's error if any."""
        mails = [mail for mail in batch if mail.uid in bodies]
        results = await asyncio.gather(
            *(self._store_one(mail, bodies[mail.uid]) for mail in mails), return_exceptions=True
        )
        kept, trouble = [], None
        for mail, result in zip(mails, results, strict=True):
            if isinstance(result, StoreUnavailable):
                trouble = result
            elif isinstance(result, Exception):  # a bug of ours, and it concerns this mail alone (promise P5)
                skipped[mail.uid] = f"{type(result).__name__}: {result}"
                log.imap_mail_failed(account=self._account.name, uid=mail.uid, error=result)
            elif isinstance(result, BaseException):
                raise result
            else:
                kept.append(mail.uid)
        return kept, trouble

    async def _store_one(self, mail: ListedMail, raw: bytes) -> int:
        policy, now = self._policy(), self._now()
        sender, recipients = sender_and_recipients(raw, policy.mailbox_for)
        received_at = min(mail.received_at or now, now)  # by the server, so the same at each repetition
        envelope = Envelope(sender, recipients or (self._account.mailbox,), "", received_at)
        return await self._keep(envelope, raw)
