"""Decide whether an agent's reply to a notice may go to the customer as the answer.

Theory of operation. Whatever an agent sends to the reply address of a notice would leave as the company's
word. So a mail that may be anything else is held: it becomes a note on the ticket, and the agent learns why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import notify, reasons, ticket_number
from mailbot.domain.actor import Actor
from mailbot.domain.commands.grammar import Act, has_verbs, is_verb, shown
from mailbot.domain.commands.registry import Below
from mailbot.domain.events import AgentMailHeld
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import Attachment, Author, InboundMail, Ticket
from mailbot.domain.notices import AgentRefusal
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.replies.absence import is_absence_note
from mailbot.domain.routing.patterns import Pattern

_SUBJECT_LIMIT = 1_000
# Re:, Fwd: and their translations: one or two short words, perhaps a count, and a colon.
_PREFIX = Pattern(
    r"\s*(?:[\pL\pN]{1,12}|\pL{2,12} \pL{2,12})\s?(?:\[[0-9]{1,3}\]|\([0-9]{1,3}\))?\s?[:：]\s*"
)
_PREFIXES = 6
_NUMBERS = Pattern(r"\[[A-Z]{2,10}-[0-9]{8,12}-[0-9]\]")
_WORDS = Pattern(r"[\pL\pN]+")
_NOTE_LINE = Pattern(
    r"(?i)[\[(*_/<{ ]*(?:internal|intern|catatan|notes?|nota|memo|notiz|notatka|private|privat|pribadi|rahasia)"
    r"(?:[ -](?:internal|intern|pribadi|notes?|notiz|untuk tim|for (?:the )?team|tim|team|only|saja))?"
    r"(?:[\])}>*_ ]*\s?[:：]|[\])}>])"
)
# Looks like a verb and is none: in bold, after a bullet or with another sign that looks like "#".
_LIKE_VERB = Pattern(r"[^\pL\pN]*[#＃﹟♯][^\pL\pN]{0,3}\pL")
# Flags of a mail whose text another person wrote, or that hides what it says.
_NOT_WRITTEN = frozenset({"attached-text", "hidden-verbs", "calendar", "text-cut", "html-cut"})
# Fields by which a mail declares itself a machine's: RFC 3834 forbids to answer these at all.
_DECLARED = frozenset({"auto_submitted", "machine_header", "autoresponder"})


@dataclass(frozen=True, slots=True)
class AgentMail:
    """What the decision about an agent's reply needs besides the mail.

    - `subjects`: of the notices that the agent got about this ticket.
    - `noticed_at`: when the notice that it answers left; None where no notice is named.
    - `lost_at`: when the ticket was taken from the agent after that; None where it was not.
    - `former`: who was the customer when that notice left, "" when it is the same one still.
    - `doubt`: why the answer could not be cut out of the reply for certain.
    - `references`: Message-IDs of the conversation with the customer, oldest first.
    - `of_another`: it was sent to a reply address that was given to somebody else.
    - `for_colleagues`: it answers a notice that asks for a decision, so none of it goes to the customer.
    - `attachments`: the files that go along with the answer.
    """

    subjects: tuple[str, ...] = ()
    noticed_at: datetime | None = None
    lost_at: datetime | None = None
    former: str = ""
    doubt: Reason = NO_REASON
    references: tuple[str, ...] = ()
    for_colleagues: bool = False
    of_another: bool = False
    attachments: tuple[Attachment, ...] = ()


NO_AGENT_MAIL = AgentMail()


def hold(builder: DecisionBuilder, agent: Agent, mail: InboundMail, reason: Reason, now: datetime) -> None:
    """Keep the mail as a note, and notify the agent, unless the mail declares that no person wrote it."""
    ticket = builder.ticket
    builder.record(AgentMailHeld(now, Actor.agent(agent.address), agent.address, reason))
    if mail.author is not Author.MACHINE or mail.no_auto_reply.code not in _DECLARED:
        language = notify.language_of(agent)
        builder.notify(
            AgentRefusal(ticket.number, ticket.mailbox, agent.address, language, reason, ticket.subject)
        )


def why_held(ticket: Ticket, mail: InboundMail, known: AgentMail, policy: Policy, at: datetime) -> Reason:
    """Return why a proven reply of an agent may not be sent, no reason when it may.

    `mail.visible` is the answer that was cut out. `at`: when the mail came in.
    """
    declared = mail.no_auto_reply.code in _DECLARED
    away = is_absence_note(mail.subject, mail.visible, from_agent=True)
    if declared or away or mail.author is Author.MACHINE:
        return reasons.of("absence_note")
    # Sooner, too: the relay may deliver a notice before we have recorded that it took it.
    if known.noticed_at and abs(at - known.noticed_at) < policy.answers.fastest_reply:
        return reasons.of("machine_speed", seconds=round(policy.answers.fastest_reply.total_seconds()))
    if known.former not in ("", ticket.customer):  # it was written to somebody else
        return reasons.of("customer_changed_since", former=known.former, customer=ticket.customer)
    if not _is_about(mail.subject, ticket, known):
        return reasons.of("other_subject", subject=mail.subject[:150])
    if known.doubt:
        return known.doubt
    foreign = has_verbs(mail.visible) and not _NOT_WRITTEN.isdisjoint(mail.flags)
    return reasons.of("verbs_not_written") if foreign else NO_REASON


def why_no_answer(text: str, attachments: Sequence[Attachment], act: Act | Refusal | None) -> Reason:
    """Return why what an agent wrote must not go to the customer, no reason when it may or none of it would.

    `text`: the whole, with verbs on top where there are any. `act`: what they want.
    """
    if isinstance(act, Act):
        text = act.text if act.below is Below.ANSWER else ""
    elif act is not None:
        return NO_REASON  # refused for another reason
    lines = [found for line in text.split("\n") if (found := shown(line))]
    if not lines:
        return NO_REASON if act or attachments else reasons.of("no_text")
    if _NOTE_LINE.match(lines[0]):
        return reasons.of("looks_like_note", line=lines[0][:80])
    if _LIKE_VERB.match(lines[0]):
        return reasons.of("command_line_in_mail", line=lines[0][:80])
    if below := next((line for line in lines if is_verb(line)), ""):
        return reasons.of("command_below_text", line=below[:80])
    return NO_REASON


def why_for_nobody(act: Act | Refusal | None) -> Reason:
    """Return why an answer to a question, or to a request for money, can't be what it seems: it has no customer."""
    if act is None:
        return reasons.of("decision_needs_verb")
    to_customer = isinstance(act, Act) and (
        (act.below is Below.ANSWER and act.text) or any(isinstance(each, c.Macro) for each in act.commands)
    )
    return reasons.of("answers_colleagues") if to_customer else NO_REASON


def _is_about(subject: str, ticket: Ticket, known: AgentMail) -> bool:
    """Check whether a reply has the subject of a notice, or of the ticket, however a program changed it.

    A mail program that keeps the reply address may offer it for another matter.
    """
    if ticket.number in ticket_number.find(subject, {ticket.number.partition("-")[0]}).valid:
        return True
    plain = _plain(subject)
    if not plain:
        return known.noticed_at is not None or not ticket.subject
    known_subjects = [found for each in (*known.subjects, ticket.subject) if (found := _plain(each))]
    return not known.subjects or any(plain == each or plain.endswith(f" {each}") for each in known_subjects)


def _plain(subject: str) -> str:
    subject = _NUMBERS.sub(" ", subject[:_SUBJECT_LIMIT])
    for _ in range(_PREFIXES):
        found = _PREFIX.match(subject)
        if not found:
            break
        subject = subject[found.end() :]
    return " ".join(_WORDS.findall(subject.casefold()))
