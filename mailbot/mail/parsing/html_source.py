"""Read the HTML of a mail as its author sent it. Nothing of it is safe to show: who shows it cleans it."""

from mailbot.mail.parsing import mime_tree, part_texts
from mailbot.mail.parsing.part_texts import Reading


def read_html(raw: bytes) -> str:
    """Return the HTML parts of a mail's text, one after another; "" for a mail without. Never raises."""
    raw, _, tree = mime_tree.read_mail(raw)
    reading, sources = Reading(), []
    for part, kind in zip(tree.parts, part_texts.kinds(tree.parts), strict=True):
        if kind == "html":
            try:
                sources.append(part_texts.source_of(raw, part, {}, reading)[0])
            except Exception:  # parsing is total: the raw mail can still be had
                continue
    return "\n".join(sources)
