"""The messages of a ticket as its page shows them: who wrote, how sure that is, what became of our mails."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailbot.console.render import Reader
from mailbot.console.ticket.load import Dialogue
from mailbot.domain.model import WAITING_STATES, Author, Direction, OutboxState
from mailbot.domain.people.context import File
from mailbot.domain.people.identities import label
from mailbot.domain.policy import Policy
from mailbot.mail.compose.notice_values import size_text
from mailbot.mail.compose.notice_words import UNREAD, WORDS
from mailbot.store.agents.acts import WITHDRAWN
from mailbot.store.console import sent_files
from mailbot.store.lists.dialogue import PageMessage
from mailbot.store.outbox_queries import Entry
from mailbot.views.clean_text import clean
from mailbot.views.wording import PageWording

ANSWERS = frozenset({"answer", "closing"})  # kinds of our mails that carry a message of an agent
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
LARGEST_PICTURE = 4_000_000  # bytes that are shown in a page
# What a chat's provider reports of a message of ours.
ARRIVALS = {
    "delivered": ("Sampai di {}", "Delivered to {}"),
    "read": ("Dibaca oleh {}", "Read by {}"),
}
_ROLES = ("agent", "operator", "policy")  # before the name of who wrote a note
_LATEST = timedelta(hours=1)  # between an agent's mail and its answer
_NAMES = 10


@dataclass(frozen=True, slots=True)
class ShownFile:
    """`picture`: it is shown in the page. `gone`: when retention deleted it, in words."""

    name: str
    size: str
    address: str
    picture: bool
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of a mail that we sent, in words. `state`: a class of the look."""

    text: str
    state: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A message in words. `kind`: in, out, note. `proof`: (words, class) about the sender."""

    id: int
    kind: str
    at: datetime
    author: str
    address: str
    proof: tuple[str, str] | None
    to: str
    cc: str
    text: str
    cut: int
    folded: Sequence[str]
    remarks: Sequence[str]
    files: Sequence[ShownFile]
    deliveries: Sequence[Delivery]
    withdrawn: bool
    is_mail: bool  # there are raw bytes
    home: str


class Writer:
    """Puts messages into words for one reader."""

    def __init__(self, number: str, reader: Reader, found: Dialogue) -> None:
        self.number, self.reader = number, reader
        self.policy: Policy = reader.policy
        self.words = PageWording(reader.policy, reader.language, reader.zone, reader.now)
        self._carried = _carriers(found)
        self._held = {(each.agent, each.at): each.reason for each in found.held}
        self._files: dict[int, list[File]] = {}
        for file in found.files:
            self._files.setdefault(file.message, []).append(file)

    def shown(self, message: PageMessage) -> Shown:
        name, address = self._author(message)
        is_in = message.direction is Direction.IN
        return Shown(
            id=message.id,
            kind=str(message.direction),
            at=message.at,
            author=name,
            address=address if address != name else "",
            proof=self._proof(message) if is_in else None,
            to=_people(message.addresses.get("to", ()), self.policy.mailboxes),
            cc=_people(message.addresses.get("cc", ()), ()),
            text=message.text.strip("\n"),
            cut=message.cut,
            folded=message.folded,
            remarks=list(dict.fromkeys(self._remarks(message))),
            files=[*self._received(message), *self._sent(message)],
            deliveries=[self.delivery(mail) for mail in self._carried.get(message.id, ())],
            withdrawn=WITHDRAWN in message.flags,
            is_mail=message.inbox_id is not None,
            home=message.home if message.home != self.number else "",
        )

    def _author(self, message: PageMessage) -> tuple[str, str]:
        """Return the name and the address. A note names its author with the role."""
        kind, _, name = message.author.partition(":")
        address = label(name if kind in _ROLES and name else message.author)
        agent = self.policy.agents.get(address)
        own = agent.name if agent else str(message.addresses.get("name", ""))
        return clean(own or address, 120) or self.reader.t("pengirim tidak jelas", "unclear sender"), clean(
            address
        )

    def _proof(self, message: PageMessage) -> tuple[str, str]:
        state = {"pass": "solved", "fail": "late", "none": ""}[message.authentication]
        return WORDS[self.reader.language][message.authentication], state

    def _remarks(self, message: PageMessage) -> Iterable[str]:
        if message.author_kind is not Author.PERSON:
            kind = self.words.t("Email otomatis", "Automatic mail")
            yield f"{kind}: {self.words.reason(message.author_reason)}" if message.author_reason else kind
        held = self._held.get((message.author, message.at))
        if held and message.direction is Direction.NOTE:
            kept = self.words.t("Ditahan, tidak dikirim", "Held back, not sent")
            yield f"{kept}: {self.words.reason(held)}"
        yield from (UNREAD[self.reader.language][flag] for flag in message.flags if flag in UNREAD["en"])
        if original := message.addresses.get("original_from"):
            yield f"{WORDS[self.reader.language]['original_from']}: {clean(original)}"
        if (reply_to := message.addresses.get("reply_to")) and reply_to != message.author:
            yield f"{WORDS[self.reader.language]['reply_to']}: {clean(reply_to)}"

    # --- files --------------------------------------------------------------------------------------------

    def _received(self, message: PageMessage) -> Iterable[ShownFile]:
        for file in self._files.get(message.id, ()):
            gone = self.reader.moment(file.deleted_at) if file.deleted_at else ""
            address = f"/tickets/{self.number}/files/{file.position}"
            yield self._file(file.name, file.type, file.size, address, gone)

    def _sent(self, message: PageMessage) -> Iterable[ShownFile]:
        for file in sent_files.listed(message.evidence):
            address = f"/tickets/{self.number}/messages/{message.id}/files/{file.digest}"
            yield self._file(file.name, file.type, file.size, address, "")

    def _file(self, name: str, kind: str, size: int, address: str, gone: str) -> ShownFile:
        picture = kind in PICTURES and size <= LARGEST_PICTURE and not gone
        return ShownFile(clean(name, 160), size_text(size), address, picture, gone)

    # --- our mails ----------------------------------------------------------------------------------------

    def delivery(self, mail: Entry) -> Delivery:
        """Describe the outcome of a mail."""
        t, to = self.words.t, clean(mail.recipient)
        if mail.state is OutboxState.SENT:
            arrived = ARRIVALS.get(mail.arrival or "", ("Terkirim ke {}", "Sent to {}"))
            return Delivery(t(*arrived).format(to), "solved", mail.settled_at)
        if mail.state is OutboxState.FAILED:
            text = t("Tidak sampai ke {}", "Did not reach {}").format(to)
            return Delivery(
                f"{text}: {clean(mail.reply or '')}" if mail.reply else text, "late", mail.settled_at
            )
        if mail.state is OutboxState.SUPPRESSED:
            text = t("Tidak dikirim ke {}", "Not sent to {}").format(to)
            return Delivery(f"{text}: {self.words.reason(mail.reason)}" if mail.reason else text, "soon")
        if mail.undo_until and mail.undo_until > self.reader.now:
            text = t("Belum terkirim ke {}, berangkat", "Not sent yet to {}, leaves").format(to)
            return Delivery(text, "soon", mail.due_at)
        if mail.state in WAITING_STATES and mail.attempts:
            text = t("Belum sampai ke {}, dicoba lagi", "Has not reached {} yet, tried again").format(to)
            return Delivery(text, "soon", mail.due_at)
        return Delivery(t("Sedang dikirim ke {}", "On its way to {}").format(to), "turn")


def _carriers(found: Dialogue) -> dict[int, list[Entry]]:
    """Return by message the mails that carry it: of the act that both are part of, else of the same moment.

    An agent's mail is asked for when it came, and an answer when it was decided, a moment later.
    """
    answers = [each for each in found.messages if each.direction is Direction.OUT]
    by_act = {each.act: each.id for each in answers if each.act}
    carried: dict[int, list[Entry]] = {}
    for mail in found.mails:
        if mail.kind not in ANSWERS:
            continue
        after = [
            (each.at, each.id) for each in answers if timedelta() <= each.at - mail.requested_at <= _LATEST
        ]
        id_ = by_act.get(mail.act) if mail.act else min(after, default=(None, None))[1]
        if id_:
            carried.setdefault(id_, []).append(mail)
    return carried


def _people(pairs: Sequence[Sequence[str]], ours: Iterable[str]) -> str:
    """List names and addresses, without our own mailboxes."""
    own = set(ours)
    named = [f"{name} <{address}>" if name else address for name, address in pairs if address not in own]
    more = f" +{len(named) - _NAMES}" if len(named) > _NAMES else ""
    return clean(", ".join(named[:_NAMES]), 600) + more
