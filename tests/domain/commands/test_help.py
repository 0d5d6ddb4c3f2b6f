"""What help lists works: every verb, its example, and its line in the shell."""

from dataclasses import replace

import pytest

from mailbot.cli.tickets.act import GENERATED_VERBS
from mailbot.cli.tickets.group import COMMANDS
from mailbot.domain.actor import Actor
from mailbot.domain.commands import grammar
from mailbot.domain.commands.help import example_of, help_lines, written
from mailbot.domain.commands.registry import BY_NAME, VERBS, Reading
from mailbot.domain.model import Status, Ticket
from mailbot.domain.reasons import Refusal
from tests.builders import BOX, NOW, NUMBER
from tests.commands_page import DESK, PAGE, RINA, page

TICKET = Ticket(
    NUMBER, BOX.address, "budi@pelanggan.example", "Saldo", "id", NOW, team="logistics", level="L1"
)
LANGUAGES = ("id", "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_each_example_is_read_as_its_verb(verb, language) -> None:
    example = example_of(verb, language, DESK, TICKET)
    if example == written(verb, language) and verb.usage[language]:
        assert verb.name in ("macro", "decide")  # of these the desk or the ticket has none here
        return
    read = grammar.read(example, Reading(TICKET, Actor.agent(RINA.address), DESK, NOW))

    assert not isinstance(read, Refusal), read
    assert len(read.commands) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_has_each_verb_once_in_the_language_of_its_reader(language) -> None:
    lines = help_lines(language, DESK)

    assert [line.written for line in lines] == [written(verb, language) for verb in VERBS]
    assert all(len(line.text) <= 75 for line in lines)


def names_for(ticket: Ticket, *, open_request: bool = False) -> set[str]:
    by_form = {written(verb, "en"): verb.name for verb in VERBS}
    return {by_form[line.written] for line in help_lines("en", DESK, ticket, open_request=open_request)}


def test_help_on_a_ticket_leaves_out_what_can_do_nothing_there() -> None:
    opened = names_for(replace(TICKET, status=Status.OPEN))
    closed = names_for(replace(TICKET, status=Status.CLOSED))

    assert {"note", "take", "close", "help"} <= opened
    assert not opened & {"reopen", "approve", "refuse", "accept", "release", "decide", "resolve"}
    assert "reopen" in closed
    assert "close" not in closed
    assert {"approve", "refuse"} <= names_for(TICKET, open_request=True)
    assert {"accept", "refuse"} <= names_for(replace(TICKET, held_for="TOKO-51157299-3"))
    assert names_for(replace(TICKET, status=Status.FILED)) == {"note", "release", "undo", "help"}


def test_the_help_of_a_shell_command_is_the_line_of_its_verb() -> None:
    for name in GENERATED_VERBS:
        text = BY_NAME[name].help["en"]
        assert COMMANDS[name][1] == f"{text[0].upper()}{text[1:]}."


def test_the_page_of_commands_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make commands writes docs/commands.md"
