"""Turn pydantic's validation errors into problems: where in the file, in plain words, what was meant."""

import re
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mailbot.config.yaml.scalars import message_and_hint, shown, suggest
from mailbot.config.yaml.source import Place, Source
from mailbot.errors import Problem

_SECRET = re.compile(
    r"(?i)(^|_)(pass|password|passwd|passphrase|secret|token|credentials?|api_?key|private_?key)($|_)"
)
_MAPPING = "a mapping (`name: value` lines)"
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list (lines that begin with `- `)",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
}
_BOUNDS = {
    "greater_than_equal": ("ge", "is at least"),
    "less_than_equal": ("le", "is at most"),
}

_File = TypeVar("_File", bound=BaseModel)


def validate(model: type[_File], source: Source) -> tuple[_File | None, list[Problem]]:
    """Return the file as its model, or None and every problem with its shape."""
    try:
        return model.model_validate(source.data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    unknown = {_place(source, detail): detail for detail in details if detail["type"] == "extra_forbidden"}
    meant = {(*place[:-1], _meant(model, place)) for place in unknown}
    return None, [_problem(model, source, detail) for detail in details if tuple(detail["loc"]) not in meant]


def _problem(model: type[BaseModel], source: Source, detail: ErrorDetails) -> Problem:
    place, kind, value = _place(source, detail), detail["type"], detail["input"]
    name = next((f"`{part}`" for part in reversed(place) if isinstance(part, str)), "the file")
    if kind == "extra_forbidden":
        return _unknown(model, source, place)
    if kind == "missing":
        return source.at_value(
            place, f"`{detail['loc'][-1]}` is missing here", _describe(model, detail["loc"])
        )
    if kind == "value_error":
        message, hint = message_and_hint(detail["ctx"]["error"])
        where = source.at_key if detail["loc"][-1:] == ("[key]",) else source.at_value
        return where(place, message, hint)
    if kind == "literal_error":
        known = tuple(word.strip("'") for word in re.split(", | or ", detail["ctx"]["expected"]))
        return source.at_value(place, f"{name} can't be `{shown(value)}`", suggest(str(value), known))
    if kind in _KINDS:
        hint = "put quotes around it" if kind == "string_type" and isinstance(value, int | float) else ""
        return source.at_value(place, f"{name} must be {_KINDS[kind]}, not {_kind_of(value)}", hint)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return source.at_value(place, f"{name} {words} {detail['ctx'][key]}, not {shown(value)}")
    return source.at_value(place, f"{name}: {detail['msg'][:1].lower()}{detail['msg'][1:]}")


def _unknown(model: type[BaseModel], source: Source, place: Place) -> Problem:
    key = str(place[-1])
    if _SECRET.search(key):
        in_section = {
            "relay": "MAILBOT_RELAY_PASSWORD",
            "imap": "MAILBOT_IMAP_PASSWORD",
            "webhooks": "MAILBOT_WEBHOOK_SECRET_NAME",
        }
        variable = in_section.get(str(place[0]), "MAILBOT_SECRET")
        hint = f"give it as {variable} or as the systemd credential {variable.lower().replace('_', '-')}"
        return source.at_key(place, f"`{key}`: secrets are not allowed in YAML", hint)
    return source.at_key(place, f"unknown key `{key}`", suggest(key, _fields_at(model, place[:-1])))


def _meant(model: type[BaseModel], place: Place) -> str:
    """Return the key that was probably meant, so that it is not also reported missing."""
    hint = suggest(str(place[-1]), _fields_at(model, place[:-1]))
    return hint.split("`")[1] if hint.startswith("did you mean") else ""


def _place(source: Source, detail: ErrorDetails) -> Place:
    """Return pydantic's `loc` without its tags of unions and validators, and without the missing key."""
    place = tuple(detail["loc"])
    while place and place not in source.values:
        place = place[:-1]
    return place


def _fields_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    found = _model_at(model, place)
    return tuple(_fields_by_key(found)) if found else ()


def _describe(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    found = _model_at(model, loc[:-1])
    field = _fields_by_key(found).get(str(loc[-1])) if found else None
    return f"it is: {field.description}" if field and field.description else ""


def _model_at(annotation: Any, place: Place) -> type[BaseModel] | None:
    """Find the model that describes the mapping at `place`, by walking the types."""
    for part in place:
        model = _inner_model(annotation)
        if model and isinstance(part, str):
            field = _fields_by_key(model).get(part)
            annotation = field.annotation if field else None
        else:
            annotation = _last_argument(annotation)
    return _inner_model(annotation)


def _fields_by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields by their YAML keys."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _last_argument(annotation: Any) -> Any:
    """Return X of list[X] and dict[K, X], through Annotated and `| None`."""
    if hasattr(annotation, "__metadata__"):
        return _last_argument(get_args(annotation)[0])
    if get_origin(annotation) in (list, dict):
        return get_args(annotation)[-1]
    return next((_last_argument(inner) for inner in get_args(annotation) if inner is not type(None)), None)


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation if issubclass(annotation, BaseModel) else None
    if get_origin(annotation) in (list, dict):
        return None
    return next(filter(None, map(_inner_model, get_args(annotation))), None)


def _kind_of(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"`{shown(value)}`" if value not in (None, "") else "nothing"
