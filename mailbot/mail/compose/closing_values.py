"""The values that only the closing word has: its first sentence, and the survey's five answers."""

from typing import Any
from urllib.parse import quote

from mailbot.domain.notices import Closing

_SENTENCE = 200  # characters: a longer text stands below the band
_SCORES = range(1, 6)
_SUBJECT = {"id": "Penilaian {number}: {score}", "en": "Rating {number}: {score}"}


def closing_values(notice: Closing, text: str, language: str, address: str) -> dict[str, Any]:
    """Return `sentence`, `text` without it, and `answers` with `score` and `link` of each.

    `address`: where ratings of this ticket go. A `link` opens a mail that is ready to be sent (RFC 6068).
    """
    is_sentence = "\n" not in text and len(text) <= _SENTENCE
    return {
        "sentence": text if is_sentence else "",
        "text": "" if is_sentence else text,
        "answers": tuple(_answer(notice, score, language, address) for score in _SCORES)
        if notice.survey
        else (),
    }


def _answer(notice: Closing, score: int, language: str, address: str) -> dict[str, Any]:
    subject = quote(_SUBJECT[language].format(number=notice.number, score=score))
    return {"score": score, "link": f"mailto:{quote(address, safe='@+')}?subject={subject}&body={score}"}
