"""Whether mail is flowing, and if not, why not: what `mailbot status` and the admins' page show."""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mailbot.channels.smtp.certificate import certificate_end
from mailbot.config.model import Channels, Console, Relay, Settings
from mailbot.domain.model import OutboxState
from mailbot.domain.policy import Policy
from mailbot.errors import StoreUnavailable
from mailbot.operations.daemons import ROLES, is_alive
from mailbot.store import queries
from mailbot.store.console import sessions, unconfirmed_posts
from mailbot.store.engine import display_url, is_sqlite, sqlite_path
from mailbot.store.lists import open_requests
from mailbot.store.retention import last_run
from mailbot.store.retention.rules import rules_of
from mailbot.store.search import index
from mailbot.store.service import imap_folders
from mailbot.store.service.imap_folders import Folder
from mailbot.store.service.probe import check_writable
from mailbot.store.store import Store
from mailbot.views.clean_text import clean
from mailbot.views.formats import format_duration
from mailbot.workers.health import troubles
from mailbot.workers.health.troubles import Code, Space, Trouble

PATIENCE = 2.0  # seconds for the relay to answer
BEHIND = 1_000  # messages that wait for the index of `ticket search`: worth a word
REMARKS = (Code.OLD_SQLITE, Code.CERTIFICATE)
LATE_RETENTION = timedelta(hours=6)  # a first run may delete years of mail


@dataclass(frozen=True, slots=True)
class Status:
    """All that `status` shows. `reasons`: why mail does not flow; empty when it does.

    `console`: where the pages are, "" where there are none. `people`: how many are logged in there.
    `channels`: those beside mail that are set up.
    `unconfirmed`: messages of web forms that wait for their sender; None without forms.
    """

    reasons: Sequence[str]
    remarks: Sequence[str]
    store: str
    probe_seconds: float | None  # how long the store took for a write; None: it took none
    space: Space  # left where a SQLite store is
    relay: str
    relay_trouble: str
    console: str
    console_trouble: str
    people: int
    unconfirmed: int | None
    figures: queries.StoreStatus
    last_mail_at: datetime | None
    nodes: Sequence[queries.NodeStatus]
    channels: Sequence[str]


