"""`mailbot template list, show`: what our mails look like, before anybody gets one."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailbot.cli.shared.open_store import fail, load_to_decide
from mailbot.cli.shared.options import config_option, standard_options
from mailbot.cli.shared.output import clean, clean_block, echo, print_json, print_table
from mailbot.cli.shared.ticket_lookup import suggest_name
from mailbot.mail.compose.template_values import LANGUAGES, NOTICES

if TYPE_CHECKING:
    from mailbot.domain.notices import Notice
    from mailbot.domain.policy import Policy
    from mailbot.views.template_examples import Rendered


@click.group()
@config_option
def template() -> None:
    """Show the templates of our mails, filled with example values."""


@template.command("list")
@standard_options
def list_(in_json: bool) -> None:
    """List the templates: the mails that there are, and the variants that rules may choose."""
    from mailbot.mail.compose.templates import variants

    folder = load_to_decide().settings.templates
    names = sorted({*NOTICES, *variants(folder)})
    if in_json:
        print_json(names)
        return
    rows = [(name, folder / LANGUAGES[0] / f"{name}.txt.j2") for name in names]
    print_table(("template", "its text"), [(name, clean(path)) for name, path in rows])


@template.command()
@click.argument("name")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True)
@click.option("--variant", default="", help="The variant of an acknowledgement that a rule chooses: fraud.")
@click.option("--case", default="", help="One of the cases that the template distinguishes.")
@click.option("--chat", "in_chat", is_flag=True, help="Print the text that goes out in a chat.")
@click.option("--html", is_flag=True, help="Print the HTML in place of the text.")
@click.option("--open", "in_browser", is_flag=True, help="Look at the HTML in a browser.")
@standard_options
def show(
    name: str,
    language: str,
    variant: str,
    case: str,
    in_chat: bool,
    html: bool,
    in_browser: bool,
    in_json: bool,
) -> None:
    """Show template NAME, with example values, as its reader gets it.

    Brand, address and prefix are those of your first mailbox. Nothing is sent.
    """
    from mailbot.views.template_examples import cases_of, in_a_chat

    if in_chat and (html or in_browser):
        raise click.UsageError("--chat has no HTML")
    loaded = load_to_decide()
    name, variant = _known(loaded.settings.templates, name, variant)
    cases = cases_of(loaded.policy, name, variant, language)
    if case and case not in cases:
        raise click.BadParameter(f"{case!r}: there are {', '.join(cases)}", param_hint="--case")
    chosen = case or next(iter(cases))
    notice = in_a_chat(cases[chosen]) if in_chat else cases[chosen]
    mail = _render(loaded.settings.templates, loaded.policy, notice)
    if in_json:
        print_json({"template": name, "variant": variant or None, "case": chosen, **_json(mail)})
    elif in_browser:
        _open(mail.html)
    elif html:
        echo(mail.html)
    elif in_chat:
        echo(clean_block(mail.text))
    else:
        echo(f"Subject: {clean(mail.subject)}\n\n{clean_block(mail.text)}")
        if others := [each for each in cases if each != chosen]:
            echo(f"\nOther cases (--case): {', '.join(others)}")


def _known(folder: Path, name: str, variant: str) -> tuple[str, str]:
    """Return the notice and the variant. Raises click.BadParameter for what the folder lacks."""
    from mailbot.mail.compose.templates import variants

    notice, _, written = name.partition(".")
    variant = variant or written
    if notice not in NOTICES:
        hint = suggest_name(notice, NOTICES) or ": `mailbot template list` lists them"
        raise click.BadParameter(f"there is no template {clean(name)!r}{hint}", param_hint="NAME")
    known = [each.partition(".")[2] for each in variants(folder) if each.startswith(f"{notice}.")]
    if variant and variant not in known:
        there = f"there are {', '.join(known)}" if known else f"{notice} has none"
        raise click.BadParameter(f"{clean(variant)!r}: {there}", param_hint="--variant")
    return notice, variant


def _render(folder: Path, policy: "Policy", notice: "Notice") -> "Rendered":
    from mailbot.views.template_examples import CantRender, render

    try:
        return render(folder, policy, notice)
    except CantRender as error:
        fail(f"the template can't be rendered: {clean(error, 1000)}")


def _json(mail: "Rendered") -> dict[str, str]:
    return {"subject": mail.subject, "text": mail.text, "html": mail.html}


def _open(html: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8", delete=False) as file:
        file.write(html)
    if click.launch(file.name) != 0:
        fail(f"no browser could be started; the page is in {file.name}")
    echo(f"opened {file.name}")
