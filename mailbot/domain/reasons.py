"""Why something happened, as data: a code and its parameters, rendered in the reader's language.

Theory of operation. Events, notices, refusals and stored mail keep a `Reason`, never a sentence. `render`
makes the sentence from `reason_texts.TEXTS` at the moment when it is read. Code branches on `code` alone.
What a person wrote is `written(text)`. Adding a reason means one entry in TEXTS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailbot.domain.people.identities import label
from mailbot.domain.reason_texts import TERMS, TEXTS


@dataclass(frozen=True, slots=True)
class Reason:
    """In JSON {"code": ..., "params": {...}}. False without a code. As `str` it is English, for shell and
    log.
    """

    code: str = ""
    # Not hashed, so that a reason can be a key: two that differ in parameters alone are still unequal.
    params: Mapping[str, "str | int | Reason | tuple[Reason, ...]"] = field(default_factory=dict, hash=False)

    def __bool__(self) -> bool:
        return bool(self.code)

    def __str__(self) -> str:
        return render(self, "en")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command was not carried out: nothing is recorded."""

    reason: Reason

    def __str__(self) -> str:
        return str(self.reason)


NO_REASON = Reason()
LABEL = "label"  # its parameters are a text for each language


def of(code: str, **params: "str | int | Reason | tuple[Reason, ...]") -> Reason:
    """Return the reason of that code, a key of TEXTS whose text names these parameters."""
    return Reason(code, params)


def refuse(code: str, **params: "str | int | Reason | tuple[Reason, ...]") -> Refusal:
    return Refusal(Reason(code, params))


def written(text: str) -> Reason:
    """Return the words of a person as a reason; no words are no reason."""
    return Reason("text", {"text": text}) if text else NO_REASON


def words_of(reason: Reason) -> str:
    """Return what a person wrote, "" for a reason of our own."""
    return str(reason.params.get("text", "")) if reason.code == "text" else ""


def together(*reasons: Reason) -> Reason:
    """Return several reasons as one; those without a code are left out."""
    given = tuple(reason for reason in reasons if reason)
    return given[0] if len(given) == 1 else Reason("together", {"reasons": given}) if given else NO_REASON


def parts(reason: Reason) -> tuple[Reason, ...]:
    """Return the reasons that it is made of, of a single one itself."""
    found = reason.params["reasons"] if reason.code == "together" else (reason,)
    assert isinstance(found, tuple)
    return found


def codes(reason: Reason) -> tuple[str, ...]:
    """Return the code, and the codes of the parts where the reason is made of several."""
    return (reason.code, *(part.code for part in parts(reason) if part is not reason))


class _Params(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def render(reason: Reason, language: str) -> str:
    """Return the sentence, without a full stop, in "id" or else in English.

    Nothing stored by another version makes it fail: an unknown code is shown with its parameters, a missing
    parameter as its name.
    """
    language = language if language == "id" else "en"
    if reason.code == LABEL:
        return str(reason.params.get(language, ""))
    params = _Params({name: _param(name, value, language) for name, value in reason.params.items()})
    text = TEXTS.get(reason.code)
    if text is None:
        return " ".join((reason.code, *params.values()))
    return text[language == "id"].format_map(params)


def _param(name: str, value: "str | int | Reason | tuple[Reason, ...]", language: str) -> str:
    if isinstance(value, Reason):
        return render(value, language)
    if isinstance(value, tuple):
        return "; ".join(render(part, language) for part in value)
    if name == "actor":
        kind, _, whom = str(value).partition(":")
        return f"{term('actor', kind, language)} {whom}".rstrip()
    return label(term(name, str(value), language))


def term(name: str, value: str, language: str) -> str:
    """Return what a fixed value of the parameter `name` is called, the value itself where it is free."""
    return TERMS[name][value][language == "id"] if value in TERMS.get(name, {}) else value
