"""Plain names and data in place of sentences.

- Tables and columns get plain names.
- An event has an explicit kind. Before, it had the name of a Python class.
- A reason is a code with parameters. Before, it was an English sentence. A sentence that is not recognized, and
  the words of a person, become the reason "text".

The ledger of compensations stays as it is: the digest of each line covers its words.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

BATCH = 5000  # rows read at once: a store of a million events is carried over in little memory

Data = dict[str, Any]
Reason = dict[str, Any]  # {"code": ..., "params": {...}}

# --- tables and columns -----------------------------------------------------------------------------------

TABLES = {"mutes": "suppressions", "allowances": "rate_limits"}
COLUMNS = {
    "inbox": {"strikes": "attempts"},
    "outbox": {"asked_at": "requested_at", "told_at": "reported_at"},
    "nodes": {"trouble": "reload_error"},
    "imap_folders": {
        "uid": "last_uid",
        "horizon": "first_uid",
        "begun_at": "started_at",
        "left_uids": "skipped_uids",
        "trouble": "error",
    },
}


def upgrade() -> None:
    _rename()
    _convert_events()
    _convert_messages()
    _convert_outbox()


def _rename() -> None:
    op.drop_index("ix_outbox_untold", "outbox")
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for old, new in TABLES.items():
        op.rename_table(old, new)
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")
    op.execute(
        "CREATE INDEX ix_outbox_unreported ON outbox (id)"
        " WHERE state = 'failed' AND (reported_at IS NULL OR reported_at < settled_at)"
    )


# --- sentences to reasons ---------------------------------------------------------------------------------

NO_REASON: Reason = {"code": "", "params": {}}

CLUES = {
    "reply tag of the sender": "reply_token",
    "keyed bounce address": "bounce_address",
    "our signed mark in a report": "signed_mark",
    "our signed Message-ID": "signed_message_id",
    "known Message-ID": "known_message_id",
    "number in the subject": "number_in_subject",
    "known Message-ID in a report": "message_id_in_report",
    "number in a report": "number_in_report",
    "mistyped number": "mistyped_number",
}

# Sentences without parameters.
SENTENCES = {
    **CLUES,
    "no other rule matched": "no_other_rule",
    "answered it": "answered",
    "nobody had it": "unassigned",
    "nobody works at its level": "no_agent_at_level",
    "nobody is ever on duty": "never_on_duty",
    "round robin: longest without a new ticket": "round_robin",
    "spread by the number": "spread",
    "not confirmed in time": "not_confirmed",
    "not decided in time": "not_decided",
    "held until the quiet hours were over": "quiet_hours",
    "names no ticket of ours": "no_ticket_named",
    "names a ticket, but the sender named in it failed authentication": "named_unauthenticated",
    "names a ticket in which the sender takes no part": "named_by_stranger",
    "command line": "command_line",
    "sender takes part": "sender_participates",
    "the sender takes part": "sender_participates",
    "our own key proves it": "own_key",
    "a stronger clue decided": "stronger_clue",
    "there is no such ticket": "unknown_ticket",
    "whom the report is about has to do with it": "report_concerns_ticket",
    "whom the report is about has nothing to do with that ticket": "report_concerns_others",
    "the mail has no single sender": "no_one_sender",
    "the sender failed authentication: anybody may have written it": "sender_failed_authentication",
    "the sender takes no part in that ticket": "sender_not_participant",
    "its check digit is wrong": "wrong_check_digit",
    "null sender": "null_sender",
    "null sender (Return-Path)": "null_return_path",
    "Delivered-To: autoresponder": "autoresponder",
    "out of office, by its words": "out_of_office",
    "no single sender in From": "no_sender",
    "from an address of our own": "own_address",
    "sender not authenticated": "not_authenticated",
    "the mail could not be shown to come from you": "agent_not_proven",
    "no text was found above the line": "no_text",
    "and no further step follows": "no_further_step",
}

TICKET = r"[A-Z0-9]+-\d+-\d"
ACTOR = r"customer|policy|relay|report|operator(?::.+)?|agent:\S+"

# Sentences with parameters, which are the groups. A group of digits alone becomes an integer. The first
# that fits the whole sentence counts.
PATTERNS = {
    rf"by (?P<actor>{ACTOR})": "by_actor",
    rf"has (?P<ticket>{TICKET})": "has_ticket",
    r"(?P<agent>\S+@\S+) is no agent any more": "agent_left",
    r"nobody works at (?P<level>\w+)": "no_agent_at",
    r"1 of (?P<count>\d+) on duty": "on_duty",
    r"nobody is on duty, back first: (?P<at>.+)": "off_duty",
    r"the skill (?P<skill>[^;]+)": "has_skill",
    r"nobody there has the skill (?P<skill>[^;]+)": "no_skill",
    r"the language (?P<language>[^;]+)": "has_language",
    r"nobody there has the language (?P<language>[^;]+)": "no_language",
    r"least load: (?P<count>\d+) in hand": "least_load",
    r"(?P<target>[a-z]+(?:_[a-z]+)*) is due": "target_due",
    rf"split from (?P<ticket>{TICKET})": "split_from",
    rf"(?P<merged>{TICKET}(?:(?:, | and ){TICKET})*) merged into (?P<ticket>{TICKET})": "merged_tickets",
    r"its check digit is wrong, like (?P<numbers>.+) in which the sender takes part": "wrong_check_digit_like",
    r"our own mail \((?P<field>.+)\)": "own_mail",
    r"report \((?P<type>.+)\)": "report",
    r"bounce \((?P<type>.+)\)": "bounce",
    r"receipt \((?P<type>.+)\)": "receipt",
    r"complaint \((?P<type>.+)\)": "complaint",
    r"Auto-Submitted: (?P<value>.+)": "auto_submitted",
    r"Precedence: (?P<value>.+)": "precedence",
    r"X-Auto-Response-Suppress: (?P<value>.+)": "auto_response_suppress",
    r"(?P<field>X-(?:Autoreply|Autorespond|Autoresponder|AutoReply-From|Mail-Autoreply|Autogenerated"
    r"|Failed-Recipients|MS-Exchange-Generated-Message-Source|FC-Machinegenerated|Loop))": "machine_header",
    r"list mail \((?P<field>.+)\)": "list_mail",
    r"sender (?P<name>no-reply|postmaster|mailer-daemon)": "robot_sender",
    r"envelope sender (?P<name>.+)": "robot_envelope_sender",
    r"more than (?P<most>\d+) Received": "mail_loop",
    r"limit reached: (?P<scope>address|domain|overall)": "rate_limit",
    r"address bounced: on (?P<since>\S+), (?P<status>.*)": "suppressed_bounce",
    r"address complained: on (?P<since>[^,]+).*": "suppressed_complaint",
    r"unsafe to send: (?P<error>.+)": "unsafe_mail",
    r"dropped by (?P<actor>[^ :]+(?::[^ :]+)?): (?P<text>.+)": "dropped_because",
    r"dropped by (?P<actor>\S+)": "dropped",
    rf"(?P<merged>{TICKET}) was merged into (?P<ticket>{TICKET}) of another customer": "merged_other_customer",
}

# Why a limit refused compensation.
LIMITS = {
    r"(?P<level>\S+) may bring a ticket of category '(?P<category>.*)' to (?P<limit>.+),"
    r" with this it would have (?P<total>.+)": "level_ticket_limit",
    r"(?P<level>\S+) may grant (?P<limit>.+) a day, with this (?P<agent>.+)"
    r" would have granted (?P<total>.+) today": "level_day_limit",
    r"a customer may get (?P<limit>.+) within (?P<days>\d+) days, with this (?P<customer>\S+)"
    r" would have got (?P<total>.+)": "customer_limit",
    r"the budget of (?P<team>\S+) is (?P<limit>.+) a month, with this it would have used (?P<total>.+)": (
        "team_budget"
    ),
    r"above (?P<limit>.+) two persons must sign, and (?P<agent>.+) alone may decide on (?P<total>.+)": (
        "second_person_missing"
    ),
    r"nobody may grant anything in the category '(?P<category>.*)'": "category_without_compensation",
    r"nobody may grant (?P<amount>.+) on one day": "everybody_day_limit",
    r"nobody may bring a ticket of category '(?P<category>.*)' to (?P<total>.+), the most is (?P<limit>.+)": (
        "everybody_ticket_limit"
    ),
}
_PATTERNS = [(re.compile(pattern), code) for pattern, code in PATTERNS.items()]
_LIMITS = [(re.compile(pattern), code) for pattern, code in LIMITS.items()]


def written(text: str) -> Reason:
    """Return the words of a person as a reason."""
    return {"code": "text", "params": {"text": text}} if text else NO_REASON


@lru_cache(maxsize=10_000)
def reason_of(sentence: str) -> Reason:
    """Return the reason that the old sentence gave."""
    if not sentence:
        return NO_REASON
    return _simple(sentence) or _composed(sentence) or written(sentence)


@lru_cache(maxsize=1000)
def limit_of(sentence: str) -> Reason:
    """Return why a limit refused compensation."""
    return _matching(sentence, _LIMITS) or reason_of(sentence)


def _simple(sentence: str) -> Reason | None:
    if code := SENTENCES.get(sentence):
        return {"code": code, "params": {}}
    return _matching(sentence, _PATTERNS)


def _matching(sentence: str, patterns: list[tuple[re.Pattern[str], str]]) -> Reason | None:
    for pattern, code in patterns:
        if found := pattern.fullmatch(sentence):
            params = {
                name: int(value) if value.isdecimal() else value for name, value in found.groupdict().items()
            }
            return {"code": code, "params": params}
    return None


def _composed(sentence: str) -> Reason | None:
    """Return the reasons that the sentence joined; None where one of them is unknown."""
    for separator in ("; ", ", held ", ", and no "):
        first, found, rest = sentence.partition(separator)
        if found:
            parts = (first, separator.removeprefix("; ").removeprefix(", ") + rest)
            known = [_simple(part) or _matched(part) or _composed(part) for part in parts]
            return _together(known)
    return _matched(sentence)


def _matched(sentence: str) -> Reason | None:
    """Return the reason of a clue and its proof: "known Message-ID, sender takes part"."""
    clue, _, proof = sentence.partition(", ")
    if clue not in CLUES or not (why := _simple(proof)):
        return None
    return {"code": "matched", "params": {"clue": _simple(clue), "proof": why}}


def _together(parts: list[Reason | None]) -> Reason | None:
    flat: list[Reason] = []
    for part in parts:
        if part is None:
            return None
        flat += part["params"]["reasons"] if part["code"] == "together" else [part]
    return {"code": "together", "params": {"reasons": flat}}


# --- events -----------------------------------------------------------------------------------------------

Convert = Callable[[Data], Data]


def _renamed(**names: str) -> Convert:
    return lambda data: {names.get(name, name): value for name, value in data.items()}


def _reasoned(field: str, reason: Callable[[str], Reason] = reason_of, **names: str) -> Convert:
    """Return a conversion of the sentence in `field` to the reason; other fields are renamed by `names`."""
    rename = _renamed(**names)

    def convert(data: Data) -> Data:
        sentence = data.pop(field, "")
        return {**rename(data), "reason": reason(sentence or "")}

    return convert


def _condition(sentence: str) -> Reason:
    """Return why a rule routed the ticket: by its condition, unless the sentence is one of ours."""
    known = sentence == "no other rule matched" or re.fullmatch(f"split from {TICKET}", sentence)
    return reason_of(sentence) if known else {"code": "condition", "params": {"condition": sentence}}


NOTICES = frozenset(
    [
        "new",
        "customer_wrote",
        "unconfirmed",
        "escalated",
        "handed_over",
        "assigned",
        "reminder",
        "follow_up",
        "decided",
        "notify",
        "bounced",
        "undeliverable",
        "complained",
        "compensation",
    ]
)


def _notified(data: Data) -> Data:
    """Convert who was notified of what. A step's reason stood in place of the notice about progress."""
    why = data["why"]
    known = why in NOTICES
    return {
        "recipients": data["whom"],
        "why": why if known else "progress",
        "reason": NO_REASON if known else reason_of(why),
    }


