"""Which ticket does this mail belong to, and how sure are we?

Strongest first: a keyed tag in the address it was sent to, our own signed Message-ID, a known Message-ID,
the number in the subject. A number or a reference alone is no authority: but for the tag, which is bound to
its owner, the sender must be a participant of the ticket. What a stranger names becomes a claim.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clues:
    """What a mail says about where it belongs, with every signature already verified.

    `tagged` is the ticket of a reply tag bound to this very sender; `bounced` that of one of our own mails,
    named by a keyed bounce address. `referenced` are Message-IDs of In-Reply-To and References, newest first.
    """

    sender: str
    tagged: str = ""
    bounced: str = ""
    signed: tuple[str, ...] = ()
    referenced: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the mail belongs: `number`, "" for a matter of its own. `claims` is named without authority."""

    number: str = ""
    because: str = "names no ticket of ours"
    claims: str = ""
    tagged: bool = False


def weigh(clues: Clues, known: Mapping[str, str], participants: Mapping[str, Collection[str]]) -> Verdict:
    """`known`: Message-ID -> ticket; `participants`: ticket -> addresses, for every ticket that exists."""
    if clues.tagged in participants:
        return Verdict(clues.tagged, "reply tag of the sender", tagged=True)
    if clues.bounced in participants:
        return Verdict(clues.bounced, "keyed bounce address")
    named = [
        *((number, "our signed Message-ID") for number in clues.signed),
        *((known[mid], "known Message-ID") for mid in clues.referenced if mid in known),
        *((number, "number in the subject") for number in clues.written),
    ]
    claims = ""
    for number, reason in named:
        if clues.sender and clues.sender in participants.get(number, ()):
            return Verdict(number, f"{reason}, sender takes part")
        if number in participants:
            claims = claims or number
    if claims:
        return Verdict("", "names a ticket in which the sender takes no part", claims)
    return Verdict()
