"""Say in words why a rule matched: its conditions as reasons, without patterns and keys."""

from collections.abc import Iterable, Sequence
from functools import reduce

from mailbot.domain import reasons
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.routing.conditions import HEADER, LEARNED, MatchedPart, RoutingFacts, value_of
from mailbot.domain.routing.field_types import Kind
from mailbot.domain.routing.text import Text
from mailbot.domain.routing.text_operators import WORDS, compiled_pattern

_LONGEST = 40  # characters of what a pattern found
_MOST = 3  # conditions of one rule
_SENTENCES = {
    "contains": "field_has",
    "contains_all": "field_has",
    "mentions": "field_has",
    "matches": "field_has",
    "is": "field_is",
    "under": "field_is",
    "starts_with": "field_starts",
    "ends_with": "field_ends",
    "listed_in": "field_listed",
    "over": "field_over",
    "below": "field_below",
    "within": "came_within",
    "in_calendar": "came_within",
    "outside_calendar": "came_outside",
}
_OF_THE_TEXT = ("text", "body", "new_text", "new_body")
_WITHOUT_WORDS = ("fact_holds", "fact_fails", "field_exists", "field_missing")


def in_words(parts: Sequence[MatchedPart], facts: RoutingFacts) -> Reason:
    """Return why the rule of these conditions matched. What only its form could show is left out."""
    told: dict[tuple[str, str], list[Reason]] = {}
    for part in parts:
        code, field = _sentence_of(part)
        words = _words_of(part, facts)
        if code and (words or code in _WITHOUT_WORDS):
            told.setdefault((code, field), []).extend(words)
    sentences = [_sentence(code, field, words) for (code, field), words in list(told.items())[:_MOST]]
    return _joined(sentences) or reasons.of("fits_rule")


def _sentence_of(part: MatchedPart) -> tuple[str, str]:
    """Return the code of a sentence, and the name of its field among the terms; "" for no sentence."""
    condition = part.condition
    if condition is None:
        return "", ""
    field = "header" if condition.field.startswith(HEADER) else condition.field
    if part.values and isinstance(part.values[0], bool):
        if condition.operator == "exists":
            return ("field_exists" if part.values[0] else "field_missing"), field
        return ("fact_holds" if part.values[0] else "fact_fails"), field
    code = "like_earlier" if field == LEARNED else _SENTENCES[condition.operator]
    return ("text_has" if code == "field_has" and field in _OF_THE_TEXT else code), field


def _sentence(code: str, field: str, words: Sequence[Reason]) -> Reason:
    if code in ("fact_holds", "fact_fails"):
        return Reason(code, {"fact": field})
    if code in ("field_exists", "field_missing"):
        return Reason(code, {"field": field})
    shown = _joined(words)
    if code in ("text_has", "like_earlier", "came_within", "came_outside"):
        return Reason(code, {"words": shown})
    return Reason(code, {"field": field, "words": shown})


def _joined(several: Iterable[Reason]) -> Reason:
    """Join with "and"; no reason when there are none."""
    given = list(dict.fromkeys(several))
    return (
        reduce(lambda first, second: reasons.of("both", first=first, second=second), given)
        if given
        else NO_REASON
    )


def _words_of(part: MatchedPart, facts: RoutingFacts) -> list[Reason]:
    """Return the values that matched, of a pattern the words that it found."""
    condition = part.condition
    if condition is None or (part.values and isinstance(part.values[0], bool)):
        return []
    if condition.operator == "matches":
        found = _found_by(str(part.values[0]), value_of(condition, facts))
        return [reasons.written(f'"{found}"')] if found else []
    kind = part.kind
    if kind is Kind.LEARNED:
        return [reasons.written(f'"{words}"') for words in part.values[1:]]
    if kind in WORDS:
        return [reasons.of("value", value=str(value)) for value in part.values]
    quoted = kind not in (Kind.SIZE, Kind.COUNT, Kind.AMOUNT, Kind.MOMENT)
    return [reasons.written(f'"{value}"' if quoted else str(value)) for value in part.values]


def _found_by(pattern: str, texts: object) -> str:
    compiled = compiled_pattern(pattern)
    for text in texts if isinstance(texts, tuple) else ():
        if isinstance(text, Text) and (match := compiled.search(text.one_line)):
            found = " ".join(match[0].split())
            return found if len(found) <= _LONGEST else ""
    return ""
