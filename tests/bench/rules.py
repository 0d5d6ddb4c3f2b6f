"""What routing a mail costs as the rules grow. Nothing matches: the most work there can be."""

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from random import Random

from mailbot.core import routing
from mailbot.core.decide import routing_facts
from mailbot.core.model import Circumstances
from mailbot.core.policy import Actions, Rule
from mailbot.mail.parse import parse
from mailbot.settings import load as load_settings
from tests.bench import corpus
from tests.bench.figures import Run
from tests.scenarios.harness import RECIPIENT, ROOT

SIZES = (10, 1_000, 10_000)
PHRASES_A_RULE = 10
SYLLABLES = ("ba", "cu", "di", "fo", "gi", "ju", "ki", "lo", "mu", "na", "pe", "ro", "su", "ti", "wo", "ya")

Facts = partial[routing.RoutingFacts]


async def once(mails: int) -> Run:
    facts = _facts(mails)
    shipped = load_settings(ROOT / "config", {"MAILBOT_LIMITS": "off"}).policy.rules
    measures = {"shipped rules (us a mail)": _cost(shipped, facts)}
    costs = {size: _cost(_rules(size), facts) for size in SIZES}
    for size, cost in costs.items():
        measures[f"{size:,} phrases (us a mail)"] = cost
    for size in SIZES[1:]:
        measures[f"{size:,} phrases / {SIZES[0]}"] = costs[size] / costs[SIZES[0]]
    return Run(measures)


def _cost(rules: Sequence[Rule], facts: Sequence[Facts]) -> float:
    """Microseconds, the median of the mails. Facts are made anew: folding the text is part of the cost."""
    spans = []
    for make in facts:
        fresh, start = make(), time.perf_counter()
        routing.matches(rules, fresh)
        spans.append(1e6 * (time.perf_counter() - start))
    return statistics.median(spans)


def _rules(phrases: int) -> list[Rule]:
    random = Random(phrases)
    written = [_phrase(random) for _ in range(phrases)]
    groups = [written[at : at + PHRASES_A_RULE] for at in range(0, phrases, PHRASES_A_RULE)]
    rules = [
        Rule(f"rule {number}", routing.build("text", "contains", group), Actions())
        for number, group in enumerate(groups)
    ]
    return [*rules, Rule("everything else", None, Actions())]


def _phrase(random: Random) -> str:
    """Two words that look Indonesian and stand in no mail: the number keeps them out."""
    words = ("".join(random.choices(SYLLABLES, k=random.randint(2, 4))) for _ in range(2))
    return f"{' '.join(words)} {random.randrange(1000)}"


def _facts(count: int) -> list[Facts]:
    """The mails of the corpus, read as the daemon reads them."""
    policy = load_settings(ROOT / "config", {}).policy
    now = datetime.now(UTC)
    found: list[Facts] = []
    for made in corpus.mails(count):
        mail = parse(made.body)
        found.append(partial(routing_facts, mail, made.sender, RECIPIENT, policy, now, Circumstances()))
    return found
