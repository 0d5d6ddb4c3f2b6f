"""What `explain` takes for known of a mail that no mail holds: who the customer is, what came before."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import click

from mailbot.domain.model import NO_HISTORY, Authentication, CustomerHistory, InboundMail


@dataclass(frozen=True, slots=True)
class Assumed:
    """None: as the store and the mail say."""

    known_customer: bool | None = None
    open_tickets: int | None = None
    reopened: bool | None = None
    escalated_before: bool | None = None
    authentication: str | None = None

    def __bool__(self) -> bool:
        return self != NOTHING

    def mail(self, mail: InboundMail) -> InboundMail:
        said = self.authentication
        return replace(mail, authentication=Authentication(said)) if said else mail

    def customer_history(self, known: CustomerHistory) -> CustomerHistory:
        told = {
            name: value
            for name in ("known_customer", "open_tickets", "reopened", "escalated_before")
            if (value := getattr(self, name)) is not None
        }
        if any(told.get(name) for name in ("open_tickets", "reopened", "escalated_before")):
            told.setdefault("known_customer", True)
        return replace(known, looked_up=True, **told)

    @property
    def said(self) -> str:
        return ", ".join(
            f"{each.name.replace('_', ' ')}: {str(value).lower()}"
            for each in fields(self)
            if (value := getattr(self, each.name)) is not None
        )


NOTHING = Assumed()

_OPTIONS = (
    click.option("--known-customer/--new-customer", default=None, help="Had the customer a ticket before?"),
    click.option(
        "--open-tickets", type=click.IntRange(0), metavar="N", help="Other open tickets of the customer."
    ),
    click.option("--reopened/--not-reopened", default=None, help="Does it go on with a closed ticket?"),
    click.option(
        "--escalated-before/--never-escalated",
        default=None,
        help="Was a ticket of the customer escalated lately?",
    ),
    click.option(
        "--authentication", type=click.Choice([each.value for each in Authentication]), help="Of the sender."
    ),
)
FLAGS = {
    "known_customer": ("--known-customer", "--new-customer"),
    "reopened": ("--reopened", "--not-reopened"),
    "escalated_before": ("--escalated-before", "--never-escalated"),
}


def assuming(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; their values come as the fields of `Assumed`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def words(known: CustomerHistory, asked: frozenset[str]) -> list[str]:
    """The options by which `explain` takes `known`: for what rules ask (`asked`), and what is unusual."""
    said = []
    for name, (yes, no) in FLAGS.items():
        if name in asked or getattr(known, name):
            said.append(yes if getattr(known, name) else no)
    if "open_tickets" in asked or known.open_tickets:
        said += ["--open-tickets", str(known.open_tickets)]
    if "authentication" in asked or known.authentication is not NO_HISTORY.authentication:
        said += ["--authentication", known.authentication.value]
    return said
