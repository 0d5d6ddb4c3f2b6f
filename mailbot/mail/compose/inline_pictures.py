"""Keep the pictures of an agent's answer at their place in the text."""

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import escape

from mailbot.domain.model import Attachment
from mailbot.mail.compose.cleaning import header_text


def is_placed(attachment: Attachment, text: str) -> bool:
    """Check for a picture whose place in the text is known."""
    return bool(attachment.content_id) and _mark(attachment) in text


def place_pictures(
    html: str, attachments: Sequence[Attachment], domain: str
) -> tuple[str, tuple[Attachment, ...], tuple[Attachment, ...]]:
    """Return the HTML with the pictures at their marks, these pictures, and all other attachments.

    Content-IDs are our own, because the sender's may hold anything. Without HTML all are attachments.
    """
    pictures: list[Attachment] = []
    others: list[Attachment] = []
    for attachment in attachments:
        mark = str(escape(_mark(attachment)))
        if attachment.content_id and attachment.type.startswith("image/") and mark in html:
            content_id = f"{len(pictures)}.{attachment.digest[:32]}@{domain}"
            name = escape(header_text(attachment.name))
            shown = f'<img src="cid:{content_id}" alt="{name}" style="max-width: 100%">'
            html = html.replace(mark, shown, 1)
            pictures.append(replace(attachment, content_id=content_id))
        else:
            others.append(attachment)
    return html, tuple(pictures), tuple(others)


def _mark(attachment: Attachment) -> str:
    """Return what the text of the agent's mail has at the picture's place (see `mail.parsing`)."""
    return f"[image: {attachment.name}]"
