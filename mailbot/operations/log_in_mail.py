"""Write the mail with the link by which a person logs in."""

from datetime import datetime

from markupsafe import Markup, escape

from mailbot.domain.notices import LogInMail
from mailbot.domain.policy import Mailbox
from mailbot.mail.compose.times import short_time

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
