"""`mailbot rules check`: what can be proven about a policy before any mail has come."""

import functools
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from mailbot.analysis.lint import checks
from mailbot.analysis.lint.checks import SEVERITIES, Budget, Finding, Severity, Witness
from mailbot.cli.shared.config_place import config_directory
from mailbot.cli.shared.open_store import load_configuration, now, read_if_possible
from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, clean_block, echo, print_json
from mailbot.cli.tickets import assumptions
from mailbot.domain.model import Author
from mailbot.domain.policy import Policy
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.worktime import DAY_NAMES
from mailbot.errors import Problem
from mailbot.mail.compose.sample_mail import LARGEST_EXAMPLE
from mailbot.views.formats import count_text, format_size
from mailbot.views.json_form import to_json

PERIOD = timedelta(days=30)
MAX_STEPS = 1_000_000_000  # the time limit ends the search here
MAX_STEPS_EACH = 2_000_000
MAX_TEXT = 400  # characters of an example's text that are shown
HISTORY_TEXTS = {
    "known_customer": "a customer who had a ticket before",
    "reopened": "continues a closed ticket",
    "escalated_before": "a customer with a ticket that was escalated",
}


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, its place, and its example as a file ("" when it was not written)."""

    finding: Finding
    place: Problem
    file: str = ""


@click.command("check")
@click.option("--all", "all_pairs", is_flag=True, help="Also name every pair of rules whose order decides.")
@click.option(
    "--witnesses",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the example mails to DIR, for `mailbot explain`.",
)
@click.option(
    "--seconds",
    metavar="N",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    help="Give up what is not proven by then: it is not decided.",
)
@standard_options
@click.pass_context
def check(ctx: click.Context, all_pairs: bool, folder: Path | None, seconds: int, in_json: bool) -> None:
    """Prove faults of rules, ladders, duty hours and limits. Each comes with an example that shows it.

    \b
    It finds
    - rules that never match and the rules that take their mail
    - conditions that exclude each other, actions and values without effect
    - grave rules below milder ones, rules that contradict each other, mail that no rule takes
    - teams that nothing leads to, skills and languages that nobody has
    - steps and times of ladders without effect, ladders that lead in a circle or to a dead end
    - hours and dates when no agent is on duty while clocks run
    - amounts that no agent may approve

    Exit 1 when there is a fault. Remarks, notes and what is not decided exit 0.
    """
    from mailbot.operations.finding_locations import locate
    from mailbot.operations.validate_policy import mails_of_tests

    loaded = load_configuration()
    policy, end = loaded.policy, time.monotonic() + seconds
    budget = Budget(MAX_STEPS, MAX_STEPS_EACH, lambda: time.monotonic() > end)
    chosen = (*checks.CHECKS, checks.all_pairs) if all_pairs else checks.CHECKS
    directory = config_directory(ctx)
    tested = functools.partial(mails_of_tests, loaded, directory)
    findings = checks.check(policy, budget, chosen, now().date(), tested, loaded.settings.limits.size)
    places = locate(findings, loaded.sources, directory)
    files = _write_examples(findings, folder) if folder else [""] * len(findings)
    located = [Located(*parts) for parts in zip(findings, places, files, strict=True)]
    corrected = _count_corrected(loaded.settings.store)
    if in_json:
        _print_json(located, policy, corrected)
    else:
        _print(located, policy)
        _print_limit(corrected)
    if checks.faults(findings):
        ctx.exit(1)


def _count_corrected(store: str) -> int | None:
    """Count the tickets of the last PERIOD that people corrected; None where the store can't be read."""
    from mailbot.analysis.corrections import read_outcomes

    found = read_if_possible(store, lambda opened: read_outcomes(opened, now() - PERIOD, corrected=True))
    return None if found is None else len(found)


def _write_examples(findings: Sequence[Finding], folder: Path) -> list[str]:
    """Write the example mail of each finding to `folder`. Return the files, "" for findings without one."""
    from mailbot.mail.compose.sample_mail import write_example

    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number, finding in enumerate(findings, 1):
        mail = finding.witness.mail if finding.witness else None
        path = folder / f"{number:03d}-{finding.kind}.eml"
        if mail:
            path.write_bytes(write_example(mail))
        names.append(str(path) if mail else "")
    return names


# --- for people ---------------------------------------------------------------------------------------------


def _print(located: Sequence[Located], policy: Policy) -> None:
    for item in located:
        finding, place = item.finding, item.place
        severity = "" if finding.severity is Severity.FAULT else f" ({finding.severity})"
        where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
        text = f"{where}: {finding.kind}{severity}: {finding.message}"
        echo(clean_block(text), fg="red" if finding.severity is Severity.FAULT else None)
        if finding.hint:
            echo(f"    {clean(finding.hint)}")
        if finding.witness:
            _print_example(finding.witness, item.file, policy)
        echo()
    _print_summary(located, policy)


