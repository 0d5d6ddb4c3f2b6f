"""Identities: who somebody is in a channel. An address of mail, or "whatsapp:+62811", "telegram:4711".

Only our signed proof makes the identity of a chat, never what a mail says (see `workers.inbound.clues`). In the bytes
of a mail it is written as an address whose domain can't exist (RFC 6761): a forged one leads nowhere.
"""

import re

MAIL = "mail"
NOWHERE = ".invalid"

_CHANNEL = re.compile("[a-z][a-z0-9-]{0,14}")
_IDENTITY = re.compile("([a-z][a-z0-9-]{0,14}):([a-z0-9+_-]+(?:[.][a-z0-9+_-]+)*)")
_GAPS = re.compile(r"[\s().-]+")  # as people write numbers
_LABELS = {
    "mail": "email",
    "form": "web form",
    "page": "page",
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
}
_IN_TEXT = re.compile(r"\b(?:whatsapp|telegram):[a-z0-9+_-]+(?:[.][a-z0-9+_-]+)*")
_LONGEST = 64  # characters of what follows the channel's name: a local part (RFC 5321 section 4.5.3.1.1)


def is_channel(name: str) -> bool:
    """Check for letters that can name a channel: 1 to 15 of a-z, 0-9 and "-"."""
    return _CHANNEL.fullmatch(name) is not None


def identity(channel: str, name: str) -> str:
    """Return the identity of somebody in a channel, in small letters. Raises ValueError for unfit letters."""
    found = f"{channel}:{name.lower()}"
    if not name.isascii() or not is_identity(found):  # the Kelvin sign's small letter is k
        raise ValueError(f"{name!r} can't name anybody in {channel}")
    return found


def is_identity(address: str) -> bool:
    """Check for an identity of another channel than mail."""
    match = _IDENTITY.fullmatch(address) if ":" in address else None
    return match is not None and len(match[2]) <= _LONGEST


def channel_of(address: str) -> str:
    """Return the channel by which somebody is reached: "mail" for an address of mail."""
    return address.partition(":")[0] if is_identity(address) else MAIL


def label(address: str) -> str:
    """Return how people read an identity: "WhatsApp +62811". An address of mail stays as it is."""
    if not is_identity(address):
        return address
    channel, _, name = address.partition(":")
    return f"{channel_label(channel)} {name}"


def readable(text: str) -> str:
    """Return a sentence of ours with the identities in it as people read them."""
    return _IN_TEXT.sub(lambda found: label(found[0]), text) if ":" in text else text


def channel_label(channel: str) -> str:
    """Return how people call a channel."""
    return _LABELS.get(channel, channel.capitalize())


def read_identity(words: str) -> str:
    """Return the address or identity that a person typed, in small letters, "" for words that are neither.

    "WhatsApp +62 811-23" is read as "whatsapp:+6281123".
    """
    typed = words.strip().strip("<>").removeprefix("mailto:").strip().lower()
    channel, _, name = typed.replace(":", " ", 1).partition(" ")
    found = f"{channel}:{_GAPS.sub('', name)}"
    if "@" not in typed and is_identity(found):
        return found
    return typed if "@" in typed and not typed.endswith(NOWHERE) else ""


def mail_form(address: str) -> str:
    """Return how a mail writes an identity: whatsapp:+62811 as +62811@whatsapp.invalid. Others stay as they are."""
    if not is_identity(address):
        return address
    channel, _, name = address.partition(":")
    return f"{name}@{channel}{NOWHERE}"


def is_nowhere(address: str) -> bool:
    """Check for an address of mail that looks like a written identity, or leads nowhere in another way."""
    return address.lower().endswith(NOWHERE) and not is_identity(address)


def from_mail_form(address: str) -> str:
    """Return the identity that a mail writes so, "" for an address of mail."""
    name, _, domain = address.lower().rpartition("@")
    found = f"{domain.removesuffix(NOWHERE)}:{name}" if domain.endswith(NOWHERE) else ""
    return found if is_identity(found) else ""
