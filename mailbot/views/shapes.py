"""The types of the API's answers and of webhooks. They follow from the values that `mailbot.views` turns into JSON.

The names of `only` and `rename` are those of the views, so a new field of a ticket is described by itself.
"""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from mailbot.domain import model
from mailbot.domain.actor import Actor
from mailbot.domain.compensation import requests
from mailbot.domain.matching import Match
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.money import Money
from mailbot.store import outbox_queries, queries
from mailbot.store.lists.ticket_list import TicketDeadline
from mailbot.store.retention.legal_holds import LegalHold
from mailbot.views import event_json, record_json, ticket_json
from mailbot.views.json_form import NO_NAMES

Fields = Sequence[tuple[str, Any]]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_FORMS = {timedelta: float, Money: int, Decimal: str, Actor: str, Reason: str, datetime: Moment}


def json_type(hint: Any) -> Any:
    """Return the type of the JSON that `to_json` makes of values of this type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(json_type(each) for each in args)]  # noqa: UP007 - made at run time
    if origin is not None and issubclass(origin, Mapping):
        return dict[str, json_type(args[1])]  # type: ignore[misc]
    if origin is not None:
        inner = {each for each in args if each is not Ellipsis}
        return list[json_type(inner.pop()) if len(inner) == 1 else Any]  # type: ignore[misc]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint not in _FORMS:
        return shape(hint.__name__, of(hint))
    return _FORMS.get(hint, hint)


def of(kind: Any, only: Sequence[str] = (), rename: Mapping[str, str] = NO_NAMES) -> Fields:
    """Return the fields that `to_json` makes of this dataclass."""
    hints = get_type_hints(kind)
    names = only or [each.name for each in dataclasses.fields(kind)]
    return [
        (rename.get(name, name), json_type(hints.get(name) or _of_property(kind, name))) for name in names
    ]


def _of_property(kind: Any, name: str) -> Any:
    return get_type_hints(getattr(kind, name).fget)["return"]


def shape(name: str, *fields: Fields) -> Any:
    """Return a type with all these fields."""
    every = [each for group in fields for each in group]
    return msgspec.defstruct(name, every, kw_only=True, frozen=True, forbid_unknown_fields=True)


def many(kind: Any) -> Any:
    """Return the type of a list of these."""
    return list[kind]


Deadline = shape("Deadline", of(TicketDeadline))
Ticket = [
    *of(model.Ticket, record_json.TICKET, record_json.TICKET_KEYS),
    ("deadline", Deadline | None),
]
ListedTicket = shape("ListedTicket", Ticket)
Event = shape(
    "Event",
    [("seq", int), ("kind", str), ("at", Moment), ("by", str), ("policy", str), ("sentence", str)],
    [("data", dict[str, Any])],
)
Clue = shape("Clue", [("kind", str), ("named", str), ("counted", bool), ("why", str)])
Evidence = shape(
    "Evidence",
    [("because", str), ("reason_code", str)],
    of(Match, event_json.MATCH),
    [("clues", many(Clue))],
)
Message = shape(
    "Message",
    of(queries.MessageView, ticket_json.MESSAGE, event_json.MESSAGE_KEYS),
    [("machine_may_answer", bool), ("evidence", Evidence)],
)
Mail = shape(
    "Mail",
    [
        each
        for each in of(outbox_queries.Entry, record_json.OUTBOX, record_json.OUTBOX_KEYS)
        if each[0] != "reason"
    ],
    [("reason", str | None), ("sent_at", Moment | None), ("undo_until", Moment | None)],
)
PlannedDeadline = shape(
    "PlannedDeadline",
    [("due_at", Moment), ("target", str), ("step", int | None), ("does", str)],
    [("moved_from", Moment | None)],
)
Participant = shape("Participant", of(queries.Participant))
Link = shape("Link", of(queries.Link))
Hold = shape("LegalHold", of(LegalHold, ("at", "by", "reason")))
LedgerLine = shape("LedgerLine", [("line", int)], of(requests.Entry))
WholeTicket = shape(
    "Ticket",
    Ticket,
    [
        ("promised_at", Moment | None),
        ("participants", many(Participant)),
        ("legal_hold", Hold | None),
        ("links", many(Link)),
        ("messages", many(Message)),
        ("events", many(Event)),
        ("deadlines", many(PlannedDeadline)),
        ("compensation", many(LedgerLine)),
        ("outbox", many(Mail)),
    ],
)
Hit = shape("Hit", [("message", int), ("at", Moment), ("author", str), ("snippet", str)])
FoundTicket = shape("FoundTicket", Ticket, [("found", Hit | None)])
File = shape(
    "File",
    [("position", int), ("name", str), ("type", str), ("size", int)],
    [("at", Moment), ("deleted_at", Moment | None)],
)
Sent = shape("Sent", [("kind", str), ("to", str)])
_OUTCOME: Fields = [("request", int), ("amount", int), ("outcome", str), ("because", str), ("limit", str)]
Outcome = shape("CompensationOutcome", _OUTCOME)
_DECISION: Fields = [*Ticket, ("events", many(Event)), ("sends", many(Sent))]
Decision = msgspec.defstruct(
    "Decision",
    [*_DECISION, ("compensation", Outcome | None, None)],
    kw_only=True,
    frozen=True,
    forbid_unknown_fields=True,
)
ChangedTicket = shape("ChangedTicket", _DECISION)
Joined = shape("Joined", [("tickets", many(ChangedTicket))])
Agent = shape("Agent", [("address", str), ("name", str), ("level", str), ("languages", list[str])])
Team = shape("Team", [("name", str), ("label", dict[str, str]), ("zone", str), ("agents", many(Agent))])
Macro = shape(
    "Macro",
    [("name", str), ("titles", dict[str, str]), ("arguments", list[str]), ("needed", list[str])],
    [("details", list[str]), ("categories", list[str])],
)
OwnToken = shape(
    "OwnToken",
    [("id", int), ("name", str), ("verbs", list[str]), ("teams", list[str]), ("ends_at", Moment | None)],
)
Me = shape(
    "Me",
    [("address", str), ("name", str), ("language", str), ("zone", str), ("roles", list[str])],
    [("teams", list[str]), ("token", OwnToken)],
)
Period = shape("Period", [("since", Moment), ("until", Moment), ("zone", str)])
Figures = shape(
    "Figures",
    [("made_at", Moment), ("team", str | None), ("period", Period), ("previous_period", Period)],
    [("figures", dict[str, Any]), ("previous", dict[str, Any]), ("causes", list[dict[str, Any]])],
    [("causes_compared_with", Period), ("cause_actions", list[dict[str, Any]])],
    [("compensation", dict[str, Any])],
)
