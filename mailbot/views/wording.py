"""How sentences are worded for one reader: language, times, spans, and what keys and people are called."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from mailbot.domain import labels, reasons
from mailbot.domain.actor import Actor
from mailbot.domain.model import Target
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.views.clean_text import clean
from mailbot.views.formats import format_duration, format_time

_ADDRESS = re.compile(r"(?:\b(?:agent|agen) )?([\w.+-]+@[\w.-]*\w)")
_UNITS = {"d": "hari", "h": "jam", "min": "mnt", "s": "dtk", "ms": "md"}
_GRADES = {"low": "rendah", "normal": "biasa", "medium": "sedang", "high": "tinggi", "critical": "kritis"}


class Wording:
    """The words of the shell: English, with keys and addresses as they are stored."""

    language = "en"

    def __init__(self, zone: str) -> None:
        self.zone = zone

    def t(self, indonesian: str, english: str) -> str:
        """Return the text in the reader's language."""
        return indonesian if self.language == "id" else english

    def time(self, at: datetime) -> str:
        return format_time(at, self.zone)

    def span(self, length: timedelta) -> str:
        """Return "2 h 5 min", "2 jam 5 mnt"."""
        words = format_duration(length).split()
        return " ".join(words if self.language == "en" else (_UNITS.get(word, word) for word in words))

    def target(self, target: Target) -> str:
        return spaced(target)

    def grade(self, value: str) -> str:
        """Return what an urgency or a complexity is called."""
        return _GRADES.get(value, value) if self.language == "id" else value

    def label(self, kind: str, key: str) -> str:
        """Return what a category, priority, team, level, rule or cause is called."""
        return key

    def actor(self, by: Actor) -> str:
        """Return "agent ayu@...", "operator eko", "the customer", "the policy"."""
        kind = reasons.term("actor", by.kind, "id") if self.language == "id" else by.kind
        return f"{kind} {clean(by.name)}" if by.name else self.t(kind, f"the {kind}")

    def reason(self, reason: Reason) -> str:
        return reasons.render(reason, self.language)

    def rule_reason(self, reason: Reason) -> str:
        """Return why a rule matched."""
        return self.reason(reason)


class PageWording(Wording):
    """The words of pages: in the reader's language, with labels and agents' names."""

    def __init__(self, policy: Policy, language: str, zone: str, now: datetime) -> None:
        super().__init__(zone)
        self.policy, self.language, self.now = policy, language, now
        self._names = {each.address: each.name for each in policy.agents.values()}

    def time(self, at: datetime) -> str:
        from mailbot.mail.compose.times import short_time

        return short_time(at, self.language, self.zone, self.now)

    def target(self, target: Target) -> str:
        return reasons.term("target", target, self.language)

    def label(self, kind: str, key: str) -> str:
        return labels.label(self.policy, kind, key, self.language)

    def reason(self, reason: Reason) -> str:
        from mailbot.mail.compose.notice_values import with_labels

        return self.in_text(super().reason(with_labels(reason, self.policy, self.language)))

    def rule_reason(self, reason: Reason) -> str:
        return self.reason(rule_words(reason))

    def in_text(self, text: str) -> str:
        """Put agents' names in the place of their addresses."""
        return replace_addresses(text, self._names)


def replace_addresses(text: str, names: Mapping[str, str]) -> str:
    """Put names in the place of all addresses in a sentence that are known."""
    return _ADDRESS.sub(lambda found: names.get(found[1], found[0]), text)


def rule_words(reason: Reason) -> Reason:
    """Return why a rule matched in words. Without them on record it is the condition, but no long pattern."""
    words = reason.params.get("words")
    if isinstance(words, Reason):
        return words
    return reasons.of("fits_rule") if shorten_patterns(str(reason)) != str(reason) else reason


def capitalised(text: str) -> str:
    """Return a sentence with a capital letter, unless it begins with an address."""
    return text if "@" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def spaced(name: str) -> str:
    """Return "first response" for "first_response"."""
    return name.replace("_", " ")
