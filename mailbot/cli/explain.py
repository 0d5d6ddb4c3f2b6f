"""`mailbot explain`: why a ticket is where it is, from its events; or where a mail would go, as a dry run."""

import sys
from pathlib import Path

import click

from mailbot.cli import numbers, telling
from mailbot.cli.opening import Desk, desk, no
from mailbot.cli.options import config_option, json_option
from mailbot.cli.say import as_json, clean, line, title, when
from mailbot.cli.sentences import comes_due, sentence
from mailbot.cli.shapes import deadline_shapes, event_shapes, ticket_shape
from mailbot.core import reference
from mailbot.core.model import Ticket
from mailbot.store import tickets, views

LARGEST = 64 * 1024 * 1024  # bytes of a mail that are read


@click.command()
@click.argument("what", metavar="MAIL.eml|-|NUMBER", nargs=-1, required=True)
@click.option("--from", "sender", metavar="ADDRESS", help="Sender of the envelope; else Return-Path or From.")
@click.option(
    "--to", "recipient", metavar="ADDRESS", help="Recipient of the envelope; else the mailbox in To."
)
@click.option("--peer", default="", metavar="IP", help="Where it would come from: for trusted networks.")
@config_option
@json_option
def explain(
    what: tuple[str, ...], sender: str | None, recipient: str | None, peer: str, in_json: bool
) -> None:
    """A mail: how it is read, where it belongs, which rule matches on what, what would be sent. A dry run of
    the daemon's own code; nothing is changed. A ticket: why it is where it is, from its recorded events."""
    typed = " ".join(what)
    if typed == "-":
        _mail(sys.stdin.buffer.read(LARGEST), sender, recipient, peer, in_json)
    elif Path(typed).is_file():
        with Path(typed).open("rb") as file:
            _mail(file.read(LARGEST), sender, recipient, peer, in_json)
    elif reference.normalise(typed) or "." not in typed:
        _ticket(typed, in_json)
    else:
        no(f"there is no file {clean(typed)}, and it is no ticket number")


def _mail(raw: bytes, sender: str | None, recipient: str | None, peer: str, in_json: bool) -> None:
    from mailbot.cli import dry_run, dry_run_print

    with dry_run.place() as at:
        told = dry_run.dry_run(at, raw, sender=sender, recipient=recipient, peer=peer)
        if in_json:
            as_json(dry_run_print.shape(told, at.policy))
        else:
            dry_run_print.show(told, at.policy)


def _ticket(typed: str, in_json: bool) -> None:
    with desk() as at:
        found = numbers.existing(at, typed)
        recorded = at.store.read_now(tickets.events_of, found.number)
        if in_json:
            armed = at.store.read_now(views.deadline, found.number)
            events = event_shapes(recorded, at.zone(found.team))
            comes = deadline_shapes(found, at.policy)
            shown = {"ticket": ticket_shape(found, armed), "events": events, "deadlines": comes}
            links = at.store.read_now(views.links_of, found.number)
            as_json({**shown, "links": links, "messages": _evidence(at, found)})
        else:
            _tell(at, found, recorded)


def _evidence(at: Desk, found: Ticket) -> list[dict[str, object]]:
    """Of each message why it is here, and what else was weighed."""
    shown = at.store.read_now(lambda each: views.messages_of(each, found.number, longest=0))
    names = ("id", "at", "author", "direction", "home", "evidence")
    return [{name: getattr(each, name) for name in names} for each in shown]


def _why_here(at: Desk, found: Ticket, zone: str) -> None:
    title("Why its messages are here")
    for each in at.store.read_now(lambda c: views.messages_of(c, found.number, longest=0)):
        because, others = telling.belongs(each.evidence)
        line(f"  {when(each.at, zone)}  {clean(each.author)} (message {each.id}): {clean(because)}")
        for other in others:
            line(f"       weighed: {clean(other)}")
    line()


def _tell(at: Desk, found: Ticket, recorded: list[tickets.RecordedEvent]) -> None:
    zone = at.zone(found.team)
    has_it = f"{found.assignee} has it" if found.assignee else "nobody has it"
    where = f"{found.status}, team {found.team}, level {found.level}, {has_it}"
    title(f"{found.number}  {clean(where)}")
    for what, others in telling.links_said(at.store.read_now(views.links_of, found.number), found.number):
        line(f"  {what} {clean(others)}")
    policy = ""
    for each in recorded:
        if each.policy != policy:
            policy = each.policy
            line(f"  by policy {clean(policy)}:", dim=True)
        line(f"  {each.seq:>3}  {when(each.event.at, zone)}  {sentence(each.event, zone)}")
    line()
    _why_here(at, found, zone)
    comes_due(found, at.policy, zone)
    if at.policy.version != policy:
        line(f"\nThe files hold policy {at.policy.version} by now.", dim=True)
