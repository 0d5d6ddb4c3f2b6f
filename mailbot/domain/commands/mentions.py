"""Mentions in notes: `@ayu` notifies that colleague, in whatever team."""

from datetime import datetime

import re2

from mailbot.domain import notify, reasons
from mailbot.domain.actor import Actor
from mailbot.domain.commands.registry import find_agent
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import NoticeKind
from mailbot.domain.policy import Policy

MOST = 10  # colleagues that one note notifies
# No counted repeats of letters: re2 would build a huge automaton for them.
_MENTION = re2.compile(r"(?:^|[\s(])@([\pL\pN][\pL\pN._-]+)")


def mentioned(text: str, policy: Policy) -> tuple[str, ...]:
    """Return the addresses of the agents that a note mentions: by local part, first or whole name without spaces.

    A name that fits nobody, or several, is text like any other.
    """
    names = (match.rstrip("._-") for match in _MENTION.findall(text))
    found = (find_agent(name, policy) for name in names)
    return tuple(dict.fromkeys(each for each in found if isinstance(each, str)))[:MOST]


def notify_mentioned(builder: DecisionBuilder, text: str, by: Actor, policy: Policy, now: datetime) -> None:
    """Notify the colleagues whom the note mentions. Who wrote it gets nothing."""
    others = tuple(each for each in mentioned(text, policy) if each != by.name)
    if not others:
        return
    why = reasons.of("mentioned", agent=by.name)
    notify.notify_team(builder, policy, now, NoticeKind.NOTIFY, why, recipients=others)
