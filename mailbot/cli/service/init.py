"""`mailbot init`: a configuration to start from, for a shop or another trade."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from mailbot.cli.shared.output import clean, echo, print_error
from mailbot.config import starters
from mailbot.config.starters import MAILBOX, SHOP, STARTERS
from mailbot.views.formats import count_text


def _reader(key: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Return what reads an option as the loader reads this key of a mailbox."""

    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            return starters.read_choice(key, value)
        except ValueError as error:
            raise click.BadParameter("; ".join(map(str, error.args))) from None

    return read


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "starter",
    type=click.Choice(STARTERS),
    help="The trade that comes nearest to yours. Default: shop, with 46 rules; the others have one to eight.",
)
@click.option(
    "--mailbox",
    "address",
    metavar="ADDRESS",
    callback=_reader("address"),
    help="The address customers write to.",
)
@click.option("--brand", metavar="NAME", callback=_reader("brand"), help="The name customers know.")
@click.option(
    "--prefix",
    metavar="LETTERS",
    callback=_reader("prefix"),
    help="Of ticket numbers: TOKO of TOKO-48217390-8.",
)
def init(
    directory: Path, starter: str | None, address: str | None, brand: str | None, prefix: str | None
) -> None:
    """Write a commented, working configuration and the templates to DIR. Files are never overwritten.

    `mailbot docs starters` tells what each starter has.
    """
    before = starters.recorded(directory)
    if starter and before and starter != before:
        print_error(
            f"{directory} holds a configuration from the starter {before!r}\n"
            f"Write {starter!r} to a directory of its own."
        )
        raise click.exceptions.Exit(1)
    given = zip(MAILBOX, (address, brand, prefix), strict=True)
    mailbox = {key: value for key, value in given if value is not None}
    _check_room(mailbox)
    starter = starter or before or SHOP
    try:
        done = starters.init(directory, starter, mailbox)
    except OSError as error:
        place = error.filename or directory
        print_error(f"{place}: {error.strerror}\nNo existing file was changed.")
        raise click.exceptions.Exit(1) from error
    _print_paths("wrote", done.written, directory)
    _print_paths("left as it was:", done.left, directory)
    if mailbox and directory / "mailbot.yaml" in done.left:
        echo("\nmailbot.yaml was there before, so --mailbox, --brand and --prefix changed nothing.")
    _print_next(directory, starter)


def _check_room(mailbox: dict[str, str]) -> None:
    """Refuse an address whose local part leaves no room for reply tokens."""
    from mailbot.mail.compose.reply_tokens import check_token_fits

    try:
        if "address" in mailbox:
            check_token_fits(mailbox["address"], mailbox.get("prefix", "A" * 10), digits=8)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--mailbox'") from None


def _print_next(directory: Path, starter: str) -> None:
    """Print the three steps that lead to a policy of one's own."""
    config = f"--config {shlex.quote(clean(directory))}"
    subject, text = map(shlex.quote, starters.typical_mail(starter))
    echo(
        "\nNext:\n"
        "  1. Put your people into teams.yaml; your relay, `admins` and `trust` into mailbot.yaml.\n"
        f"  2. mailbot check {config}\n"
        f"  3. echo {text} | \\\n"
        f"       mailbot explain - --from you@mail.example --subject {subject} {config}\n"
        f"Then `mailbot run {config}`. `mailbot docs starters` leads to rules of your own."
    )


def _print_paths(label: str, paths: Sequence[Path], directory: Path) -> None:
    """Print the YAML files one by one, the many templates as one line."""
    templates = [path for path in paths if path.parent != directory]
    for path in paths:
        if path not in templates:
            echo(f"{label} {clean(path)}")
    if templates:
        echo(f"{label} {clean(directory / 'templates')}: {count_text(len(templates), 'file')}")
