"""How `mailbot rules check` tells what it found."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailbot.analysis.lint.checks import SEVERITIES, Finding, Severity, Witness
from mailbot.cli.shared import output
from mailbot.cli.tickets import assumptions
from mailbot.domain.policy import Policy
from mailbot.domain.routing import conditions
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.worktime import DAY_NAMES
from mailbot.errors import Problem

_COLOURS = {
    Severity.FAULT: "red",
    Severity.REMARK: "yellow",
    Severity.UNDECIDED: "magenta",
    Severity.NOTE: "blue",
}
_LONGEST = 400  # characters of an example's text that are shown
_TRUTHS = {
    "known_customer": "a customer who had a ticket before",
    "reopened": "goes on with a closed ticket",
    "escalated_before": "a customer with a ticket that was escalated",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A finding, its place, and its example as a file ("" when it was not written)."""

    finding: Finding
    at: Problem
    file: str = ""


def show(told: Sequence[Told], policy: Policy) -> None:
    for each in told:
        finding, at = each.finding, each.at
        graver = "" if finding.severity is Severity.FAULT else f" ({finding.severity})"
        where = f"{at.file}:{at.line}:{at.column}" if at.line else at.file
        text = f"{where}: {finding.kind}{graver}: {finding.message}"
        output.echo(output.clean_block(text), fg=_COLOURS[finding.severity])
        if finding.hint:
            output.echo(f"    {output.clean(finding.hint)}")
        if finding.witness:
            _example(finding.witness, each.file, policy)
        output.echo()
    _summary(told, policy)


def _example(witness: Witness, file: str, policy: Policy) -> None:
    mail = witness.mail
    output.echo(f"    {'example' if mail else 'shown by'}: {output.clean(witness.shows)}")
    if witness.moment:
        output.echo(f"      at: {witness.moment:%a %Y-%m-%d %H:%M %Z}")
    if mail:
        for text in _mail_lines(mail):
            output.echo(f"      {text}")
    if file and mail:
        output.echo(
            f"      mailbot explain {output.clean(shlex.join([file, *_options(witness, mail, policy)]))}"
        )


def _options(witness: Witness, mail: RoutingFacts, policy: Policy) -> list[str]:
    """What `explain` must be told beside the mail to see what the rules saw."""
    timed = witness.moment or "hour" in policy.asked_fields
    at = ["--at", f"{mail.local_time:%Y-%m-%d %H:%M}"] if timed else []
    return [*at, *assumptions.words(mail.customer_history, policy.asked_fields)]


def _mail_lines(mail: RoutingFacts) -> list[str]:
    """What matters of it, as a person reads a mail; what is as usual is left out."""
    name = f"{mail.sender_name} " if mail.sender_name else ""
    lines = [f"From: {output.clean(name)}<{output.clean(mail.sender)}>", f"To: {output.clean(mail.mailbox)}"]
    lines += [
        f"{output.clean(each)}: {output.clean(value)}"
        for each, values in mail.headers.items()
        for value in values
    ]
    lines.append(f"Subject: {output.clean(mail.subject)}")
    lines += [f"| {line}" for line in output.clean_block(mail.text, _LONGEST).split("\n")]
    for file, kind in zip(mail.attachment_names, mail.attachment_types, strict=False):
        lines.append(f"attached: {output.clean(file) or '(no name)'}, {output.clean(kind)}")
    at = mail.local_time
    known = mail.customer_history
    beside = [
        f"{DAY_NAMES[at.weekday()]} {at:%Y-%m-%d %H:%M}",
        f"language {mail.language or 'unsure'}",
        output.format_size(mail.size),
        *(said for each, said in _TRUTHS.items() if getattr(known, each)),
        *([f"{known.open_tickets} other open tickets"] if known.open_tickets else ()),
        *([f"sender's proof: {known.authentication.value}"] if known.authentication.value != "none" else ()),
    ]
    return [*lines, f"({', '.join(beside)})"]


def _summary(told: Sequence[Told], policy: Policy) -> None:
    counts = {severity: sum(each.finding.severity is severity for each in told) for severity in SEVERITIES}
    plural = {Severity.UNDECIDED: "not decided"}
    said = [
        f"{count} {plural.get(severity, severity + 's' * (count != 1))}"
        for severity, count in counts.items()
        if count or severity is Severity.FAULT
    ]
    colour = "red" if counts[Severity.FAULT] else "green"
    output.echo(f"{len(policy.rules)} rules, policy {policy.version}: {', '.join(said)}", fg=colour)


def as_object(told: Sequence[Told], policy: Policy) -> None:
    found = [
        {
            "kind": each.finding.kind,
            "severity": each.finding.severity,
            "file": each.at.file,
            "line": each.at.line,
            "column": each.at.column,
            "message": each.finding.message,
            "hint": each.finding.hint,
            "names": each.finding.names,
            "witness": _witness(each.finding.witness, each.file, policy),
        }
        for each in told
    ]
    ok = all(each.finding.severity is not Severity.FAULT for each in told)
    output.print_json({"ok": ok, "policy": policy.version, "rules": len(policy.rules), "findings": found})


def _witness(witness: Witness | None, file: str, policy: Policy) -> dict[str, Any] | None:
    """`rules`: those that match it, the last one takes it."""
    if witness is None:
        return None
    mail = witness.mail
    hits = (
        [policy.rules[hit.rule_index].name for hit in conditions.match_rules(policy.rules, mail)]
        if mail
        else []
    )
    amount = str(witness.amount) if witness.amount else None
    options = _options(witness, mail, policy) if mail else []
    beside = {"moment": witness.moment, "amount": amount, "mail": mail, "explain": options}
    return {"shows": witness.shows, **beside, "rules": hits, "file": file}
