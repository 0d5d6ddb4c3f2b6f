"""Test what readers see instead of keys."""

import pytest

from mailbot.domain.labels import in_words, label, labels
from tests.builders import policy

LABELLED = policy(
    labels={
        "team": {"payments": {"id": "Pembayaran", "en": "Payments team"}},
        "priority": {"urgent": {"id": "Segera", "en": "At once"}},
    },
)


def test_a_label_is_in_the_language_of_its_reader() -> None:
    assert label(LABELLED, "team", "payments", "id") == "Pembayaran"
    assert label(LABELLED, "team", "payments", "de") == "Payments team"
    assert labels(LABELLED, "team", "payments") == {"id": "Pembayaran", "en": "Payments team"}


def test_a_priority_has_a_label_and_the_policy_may_change_it() -> None:
    assert label(LABELLED, "priority", "high", "id") == "Tinggi"
    assert label(LABELLED, "priority", "urgent", "id") == "Segera"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("payment/double", "Payment: double"),
        ("first_response", "First response"),
        ("a_/_b__c", "A: b c"),
        ("L1", "L1"),
        ("top-up", "Top-up"),
        ("", ""),
    ],
)
def test_a_key_without_a_label_is_shown_in_words(key: str, words: str) -> None:
    assert in_words(key) == words
    assert label(LABELLED, "category", key, "id") == words
