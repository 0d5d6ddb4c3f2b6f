"""List the verbs for people, in their language: what is written, what it does, an example of this desk."""

from collections.abc import Callable, Iterable, Mapping

from mailbot.domain.closing.causes import causes_for
from mailbot.domain.commands.registry import VERBS, Verb, find_agent
from mailbot.domain.labels import label
from mailbot.domain.ladder import open_question
from mailbot.domain.model import OVER, Status, Ticket
from mailbot.domain.notices import AgentHelp, HelpLine
from mailbot.domain.notify import language_of
from mailbot.domain.policy import Agent, Policy


def help_mail(
    ticket: Ticket, agent: Agent, policy: Policy, *, asked: bool, open_request: bool = False
) -> AgentHelp:
    """Return the mail that lists for this agent what applies to the ticket. `asked`: by the agent, about it."""
    language = language_of(agent)
    lines = help_lines(language, policy, ticket if asked else None, open_request=open_request)
    box, subject = ticket.mailbox, ticket.subject
    return AgentHelp(ticket.number, box, agent.address, language, subject, asked=int(asked), verbs=lines)


def help_lines(
    language: str, policy: Policy, ticket: Ticket | None = None, *, open_request: bool = True
) -> tuple[HelpLine, ...]:
    """Return the verbs that can do something on the ticket, in the order of the registry; without one, all.

    `open_request`: whether the ticket has a request for compensation that waits.
    """
    language = language if language in ("id", "en") else "en"
    return tuple(
        _line(verb, language, policy, ticket)
        for verb in VERBS
        if ticket is None or _applies(verb, ticket, policy, open_request=open_request)
    )


def example_of(verb: Verb, language: str, policy: Policy, ticket: Ticket | None = None) -> str:
    """Return the verb with arguments that this desk knows; where it knows none, as `written`."""
    words = verb.example[language]
    for place, find in _NAMES.items():
        if place in words:
            found = find(policy, ticket, language)
            if not found:
                return written(verb, language)
            words = words.replace(place, found)
    return f"#{verb.words[language][0]} {words}".rstrip()


def written(verb: Verb, language: str) -> str:
    """Return the verb as it stands in a mail, with the names of its arguments."""
    return f"#{verb.words[language][0]} {verb.usage[language]}".rstrip()


def _line(verb: Verb, language: str, policy: Policy, ticket: Ticket | None) -> HelpLine:
    example = example_of(verb, language, policy, ticket)
    return HelpLine(written(verb, language), verb.help[language], example)


# --- what can be done now ---------------------------------------------------------------------------------


def _applies(verb: Verb, ticket: Ticket, policy: Policy, *, open_request: bool) -> bool:
    """Check whether the verb can do anything on the ticket as it is. What is not in the table always can."""
    if verb.name == "approve":
        return open_request
    if verb.name == "refuse":
        return open_request or bool(ticket.held_for)
    if ticket.status is Status.FILED:
        return verb.name in ("release", "note", "undo", "help")
    needed = _NEEDED.get(verb.name)
    return needed is None or bool(needed(ticket, policy))


_NEEDED: Mapping[str, Callable[[Ticket, Policy], object]] = {
    "accept": lambda ticket, _: ticket.held_for,
    "release": lambda ticket, _: ticket.status is Status.FILED,
    "reopen": lambda ticket, _: ticket.status is Status.CLOSED,
    "close": lambda ticket, _: ticket.status not in OVER,
    "resolve": lambda ticket, _: ticket.is_incident and ticket.status not in OVER,
    "detach": lambda ticket, _: ticket.is_complaint,
    "decide": lambda ticket, policy: open_question(ticket, policy),
    "compensate": lambda _, policy: policy.authority.per_ticket,
}


# --- names of the desk ------------------------------------------------------------------------------------


def _option(policy: Policy, ticket: Ticket | None, _language: str) -> str:
    asked = open_question(ticket, policy) if ticket else None
    return asked.options[0] if asked and asked.options else ""


def _agent(policy: Policy, ticket: Ticket | None, _language: str) -> str:
    team = policy.teams.get(ticket.team) if ticket else None
    agents = team.agents if team else tuple(policy.agents.values())
    address = next((agent.address for agent in agents), "")
    name = address.partition("@")[0]
    return name if find_agent(name, policy) == address else address


def _team(policy: Policy, ticket: Ticket | None, language: str) -> str:
    return _named(
        policy, "team", (team for team in policy.teams if not ticket or team != ticket.team), language
    )


def _cause(policy: Policy, ticket: Ticket | None, _language: str) -> str:
    causes = causes_for(ticket, policy) if ticket else tuple(policy.causes.values())
    return causes[0].name if causes else ""


def _named(policy: Policy, kind: str, keys: Iterable[str], language: str) -> str:
    key = next(iter(keys), "")
    return label(policy, kind, key, language) if key and policy.labels.get(kind, {}).get(key) else key


_NAMES: Mapping[str, Callable[[Policy, Ticket | None, str], str]] = {
    "{agent}": _agent,
    "{team}": _team,
    "{level}": lambda policy, _ticket, _language: policy.levels[-1],
    "{cause}": _cause,
    "{priority}": lambda policy, _ticket, _language: [*policy.ladder_of, ""][0],
    "{category}": lambda policy, _ticket, _language: next(iter(policy.categories), ""),
    "{option}": _option,
    "{macro}": lambda policy, _ticket, _language: "",
}
