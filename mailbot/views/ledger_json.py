"""The ledger of compensation as JSON. Amounts are whole Rupiah; the keys are a contract with programs."""

from typing import Any

from mailbot.domain.compensation.requests import Outcome, Request
from mailbot.store.compensations import Line
from mailbot.views.json_form import to_json


def line_json(line: Line) -> dict[str, Any]:
    return {"line": line.id, **to_json(line.entry)}


def request_json(request: Request) -> dict[str, Any]:
    form: dict[str, Any] = to_json(request, rename={"id": "request"})
    return form


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return what became of a request: `outcome`, and the limit or the reason where it is refused."""
    request = to_json(outcome.request, only=("id", "amount"), rename={"id": "request"})
    last = to_json(outcome.entries[-1], only=("because", "limit"))
    return {**request, "outcome": outcome.state, **last}
