"""JSON Schemas of the messages that webhooks get, made of the types that the messages are made of."""

import json
from typing import Any, get_type_hints

import msgspec

from mailbot.domain import events as e
from mailbot.domain.reasons import Reason
from mailbot.domain.webhooks.event_types import NAMES, TYPES, VERSION
from mailbot.views.event_json import EVENT_KEYS, KEYS_BY_EVENT
from mailbot.views.shapes import Fields, ListedTicket, Moment, shape
from mailbot.views.webhook_json import OMITTED

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = "#/$defs/{name}"
_EVENT: Fields = [
    ("seq", int),
    ("kind", str),
    ("at", Moment),
    ("by", str),
    ("policy", str),
    ("sentence", str),
]


def message_type(event: type[e.Event]) -> Any:
    """Return the type of the messages about such events, without unknown fields."""
    name = event.__name__
    recorded = shape(f"{name}Event", _EVENT, [("data", _data_type(event))])
    data = shape(f"{name}Matter", [("ticket", ListedTicket), ("event", recorded)])
    head: Fields = [("type", str), ("version", int), ("timestamp", Moment)]
    return shape(f"{name}Message", head, [("data", data)])


def schema(wanted: str = "") -> dict[str, Any]:
    """Return the schema of all messages, or of those of one type. Fields may be added within a version.

    Raises KeyError for a type that there is not.
    """
    if wanted and wanted not in NAMES:
        raise KeyError(wanted)
    chosen = {event: name for event, name in TYPES.items() if wanted in ("", name)}
    kinds = [message_type(event) for event in chosen]
    references, definitions = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    for event, name in chosen.items():
        fixed = definitions[f"{event.__name__}Message"]["properties"]
        fixed["type"], fixed["version"] = {"const": name}, {"const": VERSION}
        definitions[f"{event.__name__}Event"]["properties"]["kind"] = {"const": event.kind}
    return {
        "$schema": DIALECT,
        "title": f"Messages of mailbot's webhooks, version {VERSION}",
        "oneOf": list(references),
        "$defs": {name: _open(definitions[name]) for name in sorted(definitions)},
    }


def schema_text(found: dict[str, Any]) -> str:
    """Write a schema with each of its definitions on one line."""
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in found["$defs"].items()]
    head = {**found, "$defs": {}}
    return (
        json.dumps(head, indent=1).replace('"$defs": {}', '"$defs": {\n' + ",\n".join(lines) + "\n }") + "\n"
    )


def _data_type(event: type[e.Event]) -> Any:
    """Return the type of what `event_json` makes of an event."""
    keys, left_out = EVENT_KEYS | KEYS_BY_EVENT.get(event, {}), ("at", "by", "kind", *OMITTED.get(event, ()))
    hints = {name: hint for name, hint in get_type_hints(event).items() if name not in left_out}
    fields: list[Any] = [(keys.get(name, name), _json_type(hint)) for name, hint in hints.items()]
    if "reason" in hints:  # its code stands beside it where there is one
        fields.append(("reason_code", str | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct(f"{event.__name__}Data", fields, kw_only=True, forbid_unknown_fields=True)


def _json_type(hint: Any) -> Any:
    return str if hint is Reason else hint


def _open(definition: dict[str, Any]) -> dict[str, Any]:
    """Allow further fields: receivers pass by what they do not know."""
    return {key: value for key, value in definition.items() if key not in ("additionalProperties", "title")}
