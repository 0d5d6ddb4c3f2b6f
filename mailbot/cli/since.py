"""Moments as people type them: "30d" ago, "12h", a date, a date with a time."""

import re
from datetime import UTC, datetime

import click

from mailbot.settings import values

_SHORT = re.compile(r"(?<=[0-9])\s*([dw])\b")  # what the YAML wants written out


def moment(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """For `callback=`: a span before now ("30d", "12 h") or a date, in UTC unless it says otherwise
    ("2026-11-01", "2026-11-01T08:00+07:00")."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        pass
    else:
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        written = _SHORT.sub(lambda unit: " days" if unit[1] == "d" else " weeks", value.strip())
        return datetime.now(UTC) - values.duration(written)
    except ValueError as error:
        hint = f"{value!r} is neither a span nor a date: 30d, 12h, 2026-11-01"
        raise click.BadParameter(hint) from error
