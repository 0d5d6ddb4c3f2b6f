"""The tables of docs/conditions.md: what the loader's own tables of fields and operators say, in Markdown."""

from collections.abc import Iterable

from mailbot.domain.routing.conditions import FIELDS, HEADER, OPERATORS, Field, field_of, operators_of


def tables() -> tuple[str, str]:
    """The fields with their operators, the operators with their fields."""
    fields = (*FIELDS.values(), _any_header())
    by_field = ((f"`{each.name}`", each.doc, _code(operators_of(each.name))) for each in fields)
    by_operator = (
        (f"`{name}`", operator.doc, _code(each.name for each in fields if each.kind in operator.kinds))
        for name, operator in OPERATORS.items()
    )
    return (
        _table(("field", "what it is", "can be asked"), by_field),
        _table(("operator", "holds when", "of"), by_operator),
    )


def _any_header() -> Field:
    found = field_of(f"{HEADER}NAME")
    assert found
    return Field(found.name, found.kind, "a header field, as header.x-priority", found.get)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
