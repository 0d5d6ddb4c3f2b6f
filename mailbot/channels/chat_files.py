"""Fetch the files of a message in a chat. One that can't be had is named in the text instead."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from mailbot.channels.http_client import NoReply, NotSent, NotTheirs, TooLarge
from mailbot.channels.notes import note
from mailbot.channels.seam import ReadLater
from mailbot.domain.model import Attachment
from mailbot.mail.compose.cleaning import header_text
from mailbot.mail.parsing import attachments


class Gone(Exception):
    """The provider does not have this file, or not for us."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch. `name` and `size`, in bytes, as its sender says: neither is believed."""

    name: str
    size: int
    fetch: Callable[[], Awaitable[bytes]]  # raises Gone, TooLarge, NotSent, NoReply and ReadLater


async def fetch_all(
    wanted: Iterable[Wanted], largest: int, language: str, *, is_patient: bool = True
) -> tuple[list[Attachment], list[str]]:
    """Fetch files one after another. Return them, and a line for each that can't be had.

    Raises ReadLater where one can't be had now. Who is not patient any more gets a line for it instead.
    """
    files, notes = [], []
    for each in wanted:
        name = header_text(each.name)
        try:
            if each.size > largest:
                raise TooLarge
            files.append(attachments.make(name, "", await each.fetch()))
        except TooLarge:
            notes.append(
                note("too_large", language, f"{name}, {each.size / 1e6:.0f} MB" if each.size else name)
            )
        except (Gone, NotTheirs):
            notes.append(note("gone", language, name))
        except (NotSent, NoReply, ReadLater) as error:
            if is_patient:
                raise ReadLater(f"{name}: {error}") from None
            notes.append(note("gone", language, name))
    return files, notes
