"""`mailbot macro list, show`: the texts that agents put into answers with `#macro NAME`."""

from collections.abc import Mapping
from dataclasses import replace

import click
from sqlalchemy import Connection

from mailbot.cli.shared import result_text
from mailbot.cli.shared.completion import complete_macro
from mailbot.cli.shared.open_store import fail, load_to_decide, now, open_store
from mailbot.cli.shared.options import as_option, config_option, standard_options
from mailbot.cli.shared.output import clean, clean_block, echo, print_json, print_table
from mailbot.cli.shared.ticket_lookup import find_ticket, suggest_name
from mailbot.domain import commands
from mailbot.domain.commands.grammar import Act
from mailbot.domain.reasons import Refusal
from mailbot.mail.compose.late_templates import load_macros
from mailbot.mail.compose.macros import VALUES, Macro, Macros
from mailbot.mail.compose.template_values import LANGUAGES
from mailbot.views.macro_json import macro_json
from mailbot.workers.macros import place_macros


@click.group()
@config_option
def macro() -> None:
    """Show the texts that agents put into answers with `#macro NAME`. They are in templates/macros."""


@macro.command("list")
@click.option("--category", default="", help="Only those that fit this category.")
@standard_options
def list_(category: str, in_json: bool) -> None:
    """List the macros: what each is for, and what an agent gives it."""
    loaded = load_to_decide()
    known = loaded.policy.categories
    if category and known and category not in known:
        hint = suggest_name(category, known)
        raise click.BadParameter(f"no category is {category}{hint}", param_hint="--category")
    macros = load_macros(loaded.settings.templates)
    found = [each for each in macros.by_name.values() if not category or each.fits(category)]
    if in_json:
        print_json([macro_json(each) for each in found])
        return
    rows = [(each.name, each.titles["en"], _arguments_of(each), _categories(each) or "any") for each in found]
    empty = "There is no such macro. `mailbot init DIR` writes a set to start from."
    print_table(("macro", "for what", "arguments", "categories"), rows, empty=empty)


@macro.command()
@click.argument("name", shell_complete=complete_macro)
@click.option("--language", type=click.Choice(LANGUAGES), help="Default: the ticket's, or both.")
@click.option("--ticket", "number", metavar="NUMBER", help="With what this ticket holds.")
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="An argument of the macro.")
@as_option
@standard_options
def show(
    name: str,
    language: str | None,
    number: str | None,
    given: tuple[str, ...],
    agent: str | None,
    in_json: bool,
) -> None:
    """Show macro NAME as a customer would read it. Without --ticket values stand as [name]."""
    arguments = _arguments(given)
    if number is None:
        macros = _load()
        text = _sample(macros, name, (language,) if language else LANGUAGES, arguments)
    else:
        macros, text = _of_ticket(name, number, language, arguments, agent)
    if isinstance(text, Refusal):
        fail(clean(str(text.reason), 1000))
    if in_json:
        print_json({**macro_json(macros.by_name[name]), "text": text})
    else:
        echo(clean_block(text))


def _arguments(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if wrong := next((each for each, (_, equals, _) in zip(given, pairs, strict=True) if not equals), ""):
        raise click.BadParameter(f"{wrong!r}: write NAME=VALUE", param_hint="--set")
    return {name.strip(): value for name, _, value in pairs}


def _sample(
    macros: Macros, name: str, languages: tuple[str, ...], arguments: Mapping[str, str]
) -> str | Refusal:
    found = macros.by_name.get(name)
    values = {language: {each: f"[{each}]" for each in VALUES} for language in languages}
    shown = {each: f"[{each}]" for each in found.names_of("argument")} if found else {}
    details = {each: f"[{each}]" for each in found.names_of("detail")} if found else {}
    return macros.render(name, languages, values, {**shown, **arguments}, details)


def _of_ticket(
    name: str, number: str, language: str | None, arguments: Mapping[str, str], agent: str | None
) -> tuple[Macros, str | Refusal]:
    with open_store(decides=True) as opened:
        snapshot, ticket = opened.build_runtime().snapshot, find_ticket(opened, number)
        actor = result_text.find_actor(opened, agent)
        asked = replace(ticket, language=language or ticket.language)

        def render(connection: Connection) -> str | Refusal:
            act = Act((commands.Macro(name, arguments),))
            placed = place_macros(connection, snapshot, asked, act, actor, now())
            return (
                placed
                if isinstance(placed, Refusal)
                else "".join(each.text for each in placed.commands if isinstance(each, commands.Macro))
            )

        return snapshot.composer.templates.macros, opened.store.read_now(render)


def _load() -> Macros:
    return load_macros(load_to_decide().settings.templates)


def _arguments_of(each: Macro) -> str:
    """List its arguments, those in brackets that may be left out."""
    names = each.names_of("argument")
    return ", ".join(name if name in each.needed else f"[{name}]" for name in names)


def _categories(each: Macro) -> str:
    return ", ".join(dict.fromkeys(place.name for place in each.categories))
