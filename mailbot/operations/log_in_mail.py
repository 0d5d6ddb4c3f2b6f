"""Mail a link by which a person logs in.

Theory of operation. The mail is enqueued in the transaction that keeps the digest of its link. Unknown addresses take
the same way up to there, and their mail is thrown away: what comes after the answer takes as long for them.
"""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from mailbot.domain.notices import LogInMail
from mailbot.domain.people.access import Viewer, find_viewer
from mailbot.domain.policy import Mailbox, Policy
from mailbot.mail.compose.times import short_time
from mailbot.operations import log_in
from mailbot.store import outbox
from mailbot.workers import outbox_rows
from mailbot.workers.transaction import Transaction

_WORDS = {
    "id": (
        "Masuk ke {brand}",
        "Buka tautan ini di browser tempat Anda memintanya, paling lambat {until}.",
        "Masuk",
        "Tautan ini hanya sekali pakai. Bukan Anda yang memintanya? Abaikan saja email ini: tanpa tautan ini "
        "tidak ada yang bisa masuk. Jangan teruskan ke siapa pun.",
    ),
    "en": (
        "Log in to {brand}",
        "Open this link in the browser in which you asked for it, by {until}.",
        "Log in",
        "The link works once. It was not you who asked? Ignore this email: without the link nobody gets in. "
        "Forward it to nobody.",
    ),
}
_HTML = """<div class="preheader">{lead}</div>
<h1 class="title">{title}</h1>
<p>{lead}</p>
<p><a class="button first" href="{url}">{button}</a></p>
<p class="small">{advice}</p>
<p class="small">{url}</p>"""


def log_in_mail(
    to: str, box: Mailbox, language: str, zone: str, url: str, until: datetime, now: datetime
) -> LogInMail:
    """Build the mail. `url` leads to a page with a button: programs that read mail open links."""
    title, lead, button, advice = _WORDS[language]
    title = title.format(brand=box.brand)
    lead = lead.format(until=short_time(until, language, zone, now))
    values = {"title": title, "lead": lead, "url": url, "button": button, "advice": advice}
    html = Markup(_HTML).format(**{name: escape(value) for name, value in values.items()})
    return LogInMail(box.address, to, language, title, f"{lead}\n\n{url}\n\n{advice}", str(html))


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
    secret = log_in.new_secret()
    kept = log_in.keep(transaction, secret, reader.address if viewer else "", request.browser, request.to)
    box = next(iter(snapshot.policy.mailboxes.values()))
    url = log_in.link(request.console, secret)
    mail = log_in_mail(reader.address, box, reader.language, reader.zone, url, kept.ends_at, now)
    row = outbox_rows.build_row(mail, snapshot, now, now)
    if viewer:
        outbox.enqueue(transaction.connection, [row])
    return viewer is not None


def _stranger(request: LinkRequest, policy: Policy) -> Viewer:
    zone = policy.zone_of()
    nobody = frozenset[str]()
    return Viewer("nobody@invalid.example", "", request.language, zone, frozenset(), nobody, None)
