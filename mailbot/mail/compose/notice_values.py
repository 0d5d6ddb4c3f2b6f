"""Turn a notice to our people into the values that only its templates have: band, dialogue, files, facts, help."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from mailbot.domain.labels import label
from mailbot.domain.model import Authentication, Direction, NoticeKind
from mailbot.domain.notices import (
    AgentHelp,
    AgentRefusal,
    AnswerHeld,
    CompensationDecided,
    CompensationWanted,
    HelpLine,
    Question,
    Receipt,
    TeamNotice,
)
from mailbot.domain.people.addresses import is_no_reply
from mailbot.domain.people.context import TEXT_LIMIT, Entry, File
from mailbot.domain.people.identities import label as identity_label
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason, render
from mailbot.domain.replies.folded_lines import without_history
from mailbot.mail.compose.cleaning import body_text, header_text
from mailbot.mail.compose.notice_words import HAPPENED, UNREAD, WORDS
from mailbot.mail.compose.times import clock_time, time_left
from mailbot.mail.replies.new_text import MARKERS

Value = str | int | dict[str, Any] | tuple[Any, ...]
ToAgents = (
    TeamNotice
    | Question
    | AgentRefusal
    | Receipt
    | AnswerHeld
    | AgentHelp
    | CompensationWanted
    | CompensationDecided
)

# Notices whose text is not the customer's but a mail server's.
OF_SERVERS = (
    NoticeKind.BOUNCED,
    NoticeKind.UNDELIVERABLE,
    NoticeKind.SENT_BY_MAIL,
    NoticeKind.COMPLAINED,
)
_SHARED = (NoticeKind.NEW, NoticeKind.ESCALATED, NoticeKind.HANDED_OVER)  # texts say whose it is
_NO_TURN = (
    *OF_SERVERS,
    NoticeKind.UNCONFIRMED,
    NoticeKind.FOLLOW_UP,
    NoticeKind.DECIDED,
    NoticeKind.LOW_SCORE,
    NoticeKind.INCIDENT,
)
_FILES = 20
_NAMES = 10
_FOLDED = 4_000  # characters
# A parameter of a reason -> what it names a key of.
_KINDS = {name: name for name in ("rule", "level", "team", "category", "priority", "cause")} | {
    "asked": "level"
}


def agent_values(
    notice: ToAgents,
    policy: Policy | None,
    *,
    language: str,
    zone: str,
    now: datetime,
    wanted: Collection[str] | None = None,
) -> dict[str, Value]:
    """Return the values beside those that `build_values` takes from the fields of every notice."""
    makers = _Values(notice, policy, language, zone, now).makers()
    return {name: make() for name, make in makers.items() if wanted is None or name in wanted}


def with_labels(reason: Reason, policy: Policy | None, language: str) -> Reason:
    """Return the reason with the names of rules, levels, teams and agents in place of their keys."""
    return Reason(
        reason.code, {name: _shown(name, value, policy, language) for name, value in reason.params.items()}
    )


def _shown(name: str, value: Any, policy: Policy | None, language: str) -> Any:
    if isinstance(value, Reason):
        return with_labels(value, policy, language)
    if isinstance(value, tuple):
        return tuple(with_labels(each, policy, language) for each in value)
    if policy and (kind := _KINDS.get(name)):
        return label(policy, kind, str(value), language)
    if policy and name == "agent" and value in policy.agents:
        return policy.agents[value].name
    return value


def takes_reply(notice: TeamNotice) -> bool:
    """Check whether a reply may be offered: not after a bounce, nor on a held or forged mail."""
    entry = notice.context.from_customer
    forged = entry is not None and entry.authentication is Authentication.FAIL
    return not forged and notice.why not in (*OF_SERVERS, NoticeKind.UNCONFIRMED)


class _Values:
    """The values of one notice in one language."""

    def __init__(
        self, notice: ToAgents, policy: Policy | None, language: str, zone: str, now: datetime
    ) -> None:
        self.notice, self.policy, self.language, self.zone, self.now = notice, policy, language, zone, now
        self.words, self.context = WORDS[language], notice.context
        self.from_customer = self.context.from_customer

    def makers(self) -> dict[str, Callable[[], Value]]:
        """Return by its name what computes a value."""
        notice = self.notice
        makers: dict[str, Callable[[], Value]] = {
            "preheader": self._preheader,
            "proof": self._proof,
            "careful": self._careful,
            "dialogue": lambda: tuple(self._dialogue()),
            "older": lambda: self.context.older,
            "folded": self._folded,
            "files": lambda: tuple(self._file(file) for file in self.context.files[-_FILES:]),
            "facts": lambda: tuple(self._facts()),
        }
        if isinstance(notice, TeamNotice):
            makers |= {
                "happened": lambda: self._happened(notice),
                "promise": lambda: self._promise(notice),
                "next_steps": lambda: self._next_steps(notice),
                "confirm": lambda: self._confirm(notice),
                "from_server": lambda: int(notice.why in OF_SERVERS),
                "help": lambda: self._help(notice),
                "marker": lambda: MARKERS[self.language] if takes_reply(notice) else "",
                "commands": lambda: self._commands(notice),
                "state": lambda: self._state(notice),
            }
        if isinstance(notice, AgentHelp):
            makers["verbs"] = lambda: tuple(map(_verb, notice.verbs))
        return makers

    # --- band ---------------------------------------------------------------------------------------------

    @cached_property
    def _customer(self) -> str:
        """Return the customer's name where a mail gives one, else the address."""
        customer = str(getattr(self.notice, "customer", ""))
        names = (entry.name for entry in self.context.entries if entry.author == customer and entry.name)
        return header_text(next(names, identity_label(customer)), 60)

    def _owner(self, address: str) -> str:
        agent = self.policy.agents.get(address) if self.policy else None
        return header_text(agent.name if agent else address)

    def _whose(self, notice: TeamNotice) -> str:
        if not notice.owner:
            return "teams"
        return "yours" if notice.owner == notice.to else "other"

    def _happened(self, notice: TeamNotice) -> str:
        why = f"{notice.why}_{self._whose(notice)}" if notice.why in _SHARED else str(notice.why)
        texts = HAPPENED[self.language]
        text = texts.get(why, texts["notify"])
        return text.format(customer=self._customer, owner=self._owner(notice.owner))

    def _promise(self, notice: TeamNotice) -> str:
        at = notice.promised_at
        if at is None or notice.why in _NO_TURN or not notice.customer:
            return ""
        kind = "late" if at <= self.now else "turn"
        return self.words[f"{kind}_{self._whose(notice)}"].format(
            customer=self._customer,
            owner=self._owner(notice.owner),
            at=clock_time(at, self.language, self.zone, self.now),
            left=time_left(at, self.now, self.language),
        )

    def _next_steps(self, notice: TeamNotice) -> str:
        if notice.why in _NO_TURN or not notice.next_steps or notice.confirm_by:
            return ""  # what has to be confirmed says what comes
        steps = (
            f"{clock_time(at, self.language, self.zone, self.now)} "
            f"{render(with_labels(reason, self.policy, self.language), self.language)}"
            for at, reason in notice.next_steps
        )
        return self.words["next"].format(steps=header_text(", ".join(steps), 300))

    def _confirm(self, notice: TeamNotice) -> str:
        if notice.confirm_by is None:
            return ""
        at = clock_time(notice.confirm_by, self.language, self.zone, self.now)
        return self.words["confirm"].format(at=at)

    def _state(self, notice: TeamNotice) -> str:
        forged = self.from_customer and self.from_customer.authentication is Authentication.FAIL
        late = notice.promised_at is not None and notice.promised_at <= self.now
        return "late" if forged or late or notice.why in OF_SERVERS else "turn"

    def _preheader(self) -> str:
        """Return what a list of mails shows: who says what, by when."""
        notice, newest = self.notice, self.context.entries[:1]
        text = newest[0].text if newest else str(getattr(notice, "text", ""))
        said = f"{self._customer}: {header_text(text)}" if text else self._customer
        if isinstance(notice, Question):
            return header_text(notice.question)
        if not isinstance(notice, TeamNotice):
            return said
        if notice.why not in (NoticeKind.NEW, NoticeKind.CUSTOMER_WROTE):
            return self._happened(notice)
        if notice.promised_at is None:
            return said
        at = clock_time(notice.promised_at, self.language, self.zone, self.now)
        return f"{said} {self.words['promised'].format(at=at)}"

    def _proof(self) -> str:
        entry = self.from_customer
        if entry is None:
            return ""
        address = header_text(identity_label(entry.author)) or "?"
        return self.words[f"sender_{entry.authentication}"].format(address=address)

    def _careful(self) -> str:
        """Return a warning below the dialogue about a sender who is not verified."""
        entry = self.from_customer
        return self.words["careful"] if entry and entry.authentication is Authentication.NONE else ""

    # --- dialogue -----------------------------------------------------------------------------------------

    def _dialogue(self) -> Iterator[dict[str, Value]]:
        entries = self.context.entries
        text = str(getattr(self.notice, "text", ""))
        if not entries and text and getattr(self.notice, "why", "") not in OF_SERVERS:
            entries = (Entry(Direction.IN, str(getattr(self.notice, "customer", "")), text),)
        for entry in entries:
            whole = body_text(entry.text).strip("\n")
            yield {
                "author": self._author(entry),
                "note": self.words["note"] if entry.direction is Direction.NOTE else "",
                "answer": self.words["answer"] if entry.direction is Direction.OUT else "",
                "at": clock_time(entry.at, self.language, self.zone, self.now) if entry.at else "",
                "proof": self.words[str(entry.authentication)] if entry.direction is Direction.IN else "",
                "text": whole[:TEXT_LIMIT],
                "cut": entry.cut + max(0, len(whole) - TEXT_LIMIT),
                "unread": " ".join(dict.fromkeys(self._unread(entry.flags))),
                "folded": entry.folded.count("\n") + 1 if entry.folded else 0,
            }

    def _author(self, entry: Entry) -> str:
        address = identity_label(entry.author.removeprefix("agent:"))  # a note names its author with the role
        agent = self.policy.agents.get(address) if self.policy else None
        name = agent.name if agent else entry.name
        return header_text(f"{name} <{address}>" if name else address)

    def _unread(self, flags: Iterable[str]) -> Iterator[str]:
        return (UNREAD[self.language][flag] for flag in flags if flag in UNREAD[self.language])

    def _folded(self) -> str:
        """Return what the newest mail held beside its new text."""
        return body_text(without_history(self.from_customer.folded))[:_FOLDED] if self.from_customer else ""

    # --- files, facts, help -------------------------------------------------------------------------------

    def _file(self, file: File) -> dict[str, Value]:
        if file.part and self.context.is_new(file, (self.notice.to,)):
            how = self.words["attached"]
        else:
            command = f"mailbot ticket attachment {self.notice.number} {file.position} -o FILE"
            how = self.words["fetch"].format(command=command)
        return {"name": header_text(file.name), "size": size_text(file.size), "how": how}

    def _facts(self) -> Iterator[dict[str, Value]]:
        for name, value in self._named_facts():
            if value:
                yield {"label": self.words[name], "value": header_text(value, 400)}

    def _named_facts(self) -> Iterator[tuple[str, str]]:
        notice, context, entry = self.notice, self.context, self.from_customer
        customer, shown = identity_label(str(getattr(notice, "customer", ""))), self._customer
        yield "number", notice.number
        yield "customer", f"{shown} <{customer}>" if shown != customer else customer
        yield "subject", notice.subject
        for kind in ("category", "priority", "team", "level"):
            yield kind, self._label(kind)
        if entry:
            ours = {notice.mailbox, entry.author}
            others = [each for each in entry.to if each.address not in ours]
            yield "to", _names(f"{each.name} <{each.address}>".strip() for each in others)
            yield "cc", _names(f"{each.name} <{each.address}>".strip() for each in entry.cc)
            yield "reply_to", entry.reply_to if entry.reply_to != entry.author else ""
            yield "original_from", entry.original_from
        yield "participants", _names(context.participants)
        yield "unconfirmed", _names(context.unconfirmed)
        if isinstance(notice, TeamNotice):
            yield "language", self.words.get(f"lang_{notice.spoken}", "")
            yield "owner", self._owner(notice.owner)
            yield "known", _names(f"{self._in(labels)} {value}" for labels, value in notice.known)
            yield "missing", _names(map(self._in, notice.missing))
        yield (
            "other_tickets",
            "; ".join(f"{number} {subject[:60]}".strip() for number, subject in context.other_tickets),
        )

    def _in(self, labels: Mapping[str, str]) -> str:
        return labels.get(self.language) or next(iter(labels.values()), "")

    def _label(self, kind: str) -> str:
        key = str(getattr(self.notice, kind, ""))
        return label(self.policy, kind, key, self.language) if self.policy and key else key

    def _help(self, notice: TeamNotice) -> str:
        if notice.why is NoticeKind.UNCONFIRMED:
            return self.words["accept"]
        if not takes_reply(notice):
            return ""
        if notice.why is NoticeKind.INCIDENT:
            return self.words["incident"]
        if not (to := notice.answers_to or notice.customer):
            return ""
        name = "no_reply" if is_no_reply(header_text(to).lower()) else "reply"
        return self.words[name].format(customer=header_text(identity_label(to)), mailbox=notice.mailbox)

    def _commands(self, notice: TeamNotice) -> tuple[str, ...]:
        number, to = notice.number, header_text(notice.to)
        take = (f"mailbot ticket assign {number} {to}",) if notice.confirm_by else ()
        if notice.why is NoticeKind.INCIDENT:
            end = f'mailbot ticket resolve {number} --as {to} --text "..."'
            return (*take, end, f"mailbot ticket list --incident {number}")
        if take:  # an answer takes it, too
            return take
        if notice.why is not NoticeKind.UNCONFIRMED:
            return ()
        return tuple(f"mailbot ticket {verb} {number}" for verb in ("accept", "reject"))


def _verb(verb: HelpLine) -> dict[str, Value]:
    return {name: header_text(getattr(verb, name), 200) for name in ("written", "text", "example")}


def _names(names: Iterable[str]) -> str:
    listed = list(map(identity_label, names))
    more = f" +{len(listed) - _NAMES}" if len(listed) > _NAMES else ""
    return ", ".join(listed[:_NAMES]) + more


def size_text(size: int) -> str:
    """Format a number of bytes: "340 KB", "2.1 MB"."""
    if size < 1_000:
        return f"{size} B"
    return f"{size / 1_000:.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