def _print_example(witness: Witness, file: str, policy: Policy) -> None:
    mail = witness.mail
    echo(f"    {'example' if mail else 'shown by'}: {clean(witness.shows)}")
    if witness.moment:
        echo(f"      at: {witness.moment:%a %Y-%m-%d %H:%M %Z}")
    if mail:
        for text in _mail_lines(mail):
            echo(f"      {text}")
        if file:
            command = shlex.join([file, *_explain_options(witness, mail, policy)])
            echo(f"      mailbot explain {clean(command)}")


def _explain_options(witness: Witness, mail: RoutingFacts, policy: Policy) -> list[str]:
    """Return the options with which `explain` sees what the rules tested."""
    timed = witness.moment or "hour" in policy.asked_fields
    at = ["--at", f"{mail.local_time:%Y-%m-%d %H:%M}"] if timed else []
    size = ["--size", str(mail.size)] if mail.size > LARGEST_EXAMPLE else []
    return [*at, *size, *assumptions.as_arguments(mail.customer_history, policy.asked_fields)]


def _mail_lines(mail: RoutingFacts) -> list[str]:
    """Return the example as a person reads a mail, without what is as usual."""
    name = f"{clean(mail.sender_name)} " if mail.sender_name else ""
    lines = [f"From: {name}<{clean(mail.sender)}>", f"To: {clean(mail.mailbox)}"]
    lines += [f"{clean(field)}: {clean(value)}" for field, values in mail.headers.items() for value in values]
    lines.append(f"Subject: {clean(mail.subject)}")
    lines += [f"| {line}" for line in clean_block(mail.text, MAX_TEXT).split("\n")]
    for file, kind in zip(mail.attachment_names, mail.attachment_types, strict=False):
        lines.append(f"attached: {clean(file) or '(no name)'}, {clean(kind)}")
    at, history = mail.local_time, mail.customer_history
    details = [
        f"{DAY_NAMES[at.weekday()]} {at:%Y-%m-%d %H:%M}",
        f"language {mail.language or 'unsure'}",
        format_size(mail.size),
        *(text for name, text in HISTORY_TEXTS.items() if getattr(history, name)),
    ]
    if history.open_tickets:
        details.append(f"{history.open_tickets} other open tickets")
    if history.authentication.value != "none":
        details.append(f"sender authentication: {history.authentication.value}")
    if history.author is not Author.PERSON:
        details.append(f"written by a {history.author}")
    if not history.machine_may_answer:
        details.append("no automatic answer allowed")
    return [*lines, f"({', '.join(details)})"]


def _print_summary(located: Sequence[Located], policy: Policy) -> None:
    counts = {grade: sum(item.finding.severity is grade for item in located) for grade in SEVERITIES}
    texts = [
        f"{count} not decided" if severity is Severity.UNDECIDED else count_text(count, severity)
        for severity, count in counts.items()
        if count or severity is Severity.FAULT
    ]
    colour = "red" if counts[Severity.FAULT] else None
    echo(f"{count_text(len(policy.rules), 'rule')}, policy {policy.version}: {', '.join(texts)}", fg=colour)


def _print_limit(corrected: int | None) -> None:
    """Print what no proof says, however clean the rules are."""
    echo("This proves that the rules can work, not that they catch what customers write.")
    if corrected is None:
        echo("`mailbot rules misses` shows that, by what people correct.")
    else:
        tickets = count_text(corrected, "ticket")
        echo(f"People corrected {tickets} of the last {PERIOD.days} days: see `mailbot rules misses`.")


# --- JSON ---------------------------------------------------------------------------------------------------


def _print_json(located: Sequence[Located], policy: Policy, corrected: int | None) -> None:
    findings = [
        {
            **to_json(item.finding, only=("kind", "severity")),
            **to_json(item.place, only=("file", "line", "column")),
            **to_json(item.finding, only=("message", "hint", "names")),
            "witness": _witness_json(item.finding.witness, item.file, policy),
        }
        for item in located
    ]
    ok = all(item.finding.severity is not Severity.FAULT for item in located)
    counts = {"rules": len(policy.rules), "tickets_corrected": corrected}
    print_json({"ok": ok, "policy": policy.version, **counts, "findings": findings})


def _witness_json(witness: Witness | None, file: str, policy: Policy) -> dict[str, Any] | None:
    """Return an example as JSON. `rules`: those that match it; the last one takes it."""
    if witness is None:
        return None
    mail, matches = witness.mail, []
    if mail:
        matches = [
            policy.rules[match.rule_index].name for match in conditions.match_rules(policy.rules, mail)
        ]
    return {
        "shows": witness.shows,
        "moment": witness.moment,
        "amount": str(witness.amount) if witness.amount else None,
        "mail": to_json(mail, rename={"customer_history": "circumstances"}),
        "explain": _explain_options(witness, mail, policy) if mail else [],
        "rules": matches,
        "file": file,
    }
