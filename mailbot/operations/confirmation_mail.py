"""The mail that asks for a click before a form's message comes in. Nothing of the message is in it.

Whoever fills in a form chooses who gets this mail: with words of theirs in it, it would be a way to send spam.
"""

from datetime import datetime

from markupsafe import Markup, escape

from mailbot.domain.notices import ConfirmationMail
from mailbot.domain.policy import Mailbox
from mailbot.mail.compose.times import short_time

_WORDS = {
    "id": (
        "Konfirmasi alamat email Anda untuk {brand}",
        "Seseorang mengisi formulir {brand} dengan alamat email ini. Pesannya baru kami terima setelah Anda membuka "
        "tautan ini dan menekan tombolnya, paling lambat {until}.",
        "Lihat dan konfirmasi",
        "Bukan Anda yang mengisinya? Abaikan saja email ini: tanpa konfirmasi, pesannya kami hapus dan tidak ada "
        "email lain yang kami kirim ke sini karenanya.",
    ),
    "en": (
        "Confirm your email address for {brand}",
        "Somebody filled in a form of {brand} with this email address. We only receive the message once you open "
        "this link and press its button, by {until}.",
        "Look and confirm",
        "It was not you? Ignore this email: without a confirmation we delete the message, and send nothing else here "
        "because of it.",
    ),
}
_HTML = """<div class="preheader">{title}</div>
<h1 class="title">{title}</h1>
<p>{lead}</p>
<p><a class="button first" href="{url}">{button}</a></p>
<p class="small">{advice}</p>
<p class="small">{url}</p>"""


def confirmation_mail(
    to: str, box: Mailbox, language: str, zone: str, url: str, until: datetime, now: datetime
) -> ConfirmationMail:
    """Build the mail. `url` leads to a page with a button: programs that read mail open links."""
    title, lead, button, advice = _WORDS[language]
    title = title.format(brand=box.brand)
    lead = lead.format(brand=box.brand, until=short_time(until, language, zone, now))
    values = {"title": title, "lead": lead, "url": url, "button": button, "advice": advice}
    html = Markup(_HTML).format(**{name: escape(value) for name, value in values.items()})
    return ConfirmationMail(box.address, to, language, title, f"{lead}\n\n{url}\n\n{advice}", str(html))
