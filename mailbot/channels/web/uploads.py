"""Which files a page takes: photos, recordings of a screen, PDF and plain text, by their content."""

from dataclasses import replace
from enum import StrEnum

from mailbot.domain.model import Attachment
from mailbot.mail.parsing import attachments

MOST_FILES = 10
# What a content may be, with the endings that a name then has. The first one is added where it has another.
ACCEPTED = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif"),
    "image/avif": ("avif",),
    "image/gif": ("gif",),
    "application/pdf": ("pdf",),
    "video/mp4": ("mp4", "m4v", "3gp"),
    "video/quicktime": ("mov",),
    "video/3gpp": ("3gp",),
    "video/webm": ("webm",),
    "text/plain": ("txt",),
    "text/csv": ("csv",),
}
# Kinds of phones' files (ISO 14496-12: "ftyp" and a brand) that the library for types does not know.
_BRANDS = {
    **dict.fromkeys((b"heix", b"heim", b"heis", b"msf1"), "image/heic"),
    **dict.fromkeys((b"3gp5", b"3gp6", b"3gp7"), "video/3gpp"),
    b"M4V ": "video/mp4",
}
ENDINGS = ",".join(f".{ending}" for endings in ACCEPTED.values() for ending in endings)  # for <input accept>


class Unfit(StrEnum):
    """Why an upload is refused."""

    TYPE = "type"
    MANY = "many"
    LARGE = "large"
    EMPTY = "empty"


def read(name: str, content: bytes) -> Attachment | Unfit:
    """Return the file with a name that fits what it holds. What its sender declared counts for nothing."""
    if not content:
        return Unfit.EMPTY
    file = attachments.make(name, "", content)
    if content[4:8] == b"ftyp" and content[8:12] in _BRANDS:
        file = replace(file, type=_BRANDS[content[8:12]])
    endings = ACCEPTED.get(file.type, ())
    if not endings or (file.type.startswith("text/") and not _is_plain(content)):
        return Unfit.TYPE
    if file.name.rpartition(".")[2].lower() in endings:
        return file
    return replace(file, name=f"{file.name[:140]}.{endings[0]}")


def _is_plain(content: bytes) -> bool:
    """Check for text that no program takes for a page, a picture or a script."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "\0" not in text and not text.lstrip("\ufeff \t\r\n").startswith(("<", "#!"))
