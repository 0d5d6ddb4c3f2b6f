"""Which permanent refusals of the relay are believed, so that a relay that refuses everybody fails nobody.

Theory of operation. A reply 5xx may be about one recipient, or about everybody: a changed password, a lost right to
relay, an empty table of users. The code does not tell. So a mail is only failed when the relay, after it had
refused this mail, accepted another one and refuses this mail again:

- A status 5.1.x or 5.2.x blames the recipient (RFC 3463). Any mail accepted later confirms it, or one offered a
  moment before, as long as no third recipient is refused.
- Any other reply is confirmed by mail to the same audience, customers or staff. A relay without rights may still
  take mail for its own domain, where the staff is.
- Where nothing was accepted for an hour, the refusal is believed too. But not while many are refused: three
  recipients in a row, or nine whose address is blamed. That is the relay's trouble.

Until then the mail is deferred. Times are monotonic seconds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from mailbot.delivery.smtp_client import Reply
from mailbot.domain.replies.undeliverable import FOR_CUSTOMERS
from mailbot.store.outbox import Claimed

PATIENCE = 3600.0  # without an accepted mail, until a lone refusal is believed
MANY = 9  # the sum of weights that makes refusals the relay's trouble
WEIGHT, BLAMING_WEIGHT = 3, 1
MOMENT = 2.0  # the notice about a ticket leaves beside its acknowledgement
MAX_REFUSED = 2_000  # mails that are remembered; any other counts as refused for the first time

# Of the sender (5.1.7 to 5.1.9) is not of the recipient.
_BLAMES_RECIPIENT = re.compile(r"5\.(1\.([0-6]|10)|2\.\d+)\b")


@dataclass(frozen=True, slots=True)
class _Refusal:
    at: float
    recipient: str
    to_customer: bool
    blames_recipient: bool
    text: str


class Refusals:
    """What the relay refused and accepted, as this node saw it. A restart forgets, and so believes later."""

    def __init__(self) -> None:
        self._unexplained: dict[int, _Refusal] = {}  # outbox id -> its first refusal
        self._explained: dict[int, None] = {}  # the relay has accepted other mail since
        self._accepted = {True: -inf, False: -inf}  # to customers?: when the newest accepted mail was offered
        self._older = True  # mails may wait that were refused before our start, or by another node

    def is_final(self, row: Claimed, reply: Reply, now: float) -> bool:
        """Judge a permanent refusal. False: the mail is to be tried again."""
        first = self._unexplained.get(row.id)
        if row.id in self._explained or (first and self._is_alone(first, now)):
            self._explained.pop(row.id, None)
            self._unexplained.pop(row.id, None)
            return True
        if first is None and len(self._unexplained) < MAX_REFUSED:
            self._unexplained[row.id] = _refusal(row, reply, now)
        return False

    def is_known(self, row: Claimed) -> bool:
        """Check whether this mail was refused before."""
        return row.id in self._unexplained or row.id in self._explained

    def accept(self, row: Claimed, offered_at: float) -> bool:
        """Note that the relay accepted a mail. Return whether refused mails should be tried again now."""
        customer = row.kind in FOR_CUSTOMERS
        self._accepted[customer] = max(self._accepted[customer], offered_at)
        self._explained.pop(row.id, None)
        again, self._older = self._older or row.id in self._unexplained, False
        self._unexplained.pop(row.id, None)
        explained = [id_ for id_, refusal in self._unexplained.items() if self._explains(refusal)]
        for id_ in explained:
            del self._unexplained[id_]
            self._explained[id_] = None
        while len(self._explained) > MAX_REFUSED:
            self._explained.pop(next(iter(self._explained)))
        return again or bool(explained)

    @property
    def refuses_all(self) -> bool:
        """Return whether many were refused in a row, and not the mail of one audience alone."""
        newest = max(self._accepted.values())
        before = [each for each in self._unexplained.values() if each.at <= newest]
        known = {audience for audience in (True, False) if _many(before, audience)}
        after = [each for each in self._unexplained.values() if each.at > newest]
        return _weigh(each for each in after if each.to_customer not in known) >= MANY

    @property
    def reason(self) -> str:
        """Return whose mail is refused and the newest reply; "" while all is well."""
        customers, staff = (_many(self._unexplained.values(), audience) for audience in (True, False))
        if not (customers or staff or self.refuses_all):
            return ""
        whose = (
            "all mail"
            if customers == staff or self.refuses_all
            else "mail to customers"
            if customers
            else "mail to staff"
        )
        return f"the relay refuses {whose}: {list(self._unexplained.values())[-1].text}"

    def _is_alone(self, refusal: _Refusal, now: float) -> bool:
        """Check whether a refusal stands alone, beside a mail that was accepted or for an hour."""
        if refusal.blames_recipient and max(self._accepted.values()) > refusal.at - MOMENT:
            return _weigh(self._unexplained.values()) < WEIGHT
        return now - refusal.at >= PATIENCE and not self.reason

    def _explains(self, refusal: _Refusal) -> bool:
        audiences = (True, False) if refusal.blames_recipient else (refusal.to_customer,)
        return any(self._accepted[audience] > refusal.at for audience in audiences)


def _refusal(row: Claimed, reply: Reply, now: float) -> _Refusal:
    blames = bool(_BLAMES_RECIPIENT.match(reply.text)) and reply.code != 530
    text = f"{reply.code} {reply.text}"
    return _Refusal(now, row.recipient.lower(), row.kind in FOR_CUSTOMERS, blames, text)


def _weigh(refusals: Iterable[_Refusal]) -> int:
    """Add the weights, each recipient's once: one dead address may get many mails."""
    weights = {each.recipient: BLAMING_WEIGHT if each.blames_recipient else WEIGHT for each in refusals}
    return sum(weights.values())


def _many(refusals: Iterable[_Refusal], to_customer: bool) -> bool:
    return _weigh(each for each in refusals if each.to_customer is to_customer) >= MANY
