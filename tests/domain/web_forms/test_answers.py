"""What may be filled into a form's fields, and what the ticket gets of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.web_forms.answers import Fault, read_answer, read_answers
from mailbot.domain.web_forms.model import FieldKind, FormField, Option, WebForm

LABELS = {"id": "Nomor pesanan", "en": "Order number"}
ORDER = FormField("pesanan", LABELS, pattern="INV-[0-9]{6}", required=True, detail="order_number")
ABOUT = FormField(
    "perihal",
    {"id": "Perihal", "en": "About"},
    FieldKind.CHOICE,
    options=(
        Option("retur", {"id": "Retur", "en": "Return"}, "return"),
        Option("lain", {"id": "Lain", "en": "Other"}),
    ),
    is_subject=True,
)
STORY = FormField("cerita", {"id": "Cerita", "en": "Story"}, FieldKind.LONG_TEXT)
FORM = WebForm("kontak", "support@dukungan.example", {"id": "Kontak"}, (ORDER, ABOUT, STORY))


def test_answers_become_lines_details_tags_and_the_subject() -> None:
    filled = {"pesanan": " inv-204815 ", "perihal": "retur", "cerita": "satu\ndua", "lain": "x"}
    answers = read_answers(FORM, filled, "id")
    assert answers.faults == {}
    assert answers.lines == ("Nomor pesanan: inv-204815", "Perihal: Retur", "Cerita:\nsatu\ndua")
    assert (answers.subject, answers.details, answers.tags) == (
        "Retur",
        {"order_number": "inv-204815"},
        ("return",),
    )


def test_labels_follow_the_language_of_the_page() -> None:
    answers = read_answers(FORM, {"pesanan": "INV-204815", "perihal": "lain"}, "en")
    assert answers.lines == ("Order number: INV-204815", "About: Other")
    assert answers.tags == ()


@pytest.mark.parametrize(
    ("field", "text", "read"),
    [
        (ORDER, "", Fault.MISSING),
        (ORDER, "204815", Fault.PATTERN),
        (ORDER, "INV-204815 dan lagi", Fault.PATTERN),
        (ORDER, "I" * 201, Fault.LONG),
        (ABOUT, "", ""),
        (ABOUT, "Retur", Fault.CHOICE),
        (STORY, "x" * 5_001, Fault.LONG),
        (FormField("n", LABELS, FieldKind.NUMBER), "1.250.000,50", "1.250.000,50"),
        (FormField("n", LABELS, FieldKind.NUMBER), "-3", "-3"),
        (FormField("n", LABELS, FieldKind.NUMBER), "3 buah", Fault.NUMBER),
        (FormField("d", LABELS, FieldKind.DATE), "2026-11-30", "2026-11-30"),
        (FormField("d", LABELS, FieldKind.DATE), "3/1/2027", "2027-01-03"),
        (FormField("d", LABELS, FieldKind.DATE), "2026-02-30", Fault.DATE),
        (FormField("d", LABELS, FieldKind.DATE), "besok", Fault.DATE),
    ],
)
def test_each_kind_takes_its_own_answers(field: FormField, text: str, read: str) -> None:
    assert read_answer(field, text) == read


@given(
    st.dictionaries(st.sampled_from(["pesanan", "perihal", "cerita", "x"]), st.text()),
    st.sampled_from(["id", "en", "zz"]),
)
def test_any_answers_are_read(filled: dict[str, str], language: str) -> None:
    answers = read_answers(FORM, filled, language)
    assert set(answers.tags) <= {"return"}
    assert set(answers.details) <= {"order_number"}
    assert set(answers.faults) | set(answers.values) <= {"pesanan", "perihal", "cerita"}
