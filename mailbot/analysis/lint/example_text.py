"""Words added to an example mail, so that its language or its amounts are as required."""

from collections.abc import Iterator, Mapping, Sequence

from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.text.solver import failing
from mailbot.domain import language

# Common words of each language that rules rarely test. "" is text in no language.
_WORDS = {
    "id": (
        "Saya sudah lama menunggu dan belum ada kabar sampai sekarang.",
        "Mohon maaf, tadi pagi kami juga begitu, apakah bisa?",
        "ini itu dan yang untuk dengan dari pada oleh tentang " * 3,
    ),
    "en": (
        "I have been there since yesterday and have not seen anything yet.",
        "Could you please tell us what they said about it?",
        "the and this that these those here there which who " * 3,
    ),
    "": ("Lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor. " * 4, "..."),
}


def whole_body(new_body: str, beside: str, footer: str) -> str:
    """Write a body of these parts: what stands beside the new text is quoted, the footer is a signature."""
    quoted = "\n".join(f"> {line}" for line in beside.split("\n")) if beside else ""
    return "\n\n".join(filter(None, (new_body, quoted, f"-- \n{footer}" if footer else "")))


def in_language(
    subject: str, body: str, languages: Sequence[str], slots: Mapping[str, list[Literal]]
) -> tuple[str, str]:
    """Add words to subject or body until the language is one of `languages`.

    Returns both unchanged where that fails. The engine notices it, and nothing is proven by it.
    """
    for wanted in languages:
        for words in ("", *_WORDS[wanted]):
            for new_subject, new_body in _placed(subject, body, words.strip()):
                if language.guess(f"{new_subject}\n{new_body}") != wanted:
                    continue
                if not failing(slots.get("subject", ()), new_subject) and not failing(
                    slots.get("body", ()), new_body
                ):
                    return new_subject, new_body
    return subject, body


def _placed(subject: str, body: str, words: str) -> Iterator[tuple[str, str]]:
    if not words:
        yield subject, body
        return
    yield subject, f"{body}\n{words}"
    yield subject, f"{words}\n{body}"
    yield f"{subject} {words}", body
    yield f"{words} {subject}", body


def with_amounts(
    subject: str, body: str, amounts: Sequence[str], slots: Mapping[str, list[Literal]]
) -> tuple[str, str]:
    """Add amounts to subject or body, where the literals of `slots` allow it; else return both unchanged."""
    for each in _placed(subject, body, "\n".join(amounts)):
        if not failing(slots.get("subject", ()), each[0]) and not failing(slots.get("body", ()), each[1]):
            return each
    return subject, body
