"""`mailbot docs` and `mailbot systemd`: the documentation and the units that come with the installation."""

import os
import re
import shutil
import sys
from pathlib import Path

import click

from mailbot.cli.shared.options import standard_options
from mailbot.cli.shared.output import clean, echo, on_terminal, print_error, print_json, print_table
from mailbot.config import shipped

HIDDEN = (Path("/root"), Path("/home"), Path("/run/user"))  # by ProtectHome= of the unit


@click.command()
@click.argument("page", required=False)
@standard_options
def docs(page: str | None, in_json: bool) -> None:
    """Show a PAGE of the documentation of this version, or list all pages with their files."""
    pages = {path.relative_to(shipped.docs()).with_suffix("").as_posix(): path for path in shipped.pages()}
    if page is None:
        rows = [(name, _title(path), path) for name, path in pages.items()]
        if in_json:
            print_json([dict(zip(("page", "title", "file"), map(str, row), strict=True)) for row in rows])
        else:
            print_table(("page", "title", "file"), rows)
        return
    wanted = page.removesuffix(".md").removeprefix("docs/")
    found = [name for name in pages if wanted in (name, name.rpartition("/")[2])]
    if not found:
        raise click.UsageError(f"there is no page {clean(page)!r}: `mailbot docs` lists them")
    text = pages[found[0]].read_text(encoding="utf-8")
    if on_terminal():
        click.echo_via_pager(text)
    else:
        echo(text.rstrip("\n"))


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def systemd(directory: Path) -> None:
    """Write mailbot.service and mailbot.socket to DIR, usually /etc/systemd/system. Files are never overwritten.

    The service calls this very mailbot.
    """
    program = _program()
    for unit in sorted(shipped.units().iterdir()):
        text = unit.read_text(encoding="utf-8")
        if program:
            text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", text)
        _write(directory / unit.name, text)
    if program and is_hidden(program):
        print_error(
            f"{program} is in a folder that the service can't see (ProtectHome=yes)\n"
            "Install mailbot for all users: `mailbot docs install` has the steps."
        )
        raise click.exceptions.Exit(1)
    echo("\nNext: systemctl daemon-reload && systemctl enable --now mailbot")


def is_hidden(program: Path) -> bool:
    """Check whether the service can't see this file."""
    return any(program.is_relative_to(place) for place in HIDDEN)


def _program() -> Path | None:
    """Return the path by which this command was called, not what it links to: an upgrade may move that."""
    for name in (sys.argv[0], "mailbot"):
        if Path(name).name == "mailbot" and (found := shutil.which(name)):
            return Path(os.path.abspath(found))
    return None


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        path.chmod(0o644)
        echo(f"wrote {clean(path)}")
    except FileExistsError:
        echo(f"left as it was: {clean(path)}")
    except OSError as error:
        print_error(f"{path}: {error.strerror}\nNo existing file was changed.")
        raise click.exceptions.Exit(1) from error
