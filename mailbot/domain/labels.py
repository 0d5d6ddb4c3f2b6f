"""Name categories, priorities, teams, levels and rules for readers. Their keys stay inside."""

from collections.abc import Mapping
from functools import lru_cache

from mailbot.domain.policy import Policy
from mailbot.domain.reasons import LABEL, Reason

Label = Mapping[str, str]  # by language

# Values that are the same in every policy. A policy's own labels go before them.
_BUILT_IN: Mapping[str, Mapping[str, Label]] = {
    "priority": {
        "low": {"id": "Rendah", "en": "Low"},
        "normal": {"id": "Biasa", "en": "Normal"},
        "high": {"id": "Tinggi", "en": "High"},
        "urgent": {"id": "Mendesak", "en": "Urgent"},
    },
    "category": {"general": {"id": "Umum", "en": "General"}},
    "channel": {
        "mail": {"id": "Email", "en": "Email"},
        "form": {"id": "Formulir web", "en": "Web form"},
        "page": {"id": "Halaman tiket", "en": "Page of a ticket"},
        "api": {"id": "API", "en": "API"},
        "whatsapp": {"id": "WhatsApp", "en": "WhatsApp"},
        "telegram": {"id": "Telegram", "en": "Telegram"},
    },
}
_NONE: Label = {}


def label(policy: Policy, kind: str, key: str, language: str) -> str:
    """Return what `key` is called in "id", else in English.

    `kind` is one of category, priority, team, level, rule, cause, channel. Without a label it is the key in words.
    """
    return labels(policy, kind, key)["id" if language == "id" else "en"]


def labels(policy: Policy, kind: str, key: str) -> Label:
    """Return the label in both languages, as notices hold it. An empty key has empty labels."""
    return find(policy.labels, kind, key)


def find(given: Mapping[str, Mapping[str, Label]], kind: str, key: str) -> Label:
    """Return the label that `given` has (see `Policy.labels`), a built-in one, or the key in words."""
    known = given.get(kind, {}).get(key) or _BUILT_IN.get(kind, {}).get(key, _NONE)
    words = in_words(key)
    return {language: known.get(language) or words for language in ("id", "en")}


def as_reason(policy: Policy, kind: str, key: str) -> Reason:
    """Return the label as a part of a reason: it is read in the language of the reason's reader."""
    return Reason(LABEL, labels(policy, kind, key))


@lru_cache(maxsize=1024)  # keys of the policy, in each notice again
def in_words(key: str) -> str:
    """Return a key as people write it: `payment/double_charge` is "Payment: double charge"."""
    words = ": ".join(" ".join(part.split()) for part in key.replace("_", " ").split("/") if part.strip())
    return words[:1].upper() + words[1:]
