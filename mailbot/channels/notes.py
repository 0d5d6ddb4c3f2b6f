"""What stands in a message of a chat for that which is no text: in its author's language, in brackets."""

from mailbot.mail.compose.cleaning import header_text

_WORDS = {
    "edited": ("pesan ini mengubah pesan sebelumnya", "this changes an earlier message"),
    "forwarded": ("diteruskan dari percakapan lain", "forwarded from another chat"),
    "location": ("lokasi", "location"),
    "contact": ("kontak", "contact"),
    "sticker": ("stiker", "sticker"),
    "unsupported": ("jenis pesan ini tidak dapat kami baca", "we can't read this kind of message"),
    "too_large": ("file terlalu besar, tidak kami terima", "the file is too large, we did not get it"),
    "gone": ("file tidak dapat diambil", "the file can't be fetched"),
}


def note(what: str, language: str, detail: str = "") -> str:
    """Return such a line, in Indonesian or else in English. `detail` is one clean line."""
    words = _WORDS[what][language != "id"]
    return f"[{words}: {detail}]" if detail else f"[{words}]"


def place(language: str, latitude: float, longitude: float, *words: str) -> str:
    """Return the line of a place that was shared, with a link to a map."""
    link = f"https://maps.google.com/?q={latitude:.6f},{longitude:.6f}"
    return note("location", language, ", ".join(filter(None, (*map(header_text, words), link))))


def card(language: str, *words: str) -> str:
    """Return the line of a contact that was shared: a name and phone numbers."""
    return note("contact", language, header_text(" ".join(words)))
