"""Read what was filled into a form's fields, and say what the ticket gets of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from mailbot.domain.routing.text_operators import compiled_pattern
from mailbot.domain.web_forms.model import FieldKind, FormField, WebForm

LONGEST = {FieldKind.TEXT: 200, FieldKind.LONG_TEXT: 5_000}  # characters
LONGEST_OTHER = 100
_NUMBER = re.compile("[+-]?[0-9](?:[0-9.,]{0,30}[0-9])?")
_DATE = re.compile("([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")


class Fault(StrEnum):
    """What is wrong with an answer."""

    MISSING = "missing"
    LONG = "long"
    PATTERN = "pattern"
    CHOICE = "choice"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a customer filled in.

    - `values`: by the field's name, as the ticket shows them. `faults`: by the field's name; empty where all is well.
    - `lines`: "Label: value", in the order of the form. `subject`: "" where no field is the subject.
    - `details` and `tags`: what the ticket gets.
    """

    values: Mapping[str, str]
    faults: Mapping[str, Fault]
    lines: tuple[str, ...]
    subject: str
    details: Mapping[str, str]
    tags: tuple[str, ...]


def read_answers(form: WebForm, given: Mapping[str, str], language: str) -> Answers:
    """Read the answers of a form, `given` by the names of its fields. What the form does not have is ignored."""
    values, faults = dict[str, str](), dict[str, Fault]()
    for field in form.fields:
        read = read_answer(field, given.get(field.name, "").strip())
        if isinstance(read, Fault):
            faults[field.name] = read
        elif read:
            values[field.name] = read
    answered = [(field, values[field.name]) for field in form.fields if field.name in values]
    chosen = [option for field, value in answered for option in field.options if option.value == value]
    return Answers(
        values,
        faults,
        tuple(_line(field, value, language) for field, value in answered),
        next((_shown(field, value, language) for field, value in answered if field.is_subject), ""),
        {field.detail: _shown(field, value, language) for field, value in answered if field.detail},
        tuple(dict.fromkeys(option.tag for option in chosen if option.tag)),
    )


def read_answer(field: FormField, text: str) -> str | Fault:
    """Return one answer in the form in which it is kept, "" for none, or what is wrong with it."""
    if not text:
        return Fault.MISSING if field.required else ""
    if len(text) > LONGEST.get(field.kind, LONGEST_OTHER):
        return Fault.LONG
    match field.kind:
        case FieldKind.CHOICE:
            return text if text in {option.value for option in field.options} else Fault.CHOICE
        case FieldKind.NUMBER:
            return text if _NUMBER.fullmatch(text) else Fault.NUMBER
        case FieldKind.DATE:
            return _read_date(text)
    if field.pattern and not compiled_pattern(field.pattern).fullmatch(text):
        return Fault.PATTERN
    return text


def _read_date(text: str) -> str | Fault:
    """Read "2026-11-30", or "30/11/2026" where a browser has no field for dates."""
    day_first = _DATE.fullmatch(text)
    try:
        found = date(*map(int, day_first.group(3, 2, 1))) if day_first else date.fromisoformat(text)
    except ValueError:
        return Fault.DATE
    return found.isoformat()


def _line(field: FormField, value: str, language: str) -> str:
    shown = _shown(field, value, language)
    return f"{text_in(field.labels, language)}:{chr(10) if chr(10) in shown else ' '}{shown}"


def _shown(field: FormField, value: str, language: str) -> str:
    labels = {option.value: option.labels for option in field.options}
    return text_in(labels[value], language) if value in labels else value


def text_in(texts: Mapping[str, str], language: str) -> str:
    """Return a text in this language, or in any other."""
    return texts.get(language) or next(iter(texts.values()), "")
