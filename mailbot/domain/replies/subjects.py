"""Subjects of a conversation, without what mail programs and our numbers add."""

import re2

_SUBJECT_LIMIT = 1_000
_REPLY_PREFIX = re2.compile(
    r"(?i)(?:re|aw|antw|sv|vs|odp|bls|balasan|balas|res|回复|回覆|答复|返信)\s?(?:\[[0-9]{1,3}\])?\s?[:：]\s*"
)
_PREFIXES = 6
_NUMBERS = re2.compile(r"\[[A-Z]{2,10}-[0-9]{8,12}-[0-9]\]")


def base_subject(subject: str) -> str:
    """Return a subject without our numbers and without "Re:" in front, however often it is there."""
    subject = " ".join(_NUMBERS.sub(" ", subject[:_SUBJECT_LIMIT]).split())
    for _ in range(_PREFIXES):
        if not (found := _REPLY_PREFIX.match(subject)):
            break
        subject = subject[found.end() :]
    return subject


def is_reply_subject(subject: str) -> bool:
    """Check for a subject that answers another one."""
    return _REPLY_PREFIX.match(subject.lstrip(" [(")) is not None
