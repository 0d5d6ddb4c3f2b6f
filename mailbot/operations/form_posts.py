"""Take the messages of web forms: keep them, or let them wait until their sender confirms the address.

Theory of operation. What a form does is recorded by its key in the same transaction, so a form that is sent twice is
one message. A message that waits is removed in the transaction that keeps it in the inbox, so none is lost or doubled.
An address that may not get the mail costs the same work, which is then undone, so that no answer tells whose it is.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from mailbot import log
from mailbot.domain.actor import CUSTOMER
from mailbot.domain.model import Envelope
from mailbot.domain.replies.auto_reply import spend
from mailbot.domain.web_forms.confirmation import WAITS, confirmation_rates, is_ours
from mailbot.domain.web_forms.model import WebForm
from mailbot.operations.confirmation_mail import confirmation_mail
from mailbot.store import inbox, outbox, rate_limits, suppressions
from mailbot.store.console import forms, unconfirmed_posts
from mailbot.store.console.unconfirmed_posts import UnconfirmedPost
from mailbot.store.database.prepared import savepoint
from mailbot.store.tickets import Outdated
from mailbot.workers import outbox_rows
from mailbot.workers.transaction import Transaction

PATH = "/forms/{form}/confirm"
CONFIRMED = "confirmed"


class Outcome(StrEnum):
    """What became of a form."""

    TAKEN = "taken"  # now, or when the same form came before
    CHANGED = "changed"  # its key was used with other content: nothing was done


@dataclass(frozen=True, slots=True)
class FormPost:
    """A form that was sent. `key`: random, of the page. `mark`: the fingerprint of its mail.

    `content`: the digest of what was filled in. `console`: the address of the pages. `language`: of the page.
    """

    form: WebForm
    key: str
    content: str
    address: str
    language: str
    envelope: Envelope
    raw: bytes
    mark: str
    console: str


def take_post(transaction: Transaction, post: FormPost) -> Outcome:
    """Keep the message, or let it wait. Raises Outdated where the same form is being taken elsewhere."""
    connection = transaction.connection
    key = _digest(f"form {post.form.name} {post.key}")
    if done := forms.find(connection, key, CUSTOMER):
        return Outcome.TAKEN if done.result == post.content else Outcome.CHANGED
    _record(transaction, key, post.content)
    if post.form.confirm:
        _ask(transaction, post)
    else:
        inbox.keep(connection, [inbox.ReceivedMail(post.mark, post.envelope, post.raw)])
    return Outcome.TAKEN


def _ask(transaction: Transaction, post: FormPost) -> None:
    """Let the message wait and mail its link; an address that may not get it costs the same work."""
    connection, snapshot, now = transaction.connection, transaction.snapshot, transaction.now
    policy = snapshot.policy
    secret, ends_at = secrets.token_urlsafe(32), now + WAITS
    url = f"{post.console}{PATH.format(form=post.form.name)}?lang={post.language}&key={secret}"
    box = policy.mailboxes.get(post.form.mailbox) or next(iter(policy.mailboxes.values()))  # after a reload
    mail = confirmation_mail(post.address, box, post.language, policy.zone_of(), url, ends_at, now)
    row = outbox_rows.build_row(mail, snapshot, now, now)
    waiting = UnconfirmedPost(
        _digest(secret),
        post.mark,
        post.address,
        post.form.name,
        post.envelope.sender,
        post.envelope.recipients,
        post.raw,
        now,
        ends_at,
    )
    try:
        with savepoint(connection):
            unconfirmed_posts.add(connection, waiting)
            outbox.enqueue(connection, [row])
            _count(transaction, post.address)
    except _NoMail as refusal:
        log.form_not_confirmable(form=post.form.name, reason=str(refusal))


class _NoMail(Exception):
    """The address gets no mail that confirms it. The text is the reason."""


def _count(transaction: Transaction, address: str) -> None:
    """Count the mail to this address. Raises _NoMail, after the same work, where it gets none."""
    connection, policy, now = transaction.connection, transaction.snapshot.policy, transaction.now
    limits = list(confirmation_rates(address, policy))
    spent = spend(limits, rate_limits.load(connection, {key for key, _ in limits}), now)
    suppressed = suppressions.load(connection, {address.lower()}, now)
    if isinstance(spent, str):
        raise _NoMail(f"too many for the {spent.removeprefix('form-')}")
    rate_limits.save(connection, spent)
    if is_ours(address, policy):
        raise _NoMail("an address of ours")
    if suppressed:
        raise _NoMail("the address is suppressed")


@dataclass(frozen=True, slots=True)
class LinkState:
    """What a mailed link leads to. `post`: what waits. `confirmed`: it was kept before."""

    post: UnconfirmedPost | None = None
    confirmed: bool = False


def read_link(connection: Connection, key: str, form: str, now: datetime) -> LinkState:
    """Return what the link leads to, and use nothing up."""
    digest = _digest(key)
    post = unconfirmed_posts.find(connection, digest, form, now)
    return LinkState(post, forms.find(connection, _confirmed(digest, form), CUSTOMER) is not None)


def confirm(transaction: Transaction, key: str, form: str) -> bool:
    """Keep the message in the inbox, once. Return False for a link that leads to none (any more)."""
    connection, digest = transaction.connection, _digest(key)
    done = _confirmed(digest, form)
    post = unconfirmed_posts.take(connection, digest, form, transaction.now)
    if post is None:  # looked up after the wait for whoever pressed at the same time
        return forms.find(connection, done, CUSTOMER) is not None
    _record(transaction, done, CONFIRMED)
    inbox.keep(
        connection, [inbox.ReceivedMail(post.fingerprint, post.envelope(transaction.now), post.content)]
    )
    return True


def _record(transaction: Transaction, key: str, result: str) -> None:
    try:
        forms.add(transaction.connection, key, CUSTOMER, transaction.now, result=result)
    except IntegrityError as error:  # another node was first with the key: decided again, that one is found
        raise Outdated("the form was taken at the same time") from error


def _confirmed(digest: str, form: str) -> str:
    return _digest(f"confirmed {form} {digest}")


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
