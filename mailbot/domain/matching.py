"""Which ticket does this mail belong to, and how sure are we?

Strongest first: a keyed tag in the address it was sent to, our own signed Message-ID, a known Message-ID,
the number in the subject. A number or a reference alone is no authority: but for the tag, which is bound to
its owner, the sender must be a participant of the ticket. What a stranger names becomes a claim. Every clue
that was weighed is kept, with the reason why it did not count.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from mailbot.domain import ticket_number

# How sure we are, surest first: a key of ours, a Message-ID and taking part, a number and taking part, a
# ticket that was named without authority, nothing.
CERTAIN, STRONG, NUMBER, CLAIM, NONE = "certain", "strong", "number", "claim", "none"
MOST = 30  # clues that are kept of one mail


@dataclass(frozen=True, slots=True)
class Clues:
    """What a mail says about where it belongs, with every signature already verified.

    `tagged` is the ticket of a reply tag bound to this very sender; `bounced` that of one of our own mails,
    named by a keyed bounce address. `referenced` are Message-IDs of In-Reply-To and References, newest first.
    `mistyped` look like numbers of ours, but for the check digit. `failed`: the domain in From says that the
    mail is not its own (DMARC), so the sender is somebody else who takes part in nothing.

    Of a machine's report: `returned` are the tickets of our signed marks anywhere in it; `recalled` are
    Message-IDs that the returned mail has or answers, `reported` numbers anywhere in the text: they count if
    one of the addresses that it is about (`concerned`) has to do with the ticket.
    """

    sender: str
    tagged: str = ""
    bounced: str = ""
    signed: tuple[str, ...] = ()
    referenced: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    mistyped: tuple[str, ...] = ()
    failed: bool = False
    returned: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    concerned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighed:
    """One clue: what kind it is, the number it named, whether it decided, and if not, why not."""

    kind: str
    named: str
    counted: bool
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the mail belongs: `number`, "" for a matter of its own. `claims` is named without authority.

    `suggests` is an own open ticket that a mistyped number may mean: for agents to see, it decides nothing.
    `followed` are merged tickets on the way from what the mail named to `number`.
    """

    number: str = ""
    because: str = "names no ticket of ours"
    claims: str = ""
    tagged: bool = False
    confidence: str = NONE
    weighed: tuple[Weighed, ...] = ()
    suggests: str = ""
    followed: tuple[str, ...] = ()


def weigh(
    clues: Clues,
    known: Mapping[str, str],
    participants: Mapping[str, Collection[str]],
    own: Collection[str] = (),
    staff: Mapping[str, Collection[str]] | None = None,
) -> Verdict:
    """`known`: Message-ID -> ticket; `participants`: ticket -> addresses, for every ticket that exists;
    `own`: the open tickets in which the sender takes part; `staff`: ticket -> its agents' addresses."""
    verdict = Verdict()
    weighed = []
    for kind, number, confidence in _named(clues, known):
        counted, why = _judged(kind, number, clues, participants, staff or {})
        if counted and not verdict.number:
            reason = kind if confidence == CERTAIN else f"{kind}, {why.removeprefix('the ')}"
            keyed = kind == _TAG
            verdict = replace(verdict, number=number, because=reason, tagged=keyed, confidence=confidence)
        elif counted:
            counted, why = False, "a stronger clue decided"
        elif number in participants and not verdict.claims:
            verdict = replace(verdict, claims=number)
        weighed.append(Weighed(kind, number, counted, why))
    if verdict.number:
        verdict = replace(verdict, claims="")
    elif verdict.claims:
        because = (
            "names a ticket, but the sender named in it failed authentication"
            if clues.failed
            else "names a ticket in which the sender takes no part"
        )
        verdict = replace(verdict, because=because, confidence=CLAIM)
    verdict = _suggesting(verdict, clues.mistyped, () if clues.failed else own, weighed)
    return replace(verdict, weighed=tuple(dict.fromkeys(weighed))[:MOST])


_TAG = "reply tag of the sender"
_RETURNED = "our signed mark in a report"
_RECALLED = "known Message-ID in a report"
_REPORTED = "number in a report"


def _named(clues: Clues, known: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(kind, number, how sure it makes us), strongest first."""
    if clues.tagged:
        yield _TAG, clues.tagged, CERTAIN
    if clues.bounced:
        yield "keyed bounce address", clues.bounced, CERTAIN
    yield from ((_RETURNED, number, CERTAIN) for number in clues.returned)
    yield from (("our signed Message-ID", number, STRONG) for number in clues.signed)
    yield from (("known Message-ID", known[mid], STRONG) for mid in clues.referenced if mid in known)
    yield from (("number in the subject", number, NUMBER) for number in clues.written)
    yield from ((_RECALLED, known[mid], NUMBER) for mid in clues.recalled if mid in known)
    yield from ((_REPORTED, number, NUMBER) for number in clues.reported)


def _judged(
    kind: str,
    number: str,
    clues: Clues,
    participants: Mapping[str, Collection[str]],
    staff: Mapping[str, Collection[str]],
) -> tuple[bool, str]:
    if number not in participants:
        return False, "there is no such ticket"
    if kind in (_TAG, _RETURNED, "keyed bounce address"):
        return True, "our own key proves it"
    if kind in (_RECALLED, _REPORTED):
        if set(clues.concerned) & ({*participants[number]} | {*staff.get(number, ())}):
            return True, "whom the report is about has to do with it"
        return False, "whom the report is about has nothing to do with that ticket"
    if not clues.sender:
        return False, "the mail has no single sender"
    if clues.failed:
        return False, "the sender failed authentication: anybody may have written it"
    if clues.sender not in participants[number]:
        return False, "the sender takes no part in that ticket"
    return True, "the sender takes part"


def _suggesting(
    verdict: Verdict, mistyped: Collection[str], own: Collection[str], weighed: list[Weighed]
) -> Verdict:
    """Did you mean? Among the sender's own tickets alone, and only when a single one is near."""
    near = {
        typed: [number for number in own if ticket_number.is_one_slip_apart(typed, number)]
        for typed in mistyped
    }
    for typed, found in near.items():
        like = f", like {' or '.join(found[:3])} in which the sender takes part" if found else ""
        weighed.append(Weighed("mistyped number", typed, False, f"its check digit is wrong{like}"))
    meant = {number for found in near.values() for number in found}
    return replace(verdict, suggests=meant.pop()) if len(meant) == 1 and not verdict.number else verdict


def follow(verdict: Verdict, merged: Mapping[str, str]) -> Verdict:
    """The verdict with a merged ticket replaced by the one it was merged into, however often it was.

    `merged`: number -> number it was merged into.
    """
    number, passed = verdict.number, list(verdict.followed)
    while number in merged and number not in passed:
        passed.append(number)
        number = merged[number]
    if number == verdict.number:
        return verdict
    because = f"{verdict.because}; {' and '.join(passed)} merged into {number}"
    return replace(verdict, number=number, because=because, followed=tuple(passed))


def ends(number: str, merged: Mapping[str, str]) -> str:
    """Where a ticket's mail goes now: itself, or the end of the chain of merged ones."""
    return follow(Verdict(number), merged).number
