"""Options of `explain` for what no mail holds: the customer's history, the sender's authentication."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import click

from mailbot.domain.model import NO_HISTORY, Authentication, CustomerHistory, InboundMail

FLAGS = {
    "known_customer": ("--known-customer", "--new-customer"),
    "reopened": ("--reopened", "--not-reopened"),
    "escalated_before": ("--escalated-before", "--never-escalated"),
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
)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What to assume. None: take what the store and the mail hold."""

    known_customer: bool | None = None
    open_tickets: int | None = None
    reopened: bool | None = None
    escalated_before: bool | None = None
    authentication: str | None = None

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
        value = self.authentication
        return replace(mail, authentication=Authentication(value)) if value else mail

    def apply_to_history(self, history: CustomerHistory) -> CustomerHistory:
        given = self.given
        given.pop("authentication", None)
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
        if name in used or getattr(history, name):
            arguments.append(yes if getattr(history, name) else no)
    if "open_tickets" in used or history.open_tickets:
        arguments += ["--open-tickets", str(history.open_tickets)]
    if "authentication" in used or history.authentication is not NO_HISTORY.authentication:
        arguments += ["--authentication", history.authentication.value]
    return arguments
