"""Mails of real programs are parsed to the values that a person sees in them."""

import dataclasses
import json
from pathlib import Path

import pytest

from mailbot.domain.reasons import Reason
from mailbot.mail.parsing.parse import parse

MAILS = sorted((Path(__file__).parent / "mails").glob("*.eml"))


def _plain(value: object) -> object:
    """Convert to JSON: tuples as lists, a reason as its English text, an attachment as name, type, size."""
    if isinstance(value, Reason):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return [value.name, value.type, value.size]  # type: ignore[attr-defined]
    return value


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_mail_is_parsed_to_its_expected_values(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    mail = parse(path.read_bytes())
    read = {name: _plain(getattr(mail, name)) for name in expected}
    for attachment, (_, _, size) in zip(mail.attachments, expected.get("attachments", ()), strict=False):
        if size is None:
            read["attachments"][mail.attachments.index(attachment)][2] = None

    assert read == expected
