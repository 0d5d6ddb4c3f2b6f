"""Read a mail that we wrote ourselves, in each form in which a reply may quote it."""

from mailbot.mail.parsing import encoded_words, header_fields, mime_tree, part_texts

_SUBJECT_LIMIT = 1_000


def read_own_mail(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the subject and the texts: of the plain part, and of the HTML as a mail program shows it."""
    header, start = header_fields.read(raw, 0, len(raw))
    parts = mime_tree.read(raw, header, start, len(raw)).parts
    subject = encoded_words.decode_line(header.get("subject"), _SUBJECT_LIMIT)
    shown = [part for part, kind in zip(parts, part_texts.kinds(parts), strict=True) if kind]
    return subject, tuple(part_texts.read_part(raw, part, {}, part_texts.Reading()) for part in shown)
