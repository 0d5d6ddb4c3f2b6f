"""Send a message in parts: a text cut where people would cut it, then each file."""

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import replace
from typing import TypeVar

from mailbot.channels.http_client import NoReply, NotSent, TooLarge
from mailbot.channels.seam import Result
from mailbot.domain.model import AttemptOutcome

BORDERS = ("\n\n", "\n", " ")  # the best one first

_Part = TypeVar("_Part")


class PartRefused(Exception):
    """A provider did not take a part. `result`: as if the part were the whole message."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.text)
        self.result = result


async def send_parts(
    parts: Sequence[_Part], taken: Container[int], send: Callable[[_Part], Awaitable[str]], provider: str
) -> Result:
    """Send the parts, counted from 1, but those that the provider has `taken` from an earlier attempt.

    `send` returns what the provider calls the part, and raises PartRefused, NotSent, NoReply and TooLarge. Once a
    part is taken, trouble of the channel counts as an attempt: so what was taken is recorded.
    """
    if not parts:
        return Result(AttemptOutcome.FAILED, "the message is empty")
    ids = dict[int, str]()
    for count, part in enumerate(parts, 1):
        if count in taken:
            continue
        try:
            ids[count] = await send(part)
        except PartRefused as refusal:
            failed = refusal.result
        except NotSent as error:
            failed = Result(AttemptOutcome.DEFERRED, f"{provider}: {error}", is_ours=True)
        except (NoReply, TooLarge) as error:
            failed = Result(AttemptOutcome.UNKNOWN, f"{provider}: {error}")
        else:
            continue
        where = f" (part {count} of {len(parts)})" if len(parts) > 1 else ""
        is_ours = failed.is_ours and not ids
        return replace(failed, text=f"{failed.text}{where}", external_ids=ids, is_ours=is_ours)
    return Result(AttemptOutcome.SENT, "taken", 200, ids)


def split(text: str, most: int) -> list[str]:
    """Return the parts of a text, of at most `most` UTF-16 units each, without the white space between them.

    None for a text without any letter. `most` is at least 2: a letter beyond the BMP has two units.
    """
    parts, rest = [], text.strip()
    while rest:
        fitting = _fitting(rest, most)
        if fitting < len(rest):
            fitting = _border(rest, fitting)
        parts.append(rest[:fitting].rstrip())
        rest = rest[fitting:].lstrip()
    return parts


def _fitting(text: str, most: int) -> int:
    """Return how many characters have at most `most` UTF-16 units."""
    units = 0
    for count, letter in enumerate(text[: most + 1]):
        units += 2 if letter > "\uffff" else 1
        if units > most:
            return count
    return len(text)


def _border(text: str, end: int) -> int:
    """Return where to cut: at the last border of the best kind in the second half, else at `end`."""
    for border in BORDERS:
        if (found := text.rfind(border, end // 2, end + len(border))) > 0:
            return found
    return end
