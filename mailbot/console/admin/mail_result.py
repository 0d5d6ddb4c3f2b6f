"""What the page about a tried mail shows: where it goes and why, each rule, what would be promised and sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mailbot.console.admin.memory import AdminMemory
from mailbot.console.render import Reader
from mailbot.domain import ladder, notify, reasons
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import Author, Status, Ticket
from mailbot.domain.notices import recipient_of
from mailbot.domain.policy import Policy
from mailbot.domain.routing.near_miss import near_misses
from mailbot.domain.routing.pattern_text import shorten_patterns
from mailbot.domain.routing.trace import ConditionTrace, RuleTrace, decisive
from mailbot.views.dry_run import DryRun, PlannedMail
from mailbot.views.event_text import page_event_text
from mailbot.views.template_examples import as_read
from mailbot.views.wording import PageWording

CLOSE = 5  # rules that nearly matched, with all their conditions
TEXT, VALUE = 150, 100  # characters of a condition, of a value


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail that would be sent. `key`: of its address as a page, "" where it could not be composed."""

    kind: str
    to: str
    subject: str
    text: str
    key: str
    refused: str


@dataclass(frozen=True, slots=True)
class MailResult:
    """The parts of the page. Texts come in the reader's language."""

    result: DryRun
    policy: Policy
    words: PageWording
    reader: Reader
    memory: AdminMemory

    @property
    def ticket(self) -> Ticket:
        return self.result.decision.ticket

    @property
    def title(self) -> str:
        """Return where it goes: "Pembayaran gagal: Pembayaran L1, Rina, prioritas tinggi"."""
        ticket, label = self.ticket, self.words.label
        category = label("category", ticket.category)
        if ticket.status is Status.FILED:
            t = self.words.t
            return f"{category}: {t('disimpan sebagai surat otomatis', 'filed as automatic mail')}"
        priority = self.words.t("prioritas {}", "{} priority").format(
            label("priority", ticket.priority).lower()
        )
        return f"{category}: {self.place}, {self.owner}, {priority}"

    @property
    def place(self) -> str:
        label, ticket = self.words.label, self.ticket
        names = label("team", ticket.team), label("level", ticket.level)
        return " ".join(dict.fromkeys(filter(None, names)))

    @property
    def owner(self) -> str:
        agent = self.policy.agents.get(self.ticket.assignee or "")
        return agent.name if agent else self.ticket.assignee or self.words.t("seluruh tim", "the whole team")

    @property
    def author(self) -> str:
        """Return who wrote it, as a person or by what sign a machine."""
        mail, t = self.result.mail, self.words.t
        kind = {
            Author.PERSON: t("seorang manusia", "a person"),
            Author.MACHINE: t("sebuah mesin", "a machine"),
            Author.REPORT: t("laporan pengiriman", "a delivery report"),
        }[mail.author]
        why = self.words.reason(mail.author_reason)
        return f"{kind}: {why}" if why else kind

    @property
    def belongs(self) -> str:
        return self.words.reason(self.result.processed.match.reason)

    @property
    def because(self) -> list[tuple[str, str]]:
        """List (rule, why it matched) of the rules that decided."""
        routed = self.result.routed
        return [(self.words.label("rule", each.rule), self._why(each)) for each in routed]

    def _why(self, event: TicketRouted) -> str:
        return self.words.rule_reason(event.reason)

    @property
    def promises(self) -> list[tuple[datetime, str]]:
        return [(at, self.words.target(target)) for at, target in ladder.promises(self.ticket, self.policy)]

    @property
    def steps(self) -> list[tuple[datetime, str]]:
        """List the next steps while nobody acts."""
        now = self.result.envelope.received_at
        found = notify.next_steps(self.ticket, self.policy, now)
        return [(at, self.words.reason(reason)) for at, reason in found]

    @property
    def events(self) -> list[str]:
        return [page_event_text(event, self.words) for event in self.result.decision.events]

    @property
    def sends(self) -> Iterator[SentMail]:
        return map(self._sent, self.result.sends)

    def _sent(self, planned: PlannedMail) -> SentMail:
        kind = reasons.term("kind", planned.notice.name, self.reader.language)
        to = recipient_of(planned.notice)
        if planned.refused:
            return SentMail(kind, to, "", "", "", planned.refused)
        mail = as_read(planned.content)
        return SentMail(kind, to, mail.subject, mail.text, self.memory.keep_mail(mail.html or mail.text), "")

    # --- rules --------------------------------------------------------------------------------------------

    @property
    def below(self) -> int:
        """Count the rules that were not asked."""
        return len(self.policy.rules) - len(self.result.rules)

    @property
    def matched(self) -> list[RuleTrace]:
        return [each for each in self.result.rules if each.matched]

    @property
    def near(self) -> list[tuple[RuleTrace, str]]:
        """List rules that nearly matched, each with what kept it from that."""
        asked = [each for each in self.result.rules if not each.rule.go_on]
        return [(rule, self._leaves(part)) for rule, part in near_misses(asked)[:CLOSE]]

    @property
    def others(self) -> list[tuple[RuleTrace, str]]:
        """List the other rules, each with the conditions that decided."""
        shown = [*self.matched, *(rule for rule, _ in self.near)]
        others = (each for each in self.result.rules if not any(each is one for one in shown))
        return [(each, self._leaves(each.conditions)) for each in others]

    def _leaves(self, node: ConditionTrace | None) -> str:
        leaves = decisive(node) if node else []
        more = f", +{len(leaves) - 2}" if len(leaves) > 2 else ""
        return "; ".join(map(condition_text, leaves[:2])) + more

    def sets(self, rule: RuleTrace) -> list[str]:
        """List what a rule sets, in words."""
        then, label = rule.rule.then, self.words.label
        kinds = ("category", "priority", "team", "level")
        named = [label(kind, str(value)) for kind in kinds if (value := getattr(then, kind))]
        return [*named, *(f"#{tag}" for tag in then.tags)]


def condition_text(node: ConditionTrace) -> str:
    """Return a condition, of one that holds only with the values that matched, without long patterns."""
    text = shorten_patterns(node.matched_text or node.text)
    return text if len(text) <= TEXT else f"{text[: TEXT - 1]}…"


def value_text(node: ConditionTrace) -> str:
    """Return the beginning of what a condition was tested on."""
    value = " ".join(node.value.split())
    return value if len(value) <= VALUE else f"{value[: VALUE - 1]}…"