def _refused(data: Data) -> Data:
    because = data.pop("because", "")
    return {**data, "reason": limit_of(because) if data.get("limit") else written(because)}


# Class name -> kind, and what becomes of the data.
EVENTS: Mapping[str, tuple[str, Convert | None]] = {
    "TicketOpened": ("ticket_opened", None),
    "TicketRouted": ("ticket_routed", _reasoned("because", _condition, circumstances="customer_history")),
    "TicketAssigned": ("ticket_assigned", _reasoned("because")),
    "TicketHandedOver": ("ticket_handed_over", _reasoned("because")),
    "TicketEscalated": ("ticket_escalated", _reasoned("because")),
    "CustomerWrote": ("customer_wrote", _reasoned("evidence")),
    "AutomaticMailReceived": ("automatic_mail_received", _reasoned("reason")),
    "ThanksReceived": ("thanks_received", None),
    "DetailsGiven": ("details_received", None),
    "DeliveryBounced": ("delivery_bounced", _renamed(kind="report")),
    "DeliveryFailed": ("delivery_failed", _renamed(kind="notice")),
    "AgentAnswered": ("agent_answered", None),
    "AgentMailHeld": ("agent_mail_held", _reasoned("reason")),
    "NoteAdded": ("note_added", None),
    "AcknowledgementOwed": ("acknowledgement_enqueued", None),
    "AcknowledgementSuppressed": ("acknowledgement_suppressed", _reasoned("reason")),
    "ProgressSuppressed": ("progress_suppressed", _reasoned("reason")),
    "ClocksSet": ("clocks_set", None),
    "StepTaken": ("step_taken", _reasoned("because")),
    "TargetMissed": ("target_missed", None),
    "ReminderCame": ("reminder_due", None),
    "DecisionAsked": ("decision_requested", _renamed(of="level", whom="recipients")),
    "DecisionMade": ("decision_made", _reasoned("because", written)),
    "LadderChanged": ("ladder_changed", None),
    "PeopleTold": ("people_notified", _notified),
    "TicketClosed": ("ticket_closed", _reasoned("because", written)),
    "TicketReopened": ("ticket_reopened", None),
    "SatisfactionGiven": ("satisfaction_rated", None),
    "TicketReleased": ("ticket_released", None),
    "MessageMoved": ("message_moved", None),
    "TicketMerged": ("ticket_merged", None),
    "TicketTookIn": ("merge_received", None),
    "TicketUnmerged": ("ticket_unmerged", None),
    "TicketGaveBack": ("merge_reverted", None),
    "TicketSplit": ("ticket_split", None),
    "TicketRetold": ("ticket_rebuilt", None),
    "CompensationAsked": ("compensation_requested", _reasoned("because", written)),
    "CompensationPutBefore": ("approval_requested", _renamed(whom="recipients")),
    "CompensationApproved": ("compensation_approved", _reasoned("because", written)),
    "CompensationGranted": ("compensation_granted", None),
    "CompensationRefused": ("compensation_refused", _refused),
}

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _table(name: str, *columns: str) -> Any:
    json_columns = ("data", "evidence")
    return sa.table(name, *(sa.column(each, JSON if each in json_columns else None) for each in columns))


