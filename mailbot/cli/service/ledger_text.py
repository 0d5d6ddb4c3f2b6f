"""The ledger of compensation for people."""

from collections.abc import Sequence

from mailbot.cli.shared.output import clean, echo, print_facts, print_table, print_title
from mailbot.domain.compensation.ledger_summary import Statement, Tally
from mailbot.store.compensations import Line
from mailbot.views.formats import format_short_time

HEADS = ("line", "at", "what", "ticket", "amount", "by", "why")


def print_statement(statement: Statement, waiting: int) -> None:
    facts = [
        ("asked", _tally_text(statement.asked)),
        ("granted", _tally_text(statement.granted)),
        ("refused", _tally_text(statement.refused)),
        ("waiting", f"{waiting} requests" if waiting else "nothing"),
    ]
    print_facts(facts, indent="")
    for name in ("team", "level", "agent", "category"):
        tallies = getattr(statement, f"by_{name}")
        rows = [(key, tally.count, tally.amount) for key, tally in tallies.items()]
        print_table((f"granted by {name}", "grants", "amount"), rows)
    refused = [(clean(key), tally.count, tally.amount) for key, tally in statement.refused_by.items()]
    print_table(("refused by", "requests", "amount"), refused)
    if statement.one_hand.count:
        total = _tally_text(statement.one_hand)
        echo(f"Note: one operator gave both signatures, in the names of two agents: {total}")


def _tally_text(tally: Tally) -> str:
    return f"{tally.amount} in {tally.count}" if tally.count else "nothing"


def row(line: Line, zone: str) -> tuple[object, ...]:
    """Return the columns of HEADS."""
    entry = line.entry
    what = f"{entry.kind} ({entry.request})" if line.id != entry.request else "asked"
    people = " and ".join(filter(None, (entry.second, entry.agent))) or str(entry.by)
    at = format_short_time(entry.at, zone)
    return line.id, at, what, entry.ticket, entry.amount, people, entry.because


def print_lines(lines: Sequence[Line], zone: str) -> None:
    """Print the section of `ticket show`, nothing for a ticket without compensation."""
    if lines:
        print_title("Compensation")
        print_table(HEADS, [row(line, zone) for line in lines])
        echo()
