"""`explain MAIL` for people: where the mail goes, why, what nearly decided otherwise, what would be sent."""

import re
from collections.abc import Iterator

from mailbot.cli.shared.names import Names
from mailbot.cli.shared.output import clean, echo_wrapped, print_facts
from mailbot.cli.shared.promise_text import next_step, promise_text, step_line
from mailbot.cli.shared.wall_clock import WallClock
from mailbot.cli.tickets.explain_json import zone_of
from mailbot.cli.tickets.pages.show_text import PROOF
from mailbot.cli.tickets.pages.timeline import Timeline, shorten
from mailbot.domain.events import AcknowledgementSuppressed
from mailbot.domain.ladder import promises
from mailbot.domain.model import Author, Direction, Status, Ticket
from mailbot.domain.notices import recipient_of
from mailbot.domain.people.customer import other_sender
from mailbot.domain.policy import Actions, Policy
from mailbot.domain.replies.without_token import FORWARDED, SPOKEN
from mailbot.domain.routing.near_miss import near_misses
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.domain.routing.trace import ConditionTrace, RuleTrace, decisive
from mailbot.views.dry_run import DryRun
from mailbot.views.wording import spaced

CLOSE = 3  # rules that nearly matched
CONDITION = 60  # characters of a condition
FILED_AS = {
    Direction.IN: "the customer's message",
    Direction.OUT: "an agent's answer, which goes to the customer",
    Direction.NOTE: "an internal note, which is never sent",
}
_MAILS = {"team": "notice"}
SETS = ("category", "urgency", "complexity", "priority", "team", "level", "ladder", "skill", "assign")


class MailPage:
    """What the page about one mail is made of."""

    def __init__(self, result: DryRun, policy: Policy) -> None:
        self.result, self.policy = result, policy
        self.ticket: Ticket = result.decision.ticket
        self.names = Names(policy, [(result.mail.sender, result.mail.sender_name)])
        self.promises = promises(self.ticket, policy)
        self.next = next_step(self.ticket, policy)
        ahead = [at for at, _ in self.promises] + ([self.next.due_at] if self.next else [])
        now = result.envelope.received_at
        self.clock = WallClock(zone_of(self.ticket, policy), now).showing([now, *ahead])

    def title(self) -> str:
        """Return the answer in one line: "Damaged goods -> Logistics L1, Indra Gunawan, normal priority"."""
        ticket, names = self.ticket, self.names
        owner = names.of(ticket.assignee) or "the whole team"
        place = f"{names.place(ticket)}, {owner}, {ticket.priority} priority"
        category = names.label("category", ticket.category)
        if not self.result.opens_ticket:
            return f"{ticket.number}, {category} -> {place}"
        if ticket.status is Status.FILED:
            return f"{category} -> filed as automatic mail: no clock runs, nobody is notified"
        return f"{category} -> {place}{', held until an agent decides' * bool(ticket.held_for)}"

    def facts(self) -> list[tuple[str, object]]:
        """List why, what else, what nearly decided, what is promised, what would be sent."""
        return [
            ("mail", self._mail()),
            *(("note", note) for note in self.result.notes),
            ("note", self._came_before()),
            ("customer", self._customer()),
            ("reason", self._reason()),
            *(("also", text) for text in self._also()),
            ("close", self._close()),
            ("belongs", self._belongs()),
            ("then", self._effects()),
            ("promise", promise_text(self.promises, self.clock)),
            ("next step", self._next_step()),
            *(("sends", text) for text in self._sends()),
            ("sends", self._not_sent()),
        ]

    def _mail(self) -> str:
        mail = self.result.mail
        name = self.names.of(mail.sender) or "nobody who can be trusted"
        machine = "" if mail.author is Author.PERSON else f", by a {mail.author}: {mail.author_reason}"
        subject = clean(mail.subject, 80) or "no subject"
        return f'{name}, {PROOF[mail.authentication]}{machine}: "{subject}"'

    def _customer(self) -> str:
        text = customer_text(self.result, self.policy)
        return "" if text == self.result.mail.sender else text

    def _came_before(self) -> str:
        before = self.result.received_before
        if before is None:
            return ""
        where = f"on ticket {before.ticket}" if before.ticket else before.state
        return f"it came in already as inbox {before.id} ({where}); sent again, it would only get its 250"

    def _reason(self) -> str:
        won = next((trace.rule for trace in self.result.rules if trace.won), None)
        where = f", routing.yaml:{won.line}" if won else ""
        texts = (self.names.rule_reason(event.rule, event.reason, where) for event in self.result.routed)
        match = self.result.processed.match
        return "; ".join(texts) or f"{match.reason} ({match.confidence}); no rule is asked"

    def _also(self) -> Iterator[str]:
        for trace in self.result.rules:
            if trace.matched and not trace.won:
                name = f'rule "{self.names.label("rule", trace.rule.name)}", line {trace.rule.line}'
                yield f"{_condition_text(trace)}: {_actions_text(trace.rule.then)} ({name})"

    def _close(self) -> str:
        if not self.result.rules:
            return ""
        near = near_misses([each for each in self.result.rules if not each.rule.go_on])[:CLOSE]
        texts = [
            f'"{self.names.label("rule", rule.rule.name)}": {_missing_text(part)}' for rule, part in near
        ]
        others = sum(not trace.matched for trace in self.result.rules) - len(near)
        below = len(self.policy.rules) - len(self.result.rules)
        counts = {"others did not match" if near else "did not match": others, "below not asked": below}
        rest = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return "; ".join([*texts, f"{rest} (--all)"] if rest else texts)

    def _belongs(self) -> str:
        match = self.result.processed.match
        if not self.result.opens_ticket:
            return f"on the ticket, as {FILED_AS[self.result.processed.decided.direction]}"
        remarks = {
            "claims to be about {}, without proof": match.claims,
            "may mean the sender's own {}": match.suggests,
            "mentions {}": match.mentions,
            "goes on from {}, closed too long ago to be reopened": match.number,
        }
        return "; ".join(text.format(number) for text, number in remarks.items() if number)

    def _effects(self) -> str:
        if self.result.opens_ticket:
            return ""
        lines = Timeline(self.names, self.clock, self.result.decision.events).lines()
        return "; ".join(line.text for line in lines)

    def _next_step(self) -> str:
        if self.next:
            return step_line(self.next, self.ticket, self.policy, self.names, self.clock)
        return "none: no clock runs"

    def _sends(self) -> Iterator[str]:
        for planned in self.result.sends:
            to = self.names.of(recipient_of(planned.notice))
            subject = f"can't be composed: {planned.refused}" if planned.refused else planned.subject
            kind = _MAILS.get(planned.notice.name, spaced(planned.notice.name))
            yield f"{kind} to {clean(to)}: {clean(subject, 120)}"

    def _not_sent(self) -> str:
        if self.result.suppressed:
            return f"no acknowledgement: {self.result.suppressed}"
        return "" if self.result.sends else "nothing"


