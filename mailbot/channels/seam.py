"""What a channel is: a source of what people write, and a sink for our answers, as one value with functions.

Theory of operation. A provider's messages come by its call to our web address, or by asking it (`poll`). Either way
they are kept as events before the provider gets its reply. Then `read` makes of each event what somebody wrote, or
what became of a message of ours, and fetches files. Answers leave through the outbox by `send`.

SMTP, LMTP, IMAP and the pipe are sources whose bytes are mail already: they keep them by `channels.keep`.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailbot.channels.message import ChannelMessage
from mailbot.domain.model import Attachment, AttemptOutcome

LONGEST_ID = 300  # characters of a provider's name for an event


@dataclass(frozen=True, slots=True)
class Event:
    """What a provider sent, as it came. `external_id` names it at the provider: a repetition has the same one."""

    external_id: str
    content: bytes = field(repr=False)
    received_at: datetime | None = None  # None: not kept yet

    @classmethod
    def named(cls, name: str, content: bytes) -> "Event":
        """Return an event that is not kept yet.

        A name that fits no index becomes its digest. Without a name that of the content counts.
        """
        if not (0 < len(name) <= LONGEST_ID and name.isascii() and name.isprintable()):
            name = hashlib.sha256(name.encode("utf-8", "replace") or content).hexdigest()
        return cls(name, content)


@dataclass(frozen=True, slots=True)
class Call:
    """A provider's request to our web address. `headers` by name in small letters; `query`: parameters of the URL."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """Our reply to such a call: 2xx only says that all `events` are kept. `text`: of its body."""

    status: int = 200
    text: str = ""
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message of ours, by the provider's id. `status`: "sent", "delivered", "read", "failed"."""

    external_id: str
    status: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An event that says nothing to us, and why: it is done."""

    reason: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """Somebody opened a chat and wrote nothing yet: they are greeted, and no ticket opens.

    `to`: an identity. `name`: as they are called there. `language`: in which they see the chat.
    """

    to: str
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Polled:
    """What a provider had when it was asked, and where to go on: `position` means something to the channel alone."""

    events: tuple[Event, ...]
    position: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of ours. `to`: an identity of the channel. `key` names it, the same at each attempt.

    - `wrote_at`: when the recipient last wrote by the channel, None: never. `called_at`: when they were last asked to.
    - `taken`: the parts that the provider has from earlier attempts, from 1; 0: a call to write.
    - `kind`: of the notice, such as "answer". `subject`: of the mail that it would be.
    """

    to: str
    key: str
    kind: str
    language: str
    subject: str
    text: str
    files: tuple[Attachment, ...] = ()
    number: str = ""
    wrote_at: datetime | None = None
    called_at: datetime | None = None
    taken: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of sending. `outcome` UNKNOWN: the provider may have it, and gave no reply.

    - `external_ids`: what the provider calls the message, by its parts from 1; 0: a call to write, see `called_at`.
    - `code`: of HTTP, 0 for none. `text`: the provider's words, for operators.
    - `retry_after`: where the provider says when to try again. `is_ours`: trouble of the channel, of no message.
    """

    outcome: AttemptOutcome
    text: str = ""
    code: int = 0
    external_ids: Mapping[int, str] = field(default_factory=dict)
    retry_after: timedelta | None = None
    is_ours: bool = False


class ReadLater(Exception):
    """An event can't be read now, such as when a file could not be fetched: it is tried again."""


class Unreadable(Exception):
    """An event can't be read at all: it is parked, for a person to see."""


class Unavailable(OSError):
    """The provider can't be asked now. `pause`: where it says when to ask again."""

    def __init__(self, text: str, pause: timedelta | None = None) -> None:
        super().__init__(text)
        self.pause = pause


Found = ChannelMessage | Greeting | Status | Nothing


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel beside mail. `mailbox`: whose tickets its messages open.

    - `read` raises ReadLater or OSError, after which it is tried again, and Unreadable. `send` raises nothing.
      `poll` waits for news, and raises Unavailable.
    - `receive` checks who calls: Reply(401) or the like for anybody but the provider.
    """

    name: str
    mailbox: str
    read: Callable[[Event], Awaitable[Sequence[Found]]]
    send: Callable[[Outgoing], Awaitable[Result]] | None = None
    receive: Callable[[Call], Reply] | None = None
    poll: Callable[[str], Awaitable[Polled]] | None = None
    close: Callable[[], Awaitable[None]] | None = None
