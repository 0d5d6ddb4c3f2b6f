"""Options of `explain` for what no mail holds: the customer's history, the sender's authentication."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import click

from mailbot.domain import reasons
from mailbot.domain.model import NO_HISTORY, Authentication, Author, CustomerHistory, InboundMail
from mailbot.domain.reasons import NO_REASON

FLAGS = {
    "known_customer": ("--known-customer", "--new-customer"),
    "reopened": ("--reopened", "--not-reopened"),
    "escalated_before": ("--escalated-before", "--never-escalated"),
    "machine_may_answer": ("--machine-may-answer", "--no-machine-may-answer"),
}
_OPTIONS = (
    click.option("--known-customer/--new-customer", default=None, help="Had the customer a ticket before?"),
    click.option(
        "--open-tickets", type=click.IntRange(0), metavar="N", help="Other open tickets of the customer."
    ),
    click.option("--reopened/--not-reopened", default=None, help="Does it continue a closed ticket?"),
    click.option(
        "--escalated-before/--never-escalated",
        default=None,
        help="Was a ticket of the customer escalated recently?",
    ),
    click.option(
        "--authentication",
        type=click.Choice([value.value for value in Authentication]),
        help="Of the sender.",
    ),
    click.option("--size", type=click.IntRange(1), metavar="BYTES", help="Of the mail; else the file's own."),
    click.option("--author", type=click.Choice([value.value for value in Author]), help="Who wrote it."),
    click.option(
        "--machine-may-answer/--no-machine-may-answer",
        default=None,
        help="May it be answered automatically?",
    ),
)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What to assume. None: take what the store and the mail hold."""

    known_customer: bool | None = None
    open_tickets: int | None = None
    reopened: bool | None = None
    escalated_before: bool | None = None
    authentication: str | None = None
    author: str | None = None
    machine_may_answer: bool | None = None
    size: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def __bool__(self) -> bool:
        return bool(self.given)

    def __str__(self) -> str:
        return ", ".join(
            f"{name.replace('_', ' ')}: {str(value).lower()}" for name, value in self.given.items()
        )

    def apply_to_mail(self, mail: InboundMail) -> InboundMail:
        assumed = reasons.of("assumed")
        if self.authentication:
            mail = replace(mail, authentication=Authentication(self.authentication))
        if self.size:
            mail = replace(mail, size=self.size)
        if self.author:
            mail = replace(mail, author=Author(self.author), author_reason=assumed)
        may = self.machine_may_answer
        if mail.author is not Author.PERSON or may is not None:
            mail = replace(mail, no_auto_reply=NO_REASON if may else mail.no_auto_reply or assumed)
        return mail

    def apply_to_history(self, history: CustomerHistory) -> CustomerHistory:
        given = self.given
        for name in ("authentication", "author", "machine_may_answer", "size"):
            given.pop(name, None)
        if any(given.get(name) for name in ("open_tickets", "reopened", "escalated_before")):
            given.setdefault("known_customer", True)
        return replace(history, looked_up=True, **given)


NO_ASSUMPTIONS = Assumptions()


def assumption_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options. Their values come as the fields of `Assumptions`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def as_arguments(history: CustomerHistory, used: frozenset[str]) -> list[str]:
    """Return the options of `explain` for this history: the fields that rules use, and unusual values."""
    arguments = []
    for name, (yes, no) in FLAGS.items():
        if name in used or getattr(history, name) != getattr(NO_HISTORY, name):
            arguments.append(yes if getattr(history, name) else no)
    if "open_tickets" in used or history.open_tickets:
        arguments += ["--open-tickets", str(history.open_tickets)]
    if "authentication" in used or history.authentication is not NO_HISTORY.authentication:
        arguments += ["--authentication", history.authentication.value]
    if "author" in used or history.author is not NO_HISTORY.author:
        arguments += ["--author", history.author.value]
    return arguments
