"""Turn the receipt for an agent's commands into the values that only its templates have."""

from datetime import datetime

from mailbot.domain.commands.results import Outcome, Result
from mailbot.domain.notices import Receipt
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import render
from mailbot.mail.compose.cleaning import header_text
from mailbot.mail.compose.notice_values import Value, with_labels
from mailbot.mail.compose.notice_words import WORDS
from mailbot.mail.compose.times import clock_time


def receipt_values(
    notice: Receipt | Outcome, policy: Policy | None, *, language: str, zone: str, now: datetime
) -> dict[str, Value]:
    """Return `results`, a sentence for each command, and `next_steps`, what comes by itself."""

    def sentence(result: Result) -> str:
        text = header_text(render(with_labels(result.reason, policy, language), language), 300)
        return f"{text} {clock_time(result.until, language, zone, now)}" if result.until else text

    steps = (
        f"{clock_time(at, language, zone, now)} {render(with_labels(reason, policy, language), language)}"
        for at, reason in notice.next_steps
    )
    shown = header_text(", ".join(steps), 300)
    return {
        "results": tuple(map(sentence, notice.done)),
        "next_steps": WORDS[language]["next"].format(steps=shown) if shown else "",
    }