def read_status(store: Store, settings: Settings, policy: Policy, now: datetime) -> Status:
    """Read all of it, in the caller's thread: it takes some seconds where something hangs. Raises StoreUnavailable.

    `policy` is the one in the files, which daemons should use.
    """
    return _Reading(store, settings, policy, now).status()


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one reading works with."""

    store: Store
    settings: Settings
    policy: Policy
    now: datetime

    def status(self) -> Status:
        read, settings = self.store.read_now, self.settings
        probe_seconds, store_trouble = _try_write(self.store)
        figures, nodes = read(queries.store_status, self.now), read(queries.list_nodes)
        relay, relay_trouble = f"{settings.relay.host}:{settings.relay.port}", _connect(settings.relay)
        console = settings.console
        console_trouble = _visit(console) if console and any(map(is_alive, nodes)) else ""
        space, folders = _read_space(settings), self._read_folders()
        found = [
            *([Trouble(Code.STORE_SILENT, store_trouble)] if store_trouble else []),
            *filter(None, [troubles.full_disk(space, settings.limits.space_needed)]),
            *troubles.of_store(figures),
            *filter(None, [troubles.old_sqlite() if self.store.sqlite else None]),
            *filter(None, [self._ending_certificate()]),
        ]
        reasons = [
            *([] if store_trouble and nodes else _missing_roles(nodes, settings)),
            *(f"{name}: {trouble}" for name, trouble, _ in folders if trouble),
            *(trouble.text for trouble in found if trouble.code not in REMARKS),
            *([f"the relay {relay} can't be reached: {relay_trouble}"] if relay_trouble else []),
            *(
                f"the daemon on {clean(node.host)}: {clean(text)}"
                for node in nodes
                for text in _troubles_of(node)
            ),
        ]
        remarks = [trouble.text for trouble in found if trouble.code in REMARKS]
        return Status(
            reasons=reasons,
            remarks=[
                *self._remarks(nodes, figures),
                *_unread_mail(folders),
                *self._retention(nodes),
                *self._webhooks(),
                *([f"the console does not answer here: {console_trouble}"] if console_trouble else []),
                *remarks,
            ],
            store=display_url(settings.store),
            probe_seconds=probe_seconds,
            space=space,
            relay=relay,
            relay_trouble=relay_trouble,
            console=console.public_url or f"{console.host}:{console.port}" if console else "",
            console_trouble=console_trouble,
            people=read(sessions.count_people, self.now) if console else 0,
            unconfirmed=read(unconfirmed_posts.count, self.now) if self.policy.web_forms else None,
            figures=figures,
            last_mail_at=read(queries.last_mail_at),
            nodes=nodes,
            channels=sorted(settings.channels.mailboxes),
        )

    def _ending_certificate(self) -> Trouble | None:
        return troubles.ending_certificate(certificate_end(self.settings.listen.certificate), self.now)

    def _read_folders(self) -> list[tuple[str, str, int]]:
        """Return (name, why it can't be read, count of mails left there) of each IMAP account."""
        known = self.store.read_now(imap_folders.folder_statuses)
        unknown = imap_folders.FolderStatus("", 0)
        found = [
            (account.name, known.get(Folder(f"{account.user}@{account.host}", account.folder), unknown))
            for account in self.settings.imap
        ]
        return [(name, clean(folder.error), folder.skipped) for name, folder in found]

    def _remarks(self, nodes: Sequence[queries.NodeStatus], figures: queries.StoreStatus) -> list[str]:
        found = []
        version = self.policy.version
        for node in nodes:
            if is_alive(node) and node.policy != version:
                uses = f"the daemon on {clean(node.host)} uses policy {clean(node.policy)}"
                found.append(f"{uses}, the files hold {version}: `mailbot reload`")
            if node.reload_error:
                found.append(f"its last reload was refused: {clean(node.reload_error)}")
        if asked := self.store.read_now(open_requests.moments):
            oldest = format_duration(self.now - asked[0])
            found.append(
                f"{len(asked)} requests for compensation wait for a decision, the oldest for {oldest}: "
                "`mailbot compensation list --open`"
            )
        if (behind := self.store.read_now(index.waiting)) >= BEHIND:
            found.append(f"{behind:,} messages are not in the index of `mailbot ticket search` yet")
        if failed := figures.outbox.get(OutboxState.FAILED, 0):
            found.append(f"{failed} mails could not be delivered: `mailbot outbox list --state failed`")
        return found

    def _webhooks(self) -> list[str]:
        """Remark on webhooks that are disabled or fail for long."""
        if not self.settings.webhooks:
            return []
        from mailbot.store.webhooks import states  # few installations use webhooks
        from mailbot.workers.webhooks.trouble import trouble_of

        names = {webhook.name for webhook in self.settings.webhooks}
        known = [each for each in self.store.read_now(states.list_all) if each.name in names]
        return [clean(text) for each in known if (text := trouble_of(each))]

    def _retention(self, nodes: Sequence[queries.NodeStatus]) -> list[str]:
        """Remark when no run ended for hours though something is to be deleted."""
        newest = self.store.read_now(last_run.load)
        began = min((node.started_at for node in nodes if is_alive(node)), default=self.now)
        since = max(newest.ended_at, began) if newest else began
        if not rules_of(self.policy, self.now).deletes or self.now - since < LATE_RETENTION:
            return []
        ended = f"ended {format_duration(self.now - newest.ended_at)} ago" if newest else "has not ended yet"
        return [f"the last run of retention {ended}: `mailbot retention`, and the log names what failed"]


def _try_write(store: Store) -> tuple[float | None, str]:
    """Return how long the store takes for a write, and why it takes none."""
    began = time.monotonic()
    try:
        store.write_now(check_writable, None)
    except StoreUnavailable as error:
        trouble = troubles.silent_store(0, clean(str(error)))
        return None, trouble.text if trouble else ""
    return time.monotonic() - began, ""


def _troubles_of(node: queries.NodeStatus) -> Sequence[str]:
    return node.troubles if is_alive(node) else ()


def _unread_mail(folders: Sequence[tuple[str, str, int]]) -> list[str]:
    return [
        f"{left} mails were left in {name}: too large, or unreadable; the log names them"
        for name, _, left in folders
        if left
    ]


def _connect(server: Relay) -> str:
    """Connect to the relay. Return why that fails, else ""."""
    try:
        with socket.create_connection((server.host, server.port), timeout=PATIENCE):
            return ""
    except OSError as error:
        return error.strerror or str(error) or "no answer"


def _visit(console: Console) -> str:
    """Ask for a page. Return why none comes, else ""."""
    try:
        with socket.create_connection((console.host, console.port), timeout=PATIENCE) as connection:
            connection.sendall(b"HEAD /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return "" if connection.recv(1) else "it closes connections"
    except OSError as error:
        return error.strerror or str(error) or "no answer"


def _read_space(settings: Settings) -> Space:
    local = is_sqlite(settings.store)
    return troubles.read_space(Path(sqlite_path(settings.store)).resolve().parent if local else None)


def _missing_roles(nodes: Sequence[queries.NodeStatus], settings: Settings) -> list[str]:
    living = [node for node in nodes if is_alive(node)]
    if not living:
        return ["no daemon runs on this store: `systemctl start mailbot` or `mailbot run`"]
    present = {role for node in living for role in node.roles}
    unused = {
        "imap": not settings.imap,
        "console": settings.console is None,
        "channels": settings.channels == Channels(),
    }
    needed = [role for role in ROLES if not unused.get(role)]
    return [f"no daemon does {role}" for role in needed if role not in present]
