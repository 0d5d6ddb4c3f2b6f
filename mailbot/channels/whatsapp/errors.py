"""What WhatsApp's errors mean for a message: whose trouble it is, and plain words for it.

Codes: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes.
"""

from datetime import timedelta
from typing import Any

from mailbot.channels.http_client import Answer
from mailbot.channels.loose import at, number_at, text_at
from mailbot.channels.seam import Result
from mailbot.domain.model import AttemptOutcome
from mailbot.mail.compose.cleaning import header_text

CLOSED = "the customer last wrote more than 24 hours ago: WhatsApp takes no free text now"
PAUSES = {4: 60, 80007: 60, 130429: 30, 131048: 600, 131056: 60}  # seconds, by code
# Troubles of our account or number, whoever the message is for.
OURS = frozenset({3, 4, 10, 190, 368, 80007, 130429, 131005, 131031, 131042, 131048, 133010})
PASSING = frozenset({1, 2, 131000, 131016, 131057, 133004})
# As a mail server's status (RFC 3463): the person gets no automatic messages for a week, or until they write.
STATUS = {131026: "5.2.0 "}
WORDS = {
    190: "the token is no longer valid: set MAILBOT_WHATSAPP_TOKEN",
    368: "Meta has blocked the account for breaking a rule",
    131026: "WhatsApp can't deliver to this number: it has no WhatsApp, an old version, or has blocked us",
    131042: "the account's payment method does not work",
    131047: CLOSED,
    131049: "WhatsApp holds it back: this customer gets many such messages",
    131053: "WhatsApp does not take this file",
    132000: "the template has another number of parameters: it needs the ticket's number alone",
    132001: "there is no approved template of that name in that language",
    132015: "WhatsApp has paused the template, because people complained about it",
    132016: "WhatsApp has disabled the template, because people complained about it",
    133010: "the number is not registered at the Cloud API",
}


def explain(error: Any) -> str:
    """Return what an error means in plain words, with its code."""
    code, theirs = int(number_at(error, "code")), text_at(error, "message") or text_at(error, "title")
    words = WORDS.get(code) or header_text(theirs, 120) or "no reason given"
    return f"{STATUS.get(code, '')}{words} (WhatsApp {code})"


def judge(answer: Answer) -> Result:
    """Return what a reply that is not good means for what was sent."""
    error, status = at(answer.json, "error"), answer.status
    code, text = int(number_at(error, "code")), explain(error) if error else f"WhatsApp answers {status}"
    seconds = PAUSES.get(code, 60 if status == 429 else 0)
    is_ours = code in OURS or status in (401, 403, 429)
    passes = is_ours or seconds or code in PASSING or status >= 500 or 300 <= status < 400
    outcome = AttemptOutcome.DEFERRED if passes else AttemptOutcome.FAILED
    return Result(outcome, text, status, retry_after=timedelta(seconds=seconds) or None, is_ours=is_ours)
