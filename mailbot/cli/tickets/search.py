"""`mailbot ticket search`: tickets by words, phrases and filters."""

import re
from collections.abc import Sequence
from itertools import islice

import click

from mailbot.cli.shared import options
from mailbot.cli.shared.open_store import OpenStore, fail, now, open_store
from mailbot.cli.shared.options import limit_option, page_option, standard_options
from mailbot.cli.shared.output import clean, echo, on_terminal, print_json, print_table
from mailbot.cli.tickets import show
from mailbot.domain.search import query
from mailbot.store.search import find
from mailbot.store.search.find import DEEPEST, Page, PageRequest, Sort
from mailbot.views.formats import count_text
from mailbot.views.list_json import found_json

LIMIT = 20  # tickets of a page for people
HEADS = (*show.HEADS, "found")
_EXCLUDED = re.compile(r"-[^-\s]..*")  # a word or filter with a minus, and no option


class _Words(click.Command):
    """Lets words begin with a minus: `-refund` is no option, `--limit` and `-c` are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        valued = {name for each in self.params if not getattr(each, "is_flag", True) for name in each.opts}
        own: list[str] = []
        words: list[str] = []
        rest = iter(args)
        for arg in rest:
            if arg == "--":
                words += rest
            elif _EXCLUDED.fullmatch(arg) or not arg.startswith("-"):
                words.append(arg)
            else:
                own += (arg, *islice(rest, arg in valued))
        return super().parse_args(ctx, [*own, "--", *words])


@click.command(cls=_Words)
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--sort", type=click.Choice(Sort), default=Sort.BEST, help="best (the default) or newest first."
)
@page_option
@limit_option
@standard_options
def search(words: tuple[str, ...], sort: Sort, page: int, limit: int | None, in_json: bool) -> None:
    """Find tickets by the words of their messages, subjects, people, numbers and names of files.

    All WORDS must be there, in any form: kirim finds mengirimkan. "a phrase" in quotes, -without, this OR that, begin*.
    Filters: team: tag: is: from: customer: assignee: priority: category: mailbox: since: until: has:attachment.
    """
    size = min(limit or (options.LIMIT if in_json else LIMIT), DEEPEST)
    if page * size > DEEPEST:
        raise click.UsageError(f"a search shows {DEEPEST:,} tickets at most: add a word or a filter")
    with open_store() as opened:
        asked = _parse(words, opened)
        wanted = PageRequest(size, page, sort)
        result = opened.store.read_now(find.search, asked, wanted, now())
        if in_json:
            print_json([found_json(each) for each in result.found])
        else:
            _print(result, wanted, opened, clean(" ".join(words)))
    _remark(result)
    if not result.found:
        raise click.exceptions.Exit(1)


def _parse(words: Sequence[str], opened: OpenStore) -> query.Query:
    try:
        asked = query.parse(" ".join(words), now(), opened.zone())
    except query.QueryError as error:
        fail(str(error))
    if asked.is_empty:
        raise click.UsageError("give at least one word to look for")
    return asked


def _print(page: Page, wanted: PageRequest, opened: OpenStore, asked: str) -> None:
    listed = show.rows(opened, [each.listed for each in page.found])
    rows = [(*row, each.snippet) for row, each in zip(listed, page.found, strict=True)]
    empty = f"no ticket contains {asked!r}" if wanted.page == 1 else "there is no further page"
    print_table(HEADS, rows, empty=empty, spare=(*show.SPARE, "promise", "customer"))
    if rows and on_terminal():
        first = wanted.start + 1
        more = f"  --page {wanted.page + 1} shows more." if page.total > wanted.end else ""
        total = f"{'at least ' if page.at_least else ''}{count_text(page.total, 'ticket')}"
        echo(f"{first} to {wanted.start + len(rows)} of {total}.{more}")


def _remark(page: Page) -> None:
    """Say on standard error what the search could not look at."""
    if page.not_indexed:
        count = count_text(page.not_indexed, "message")
        text = f"{count} not indexed yet: the daemon adds them in the background, the oldest first"
        click.echo(f"note: {text}", err=True)
    if page.back_to:
        day = f"{page.back_to:%Y-%m-%d}"
        text = (
            f"messages before {day} were not looked at, it would have taken long: add a word, or until:{day}"
        )
        click.echo(f"note: {text}", err=True)
