"""Log people in: use a link or a provider's answer once, begin sessions, limit attempts.

Theory of operation. A person who logs in gets a secret of 256 random bits, the store its digest. `log_in_mail` mails a
link.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from mailbot.domain.people.access import find_viewer
from mailbot.domain.policy import Policy, Rate
from mailbot.domain.replies.auto_reply import take_token
from mailbot.store import rate_limits
from mailbot.store.console import log_ins, sessions
from mailbot.store.console.log_ins import LogIn
from mailbot.store.console.sessions import digest_of
from mailbot.store.store import Store

if TYPE_CHECKING:
    from mailbot.workers.transaction import (
        Transaction,  # the composer comes with it, which no shell waits for
    )

PER_ADDRESS = Rate(5, timedelta(minutes=10))
PATH, FIRST = "/login/link", "/tickets"


def new_secret() -> str:
    """Return 256 random bits."""
    return secrets.token_urlsafe(32)


def take_attempt(transaction: "Transaction", address: str) -> bool:
    """Count a link that is wanted for this address, on all nodes. Return False where there were too many."""
    key = f"log-in {sha256(address.encode()).hexdigest()}"  # hashed: anybody writes anything
    full_at = rate_limits.load(transaction.connection, [key]).get(key)
    spent = take_token(full_at, PER_ADDRESS, transaction.now)
    if spent is not None:
        rate_limits.save(transaction.connection, {key: spent})
    return spent is not None


@dataclass(frozen=True, slots=True)
class ShellLink:
    """A link that an operator hands over."""

    address: str
    url: str
    ends_at: datetime


def make_link(store: Store, policy: Policy, address: str, console: str, now: datetime) -> ShellLink | None:
    """Make a link for any browser. None for who is neither agent nor admin."""
    viewer = find_viewer(address, policy)
    if viewer is None:
        return None
    secret = new_secret()
    log_in = LogIn(digest_of(secret), log_ins.ANY_BROWSER, viewer.address, FIRST, now + log_ins.LASTS)
    store.write_now(log_ins.add, log_in)
    return ShellLink(viewer.address, link(console, secret), log_in.ends_at)


def link(console: str, secret: str) -> str:
    """Return the address of the link. The key is in the query: paths are logged when a page fails."""
    return f"{console}{PATH}?key={secret}"


def expect_answer(transaction: "Transaction", state: str, browser: str, data: str) -> LogIn:
    """Keep what the provider's answer with this state will be checked by."""
    return keep(transaction, state, "", browser, data)


def use_answer(transaction: "Transaction", state: str, browser: str) -> LogIn | None:
    """Return what the answer with this state (its digest) is checked by, once; None where nobody waits for it."""
    found = log_ins.find(transaction.connection, state)
    if found is None or found.address or not found.browser:
        return None
    return log_ins.use(transaction.connection, state, browser, transaction.now)


def keep(transaction: "Transaction", secret: str, address: str, browser: str, data: str) -> LogIn:
    """Keep a log-in under way."""
    ends_at = transaction.now + log_ins.LASTS
    log_in = LogIn(digest_of(secret), browser, address, data, ends_at)
    log_ins.add(transaction.connection, [log_in])
    return log_in


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to begin. `former`: digest of the session that the browser had, which ends."""

    secret: str
    address: str
    way: str
    former: str = ""


def begin_session(transaction: "Transaction", wanted: NewSession) -> bool:
    """Begin a session. Return False for who is neither agent nor admin."""
    viewer = find_viewer(wanted.address, transaction.snapshot.policy)
    if viewer is None:
        return False
    connection, now = transaction.connection, transaction.now
    sessions.end(connection, [wanted.former])
    sessions.add(connection, [sessions.begin(wanted.secret, viewer.address, wanted.way, now)])
    return True


def use_link(transaction: "Transaction", key: str, browser: str, wanted: NewSession) -> LogIn | None:
    """Use a link and begin the session of its person. None where the link does not count (any more)."""
    used = log_ins.use(transaction.connection, digest_of(key), browser, transaction.now)
    if used and begin_session(transaction, replace(wanted, address=used.address)):
        return used
    return None
