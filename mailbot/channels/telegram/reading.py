"""Read an update: what a customer wrote in a private chat with the bot, in words and with files."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import msgspec

from mailbot.channels.chat_files import Wanted, fetch_all
from mailbot.channels.message import ChannelMessage
from mailbot.channels.notes import card, note, place
from mailbot.channels.seam import Event, Found, Greeting, Nothing, Unreadable
from mailbot.channels.telegram.api import LARGEST_FILE, Api
from mailbot.channels.telegram.shapes import Message, Update, User
from mailbot.domain.model import Attachment
from mailbot.domain.people.identities import identity
from mailbot.mail.compose.cleaning import body_text, header_text

NAME: Final = "telegram"
GREETED = frozenset({"/start", "/help"})
FILE_KINDS = {"document": "", "video": ".mp4", "video_note": ".mp4", "voice": ".ogg", "audio": ".mp3"}


async def read(api: Api, event: Event) -> Sequence[Found]:
    """Return what an update says. Raises ReadLater where a file can't be fetched now, and Unreadable."""
    try:
        update = msgspec.json.decode(event.content, type=Update)
        content = update.message or update.edited_message
        message = msgspec.json.decode(content, type=Message) if content else None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not as the Bot API describes updates: {error}") from None
    if message is None:
        return [Nothing("neither a message nor its new text")]
    if message.chat.type != "private":
        return [Nothing(f"written in a {header_text(message.chat.type, 20)}: only private chats count")]
    author = message.author
    if author is None or author.is_bot or author.id != message.chat.id:
        return [Nothing("not written by the person of the chat")]
    return [await _read(api, message, author, is_edited=not update.message)]


async def _read(api: Api, message: Message, author: User, *, is_edited: bool) -> Found:
    language = "id" if author.language_code[:2] in ("", "id", "ms", "jv", "su") else "en"
    who = identity(NAME, str(author.id))
    name = header_text(f"{author.first_name} {author.last_name}", limit=80)
    command = _command(message.text)
    if command in GREETED and not is_edited:
        return Greeting(who, name, language)
    lines, files = _lines(message, language), list[Attachment]()
    if is_edited:
        lines = [note("edited", language), *lines] if lines else []
    else:
        files, notes = await fetch_all(_wanted(api, message), LARGEST_FILE, language)
        lines += notes
    if not lines and not files:
        return Nothing("no words and no file: a message of the service, or of a kind that we don't know")
    if message.forward_origin:
        lines.insert(0, note("forwarded", language))
    text = "status" if command == message.text.strip() == "/status" else body_text("\n\n".join(lines))
    # Numbers of messages mean something in their chat alone, and a changed message is another one.
    own = f"{api.bot}.{author.id}.{message.message_id}" + (f".{message.edit_date}" if is_edited else "")
    answered, answers = message.reply_to_message, ""
    if answered and answered.author and str(answered.author.id) == api.bot:
        answers = f"{api.bot}.{author.id}.{answered.message_id}"
    return ChannelMessage(NAME, who, own, text, name, files=tuple(files), answers=answers)


def _command(text: str) -> str:
    """Return "/start" for "/start@the_bot x", "" for a text that begins with no command."""
    first = text.split(maxsplit=1)[:1]
    return first[0].partition("@")[0].lower() if first and first[0].startswith("/") else ""


def _lines(message: Message, language: str) -> list[str]:
    """Return the paragraphs that a message makes, in the author's words and in ours."""
    lines = [text for text in (message.text, message.caption) if text.strip()]
    if where := message.location:
        lines.append(place(language, where.latitude, where.longitude))
    if person := message.contact:
        lines.append(card(language, person.first_name, person.phone_number))
    if message.sticker:
        lines.append(note("sticker", language, header_text(message.sticker.emoji, 10)))
    return lines


def _wanted(api: Api, message: Message) -> Iterator[Wanted]:
    """Yield the files of a message; of a photo the largest size."""
    if message.photo:
        largest = max(message.photo, key=lambda each: each.file_size)
        yield Wanted(f"photo-{message.message_id}.jpg", largest.file_size, partial(api.file, largest.file_id))
    for kind, extension in FILE_KINDS.items():
        if file := getattr(message, kind):
            name = file.file_name or f"{kind}-{message.message_id}{extension}"
            yield Wanted(name, file.file_size, partial(api.file, file.file_id))
