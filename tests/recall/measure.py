"""Route the labelled mails by a policy, and count where it agrees with their labels."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, create_engine

from mailbot.cli.shared.runtime import build_runtime
from mailbot.config.api import Loaded
from mailbot.domain.events import TicketRouted
from mailbot.domain.policy_review.policy_tests import moment_of
from mailbot.mail.parsing.envelope import build_envelope
from mailbot.mail.parsing.parse import parse
from mailbot.store.inbox import ClaimedMail
from mailbot.store.schema import metadata
from mailbot.workers.inbound.ticketing import decide_mails
from mailbot.workers.runtime import Snapshot
from tests.recall.labelled_mails import LabelledMail


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a mail went. `rule` names all that matched, joined by " + "."""

    mail: LabelledMail
    team: str
    category: str
    priority: str
    rule: str

    @property
    def urgent(self) -> bool:
        return self.priority == "urgent"

    @property
    def team_right(self) -> bool:
        return self.team in self.mail.teams

    @property
    def category_right(self) -> bool:
        return self.category in self.mail.categories

    @property
    def urgency_right(self) -> bool:
        return self.mail.urgent in (self.urgent, "any")

    @property
    def right(self) -> bool:
        return self.team_right and self.category_right and self.urgency_right


@dataclass(frozen=True, slots=True)
class Recall:
    """The mails as one policy routed them."""

    routed: Sequence[Routed]

    @property
    def misses(self) -> list[Routed]:
        return [each for each in self.routed if not each.right]

    @property
    def figures(self) -> dict[str, int]:
        return {
            "mails": len(self.routed),
            "team_right": sum(each.team_right for each in self.routed),
            "category_right": sum(each.category_right for each in self.routed),
            "all_right": len(self.routed) - len(self.misses),
            "urgent": sum(each.mail.urgent is True for each in self.routed),
            "not_urgent": sum(each.mail.urgent is False for each in self.routed),
            "urgent_missed": sum(not each.urgent and not each.urgency_right for each in self.routed),
            "urgent_for_nothing": sum(each.urgent and not each.urgency_right for each in self.routed),
        }

    @property
    def confusion(self) -> dict[str, Counter[str]]:
        """Count what came instead, by the category that was wanted most."""
        table: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for each in self.routed:
            if not each.category_right:
                table[each.mail.categories[0]][each.category] += 1
        return dict(sorted(table.items()))

    @property
    def by_language(self) -> dict[str, "Recall"]:
        languages = dict.fromkeys(each.mail.language for each in self.routed)
        return {
            language: Recall([each for each in self.routed if each.mail.language == language])
            for language in languages
        }

    def to_json(self) -> dict[str, Any]:
        return {
            **self.figures,
            "languages": {language: part.figures for language, part in self.by_language.items()},
            "confusion": self.confusion,
            "misses": [_miss(each) for each in self.misses],
        }


def measure(loaded: Loaded, mails: Iterable[LabelledMail]) -> Recall:
    """Decide about each mail as the daemon would about the first of all, as `mailbot explain` does."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        snapshot = build_runtime(loaded.settings, loaded.policy, None).snapshot
        recall = Recall([_route(connection, snapshot, mail) for mail in mails])
    engine.dispose()
    return recall


def _route(connection: Connection, snapshot: Snapshot, mail: LabelledMail) -> Routed:
    policy = snapshot.policy
    raw, at = mail.to_bytes(next(iter(policy.mailboxes))), moment_of(None, policy)
    parsed = parse(raw, own_addresses=policy.mailboxes.keys())
    batch = [(ClaimedMail(0, build_envelope(raw, policy, at), raw, 0), parsed)]
    [processed] = decide_mails(connection, batch, snapshot, at)
    [event] = [event for event in processed.decided.decision.events if isinstance(event, TicketRouted)]
    rule = " + ".join((*event.also, event.rule))
    return Routed(mail, event.team, event.category, event.priority, rule)


def _miss(each: Routed) -> dict[str, Any]:
    mail = each.mail
    return {
        "place": mail.place,
        "subject": mail.subject,
        "wanted": {"team": mail.teams, "category": mail.categories, "urgent": mail.urgent},
        "got": {"team": each.team, "category": each.category, "priority": each.priority},
        "rule": each.rule,
        "why": mail.why,
    }
