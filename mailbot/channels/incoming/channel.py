"""The channel of a program that sends what people wrote: signed JSON, read by places that the admin named.

Theory of operation. A call is checked by its signature over the raw body, and kept under the id of its message, so
that a replay is one event. The map reads it later: what it does not fit is parked, for a person to see. Answers leave
as signed JSON to the one address of the settings, with a key that is the same at each attempt.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mailbot.channels import signature
from mailbot.channels.incoming.sink import Sink
from mailbot.channels.message import ChannelMessage
from mailbot.channels.seam import Call, Channel, Event, Found, Nothing, Reply, Unreadable
from mailbot.config.model import Incoming
from mailbot.domain.people.identities import identity
from mailbot.domain.programs.call import CallReader, Said
from mailbot.domain.programs.places import read_document
from mailbot.mail.compose.mime_writer import is_ascii_address
from mailbot.mail.parsing import attachments

UNREAD_FILE = "[Berkas {name} tidak dapat dibaca / the file {name} could not be read]"


def build(settings: Incoming, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Channel:
    """Build the channel of one program."""
    source = Source(settings, now)
    sink = Sink(settings, now) if settings.send_url else None
    return Channel(
        settings.name,
        settings.mailbox,
        source.read,
        sink.send if sink else None,
        source.receive,
        close=sink.close if sink else None,
    )


class Source:
    """What a program sends us."""

    def __init__(self, settings: Incoming, now: Callable[[], datetime]) -> None:
        self._settings, self._now, self._reader = settings, now, CallReader(settings.map)
        self._keys = signature.keys_of(settings.secrets)

    def receive(self, call: Call) -> Reply:
        """Check who calls, and name the message. A call that is no message is taken, and nothing is kept of it."""
        if call.method != "POST":
            return Reply(405, "send it by POST")
        if not self._is_signed(call):
            return Reply(401, "the signature is missing or wrong, or the call is too old")
        try:
            document = read_document(call.body)
        except ValueError as error:
            return Reply(400, str(error))
        if not self._reader.is_message(document):
            return Reply(200, "not a message")
        return Reply(200, "kept", (Event.named(self._name(document), call.body),))

    def _is_signed(self, call: Call) -> bool:
        chosen = self._settings
        if chosen.signature == "standard":
            return signature.is_standard(call.headers, call.body, self._keys, self._now())
        given = call.headers.get(chosen.header.lower(), "")
        if chosen.signature == "hmac":
            return signature.is_digest(given, call.body, self._keys)
        return signature.is_token(given, chosen.secrets)

    def _name(self, document: object) -> str:
        """Return the id of the message; a call without one is kept too, and parked when it is read."""
        try:
            return self._reader.external_id(document)
        except ValueError:
            return ""

    async def read(self, event: Event) -> Sequence[Found]:
        """Read what a call says. Raises Unreadable."""
        try:
            document = read_document(event.content)
            if not self._reader.is_message(document):  # `when` has changed since
                return [Nothing("`when` does not take it for a message")]
            said = self._reader.read(document)
            return [self._message(event, said)]
        except ValueError as error:
            raise Unreadable(str(error.args[0] if error.args else error)) from error

    def _message(self, event: Event, said: Said) -> ChannelMessage:
        author, is_mail = self._author(said.author)
        lines = [said.text, *(UNREAD_FILE.format(name=name) for name in said.unread)]
        return ChannelMessage(
            self._settings.name,
            author,
            event.external_id,
            "\n\n".join(filter(None, lines)),
            said.name,
            said.subject,
            tuple(attachments.make(each.name, each.type, each.content) for each in said.files),
            answers=said.answers,
            proven=self._settings.vouched or not is_mail,
        )

    def _author(self, author: str) -> tuple[str, bool]:
        """Return who wrote, and whether that is an address of mail. Raises ValueError."""
        if "@" in author:
            if not is_ascii_address(author):
                raise ValueError(f"{author[:100]!r} is no address of mail")
            return author, True
        if not self._settings.send_url:
            raise ValueError("answers could not reach the author: there is no `send`, and no address of mail")
        if author != author.lower():  # Budi and BUDI may be two people there
            raise ValueError(f"{author[:100]!r} has capital letters: write `|lower` if they mean nothing")
        return identity(self._settings.name, author), False
