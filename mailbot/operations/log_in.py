"""Log people in and out: mail a link, use it once, begin and end sessions.

Theory of operation. A link is mailed in the transaction that keeps its digest. Unknown addresses take the same way
up to the mail, which is composed and thrown away: neither the answer nor its time tells who works here. Limits count
by the address that was entered and by the client, whoever they are.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from mailbot.domain.people.access import Viewer, find_viewer
from mailbot.domain.policy import Policy, Rate
from mailbot.domain.replies.auto_reply import take_token
from mailbot.operations.log_in_mail import log_in_mail
from mailbot.store import outbox, rate_limits
from mailbot.store.console import log_ins, sessions
from mailbot.store.console.log_ins import LogIn
from mailbot.store.console.sessions import digest_of
from mailbot.workers import outbox_rows
from mailbot.workers.transaction import Transaction

PER_ADDRESS = Rate(5, timedelta(minutes=10))
PER_CLIENT = Rate(60, timedelta(minutes=10))  # an office of fifty may share one address
PATH = "/login/link"


def new_secret() -> str:
    """Return 256 random bits."""
    return secrets.token_urlsafe(32)


def take_attempt(transaction: Transaction, client: str, address: str = "") -> bool:
    """Count an attempt of this client, and one for this address. Return False where either had too many."""
    wanted = {f"log-in client {client}": PER_CLIENT}
    if address:  # hashed: it may be as long as a request
        wanted[f"log-in address {sha256(address.encode()).hexdigest()}"] = PER_ADDRESS
    return _take(transaction, wanted)


def _take(transaction: Transaction, wanted: Mapping[str, Rate]) -> bool:
    found = rate_limits.load(transaction.connection, wanted.keys())
    spent = {}
    for key, rate in wanted.items():
        full_at = take_token(found.get(key), rate, transaction.now)
        if full_at is None:
            return False
        spent[key] = full_at
    rate_limits.save(transaction.connection, spent)
    return True


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A link that somebody wants. `browser`: digest of what the asking browser keeps. `to`: where it leads.

    `console`: the address of the pages. `language`: for addresses that nobody here has.
    """

    address: str
    browser: str
    to: str
    console: str
    language: str


def mail_link(transaction: Transaction, request: LinkRequest) -> bool:
    """Mail a link to an agent or an admin. Return False, after the same work, for anybody else."""
    snapshot, now = transaction.snapshot, transaction.now
    viewer = find_viewer(request.address, snapshot.policy)
    reader = viewer or _stranger(request, snapshot.policy)
    secret = new_secret()
    log_in = _log_in(transaction, secret, reader.address if viewer else "", request.browser, request.to)
    box = next(iter(snapshot.policy.mailboxes.values()))
    url = link(request.console, secret)
    mail = log_in_mail(reader.address, box, reader.language, reader.zone, url, log_in.ends_at, now)
    row = outbox_rows.build_row(mail, snapshot, now, now)
    if viewer:
        outbox.enqueue(transaction.connection, [row])
    return viewer is not None


def _stranger(request: LinkRequest, policy: Policy) -> Viewer:
    zone = next(iter(policy.calendars.values())).zone
    nobody = frozenset[str]()
    return Viewer("nobody@invalid.example", "", request.language, zone, frozenset(), nobody, None)


def make_link(transaction: Transaction, address: str, console: str) -> tuple[str, LogIn] | None:
    """Make a link for any browser, to be handed over by an operator. None for who is neither agent nor admin."""
    viewer = find_viewer(address, transaction.snapshot.policy)
    if viewer is None:
        return None
    secret = new_secret()
    log_in = _log_in(transaction, secret, viewer.address, log_ins.ANY_BROWSER, "/")
    return link(console, secret), log_in


def link(console: str, secret: str) -> str:
    """Return the address of the link. The key is in the query: paths are logged when a page fails."""
    return f"{console}{PATH}?key={secret}"


def expect_answer(transaction: Transaction, state: str, browser: str, data: str) -> LogIn:
    """Keep what the provider's answer with this state will be checked by."""
    return _log_in(transaction, state, "", browser, data)


def use_answer(transaction: Transaction, state: str, browser: str) -> LogIn | None:
    """Return what the answer with this state (its digest) is checked by, once; None where nobody waits for it."""
    found = log_ins.find(transaction.connection, state)
    if found is None or found.address or not found.browser:
        return None
    return log_ins.use(transaction.connection, state, browser, transaction.now)


def _log_in(transaction: Transaction, secret: str, address: str, browser: str, data: str) -> LogIn:
    ends_at = transaction.now + log_ins.LASTS
    log_in = LogIn(digest_of(secret), browser, address, data, ends_at)
    log_ins.add(transaction.connection, log_in)
    return log_in


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to begin. `former`: digest of the session that the browser had, which ends."""

    secret: str
    address: str
    way: str
    former: str = ""


def begin_session(transaction: Transaction, wanted: NewSession) -> bool:
    """Begin a session. Return False for who is neither agent nor admin."""
    viewer = find_viewer(wanted.address, transaction.snapshot.policy)
    if viewer is None:
        return False
    connection, now = transaction.connection, transaction.now
    sessions.end(connection, [wanted.former])
    sessions.add(connection, [sessions.begin(wanted.secret, viewer.address, wanted.way, now)])
    return True


def use_link(transaction: Transaction, key: str, browser: str, wanted: NewSession) -> LogIn | None:
    """Use a link and begin the session of its person. None where the link does not count (any more)."""
    used = log_ins.use(transaction.connection, digest_of(key), browser, transaction.now)
    if used and begin_session(transaction, replace(wanted, address=used.address)):
        return used
    return None
