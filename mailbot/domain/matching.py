"""Which ticket does this mail belong to, and how sure are we?

Theory of operation. A mail gives clues: a keyed token in the address it was sent to, our own signed Message-
ID, a known Message-ID, a ticket number in the subject, one in the new text. The strongest that counts
decides. A number or a reference alone is no authority: the sender must take part in that ticket. Only the
token is proof by itself, because it is bound to its owner. What a stranger names becomes a claim, or in the text
a mere mention. Every clue is kept with the reason why it counted or not.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mailbot.domain import reasons, ticket_number
from mailbot.domain.people.addresses import owner
from mailbot.domain.reasons import NO_REASON, Reason

MOST = 30  # clues that are kept of one mail


class Confidence(StrEnum):
    CERTAIN = "certain"  # shown by our key
    STRONG = "strong"  # a Message-ID, and the sender takes part
    NUMBER = "number"  # a ticket number, and the sender takes part
    CLAIM = "claim"  # a ticket that was named without authority
    NONE = "none"


CERTAIN, STRONG, NUMBER, CLAIM, NONE = Confidence


@dataclass(frozen=True, slots=True)
class Clues:
    """What a mail says about where it belongs, with every signature already verified.

    - `tagged`: the ticket of a reply token bound to this very sender.
    - `posted`: the ticket that its author had open where we knew who it is, such as the page of the ticket.
    - `for_colleagues`: it was sent to an address that takes decisions alone.
    - `of_another`: it was sent to a reply address that was given to somebody else.
    - `surveyed`: the ticket of a survey's address. The sender must take part, as with a number.
    - `bounced`: the ticket of one of our own mails, named by a keyed bounce address.
    - `again`: tickets of mails with the same Message-ID and From, but with other words.
    - `referenced`: Message-IDs of In-Reply-To and References, newest first.
    - `in_text`: numbers in what the sender wrote this time.
    - `aliased`: tickets by the number that they had at another desk, in the subject or in the new text.
    - `quoted`: numbers in what a reply quotes of our mails. They count where nothing else names a ticket.
    - `only`: the one open ticket of a proven sender who asks for the status and names no ticket.
    - `conversation`: the ticket of the chat in which it was written, where nothing else names one.
    - `mistyped`: looks like our numbers, but for the check digit.
    - `failed`: DMARC failed, so the sender in From takes part in nothing.

    Of a machine's report:

    - `returned`: the tickets of our signed marks anywhere in it.
    - `recalled`: Message-IDs that the returned mail has or answers.
    - `reported`: numbers anywhere in the text.
    - `concerned`: the addresses it is about. Only if one of them has to do with the ticket do `recalled` and
      `reported` count.
    """

    sender: str
    tagged: str = ""
    posted: str = ""
    for_colleagues: bool = False
    of_another: bool = False
    surveyed: str = ""
    bounced: str = ""
    signed: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    referenced: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    in_text: tuple[str, ...] = ()
    aliased: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    only: str = ""
    conversation: str = ""
    mistyped: tuple[str, ...] = ()
    failed: bool = False
    returned: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    concerned: tuple[str, ...] = ()

    @property
    def names_ticket(self) -> bool:
        """Check whether a person's mail says where it belongs."""
        named = self.signed or self.referenced or self.written or self.in_text or self.aliased or self.quoted
        return bool(self.tagged or self.posted or named or self.only)


class ClueKind(StrEnum):
    """Codes of reasons, too."""

    REPLY_TOKEN = "reply_token"
    CUSTOMER_PAGE = "customer_page"
    SURVEY_ADDRESS = "survey_address"
    BOUNCE_ADDRESS = "bounce_address"
    SIGNED_MARK = "signed_mark"
    SIGNED_MESSAGE_ID = "signed_message_id"
    KNOWN_MESSAGE_ID = "known_message_id"
    NUMBER_IN_SUBJECT = "number_in_subject"
    NUMBER_IN_TEXT = "number_in_text"
    OLD_NUMBER = "old_number"
    NUMBER_IN_QUOTE = "number_in_quote"
    ONLY_OPEN_TICKET = "only_open_ticket"
    CONVERSATION = "conversation"
    MESSAGE_ID_IN_REPORT = "message_id_in_report"
    NUMBER_IN_REPORT = "number_in_report"
    MISTYPED_NUMBER = "mistyped_number"


