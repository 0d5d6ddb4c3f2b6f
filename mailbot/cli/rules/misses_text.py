"""What `rules misses` found, for people and as JSON."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mailbot.analysis.corrections import SettledTicket
from mailbot.analysis.misses.find import Group, Judged, Misses
from mailbot.analysis.misses.miss import Miss, Wanted
from mailbot.analysis.misses.paste import new_rule_lines
from mailbot.analysis.misses.proposals import Proposal
from mailbot.cli.shared.output import clean, echo
from mailbot.domain.policy import Policy
from mailbot.domain.routing.conditions import Condition
from mailbot.operations.miss_tests import Added
from mailbot.operations.validate_policy import ROUTING
from mailbot.views.formats import count_text

_WIDTH = 80
_SHOWN = 3  # tickets of a group, without --all
_LEFT = 5  # groups without a proposal, without --all
_LONGEST = 40  # characters of a value that names a list of words


def print_misses(found: Misses, since: datetime, policy: Policy, zone: str, *, everything: bool) -> None:
    """Print the answer, then each group with its proposal."""
    _print_answer(found, since, zone)
    good = [group for group in found.groups if group.good]
    for number, group in enumerate(good, 1):
        echo()
        _print_group(number, group, found.tickets, policy, everything=everything)
    _print_left_over([group for group in found.groups if not group.good], everything=everything)
    if good:
        echo()
        _wrap("Put in what you agree with, then run `mailbot check` and this command again.")


def print_added(added: Added | None, directory: Path) -> None:
    """Print what was written, and what it means for `check`. None: nothing was asked for."""
    if added is None:
        echo("`--add-tests` keeps these mails as tests beside the rules.")
        return
    echo()
    if added.written:
        _wrap(
            f"Wrote {count_text(len(added.written), 'test')} to {clean(directory / ROUTING)}, marked "
            "`expected_to_fail`: `mailbot check` accepts them as they are, and remarks on each that passes once you "
            "have mended a rule. Addresses, links, phone and order numbers and the sender's name are replaced; other "
            "names may be left, so read them before you share the file."
        )
    if added.known:
        echo(f"Not written again: {count_text(len(added.known), 'ticket')} whose mail is a test already.")
    if added.unlike:
        _wrap(
            "Not written, because the rules decide their text alone as people did (who wrote it, when, or an "
            f"attachment counted): {', '.join(added.unlike)}"
        )


def _print_answer(found: Misses, since: datetime, zone: str) -> None:
    day = f"{since.astimezone(ZoneInfo(zone)):%-d %B %Y}"
    if not found.tickets:
        echo(f"No mail has opened a ticket since {day}.")
        return
    share = f" ({found.corrected / found.settled:.0%})" if found.settled else ""
    _wrap(
        f"Since {day} people corrected {found.corrected:,} of {found.settled:,} tickets that are closed or "
        f"corrected{share}. {found.tickets - found.settled:,} more are open.",
        bold=True,
    )
    if not found.corrected:
        echo("That says something only if your agents do correct tickets.")
    if found.outdated:
        _wrap(
            f"{found.outdated:,} of these were corrected to a category, team or priority that the files do not have."
        )
    if found.mended:
        _wrap(
            f"The rules in the files decide {found.mended:,} of these right by now; {found.wrong:,} are left."
        )


def _print_group(number: int, group: Group, tickets: int, policy: Policy, *, everything: bool) -> None:
    assert group.good
    count, wanted = count_text(len(group.misses), "ticket"), _wanted_text(group.wanted, group.misses)
    with_term = f'all with "{clean(group.term)}"'
    _wrap(f"{number}  {count} for {wanted}, {with_term}; {_rules_text(group.misses)}", 3, bold=True)
    _print_tickets(_tickets(group), "   ", None if everything else _SHOWN)
    _print_change(group.good.proposal, policy)
    _print_effect(group.good, len(group.misses), tickets, everything=everything)
    for name in group.breaks:
        _wrap(f'   fails the test "{clean(name)}" beside the rules', 3, fg="red")


def _print_left_over(groups: Sequence[Group], *, everything: bool) -> None:
    """Print the misses for which no proposal is good, shorter than the others."""
    if not groups:
        return
    echo()
    left = sum(len(group.misses) for group in groups)
    _wrap(
        f"No proposal for {count_text(left, 'ticket')}: no words that they share tell them from others.",
        bold=True,
    )
    for group in groups if everything else groups[:_LEFT]:
        wanted, cost = _wanted_text(group.wanted, group.misses), _cost_text(group)
        _wrap(f"   {len(group.misses)} for {wanted}; {_rules_text(group.misses)}{cost}", 5)
        tickets = _tickets(group)
        _print_tickets(tickets if everything else tickets[:1], "     ")
    if len(groups) > _LEFT and not everything:
        echo(f"   and {count_text(len(groups) - _LEFT, 'more group')} (--all)")


def _tickets(group: Group) -> list[SettledTicket]:
    return [miss.ticket for miss in group.misses]


def _cost_text(group: Group) -> str:
    if group.best is None:
        return ""
    catches, moves = len(group.best.catches), count_text(len(group.best.moves), "other")
    return f'; "{clean(group.best.proposal.term)}" would catch {catches} and move {moves}'


def _wanted_text(wanted: Wanted, misses: Sequence[Miss]) -> str:
    if wanted.name != "category":
        return f"{wanted.name} {clean(wanted.value)}"
    teams = Counter(miss.ticket.settled.team for miss in misses)
    return f"{clean(wanted.value)} (team {clean(teams.most_common(1)[0][0])})"


def _rules_text(misses: Sequence[Miss]) -> str:
    rules = Counter(str(miss.today.values["rule"]) for miss in misses).most_common(3)
    return "the rules say " + ", ".join(f'"{clean(name)}"' for name, _ in rules)


def _print_tickets(tickets: Sequence[SettledTicket], indent: str, most: int | None = None) -> None:
    shown = tickets[:most]
    for ticket in shown:
        start = f"{indent}{ticket.number}  "
        echo(f'{start}"{clean(ticket.case.mail.subject, _WIDTH - len(start) - 2)}"')
    if len(tickets) > len(shown):
        echo(f"{indent}{len(tickets) - len(shown):,} more (--all)")


def _print_change(proposal: Proposal, policy: Policy) -> None:
    if proposal.words:
        place = f"routing.yaml:{proposal.rule.line}"
        _wrap(
            f'   add to rule "{clean(proposal.rule.name)}" ({place}), to `{proposal.words.field}: '
            f"{proposal.words.operator}` {_list_text(proposal.words)}:",
            3,
        )
        echo(f"       {clean(proposal.term)}", bold=True)
    else:
        below = policy.rules[proposal.index]
        _wrap(f'   put above rule "{clean(below.name)}" (routing.yaml:{below.line}):', 3)
        for line in new_rule_lines(proposal):
            echo(f"  {line}", bold=True)


def _print_effect(judged: Judged, misses: int, tickets: int, *, everything: bool) -> None:
    catches = f"catches {len(judged.catches):,} of {misses:,}"
    if not judged.moves:
        echo(f"   {catches}, moves no other ticket of the {tickets:,}")
        return
    echo(f"   {catches}, would also move {count_text(len(judged.moves), 'other')}:")
    _print_tickets(judged.moves, "     ", None if everything else _SHOWN)


def _list_text(words: Condition) -> str:
    values = words.value if isinstance(words.value, tuple) else (words.value,)
    first = clean(next((each for each in values if len(str(each)) <= _LONGEST), ""))
    return f'(the list with "{first}")' if first else ""


def _wrap(text: str, indent: int = 0, **style: Any) -> None:
    for line in textwrap.wrap(
        text, _WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    ):
        echo(line, **style)


# --- JSON ---------------------------------------------------------------------------------------------------


def as_json(found: Misses, since: datetime, policy: Policy) -> dict[str, Any]:
    return {
        "since": since,
        "policy": policy.version,
        "tickets": found.tickets,
        "settled": found.settled,
        "corrected": found.corrected,
        "right_by_now": found.mended,
        "outdated": found.outdated,
        "wrong": found.wrong,
        "groups": [_group_json(group, policy) for group in found.groups],
    }


def _group_json(group: Group, policy: Policy) -> dict[str, Any]:
    return {
        "wanted": {group.wanted.name: group.wanted.value},
        "term": group.term,
        "tickets": [
            {
                **_ticket_json(miss.ticket),
                "rule": miss.today.values["rule"],
                "wrong": {
                    name: {"rules": miss.today.values[name], "people": value}
                    for name, value in miss.wrong.items()
                },
            }
            for miss in group.misses
        ],
        "proposal": _proposal_json(group, group.good, policy) if group.good else None,
    }


def _ticket_json(ticket: SettledTicket) -> dict[str, Any]:
    return {"number": ticket.number, "subject": ticket.case.mail.subject, "closed": ticket.is_closed}


def _proposal_json(group: Group, judged: Judged, policy: Policy) -> dict[str, Any]:
    proposal = judged.proposal
    rule = proposal.rule if proposal.words else policy.rules[proposal.index]
    return {
        "add": proposal.term if proposal.words else None,
        "to" if proposal.words else "above": rule.name,
        "line": rule.line,
        "yaml": None if proposal.words else "\n".join(new_rule_lines(proposal)),
        "catches": [miss.ticket.number for miss in judged.catches],
        "moves": [_ticket_json(ticket) for ticket in judged.moves],
        "fails_tests": group.breaks,
    }
