"""A report as a dictionary with stable keys, for --format json. Spans are seconds, shares 0 to 1."""

from dataclasses import asdict
from typing import Any

from mailbot.domain.compensation.ledger_summary import Statement, Tally
from mailbot.reports.figures.api import Figures, Period, Report
from mailbot.reports.figures.figures import AGES, MARKS_BY, Satisfaction, Timing

Shape = dict[str, Any]


def shape(report: Report) -> Shape:
    return {
        "made_at": report.made_at,
        "team": report.team or None,
        "period": _period(report.period),
        "previous_period": _period(report.before.period),
        "figures": _figures(report.figures),
        "previous": _figures(report.before),
        "causes": [asdict(each) for each in report.causes],
        "causes_compared_with": _period(report.compared),
        "cause_actions": [asdict(each) for each in report.actions],
        "compensation": _statement(report.compensation),
    }


def _period(period: Period) -> Shape:
    return _named(period, "since", "until", "zone")


def _figures(figures: Figures) -> Shape:
    plain = (
        "opened",
        "closed",
        "merged",
        "reopened",
        "returned",
        "gone",
        "answers",
        "filed",
        "incidents",
        "open_at_end",
    )
    satisfaction = figures.satisfaction
    confirmation = {"in_time": figures.confirmed, "late": figures.unconfirmed}
    return {
        **_named(figures, *plain),
        "closings_undone": figures.undone,
        "reopen_rate": figures.reopen_rate,
        "first_response": _timing(figures.first_response),
        "next_response": _timing(figures.next_response),
        "resolution": _timing(figures.resolution),
        "confirmation": _timing(figures.confirmation) | confirmation,
        "acknowledgement": {**asdict(figures.acknowledgement), "owed": figures.acknowledgements},
        "promises": {
            "kept_share": figures.kept_share,
            "by_target_and_priority": [
                _named(each, "target", "priority", "kept", "missed", "share") for each in figures.promises
            ],
        },
        "satisfaction": {
            **_named(satisfaction, "count", "mean", "satisfied", "response_rate"),
            "marks": {str(mark): count for mark, count in enumerate(satisfaction.marks, 1)},
            **{f"by_{kind}": _marks_by(satisfaction, kind) for kind in MARKS_BY},
        },
        "channels": dict(figures.channels),
        "closing_causes": [
            {"cause": cause or None, "count": count} for cause, count in figures.closing_causes
        ],
        "escalated": {
            "count": figures.escalated,
            "by_rule_and_level": [asdict(each) for each in figures.escalations],
        },
        "categories": {
            "right": figures.category_right,
            "confusions": [
                _named(each, "chosen", "settled", "count", "whole", "share") for each in figures.confusions
            ],
        },
        "backlog": {
            "count": figures.open_at_end,
            "age_limits_days": list(AGES),
            "by_team": {each.team: list(each.ages) for each in figures.teams if each.open_at_end},
        },
        "days": [asdict(each) | {"date": each.date.isoformat()} for each in figures.days],
        "teams": [
            _named(each, "team", "opened", "received", "closed", "escalated", "open_at_end")
            for each in figures.teams
        ],
        "agents": [asdict(each) for each in figures.agents],
    }


def _marks_by(satisfaction: Satisfaction, kind: str) -> Shape:
    chosen = (each for each in satisfaction.parts if each.kind == kind)
    return {each.name: _named(each.marks, "count", "mean", "satisfied") for each in chosen}


def _named(values: object, *names: str) -> Shape:
    return {name: getattr(values, name) for name in names}


def _timing(timing: Timing) -> Shape:
    return {"count": timing.wall.count, **asdict(timing)}


def _statement(told: Statement) -> Shape:
    """Convert a statement; amounts are whole Rupiah."""
    names = ("by_team", "by_level", "by_agent", "by_category", "refused_by")
    return {
        **{name: _tally(getattr(told, name)) for name in ("asked", "granted", "refused")},
        **{name: {key: _tally(each) for key, each in getattr(told, name).items()} for name in names},
    }


def _tally(tally: Tally) -> Shape:
    return {"count": tally.count, "amount": int(tally.amount.amount)}
