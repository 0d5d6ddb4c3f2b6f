"""The ledger of compensation for people and for --json."""

from collections.abc import Iterable
from typing import Any

from mailbot.cli.shared.output import clean, echo, format_short_time, print_facts, print_table, print_title
from mailbot.domain.compensation.ledger_summary import Budget, Statement, Tally
from mailbot.domain.compensation.requests import Entry, Outcome, Request
from mailbot.domain.routing.money import Money
from mailbot.store.compensations import Line

Shape = dict[str, Any]


def tell(told: Statement, waiting: int) -> None:
    print_facts(
        [
            ("asked", _said(told.asked)),
            ("granted", _said(told.granted)),
            ("refused", _said(told.refused)),
            ("waiting", f"{waiting} requests" if waiting else "nothing"),
        ],
        indent="",
    )
    for name in ("team", "level", "agent", "category"):
        tallies = getattr(told, f"by_{name}")
        print_table(
            (f"granted by {name}", "grants", "amount"), [(k, v.count, v.amount) for k, v in tallies.items()]
        )
    refused = [(clean(k), v.count, v.amount) for k, v in told.refused_by.items()]
    print_table(("refused by", "requests", "amount"), refused)
    if told.one_hand.count:
        echo(
            f"Note: one operator gave both signatures, in the names of two agents: {_said(told.one_hand)}",
            fg="yellow",
        )


def _said(tally: Tally) -> str:
    return f"{tally.amount} in {tally.count}" if tally.count else "nothing"


# --- shapes -----------------------------------------------------------------------------------------------


def line_shape(each: Line) -> Shape:
    """A line for --json; amounts are whole Rupiah."""
    entry: Entry = each.entry
    names = (
        *("at", "kind", "request", "ticket", "customer", "category", "team", "by", "agent", "level"),
        *("second", "because", "limit"),
    )
    return _whole({"line": each.id, **{name: getattr(entry, name) for name in names}, "amount": entry.amount})


def request_shape(each: Request) -> Shape:
    names = ("ticket", "customer", "amount", "at", "by", "agent", "because", "signed")
    return _whole({"request": each.id, **{name: getattr(each, name) for name in names}})


def outcome_json(outcome: Outcome) -> Shape:
    last = outcome.entries[-1]
    shape = {"request": outcome.request.id, "outcome": outcome.state, "amount": outcome.request.amount}
    return _whole({**shape, "because": last.because, "limit": last.limit})


def statement_shape(told: Statement) -> Shape:
    """A statement for --json: {"granted": {"count": 2, "amount": 250000}, "by_team": {...}, ...}."""
    names = (
        *("asked", "granted", "refused", "by_team", "by_level", "by_agent", "by_category", "refused_by"),
        "one_hand",
    )
    return _whole({name: getattr(told, name) for name in names})


def budgets_shape(left: Iterable[Budget]) -> Shape:
    """Team -> what it has this month, what is used, what is left."""
    return {each.team: _whole({"budget": each.budget, "used": each.used, "left": each.left}) for each in left}


def _whole(shape: Shape) -> Shape:
    """Money as whole Rupiah."""
    return {key: _plain(value) for key, value in shape.items()}


def _plain(value: Any) -> Any:
    match value:
        case Money():
            return int(value.amount)
        case Tally():
            return {"count": value.count, "amount": int(value.amount.amount)}
        case dict():
            return {key: _plain(each) for key, each in value.items()}
    return value


def row(each: Line, zone: str) -> tuple[object, ...]:
    entry = each.entry
    what = f"{entry.kind} ({entry.request})" if each.id != entry.request else "asked"
    people = " and ".join(filter(None, (entry.second, entry.agent))) or str(entry.by)
    return (
        each.id,
        format_short_time(entry.at, zone),
        what,
        entry.ticket,
        entry.amount,
        people,
        entry.because,
    )


def told_on_ticket(lines: list[Line], zone: str) -> None:
    """The section of `ticket show`; nothing where nobody ever asked."""
    if lines:
        print_title("Compensation")
        heads = ("line", "at", "what", "ticket", "amount", "by", "why")
        print_table(heads, [row(each, zone) for each in lines])
        echo()
