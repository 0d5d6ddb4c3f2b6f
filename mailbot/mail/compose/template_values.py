"""Turn a notice into the values that its templates may use: cleaned, and without internal fields."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from mailbot.domain.commands.results import Result
from mailbot.domain.labels import label
from mailbot.domain.model import NoticeKind
from mailbot.domain.notices import (
    PHASES,
    Acknowledgement,
    AgentWorklist,
    Answer,
    Closing,
    HelpLine,
    Notice,
    Receipt,
    ToCustomer,
)
from mailbot.domain.people.context import NO_CONTEXT
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.reasons import NO_REASON, Reason, render, written
from mailbot.mail.compose.cleaning import body_text, header_text
from mailbot.mail.compose.closing_values import closing_values
from mailbot.mail.compose.notice_values import ToAgents, Value, agent_values, with_labels
from mailbot.mail.compose.receipt_values import receipt_values
from mailbot.mail.compose.times import day_of, local_time, short_time, time_left
from mailbot.mail.compose.worklist_values import sample_entries, worklist_values
from mailbot.mail.replies.new_text import MARKERS

Values = Mapping[str, Value]

NOTICES: Mapping[str, type[Notice]] = {cls.name: cls for cls in get_args(Notice)}
LANGUAGES = ("id", "en")
_NOT_OF_TEAM = (NoticeKind.COMPENSATION, NoticeKind.PROGRESS, NoticeKind.CLOSED)
TEAM_KINDS = tuple(kind for kind in NoticeKind if kind not in _NOT_OF_TEAM)  # `why` of a team notice

TEXT_LIMITS = {
    "team": 20_000,
    "receipt": 20_000,
    "answer_held": 20_000,
}  # characters of `text` by notice; an agent's answer is never cut


def _time_left(at: datetime, language: str, _zone: str, now: datetime) -> str:
    return time_left(at, now, language)


SAMPLE_TIME = datetime(2026, 11, 23, 2, tzinfo=UTC)
SAMPLE_NOW = SAMPLE_TIME - timedelta(hours=3)
_OPTIONAL = frozenset(
    {"subject", "category", "priority", "team", "level", "signature"}
    | {"who", "asker", "on_ticket", "in_90_days", "signed"}
)
OUTCOMES = ("granted", "refused")  # of a request for compensation

# Only for headers: an acknowledgement shows nothing that the sender wrote.
_WITHHELD = frozenset({"to", "in_reply_to", "references", "language"})
_OF_AGENTS = frozenset(
    {
        "context",
        "owner",
        "next_steps",
        "spoken",
        "known",
        "missing",
        "done",
        "hold_until",
        "answers_to",
        "choices",
        "verbs",
    }
)
_NOT_LINES = (
    _WITHHELD
    | _OF_AGENTS
    | {"entries", "text", "signature", "attachments", "cc", "copy_to", "needed", "template"}
)
_LINES = {
    name: tuple(f.name for f in fields(cls) if f.name not in _NOT_LINES) for name, cls in NOTICES.items()
}

_MOMENTS = {
    name: tuple(f.name for f in fields(cls) if str(f.type).startswith(("datetime", "<class 'datetime")))
    for name, cls in NOTICES.items()
}
# By notice: the name of a value, the moment that it formats, and how.
_FORMATS = {
    name: tuple(
        (f"{moment}_{suffix}", moment, write)
        for moment in moments
        if moment not in _NOT_LINES
        for suffix, write in (("short", short_time), ("left", _time_left), ("day", day_of))
    )
    for name, moments in _MOMENTS.items()
}


def build_values(
    notice: Notice,
    mailbox: Mailbox,
    *,
    language: str,
    zone: str,
    now: datetime,
    again: int = 0,
    policy: Policy | None = None,
    survey_address: str = "",
    buttons: tuple[dict[str, Value], ...] = (),
    page_url: str = "",
    wanted: Collection[str] | None = None,
) -> dict[str, Value]:
    """Return all values for the templates of this notice. `zone` is where its reader works.

    `wanted`: the names that they use, None for all. Most of a notice's values cost more than to print them.

    - Every field of the notice but `to`, `cc`, `in_reply_to`, `language` and the like, under its own name.
      Texts are clean. A moment `x` is local time or "", with `x_short` ("today at 12:00 WIB") and `x_left`
      ("14 min ago") beside it, and `x_day` ("28 November").
    - `brand`, `mailbox` (the address) and `marker`. `needed` is for a loop.
    - `cut`: how many characters of `text` were left out.
    - `buttons` of a notice to our people: one-tap links, each with `label`, `word` (the verb) and `link`.
    - `page_url` of a mail to a customer: the reader's page of the ticket, "" where there is none.
    - `again`: 1 in the second half of a mail in two languages, where the text need not be repeated.
    """
    values: dict[str, Value] = {
        name: _value(_labelled(notice, name, policy, language), language, zone, now)
        for name in _LINES[notice.name]
        if wanted is None or name in wanted
    }
    for name, moment, write in _FORMATS[notice.name]:
        if wanted is None or name in wanted:
            at = getattr(notice, moment)
            values[name] = write(at, language, zone, now) if at else ""
    text = getattr(notice, "text", None)
    if text is not None:
        whole = body_text(text).strip("\n")
        values["text"] = shown = whole[: TEXT_LIMITS.get(notice.name)]
        values["cut"] = len(whole) - len(shown)
    if isinstance(notice, Answer | Closing):
        values["signature"] = body_text(notice.signature).strip("\n")
    if isinstance(notice, Closing):
        values |= closing_values(notice, str(values["text"]), language, survey_address)
    if isinstance(notice, Acknowledgement):
        labels = (header_text(names.get(language, "")) for names in notice.needed)
        values["needed"] = {label: label for label in labels if label}
    if isinstance(notice, AgentWorklist):
        values |= worklist_values(notice, policy, language=language, zone=zone, now=now)
    if isinstance(notice, ToCustomer):
        values["page_url"] = page_url
    if isinstance(notice, ToAgents):
        values["buttons"] = buttons
        values |= agent_values(notice, policy, language=language, zone=zone, now=now, wanted=wanted)
    if isinstance(notice, Receipt):
        values |= receipt_values(notice, policy, language=language, zone=zone, now=now)
    values["brand"] = header_text(mailbox.brand) or mailbox.address
    values["mailbox"] = mailbox.address
    values.setdefault("marker", MARKERS[language])
    values["again"] = again
    return values


def sample_notices(name: str, language: str) -> list[Notice]:
    """Return notices of this name with made-up values, for each branch that a template may take."""
    cls: Any = NOTICES[name]
    moments = set(_MOMENTS[name])
    given = {f.name for f in fields(cls) if f.type is Reason}
    full: dict[str, Any] = {
        f.name: SAMPLE_TIME if f.name in moments else f"sample {f.name}"
        for f in fields(cls)
        if f.name not in ("attachments", "references")
    }
    full |= {"number": "TOKO-48217390-8", "mailbox": "support@example.com", "language": language}
    people = {"asker": "agent@example.com", "answers_to": "customer@example.com"}
    full |= {name: address for name, address in people.items() if name in full}
    full |= {name: written(f"sample {name}") for name in given}
    bare: dict[str, Any] = full | dict.fromkeys(full.keys() & _OPTIONAL, "") | dict.fromkeys(moments, None)
    bare |= dict.fromkeys(given, NO_REASON)
    if "cc" in full:
        full |= {"cc": ("person@example.com",), "copy_to": ""}
        bare |= {"cc": (), "copy_to": ""}
    if "context" in full:
        full |= {"context": NO_CONTEXT}
        bare |= {"context": NO_CONTEXT}
    if "done" in full:
        steps = ((SAMPLE_TIME, written("sample step")),)
        full |= {"done": (Result(written("sample result"), SAMPLE_TIME),), "next_steps": steps}
        bare |= {"done": (), "next_steps": (), "text": ""}
        refused = bare | {"refused": full["refused"]}
        full |= {"refused": NO_REASON}
    elif "next_steps" in full:
        labels = {"id": "nomor pesanan", "en": "order number"}
        steps = ((SAMPLE_TIME, written("sample step")),)
        full |= {"next_steps": steps, "known": ((labels, "1"),), "missing": (labels,), "spoken": "id"}
        bare |= {"next_steps": (), "known": (), "missing": (), "spoken": "", "owner": ""}
    if "own" in full:
        full |= {"own": 1}
        bare |= {"own": 0}
    if "choices" in full:
        full |= {"choices": ("sample option",)}
        bare |= {"choices": ()}
    if "verbs" in full:
        verbs = (HelpLine("#assign AGENT", "assign it", "#assign Rina"), HelpLine("#take", "yours", "#take"))
        full |= {"asked": 1, "verbs": verbs}
        bare |= {"asked": 0, "verbs": verbs}
    if "survey" in full:
        full |= {"survey": 1}
        bare |= {"survey": 0, "text": "", "agent_name": ""}
    if "needed" in full:
        full |= {"needed": ({"id": "nomor pesanan", "en": "order number"},), "template": ""}
        bare |= {"needed": (), "template": "", "customer_name": ""}
    if "entries" in full:
        full |= {"number": "", "entries": sample_entries(), "older": 3}
        bare |= {"number": "", "entries": sample_entries()[1:], "older": 0, "title": full["title"]}
    variants = [full, bare]
    if "survey" in full:
        variants.insert(0, full | {"text": "sample text, " * 20})
    if "done" in full:
        variants.append(refused)
    if "why" in full:
        variants = [variant | {"why": why} for variant in variants for why in TEAM_KINDS]
    if "phase" in full:
        variants = [variant | {"phase": phase} for variant in variants for phase in PHASES]
    if "outcome" in full:
        variants = [variant | {"outcome": outcome} for variant in variants for outcome in OUTCOMES]
    return [cls(**variant) for variant in variants]


def _labelled(notice: Notice, name: str, policy: Policy | None, language: str) -> object:
    """Return a field, with the words for people in place of keys of the policy."""
    value = getattr(notice, name)
    if isinstance(value, Reason):
        return with_labels(value, policy, language)
    if name in ("category", "priority", "team", "level") and policy and isinstance(value, str) and value:
        return label(policy, name, value, language)
    return value


def _value(value: object, language: str, zone: str, now: datetime) -> Value:
    if isinstance(value, str):
        return header_text(value)
    if isinstance(value, Reason):
        return header_text(render(value, language))
    if isinstance(value, datetime):
        return local_time(value, language, zone, now)
    if isinstance(value, int):
        return value
    if isinstance(value, Mapping):  # a name by language
        return header_text(value.get(language, ""))
    return header_text(str(value)) if value is not None else ""