def _convert_events() -> None:
    events = _table("events", "ticket", "seq", "kind", "data")
    connection = op.get_bind()
    changed = [name for name, (_, convert) in EVENTS.items() if convert]
    where = (events.c.ticket == sa.bindparam("b_ticket"), events.c.seq == sa.bindparam("b_seq"))
    write = sa.update(events).where(*where).values(data=sa.bindparam("b_data"))
    after: tuple[str, int] = ("", 0)
    while True:
        key = sa.tuple_(events.c.ticket, events.c.seq)
        query = (
            sa.select(events)
            .where(events.c.kind.in_(changed), key > after)
            .order_by(events.c.ticket, events.c.seq)
        )
        rows = connection.execute(query.limit(BATCH)).all()
        if not rows:
            break
        after = (rows[-1].ticket, rows[-1].seq)
        connection.execute(
            write,
            [{"b_ticket": row.ticket, "b_seq": row.seq, "b_data": _data(row.kind, row.data)} for row in rows],
        )
    kind = sa.case({old: new for old, (new, _) in EVENTS.items()}, value=events.c.kind, else_=events.c.kind)
    connection.execute(sa.update(events).values(kind=kind))


def _data(kind: str, data: Data) -> Data:
    convert = EVENTS[kind][1]
    return convert(dict(data)) if convert else data


