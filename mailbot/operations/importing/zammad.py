"""Read what Zammad's REST API says of its tickets, as the loop in docs/channels/import_from.md writes it to a folder.

- `tickets.jsonl`: a ticket a line (`GET /tickets?expand=true`), with its `articles`, its `tags`, and of a merged one
  its `links`. Sorted by id, as the API gives them.
- `users.jsonl`, `states.jsonl`: of whom and of which kinds of states the tickets speak.
- `settings.jsonl`, where there is one: how numbers are written.
- `raw/ARTICLE.eml`, `attachments/ARTICLE/ATTACHMENT`: mails and files, where they were fetched.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mailbot.domain.model import Direction
from mailbot.operations.importing import desk_files
from mailbot.operations.importing.desk_files import Line, Merges, Unfit, angle, plain_text
from mailbot.operations.importing.desk_people import contacts, copied, first_sender, full_name, mailbox_of
from mailbot.operations.importing.model import (
    ImportedFile,
    ImportedMessage,
    ImportedStatus,
    ImportedTicket,
    Problems,
    ReadContext,
)

T = TypeVar("T")

HOW = "the loop for Zammad in docs/channels/import_from.md"
HOOK = "Ticket#"  # Zammad's default
_STATUS = {
    "closed": ImportedStatus.CLOSED,
    "pending reminder": ImportedStatus.WAITING,
    "pending action": ImportedStatus.WAITING,
}
_MERGED, _REMOVED = "merged", "removed"  # types of states
_NO_MAIL = "note"  # the type of an article that went to nobody


@dataclass(frozen=True, slots=True)
class _User:
    address: str
    name: str


_NOBODY = _User("", "")


def read(path: Path, context: ReadContext) -> Iterator[ImportedTicket]:
    """Yield the tickets of an export of Zammad. Raises Unreadable where a file is missing."""
    return _Reader(path, context).tickets()


class _Reader:
    """One run over a folder."""

    def __init__(self, folder: Path, context: ReadContext) -> None:
        self._folder, self._context, self._problems = folder, context, context.problems
        self._tickets = desk_files.required(folder, "tickets.jsonl", HOW)
        self._users = dict(self._each("users.jsonl", _user))
        self._kinds = dict(self._each("states.jsonl", _state))
        self._hook = self._read_hook(folder / "settings.jsonl")
        self._merges = self._read_merges()

    def tickets(self) -> Iterator[ImportedTicket]:
        return filter(None, desk_files.read_each(self._tickets, self._problems, self._ticket))

    # --- what the tickets refer to ----------------------------------------------------------------------------

    def _each(self, name: str, make: Callable[[Line], T]) -> Iterator[T]:
        return desk_files.read_each(desk_files.required(self._folder, name, HOW), self._problems, make)

    def _read_hook(self, path: Path) -> str:
        """Return what stands before the number in a subject."""
        found = {"ticket_hook": HOOK, "ticket_hook_divider": ""}
        if path.is_file():
            for line in desk_files.read_lines(path, self._problems):
                current = line.values.get("state_current")
                if line.text("name") in found and isinstance(current, dict):
                    found[line.text("name")] = Line(current, line.place).text("value")
        return "".join(found.values())

    def _read_merges(self) -> Merges:
        merges = Merges()
        for line in desk_files.read_lines(self._tickets, Problems()):
            try:
                key = line.key("id")
                if self._kinds.get(line.text("state")) == _MERGED:
                    for link in line.parts("links"):
                        merges.add(key, link.number("link_object_value"))
                merges.name(key, self._hook + line.text("number"))
            except Unfit:
                pass  # named when the ticket itself is read
        merges.resolve(self._problems, self._tickets.name)
        return merges

    # --- tickets ----------------------------------------------------------------------------------------------

    def _ticket(self, line: Line) -> ImportedTicket | None:
        key, kind = line.key("id"), self._kind(line)
        if self._merges.is_merged(key) or kind == _REMOVED:
            return None
        customer = self._users.get(line.number("customer_id"), _NOBODY)
        messages = tuple(filter(None, (self._message(each) for each in line.parts("articles"))))
        status = ImportedStatus.CLOSED if kind == _MERGED else _STATUS.get(kind, ImportedStatus.OPEN)
        return ImportedTicket(
            external_id=str(key),
            numbers=(self._hook + line.text("number"), *self._merges.numbers_of(key)),
            mailbox=mailbox_of(messages, self._context),
            customer=customer.address or first_sender(messages),
            customer_name=customer.name,
            subject=line.text("title"),
            opened_at=line.time("created_at"),
            messages=messages,
            status=status,
            closed_at=line.moment("last_close_at") or line.moment("close_at"),
            waits_until=line.moment("pending_time") if status is ImportedStatus.WAITING else None,
            team=line.text("group"),
            agent=self._users.get(line.number("owner_id"), _NOBODY).address,
            priority=line.text("priority").lstrip("0123456789 "),
            tags=line.texts("tags"),
            people=copied(messages),
            place=line.place,
        )

    def _kind(self, line: Line) -> str:
        state = line.text("state")
        if state not in self._kinds:
            raise Unfit(line.place, f"there is no state {state!r} in states.jsonl")
        return self._kinds[state]

    def _message(self, line: Line) -> ImportedMessage | None:
        """Return the message of an article; None for one that can't be read, which becomes a problem."""
        try:
            return self._read_message(line)
        except Unfit as error:
            self._problems.add(error.place, f"the article was passed by: {error}")
            return None

    def _read_message(self, line: Line) -> ImportedMessage:
        key, direction = line.key("id"), _direction(line)
        author, name = self._author(line, direction)
        raw = self._raw(key, line.place) if direction is Direction.IN else b""
        replied = angle(line.text("in_reply_to"))
        return ImportedMessage(
            external_id=str(key),
            at=line.time("created_at"),
            direction=direction,
            author=author,
            author_name=name,
            subject=line.text("subject"),
            text=plain_text(line.text("body"), is_html="html" in line.text("content_type")),
            message_id=angle(line.text("message_id")),
            references=(replied,) if replied else (),
            to=contacts(line.text("to")),
            cc=contacts(line.text("cc")),
            files=() if raw else tuple(self._files(line, key)),
            raw=raw,
        )

    def _author(self, line: Line, direction: Direction) -> tuple[str, str]:
        """Return who wrote it: From of a customer's mail names them better than the user that the desk made."""
        wrote = self._users.get(line.number("origin_by_id") or line.number("created_by_id"), _NOBODY)
        written = contacts(line.text("from"))
        if direction is Direction.IN and written and written[0][1]:
            return written[0][1], written[0][0]
        return wrote.address, wrote.name

    def _raw(self, article: int, place: str) -> bytes:
        name = f"{article}.eml"
        if not (self._folder / "raw" / name).exists():
            return b""
        return desk_files.read_file(self._folder / "raw", place, name)

    def _files(self, line: Line, article: int) -> Iterator[ImportedFile]:
        for each in line.parts("attachments"):
            preferences = each.values.get("preferences")
            kind = Line(preferences, each.place).text("Content-Type") if isinstance(preferences, dict) else ""
            try:
                name = f"{article}/{each.key('id')}"
                content = desk_files.read_file(self._folder / "attachments", each.place, name)
                yield ImportedFile(each.text("filename"), kind.partition(";")[0], content)
            except Unfit as error:
                self._problems.add(error.place, str(error))


def _user(line: Line) -> tuple[int, _User]:
    name = full_name(line.text("firstname"), line.text("lastname"))
    return line.key("id"), _User(line.text("email").strip().lower(), name)


def _state(line: Line) -> tuple[str, str]:
    return line.text("name"), line.text("state_type")


def _direction(line: Line) -> Direction:
    """Say where an article went. Automatic answers of the desk are notes: no agent answered by them."""
    if line.flag("internal") or line.text("sender") == "System":
        return Direction.NOTE
    if line.text("sender") == "Customer":
        return Direction.IN
    return Direction.NOTE if line.text("type") == _NO_MAIL else Direction.OUT
