"""Fetches mail from an IMAP folder into the inbox: stored first, marked then, remembered last.

A crash between any two of these costs a repetition, which the fingerprint finds out: no mail is lost, none
counts twice (promises P1, P2). Bodies are read with PEEK, so that nothing is marked by looking at it.
"""

import asyncio
import base64
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from mailbot import log
from mailbot.channels.imap.client import (
    ImapConnection,
    ImapConnectionLost,
    ImapRefused,
    Item,
    Response,
    connect,
    internal_date,
    mailbox_name,
    quoted,
    sequence,
)
from mailbot.config.model import ImapAccount
from mailbot.domain.model import Envelope
from mailbot.domain.policy import Policy
from mailbot.errors import StoreUnavailable
from mailbot.mail.parsing.envelope import sender_and_recipients
from mailbot.store import imap_folders
from mailbot.store.imap_folders import Folder, FolderError, OpenedFolder, Position, Progress
from mailbot.store.store import Store

BATCH = 50  # mails fetched and stored together
BATCH_SIZE = 8 << 20  # bytes of them; a larger mail comes alone
DEATHS = 3  # connections that may break over one mail before it is left where it is
NO_HORIZON = 1 << 32  # above every UID

Keep = Callable[[Envelope, bytes], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait. `idle`: before we look by ourselves, also to notice a connection that died silently
    (RFC 2177 allows 29 minutes, the address translators of many networks forget us after 5)."""

    silence: timedelta = timedelta(seconds=60)
    turn: timedelta = timedelta(minutes=10)
    idle: timedelta = timedelta(minutes=4)
    again: timedelta = timedelta(seconds=1)  # doubled with each failure
    again_at_most: timedelta = timedelta(minutes=2)
    login_again: timedelta = timedelta(minutes=1)  # many wrong logins lock an account
    login_again_at_most: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail in the folder that is for us."""

    uid: int
    size: int
    received_at: datetime | None


class LoginRefused(Exception):
    """The server does not take the user with this password."""


class ImapFetcher:
    """The worker, one for each account.

    `keep` stores a mail and returns after the commit. `wake_intake` is called after that, `wake` when
    the server reports new mail. `largest`: bytes of a mail.
    """

    stop_stage: Final = "fetch"

    def __init__(
        self,
        store: Store,
        account: ImapAccount,
        *,
        policy: Callable[[], Policy],
        keep: Keep,
        wake_intake: Callable[[], None],
        wake: Callable[[], None],
        largest: int,
        now: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name = f"imap {account.name}"
        self.trouble = ""  # why no mail can be fetched now
        self._store, self._account, self._policy, self._keep = store, account, policy, keep
        self._wake_intake, self._wake, self._largest, self._now = wake_intake, wake, largest, now
        self._tls, self._patience = tls, patience or Patience()
        self._folder = Folder(f"{account.user}@{account.host}", account.folder)
        self._connection: ImapConnection | None = None
        self._position: Position | None = None
        self._waiting: deque[Listed] = deque()
        self._failures = 0
        self._deaths: dict[int, int] = {}  # UID -> connections that broke while it was fetched
        self._fresh = True  # no turn has succeeded yet

    async def run_once(self) -> timedelta | float:
        try:
            async with asyncio.timeout(self._patience.turn.total_seconds()):
                rest = await self._turn()
        except (ImapConnectionLost, ImapRefused, LoginRefused, TimeoutError) as error:
            await self._disconnect()
            return await self._fail(error)
        except BaseException:  # the store's trouble, or our end: half a response is no place to go on from
            await self._disconnect()
            raise
        await self._recover()
        return rest

    async def close(self, span: timedelta = timedelta()) -> None:
        """Log out of the server. What is not marked yet is fetched again, and recognised."""
        await self._disconnect()

    async def _turn(self) -> timedelta | float:
        connection = self._connection or await self._open()
        await connection.resume()
        if not self._waiting:
            await self._list_new(connection)
        if self._waiting:
            await self._fetch_and_store(connection, self._next_batch())
            return 0
        if connection.news:
            return 0
        if "IDLE" not in connection.capabilities:
            return self._account.every
        await connection.idle(self._wake)
        return self._patience.idle

    # --- the connection ---

    async def _open(self) -> ImapConnection:
        account, silence = self._account, self._patience.silence.total_seconds()
        connection, known = await connect(account.host, account.port, account.tls, self._tls, silence=silence)
        self._connection = connection
        if not known:
            await self._log_in(connection)
        await connection.command(b"CAPABILITY")  # those before the login were others
        self._position = await self._select(connection)
        log.imap_connected(account=account.name)
        if self._position.restarted:
            log.imap_folder_reset(account=account.name)
        return connection

    async def _log_in(self, connection: ImapConnection) -> None:
        user, password = self._account.user, self._account.password
        plain = (user + password).isascii()
        try:
            if not connection.capabilities:
                await connection.command(b"CAPABILITY")
            if plain and "LOGINDISABLED" not in connection.capabilities:
                await connection.command(b"LOGIN", quoted(user), quoted(password))
            else:  # RFC 4616, RFC 6855: what is not ASCII can't stand in LOGIN
                secret = base64.b64encode(f"\0{user}\0{password}".encode())
                await connection.command(b"AUTHENTICATE", b"PLAIN", secret=secret)
        except ImapRefused as refusal:
            if refusal.code in ("UNAVAILABLE", "INUSE", "LIMIT"):  # RFC 5530: not for the password
                raise
            raise LoginRefused(str(refusal)) from refusal

    async def _select(self, connection: ImapConnection) -> Position:
        told: dict[bytes, int] = {}

        def note(response: Response) -> None:
            words = response.line.upper().split()
            if words[:2] == [b"*", b"OK"] and len(words) > 3 and words[3].rstrip(b"]").isdigit():
                told[words[2].lstrip(b"[")] = int(words[3].rstrip(b"]"))

        await connection.command(b"SELECT", mailbox_name(self._account.folder), each=note)
        if b"UIDVALIDITY" not in told:
            raise ImapConnectionLost(
                "the server can't tell its mails apart for good: it names no UIDVALIDITY"
            )
        next_uid = told.get(b"UIDNEXT", NO_HORIZON)
        item = OpenedFolder(self._folder, told[b"UIDVALIDITY"], next_uid, self._now())
        return await self._store.write(imap_folders.start, item)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._position = None
        self._waiting.clear()
        if connection:
            await connection.close()

    async def _fail(self, error: Exception) -> timedelta:
        wait, most = self._patience.again, self._patience.again_at_most
        if isinstance(error, LoginRefused):
            wait, most = self._patience.login_again, self._patience.login_again_at_most
        pause: timedelta = min(wait * 2 ** min(self._failures, 16), most)
        self._failures += 1
        why = str(error) or f"no end within {self._patience.turn}"
        if isinstance(error, LoginRefused):
            log.imap_login_refused(account=self._account.name, error=why, retry_in=pause)
        else:
            log.imap_down(account=self._account.name, error=why, retry_in=pause)
        if why != self.trouble:
            self.trouble = why
            await self._store.write(imap_folders.record_error, FolderError(self._folder, why, self._now()))
        return pause

    async def _recover(self) -> None:
        if self._failures or self._fresh:
            self._failures, self.trouble, self._fresh = 0, "", False
            await self._store.write(imap_folders.record_error, FolderError(self._folder, "", self._now()))

    # --- what is there ---

    async def _list_new(self, connection: ImapConnection) -> None:
        """List what came since the last look; the first time also what was left in the folder."""
        position = self._position
        assert position
        connection.news = False
        found: dict[int, Listed] = {}
        top = position.uid

        def note(response: Response) -> None:
            nonlocal top
            items = response.fetched()
            top = max(top, _number(items.get(b"UID")))
            listed = _listed(items, position)
            if listed:
                found[listed.uid] = listed

        # "n:*" always names the last mail, also when all its UIDs are smaller (RFC 3501 6.4.8).
        items = b"(UID FLAGS INTERNALDATE RFC822.SIZE)"
        await connection.command(b"UID FETCH", b"%d:*" % (position.uid + 1), items, each=note)
        if position.left and self._fresh:  # the cause may be mended, the mail may be gone
            await connection.command(b"UID FETCH", sequence(list(position.left)), items, each=note)
            await self._remember(position.uid, settled=tuple(set(position.left) - set(found)))
        if not found and top > position.uid:
            await self._remember(top)  # nothing up to there is for us, so it need not be listed again
        self._waiting.extend(found[uid] for uid in sorted(found, key=lambda uid: (uid <= position.uid, uid)))

    def _next_batch(self) -> list[Listed]:
        """Return the next mails to fetch together. A mail that broke a connection comes alone."""
        batch = [self._waiting.popleft()]
        size = batch[0].size
        while self._waiting and len(batch) < BATCH:
            following = self._waiting[0]
            size += following.size
            if size > BATCH_SIZE or following.uid in self._deaths or batch[0].uid in self._deaths:
                break
            batch.append(self._waiting.popleft())
        return batch

    # --- store, mark, remember ---

    async def _fetch_and_store(self, connection: ImapConnection, batch: Sequence[Listed]) -> None:
        position = self._position
        assert position
        fine, left = self._fetchable(batch)
        mails = await self._fetch(connection, fine, left)
        kept, trouble = await self._store_all(fine, mails, left)
        if kept:
            self._wake_intake()
            await self._mark(connection, kept)
        if trouble:
            raise trouble
        for uid, why in left.items():
            if uid not in position.left:
                log.imap_mail_skipped(account=self._account.name, uid=uid, reason=why)
        await self._remember(max(each.uid for each in batch), tuple(left), tuple(kept))

    async def _remember(self, uid: int, left: tuple[int, ...] = (), settled: tuple[int, ...] = ()) -> None:
        """Record that everything up to `uid` is done."""
        position = self._position
        assert position
        progress = Progress(self._folder, position.uidvalidity, uid, left, settled)
        await self._store.write(imap_folders.advance, progress)
        still_left = tuple({*position.left, *left} - set(settled))
        self._position = replace(position, uid=max(uid, position.uid), left=still_left)

    def _fetchable(self, batch: Sequence[Listed]) -> tuple[list[Listed], dict[int, str]]:
        """Return the mails that can be fetched, and why the others can't."""
        left: dict[int, str] = {}
        for mail in batch:
            if mail.size > self._largest + self._largest // 8:  # servers differ in how they count line ends
                left[mail.uid] = f"{mail.size} bytes, {self._largest} are taken (limits.size)"
            elif self._deaths.get(mail.uid, 0) >= DEATHS:
                left[mail.uid] = f"the connection broke {DEATHS} times while it was fetched"
        return [mail for mail in batch if mail.uid not in left], left

    async def _fetch(
        self, connection: ImapConnection, batch: Sequence[Listed], left: dict[int, str]
    ) -> dict[int, bytes]:
        """Fetch the bytes of mails by UID. A mail that was deleted is in neither result."""
        mails: dict[int, bytes] = {}
        unfit: dict[int, str] = {}

        def note(response: Response) -> None:
            items = response.fetched()
            uid, content = _number(items.get(b"UID")), items.get(b"BODY[]", ())
            if isinstance(content, bytes) and len(content) <= self._largest:
                mails[uid] = content
            elif content is None or isinstance(content, bytes):
                unfit[uid] = f"it has more than {self._largest} bytes (limits.size), or none at all"

        refusal = await self._fetch_bodies(connection, batch, note) if batch else ""
        if len(batch) > 1:  # alone is seen which one it was that the server refused, or that had no room
            for mail in batch:
                if mail.uid in unfit or (refusal and mail.uid not in mails):
                    mails |= await self._fetch(connection, [mail], left)
        elif batch and batch[0].uid not in mails and (why := refusal or unfit.get(batch[0].uid)):
            left[batch[0].uid] = why
        return mails

    async def _fetch_bodies(
        self, connection: ImapConnection, batch: Sequence[Listed], note: Callable[[Response], None]
    ) -> str:
        """Fetch bodies. Return why the server refuses some of them; "" when it doesn't."""
        uids = [mail.uid for mail in batch]
        room = max(self._largest, BATCH_SIZE) + (1 << 16)
        try:
            await connection.command(b"UID FETCH", sequence(uids), b"(UID BODY.PEEK[])", each=note, room=room)
        except ImapRefused as refusal:
            return str(refusal)
        except ImapConnectionLost:
            for uid in uids:  # which of them it was shows when each is fetched alone
                self._deaths[uid] = self._deaths.get(uid, 0) + (len(batch) == 1)
            raise
        for uid in uids:
            self._deaths.pop(uid, None)
        return ""

    async def _store_all(
        self, batch: Sequence[Listed], mails: dict[int, bytes], left: dict[int, str]
    ) -> tuple[list[int], StoreUnavailable | None]:
        """Store mails in one commit. Return the UIDs that are kept, and the store's trouble if there is any."""
        there = [mail for mail in batch if mail.uid in mails]
        results = await asyncio.gather(
            *(self._store_one(mail, mails[mail.uid]) for mail in there), return_exceptions=True
        )
        kept, trouble = [], None
        for mail, result in zip(there, results, strict=True):
            if isinstance(result, StoreUnavailable):
                trouble = result
            elif isinstance(result, Exception):  # our fault, and this mail's alone (promise P5)
                left[mail.uid] = f"{type(result).__name__}: {result}"
                log.imap_mail_failed(account=self._account.name, uid=mail.uid, error=result)
            elif isinstance(result, BaseException):
                raise result
            else:
                kept.append(mail.uid)
        return kept, trouble

    async def _store_one(self, mail: Listed, raw: bytes) -> int:
        policy, now = self._policy(), self._now()
        sender, recipients = sender_and_recipients(raw, policy.mailbox_for)
        received_at = min(mail.received_at or now, now)  # the server's word: the same at each repetition
        envelope = Envelope(sender, recipients or (self._account.mailbox,), "", received_at)
        return await self._keep(envelope, raw)

    async def _mark(self, connection: ImapConnection, uids: list[int]) -> None:
        """Apply the account's `after`. What the server refuses is logged and left."""
        which = sequence(uids)
        try:
            match self._account.after:
                case "seen":
                    await connection.command(b"UID STORE", which, b"+FLAGS.SILENT", b"(\\Seen)")
                case "move":
                    await self._move(connection, which)
                case "delete":
                    await self._delete(connection, which)
        except ImapRefused as refusal:
            log.imap_not_marked(account=self._account.name, mails=len(uids), error=refusal)

    async def _move(self, connection: ImapConnection, which: bytes) -> None:
        command = b"UID MOVE" if "MOVE" in connection.capabilities else b"UID COPY"
        target = mailbox_name(self._account.move_to)
        try:
            await connection.command(command, which, target)
        except ImapRefused as refusal:
            if refusal.code != "TRYCREATE":
                raise
            await connection.command(b"CREATE", target)
            await connection.command(command, which, target)
        if command == b"UID COPY":
            await self._delete(connection, which)

    async def _delete(self, connection: ImapConnection, which: bytes) -> None:
        await connection.command(b"UID STORE", which, b"+FLAGS.SILENT", b"(\\Deleted)")
        if "UIDPLUS" in connection.capabilities:  # a bare EXPUNGE would take what others have marked, too
            await connection.command(b"UID EXPUNGE", which)


def _listed(items: Mapping[bytes, Item], position: Position) -> Listed | None:
    """Read a listed mail from a response. None unless it is new, or unread from before we began."""
    uid, flags = _number(items.get(b"UID")), items.get(b"FLAGS")
    if not uid or not isinstance(flags, list):
        return None
    marks = {flag.lower() for flag in flags if isinstance(flag, bytes)}
    received_at = internal_date(items.get(b"INTERNALDATE"))
    new = uid >= position.first_uid or (received_at is not None and received_at >= position.started_at)
    wanted = uid > position.uid or uid in position.left
    if not wanted or b"\\deleted" in marks or (b"\\seen" in marks and not new):
        return None
    return Listed(uid, _number(items.get(b"RFC822.SIZE")), received_at)


def _number(value: object) -> int:
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0