_KEYED = frozenset(
    {ClueKind.REPLY_TOKEN, ClueKind.CUSTOMER_PAGE, ClueKind.BOUNCE_ADDRESS, ClueKind.SIGNED_MARK}
)
_NO_TICKET_NAMED = reasons.of("no_ticket_named")
# Old numbers are short, so a stranger's own number may look the same.
_MENTIONS = frozenset({ClueKind.NUMBER_IN_TEXT, ClueKind.NUMBER_IN_QUOTE, ClueKind.OLD_NUMBER})
_OF_REPORTS = frozenset({ClueKind.MESSAGE_ID_IN_REPORT, ClueKind.NUMBER_IN_REPORT})


@dataclass(frozen=True, slots=True)
class Clue:
    """The number that a clue named, whether it decided, and why or why not."""

    kind: ClueKind
    named: str
    counted: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class Match:
    """Where the mail belongs: `number`, "" for a matter of its own. `claims` is named without authority.

    `mentions`: a ticket in which the sender takes no part, named in the text. Agents see it, it decides nothing.
    `suggests`: an own open ticket that a mistyped number may mean. Agents see it, it decides nothing.
    `followed`: merged tickets on the way from what the mail named to `number`. `by_token`: a reply token
    decided.
    """

    number: str = ""
    reason: Reason = _NO_TICKET_NAMED
    claims: str = ""
    by_token: bool = False
    confidence: Confidence = NONE
    clues: tuple[Clue, ...] = ()
    suggests: str = ""
    followed: tuple[str, ...] = ()
    mentions: str = ""


def match_ticket(
    clues: Clues,
    known: Mapping[str, str],
    participants: Mapping[str, Collection[str]],
    own: Collection[str] = (),
    staff: Mapping[str, Collection[str]] | None = None,
) -> Match:
    """Find the ticket that the mail belongs to.

    - `known`: Message-ID -> ticket.
    - `participants`: ticket -> addresses, for every ticket that exists.
    - `own`: the open tickets in which the sender takes part.
    - `staff`: ticket -> its agents' addresses.
    """
    match, weighed = Match(), list[Clue]()
    for kind, number, confidence in _named(clues, known):
        counted, proof = _judge(kind, number, clues, participants, staff or {})
        if counted and not match.number:
            clue = reasons.of(kind)
            reason = clue if confidence is CERTAIN else reasons.of("matched", clue=clue, proof=proof)
            by_token = kind is ClueKind.REPLY_TOKEN
            match = replace(match, number=number, reason=reason, by_token=by_token, confidence=confidence)
        elif counted:
            counted, proof = False, reasons.of("stronger_clue")
        elif number in participants and kind in _MENTIONS:
            match = replace(match, mentions=match.mentions or number)
        elif number in participants and not match.claims:
            match = replace(match, claims=number)
        weighed.append(Clue(kind, number, counted, proof))
    if match.number:
        match = replace(match, claims="", mentions="")
    elif match.claims:
        code = "named_unauthenticated" if clues.failed else "named_by_stranger"
        match = replace(match, reason=reasons.of(code), confidence=CLAIM)
    if clues.mistyped:
        match = _suggest(match, clues.mistyped, () if clues.failed else own, weighed)
    elif not weighed:
        return match
    return replace(match, clues=tuple(dict.fromkeys(weighed))[:MOST])


