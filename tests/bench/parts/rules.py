"""The cost of routing a mail as the rules grow, and of compiling them, in time and memory.

The patterns of a policy match no mail, or five of 10,000 match each. Texts are cut to 5 KB. Facts are
built for each mail, because folding the text is part of the cost.
"""

import gc
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

from mailbot.config.api import load as load_settings
from mailbot.domain.model import CustomerHistory
from mailbot.domain.policy import Actions, Rule
from mailbot.domain.routing import conditions, prefilter
from mailbot.domain.routing.prefilter import Prefilter
from mailbot.domain.routing.routing_facts import routing_facts
from mailbot.mail.parsing.parse import parse
from tests.bench import corpus
from tests.bench.figures import Run
from tests.scenarios.harness import RECIPIENT, ROOT

SIZES = (10, 10_000)
PHRASES_A_RULE = 10
LENGTH = 5_000  # characters of a mail's text
HITS = 5  # phrases that stand in a mail, where any do
SYLLABLES = ("ba", "cu", "di", "fo", "gi", "ju", "ki", "lo", "mu", "na", "pe", "ro", "su", "ti", "wo", "ya")

Facts = Callable[[], conditions.RoutingFacts]


@dataclass(frozen=True, slots=True)
class Made:
    """`built` and `compiled` in milliseconds, `memory` in MB after some mails."""

    rules: Sequence[Rule]
    narrow: Prefilter
    built: float
    compiled: float
    memory: float


async def once(mails: int) -> Run:
    texts = _texts(mails)
    shipped = load_settings(ROOT / "config", {"MAILBOT_LIMITS": "off"}).policy
    facts = _facts(texts)
    measures = {"shipped rules (us a mail)": _cost(shipped.rules, facts, shipped.prefilter)}
    few, many = SIZES
    for operator in ("contains", "mentions", "matches"):
        small, large = (_made(operator, size, facts) for size in SIZES)
        costs = [_cost(each.rules, facts, each.narrow) for each in (small, large)]
        for size, cost in zip(SIZES, costs, strict=True):
            measures[f"{operator}: {size:,} (us a mail)"] = cost
        measures[f"{operator}: {many:,} / {few}"] = costs[1] / costs[0]
        hit = _facts(_with_hits(texts, many))
        measures[f"{operator}: {many:,}, {HITS} found (us a mail)"] = _cost(large.rules, hit, large.narrow)
        if operator == "contains":
            alone = _cost(large.rules, facts[:10], None)
            measures[f"{operator}: {many:,}, one by one (us a mail)"] = alone
        measures[f"{operator}: {many:,}, loading (ms)"] = large.built + large.compiled
        measures[f"{operator}: {many:,}, memory (MB)"] = large.memory
    return Run(measures)


def _cost(rules: Sequence[Rule], facts: Sequence[Facts], narrow: Prefilter | None) -> float:
    """Return microseconds, the median of the mails."""
    spans = []
    for make in facts:
        fresh, start = make(), time.perf_counter()
        conditions.match_rules(rules, fresh, narrow)
        spans.append(1e6 * (time.perf_counter() - start))
    return statistics.median(spans)


def _made(operator: str, phrases: int, facts: Sequence[Facts]) -> Made:
    before, start = _memory(), time.perf_counter()
    written = _phrases(phrases)
    groups = [written[at : at + PHRASES_A_RULE] for at in range(0, phrases, PHRASES_A_RULE)]
    rules = [
        Rule(f"rule {number}", conditions.build("text", operator, group), Actions())
        for number, group in enumerate(groups)
    ]
    rules.append(Rule("everything else", None, Actions()))
    built = time.perf_counter()
    narrow = prefilter.build([rule.when for rule in rules])
    compiled = time.perf_counter()
    for make in facts:
        conditions.match_rules(rules, make(), narrow)
    spans = (1000 * (built - start), 1000 * (compiled - built))
    return Made(rules, narrow, *spans, _memory() - before)


def _memory() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def _phrases(count: int) -> list[str]:
    """Generate pairs of words that look Indonesian and are in no mail, because of a number."""
    random = Random(count)
    return [
        f"{' '.join(''.join(random.choices(SYLLABLES, k=random.randint(2, 4))) for _ in range(2))}"
        f" {random.randrange(1000)}"
        for _ in range(count)
    ]


def _texts(count: int) -> list[str]:
    """Return the texts of the corpus as the daemon reads them; short ones are joined."""
    read = [parse(made.body).visible for made in corpus.mails(count)]
    found = []
    for at in range(count):
        text, others = read[at], cycle(read[at:] + read[:at])
        while len(text) < LENGTH:
            text += "\n" + next(others)
        found.append(text[:LENGTH])
    return found


def _with_hits(texts: Sequence[str], phrases: int) -> list[str]:
    written, random = _phrases(phrases), Random(1)
    return [f"{text} {'. '.join(random.sample(written, HITS))}." for text in texts]


def _facts(texts: Sequence[str]) -> list[Facts]:
    policy = load_settings(ROOT / "config", {}).policy
    bare = parse(b"From: budi@pelanggan.example\r\nSubject: Pesanan saya\r\n\r\n.\r\n")
    now = datetime.now(UTC)
    return [
        partial(routing_facts, replace(bare, visible=text), "", RECIPIENT, policy, now, CustomerHistory())
        for text in texts
    ]