def print_answer(result: DryRun, policy: Policy) -> None:
    """Print the answer first, then what it rests on."""
    page = MailPage(result, policy)
    echo_wrapped(page.title(), 4, bold=True)
    print_facts(page.facts())


def customer_text(result: DryRun, policy: Policy) -> str:
    """Return who the customer is, and why where others sent the mail."""
    mail, ticket = result.processed.mail, result.decision.ticket
    why = str(other_sender(mail, ticket.customer, policy)) if result.opens_ticket else ""
    suppressed = (event for event in result.decision.events if isinstance(event, AcknowledgementSuppressed))
    for code in (event.reason.code for event in suppressed):
        if code == FORWARDED:
            why = f"an agent forwards this mail, {ticket.customer} is not confirmed"
        elif code == SPOKEN:
            why = f"an agent wrote down what {ticket.customer} said"
    return f"{ticket.customer or 'nobody'} ({why})" if why else ticket.customer or "nobody"


def _condition_text(trace: RuleTrace) -> str:
    leaves = decisive(trace.conditions) if trace.conditions else []
    return " and ".join(shorten_patterns(leaf.matched_text or leaf.text) for leaf in leaves) or "always"


def _actions_text(then: Actions) -> str:
    asked = f"asks for {', '.join(then.ask_for)}" if then.ask_for else ""
    values = [(name, getattr(then, name)) for name in SETS] + [("tags", " ".join(then.tags))]
    sets = ", ".join(f"{name} {value}" for name, value in values if value)
    return "; ".join(filter(None, (asked, f"sets {sets}" if sets else "")))


def _missing_text(part: ConditionTrace) -> str:
    """Return what kept a rule from matching: `excluded by "rusak"`, `needs amount over 'Rp5.000.000'`."""
    leaves = decisive(part)
    held = [leaf.matched_text for leaf in leaves if leaf.holds]
    if part.kind == "none" and held:
        words = re.findall(r"'(.+?)'(?= or |$)", shorten_patterns(held[0]))
        return f'excluded by "{words[0]}"' if words else f"excluded: {shorten_patterns(held[0])}"
    text = shorten_patterns(leaves[0].text)
    more = f", or {len(leaves) - 1} other conditions" if len(leaves) > 1 else ""
    return f"needs {shorten(text, len(text), CONDITION)}{more}"
