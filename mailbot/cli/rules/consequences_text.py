"""What a change of policy means for people, in words: the first thing that `rules diff` prints."""

from collections.abc import Sequence
from datetime import timedelta

from mailbot.analysis.diff.consequences import Consequences, PriorityShift, PromiseShift, Share
from mailbot.analysis.diff.off_hours import NIGHT, PersonMails
from mailbot.cli.shared.output import clean, echo, echo_wrapped
from mailbot.domain import labels
from mailbot.domain.policy import Policy
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.views.formats import count_text, format_work_time

SHOWN = 8  # people
PROMISES = {"first_response": "first answer", "resolution": "resolution"}


def print_consequences(found: Consequences, policy: Policy, *, everybody: bool) -> None:
    """Print what changes for customers and for our people. `policy` is the new one, which has the labels."""
    for shift in found.priorities:
        echo_wrapped(_priority_text(shift, policy), bold=shift.priority == PRIORITIES[-1])
    _print_people(found.people, policy, None if everybody else SHOWN)
    for heading, shares, kind in (
        ("Tickets by team", found.teams, "team"),
        ("Tickets by first level", found.levels, "level"),
    ):
        if shares:
            print_shares(heading, shares, kind, found.weeks, policy)
    _print_promises(found.promises)
    if found.steps:
        names = ", ".join(map(clean, found.steps))
        echo_wrapped(
            f"Steps of ladders differ ({names}): `mailbot simulate --policy` shows what they would do."
        )


def _priority_text(shift: PriorityShift, policy: Policy) -> str:
    name = labels.label(policy, "priority", shift.priority, "en").lower()
    name = name if shift.priority == PRIORITIES[-1] else f"{name}-priority"
    more = shift.gained - shift.lost
    text = f"{abs(more):,} {'more' if more >= 0 else 'fewer'} {name} ticket{'' if abs(more) == 1 else 's'}"
    if shift.gained and shift.lost:
        text += f" ({shift.gained:,} become {name}, {shift.lost:,} no longer are)"
    if shift.off_hours:
        text += (
            f", {shift.off_hours:,} of {'those' if not shift.lost else 'the new ones'} outside office hours"
        )
    return f"{text}."


def _print_people(people: Sequence[PersonMails], policy: Policy, shown: int | None) -> None:
    if people:
        night = f"night is {NIGHT[0]}:00 to {NIGHT[1]:02}:00"
        echo_wrapped(
            f"Mailed outside office hours, off shift, unless somebody answers first (tickets; {night}):"
        )
    for each in people[:shown]:
        echo_wrapped(f"  {_person_text(each, policy)}", 4)
    if shown is not None and len(people) > shown:
        echo(f"  and {len(people) - shown:,} more: --all shows them.")


def _person_text(person: PersonMails, policy: Policy) -> str:
    places = [("team", person.team), ("level", person.level)]
    texts = [labels.label(policy, kind, key, "en") for kind, key in places if key]
    # The team of managers is often called as their level.
    place = f" ({', '.join({text.lower(): text for text in texts}.values())})" if texts else ""
    times = zip(person.more, ("at night", "at other times"), strict=True)
    counts = ", ".join(f"{more:+,} {time}" for more, time in times if more)
    return f"{clean(person.name or person.address)}{place}: {counts}"


def print_shares(heading: str, shares: Sequence[Share], kind: str, weeks: float, policy: Policy) -> None:
    """Print a line for each team or level: a week where the mails are of one week or more."""
    by_week = weeks >= 1
    echo(f"{heading}{', a week' if by_week else ''}:")
    divisor = weeks if by_week else 1
    width = max(len(_label(policy, kind, share.name)) for share in shares)
    for share in shares:
        old, new = share.old / divisor, share.new / divisor
        counts = f"{_amount(old)} -> {_amount(new)}"
        echo(f"  {_label(policy, kind, share.name):<{width}}  {counts}  ({_signed(new - old)})")


def _label(policy: Policy, kind: str, key: str) -> str:
    return clean(labels.label(policy, kind, key, "en")) or "-"


def _amount(number: float) -> str:
    tenths = round(number, 1)
    return f"{tenths:,.0f}" if tenths >= 10 or tenths == int(tenths) else f"{tenths:,.1f}"


def _signed(number: float) -> str:
    return f"{'+' if number > 0 else '-'}{_amount(abs(number))}"


def _print_promises(promises: Sequence[PromiseShift]) -> None:
    for heading, sooner in (("Promised sooner:", True), ("Promised later:", False)):
        chosen = [each for each in promises if each.sooner == sooner]
        if chosen:
            echo(heading)
        for each in chosen:
            echo_wrapped(f"  {count_text(each.count, 'ticket')}: {_promise_text(each)}", 4)


def _promise_text(shift: PromiseShift) -> str:
    old, new = _span_text(shift.old, shift.old_calendar), _span_text(shift.new, shift.new_calendar)
    name = PROMISES[shift.target]
    if shift.new is None:
        return f"{name} not promised, instead of within {old}"
    return f"{name} within {new} instead of {old}"


def _span_text(span: timedelta | None, calendar: str = "") -> str:
    if span is None:
        return "no promise"
    return format_work_time(span) + (f" of `{clean(calendar)}`" if calendar else "")
