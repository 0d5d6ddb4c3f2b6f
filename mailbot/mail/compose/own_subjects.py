"""Which subjects do our acknowledgements have? By them an answer is known that names no Message-ID of ours."""

from collections.abc import Iterable, Iterator

from mailbot.domain.notices import Acknowledgement
from mailbot.domain.policy import Mailbox
from mailbot.domain.ticket_number import bracketed
from mailbot.mail.compose.cleaning import header_text
from mailbot.mail.compose.template_values import (
    LANGUAGES,
    SAMPLE_NOW,
    build_values,
    sample_notices,
)
from mailbot.mail.compose.templates import KINDS, TemplateFailed, Templates

_SHORTEST = 8  # characters: anything shorter stands in subjects of others too


def acknowledgement_subjects(templates: Templates, boxes: Iterable[Mailbox]) -> Iterator[str]:
    """Yield each subject, of every variant, language and mailbox, without number and customer's subject."""
    found: set[str] = set()
    for file in templates.compiled:
        language, _, name = file.partition("/")
        notice, kind = name.removesuffix(".j2").rpartition(".")[::2]
        if kind == KINDS[0] and notice.partition(".")[0] == Acknowledgement.name and language in LANGUAGES:
            found.update(_render(templates, notice, language, box) for box in boxes)
    yield from (each for each in sorted(found) if len(each) >= _SHORTEST)


def _render(templates: Templates, name: str, language: str, box: Mailbox) -> str:
    sample = sample_notices(Acknowledgement.name, language)[1]  # the one without the customer's subject
    values = build_values(sample, box, language=language, zone="UTC", now=SAMPLE_NOW)
    try:
        subject = templates.render(name, language, KINDS[0], values)
    except TemplateFailed:
        return ""
    return header_text(subject.replace(bracketed(sample.number), "").replace(sample.number, ""))
