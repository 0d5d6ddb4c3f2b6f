"""Make the JSON Schemas of the four files, for editors, and the tables of docs/conditions.md."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from mailbot.config.files.escalation import EscalationFile
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.files.routing import RoutingFile
from mailbot.config.files.teams import TeamsFile
from mailbot.config.yaml import conditions
from mailbot.domain.routing.conditions import FIELDS, HEADER, Field, field_of, operators_of
from mailbot.domain.routing.operators import OPERATORS

MODELS: dict[str, type[BaseModel]] = {
    "mailbot": MailbotFile,
    "teams": TeamsFile,
    "routing": RoutingFile,
    "escalation": EscalationFile,
}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of "routing" or "routing.yaml"; KeyError for an unknown file."""
    model = MODELS[name.removesuffix(".yaml")]
    found = model.model_json_schema()
    if model is RoutingFile:
        found["$defs"]["When"] = conditions.schema()
        rule = found["$defs"]["RuleEntry"]["properties"]
        rule["when"] = {"$ref": "#/$defs/When", "description": rule["when"]["description"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def condition_tables() -> tuple[str, str]:
    """Return two Markdown tables: the fields with their operators, the operators with their fields."""
    header = field_of(f"{HEADER}NAME")
    assert header
    any_header = Field(header.name, header.kind, "a header field, as header.x-priority", header.get)
    fields = (*FIELDS.values(), any_header)
    by_field = ((f"`{field.name}`", field.doc, _code(operators_of(field.name))) for field in fields)
    by_operator = (
        (f"`{name}`", operator.doc, _code(field.name for field in fields if field.kind in operator.kinds))
        for name, operator in OPERATORS.items()
    )
    return (
        _table(("field", "what it is", "can be asked"), by_field),
        _table(("operator", "holds when", "of"), by_operator),
    )


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
