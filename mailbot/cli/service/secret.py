"""`mailbot secret`: the secrets that sign reply addresses, Message-IDs and one-tap links. None is ever printed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import click

from mailbot.cli.shared.open_store import OpenStore, fail, open_store
from mailbot.cli.shared.options import config_option, standard_options
from mailbot.cli.shared.output import echo, print_json, print_table
from mailbot.cli.shared.runtime import lacks_secret
from mailbot.config.yaml import scalars
from mailbot.store.schema import EPOCH
from mailbot.store.service import signing_secrets
from mailbot.store.service.signing_secrets import LEAD, Rotation, StoredSecrets, fingerprint
from mailbot.views.formats import format_duration, format_time

KEEP = "90 days"
ENVIRONMENT, STORE = "environment", "store"


def _span(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    try:
        return timedelta() if value.strip() == "0" else scalars.duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no span of time: 90 days, 12 h, 0") from error


@click.group("secret")
@config_option
def secret() -> None:
    """The secrets that sign reply addresses and Message-IDs: list, rotate."""


@secret.command("list")
@standard_options
def list_(in_json: bool) -> None:
    """List the secrets by fingerprint: which one signs, which ones still verify, until when."""
    with open_store() as opened:
        stored = opened.store.read_now(signing_secrets.load)
        if stored is None:
            fail("no daemon has run on this store, so there is no secret yet")
        rows, zone = list(_rows(opened, stored)), opened.zone()
    if in_json:
        print_json(rows)
        return
    cells = [
        (
            row["fingerprint"],
            row["place"],
            "yes" if row["signs"] else "",
            format_time(row["signs_from"], zone),
            format_time(row["until"], zone),
        )
        for row in rows
    ]
    print_table(("secret", "where", "signs", "signs from", "verifies until"), cells)


def _rows(opened: OpenStore, stored: StoredSecrets) -> Iterator[dict[str, Any]]:
    own, previous = opened.settings.secret, opened.settings.previous_secrets
    daemon_has_another = lacks_secret(opened.settings, stored)
    if daemon_has_another:
        yield _row(stored.elsewhere, "environment of the daemon", signs=True)
    for value in (*((own,) if own else ()), *previous):
        yield _row(fingerprint(value), ENVIRONMENT, signs=value is own and not daemon_has_another)
    by_environment = bool(own or stored.elsewhere)
    for each in stored.secrets:
        if not by_environment or each.until:
            signs = not by_environment and each is stored.signing
            yield _row(fingerprint(each.value), STORE, signs, each.signs_from, each.until)


def _row(
    mark: str, place: str, signs: bool, signs_from: datetime | None = None, until: datetime | None = None
) -> dict[str, Any]:
    begins = signs_from if signs_from and signs_from > EPOCH else None
    return {
        "fingerprint": mark,
        "place": place,
        "signs": signs,
        "signs_from": begins,
        "until": until,
    }


@secret.command()
@click.option(
    "--keep",
    default=KEEP,
    metavar="SPAN",
    callback=_span,
    help=f"How long the old one still verifies. Default: {KEEP}. 0: it is known to others.",
)
@standard_options
def rotate(keep: timedelta, in_json: bool) -> None:
    """Replace the secret in the store, while daemons run and without a reload.

    All nodes know the new one before it signs. Mails signed by the old one can be answered for --keep.
    """
    with open_store() as opened:
        rotated = opened.store.write_now(signing_secrets.rotate, Rotation(keep))
        if rotated is None:
            fail("no daemon has run on this store, so there is no secret yet")
        stored = opened.store.read_now(signing_secrets.load) or rotated
        rows, elsewhere = list(_rows(opened, stored)), opened.settings.secret or stored.elsewhere
    if in_json:
        print_json(rows)
        return
    fresh = rotated.secrets[-1]
    if elsewhere:
        echo("MAILBOT_SECRET signs here. The secret in the store was replaced all the same:")
    echo(f"{fingerprint(fresh.value)} signs in {format_duration(LEAD)}, when every daemon has read it")
    until = "stops to verify then" if not keep else f"still verify for {format_duration(keep)} after that"
    echo(f"what was signed before {until}")
