"""Read the `when:` of a rule into conditions, and describe it in JSON Schema, from FIELDS and OPERATORS.

A mapping with several keys means all of them; `any`, `all` and `none` take a list of such mappings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailbot.config.yaml.scalars import message_and_hint, shown, suggest
from mailbot.config.yaml.source import Place, Source
from mailbot.domain.routing.conditions import (
    FIELDS,
    HEADER,
    LEARNED,
    AllOf,
    AnyOf,
    NoneOf,
    When,
    build,
    field_of,
    operators_of,
)
from mailbot.domain.routing.field_types import Context
from mailbot.domain.routing.operators import OPERATORS
from mailbot.errors import Problem

GROUPS: Mapping[str, type[AnyOf] | type[AllOf] | type[NoneOf]] = {"any": AnyOf, "all": AllOf, "none": NoneOf}
_LEARNED = "write it like `learned: {is: fraud, at_least: 0.95 precision}`"
_EXAMPLE = "write it like `subject: {contains: [saldo terpotong]}`"


def parse(source: Source, place: Place, value: object, context: Context) -> tuple[When | None, list[Problem]]:
    """Build the conditions at `place`; None and all problems where something is wrong."""
    parser = _Parser(source, context, [])
    when = _all_of(parser, place, value)
    return (None if parser.problems else when), parser.problems


@dataclass(frozen=True, slots=True)
class _Parser:
    source: Source
    context: Context
    problems: list[Problem]

    def report_value(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(self.source.at_value(place, message, hint))

    def report_key(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(self.source.at_key(place, message, hint))


def schema() -> dict[str, object]:
    """Return the JSON Schema of a mapping of conditions; it refers to itself as `#/$defs/When`."""
    several = {"type": "array", "items": {"$ref": "#/$defs/When"}, "minItems": 1}
    groups = {
        "any": {**several, "description": "at least one of these holds"},
        "all": {**several, "description": "all of these hold"},
        "none": {**several, "description": "not one of these holds"},
    }
    fields = {name: _field_schema(name) for name in FIELDS}
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": groups | fields,
        "patternProperties": {r"^header\.[A-Za-z0-9][A-Za-z0-9_-]*$": _field_schema(f"{HEADER}name")},
    }


def _field_schema(name: str) -> dict[str, object]:
    field = field_of(name) or FIELDS[name]
    known = {
        each: {**OPERATORS[each].shape(field.kind).schema, "description": OPERATORS[each].doc}
        for each in operators_of(name)
    }
    shape = {"type": "object", "minProperties": len(known) if name == LEARNED else 1}
    return {**shape, "additionalProperties": False, "properties": known, "description": field.doc}


def _all_of(parser: _Parser, place: Place, value: object) -> When | None:
    if not isinstance(value, dict) or not value:
        kind = "a list" if isinstance(value, list) else f"`{shown(value)}`" if value else "nothing"
        hint = "put `any:` or `all:` before it" if isinstance(value, list) else _EXAMPLE
        parser.report_value(place, f"conditions are needed here, not {kind}", hint)
        return None
    parts: list[When | None] = []
    for key, inner in value.items():
        if key in GROUPS:
            parts.append(_group(parser, (*place, key), inner))
        else:
            parts += _field_conditions(parser, (*place, key), inner)
    return _joined(AllOf, parts)


def _group(parser: _Parser, place: Place, value: object) -> When | None:
    if not isinstance(value, list) or not value:
        parser.report_value(place, f"`{place[-1]}` takes a list of conditions", f"{_EXAMPLE}, after `- `")
        return None
    parts = [_all_of(parser, (*place, index), item) for index, item in enumerate(value)]
    return _joined(GROUPS[str(place[-1])], parts)


def _field_conditions(parser: _Parser, place: Place, value: object) -> list[When | None]:
    field = str(place[-1])
    if field_of(field) is None:
        hint = "write it like `header.x-priority`"
        if not field.startswith(HEADER):
            hint = suggest(field, (*FIELDS, *GROUPS))
        parser.report_key(place, f"there is no field `{shown(field)}`", hint)
        return []
    if not isinstance(value, dict) or not value:
        parser.report_value(place, f"`{field}` needs an operator", _operator_hint(field, value))
        return []
    if field == LEARNED:
        return [_learned(parser, place, value)]
    return [_condition(parser, (*place, operator), inner) for operator, inner in value.items()]


def _learned(parser: _Parser, place: Place, value: dict[Any, object]) -> When | None:
    """Build the one condition that `is` and `at_least` make together."""
    for key in value.keys() - {"is", "at_least"}:
        parser.report_key((*place, key), f"there is no operator `{shown(key)}`", _LEARNED)
        return None
    try:
        return build(LEARNED, "is", [value.get("is"), value.get("at_least")], parser.context)
    except ValueError as error:
        parser.report_value(place, *message_and_hint(error))
        return None


def _condition(parser: _Parser, place: Place, value: object) -> When | None:
    field, operator = str(place[-2]), str(place[-1])
    known = operators_of(field)
    if operator not in known:
        message, hint = f"there is no operator `{shown(operator)}`", suggest(operator, known)
        if operator in OPERATORS:
            message, hint = f"`{field}` can't be asked `{operator}`", f"it knows: {', '.join(known)}"
        if operator[:1].isdigit():  # the rest of {over: 1,5 juta}
            hint = 'between braces a comma ends the value: put quotes around it, "1,5 juta"'
        parser.report_key(place, message, hint)
        return None
    try:
        return build(field, operator, value, parser.context)
    except ValueError as error:
        parser.report_value(_wrong_item(parser, place, value), str(error))
        return None


def _wrong_item(parser: _Parser, place: Place, value: object) -> Place:
    """Find the item of a list that is wrong by itself; else the place of the whole value."""
    field, operator = str(place[-2]), str(place[-1])
    for index, item in enumerate(value if isinstance(value, list) else ()):
        try:
            build(field, operator, [item], parser.context)
        except ValueError:
            return (*place, index)
    return place


def _operator_hint(field: str, value: object) -> str:
    example = shown(value) if isinstance(value, str | int) else "..."
    known = operators_of(field)
    return f"write it like `{field}: {{{known[0]}: {example}}}`; it knows: {', '.join(known)}"


def _joined(group: type[AnyOf] | type[AllOf] | type[NoneOf], parts: list[When | None]) -> When | None:
    found = tuple(part for part in parts if part)
    if not found:
        return None  # each part has its own problem
    return found[0] if len(found) == 1 and group is not NoneOf else group(found)