def _named(clues: Clues, known: Mapping[str, str]) -> Iterator[tuple[ClueKind, str, Confidence]]:
    """Yield (kind, number, confidence), strongest first."""
    kinds = ClueKind
    if clues.tagged:
        yield kinds.REPLY_TOKEN, clues.tagged, CERTAIN
    if clues.posted:
        yield kinds.CUSTOMER_PAGE, clues.posted, CERTAIN
    if clues.bounced:
        yield kinds.BOUNCE_ADDRESS, clues.bounced, CERTAIN
    if clues.surveyed:
        yield kinds.SURVEY_ADDRESS, clues.surveyed, STRONG
    yield from ((kinds.SIGNED_MARK, number, CERTAIN) for number in clues.returned)
    yield from ((kinds.SIGNED_MESSAGE_ID, number, STRONG) for number in clues.signed)
    yield from ((kinds.KNOWN_MESSAGE_ID, number, STRONG) for number in clues.again)
    yield from ((kinds.KNOWN_MESSAGE_ID, known[mid], STRONG) for mid in clues.referenced if mid in known)
    yield from ((kinds.NUMBER_IN_SUBJECT, number, NUMBER) for number in clues.written)
    yield from ((kinds.NUMBER_IN_TEXT, number, NUMBER) for number in clues.in_text)
    yield from ((kinds.OLD_NUMBER, number, NUMBER) for number in clues.aliased)
    keyed = clues.tagged or clues.posted or clues.surveyed or clues.signed
    if not (keyed or clues.written or clues.in_text or clues.aliased or known.keys() & set(clues.referenced)):
        yield from ((kinds.NUMBER_IN_QUOTE, number, NUMBER) for number in clues.quoted)
    if clues.only:
        yield kinds.ONLY_OPEN_TICKET, clues.only, NUMBER
    if clues.conversation:
        yield kinds.CONVERSATION, clues.conversation, STRONG
    yield from ((kinds.MESSAGE_ID_IN_REPORT, known[mid], NUMBER) for mid in clues.recalled if mid in known)
    yield from ((kinds.NUMBER_IN_REPORT, number, NUMBER) for number in clues.reported)


def _judge(
    kind: ClueKind,
    number: str,
    clues: Clues,
    participants: Mapping[str, Collection[str]],
    staff: Mapping[str, Collection[str]],
) -> tuple[bool, Reason]:
    if number not in participants:
        return False, reasons.of("unknown_ticket")
    if kind in _KEYED:
        return True, reasons.of("own_key")
    if kind in _OF_REPORTS:
        if set(clues.concerned) & ({*participants[number]} | {*staff.get(number, ())}):
            return True, reasons.of("report_concerns_ticket")
        return False, reasons.of("report_concerns_others")
    if not clues.sender:
        return False, reasons.of("no_one_sender")
    if clues.failed:
        return False, reasons.of("sender_failed_authentication")
    if not _takes_part(clues.sender, participants[number]):
        return False, reasons.of("sender_not_participant")
    return True, reasons.of("sender_participates")


def _takes_part(sender: str, people: Collection[str]) -> bool:
    return sender in people or owner(sender) in map(owner, people)


def _suggest(match: Match, mistyped: Collection[str], own: Collection[str], weighed: list[Clue]) -> Match:
    """Find one of the sender's own tickets, and only when a single one is near what was typed."""
    meant: set[str] = set()
    reason = reasons.of("wrong_check_digit")
    for typed in mistyped:
        near = [number for number in own if ticket_number.is_one_slip_apart(typed, number)]
        like = reasons.of("wrong_check_digit_like", numbers=" or ".join(near[:3]))
        weighed.append(Clue(ClueKind.MISTYPED_NUMBER, typed, False, like if near else reason))
        meant.update(near)
    return replace(match, suggests=meant.pop()) if len(meant) == 1 and not match.number else match


def follow(match: Match, merged: Mapping[str, str]) -> Match:
    """Return the match with a merged ticket replaced by the one it was merged into, however often it was.

    `merged`: number -> number it was merged into.
    """
    number, passed = match.number, list(match.followed)
    while number in merged and number not in passed:
        passed.append(number)
        number = merged[number]
    if number == match.number:
        return match
    way = reasons.of("merged_tickets", merged=" and ".join(passed), ticket=number)
    return replace(match, number=number, reason=reasons.together(match.reason, way), followed=tuple(passed))


def merge_end(number: str, merged: Mapping[str, str]) -> str:
    """Return where a ticket's mail goes now: the ticket itself, or the end of the chain of merged ones."""
    return follow(Match(number, NO_REASON), merged).number