# --- messages and outbox ----------------------------------------------------------------------------------


def _convert_messages() -> None:
    messages = _table("messages", "id", "evidence", "automatic")
    write = (
        sa.update(messages)
        .where(messages.c.id == sa.bindparam("b_id"))
        .values(evidence=sa.bindparam("b_evidence"), automatic=sa.bindparam("b_automatic"))
    )
    for rows in _batches(messages):
        op.get_bind().execute(
            write,
            [
                {
                    "b_id": row.id,
                    "b_evidence": _evidence(row.evidence),
                    "b_automatic": _text(row.automatic) or "",
                }
                for row in rows
            ],
        )


def _evidence(data: Data) -> Data:
    """Convert why a message belongs to its ticket."""
    if "because" not in data:
        return data
    data = dict(data)
    reason = reason_of(data.pop("because") or "")
    clues = [
        {
            "kind": CLUES.get(clue["kind"], clue["kind"]),
            "named": clue["named"],
            "counted": clue["counted"],
            "reason": reason_of(clue["why"]),
        }
        for clue in data.get("clues", ())
    ]
    return {"reason": reason, **data, **({"clues": clues} if "clues" in data else {})}


def _convert_outbox() -> None:
    outbox = _table("outbox", "id", "reason")
    write = (
        sa.update(outbox).where(outbox.c.id == sa.bindparam("b_id")).values(reason=sa.bindparam("b_reason"))
    )
    for rows in _batches(outbox, outbox.c.reason.is_not(None)):
        op.get_bind().execute(write, [{"b_id": row.id, "b_reason": _text(row.reason)} for row in rows])


def _text(sentence: str | None) -> str | None:
    """Return the reason as JSON text, for a column that holds text; None where there is none."""
    return json.dumps(reason_of(sentence), separators=(",", ":"), ensure_ascii=False) if sentence else None


def _batches(table: Any, *where: Any) -> Iterator[Any]:
    """Yield the rows in the order of their ids, a batch at a time."""
    after = 0
    while True:
        query = sa.select(table).where(table.c.id > after, *where).order_by(table.c.id).limit(BATCH)
        rows = op.get_bind().execute(query).all()
        if not rows:
            return
        after = rows[-1].id
        yield rows
