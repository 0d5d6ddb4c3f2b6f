"""Who may see what on the pages and by the API. Roles come from teams.yaml and `admins`, and change with a reload."""

from dataclasses import dataclass
from enum import StrEnum

from mailbot.domain import notify
from mailbot.domain.actor import Actor
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Agent, Policy


class Role(StrEnum):
    AGENT = "agent"
    MANAGER = "manager"  # an agent of the highest level
    ADMIN = "admin"  # listed under `admins`


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who is logged in, or the program that acts in that person's name.

    - `teams`: whose tickets an agent sees. Managers and admins see all.
    - `agent`: None for an admin who answers no customers.
    - `within`: of a program: the teams beyond which it sees nothing; none for no such bound.
    """

    address: str
    name: str
    language: str
    zone: str
    roles: frozenset[Role]
    teams: frozenset[str]
    agent: Agent | None
    within: frozenset[str] = frozenset()

    @property
    def is_manager(self) -> bool:
        return Role.MANAGER in self.roles

    @property
    def is_admin(self) -> bool:
        return Role.ADMIN in self.roles

    @property
    def sees_all(self) -> bool:
        return self.is_manager or self.is_admin

    @property
    def actor(self) -> Actor:
        """Return in whose name this person acts."""
        return Actor.agent(self.address) if self.agent else Actor.operator(self.address)

    def may_see(self, ticket: Ticket) -> bool:
        """Check whether this person may read the ticket and act on it."""
        return self.sees(ticket.team, ticket.assignee)

    def sees(self, team: str, assignee: str | None) -> bool:
        """Check the same of a ticket of this team and agent."""
        if self.within and team not in self.within:
            return False
        return self.sees_all or team in self.teams or assignee == self.address


def find_viewer(address: str, policy: Policy) -> Viewer | None:
    """Return the person with this address, None for one who is neither agent nor admin by this policy."""
    address = address.strip().lower()
    agent = policy.agents.get(address)
    is_admin = address in policy.admins
    if agent is None and not is_admin:
        return None
    is_manager = agent is not None and agent.level == policy.levels[-1]
    held = {Role.AGENT: agent is not None, Role.MANAGER: is_manager, Role.ADMIN: is_admin}
    calendar = policy.agent_calendars.get(address) or next(iter(policy.calendars.values()))
    return Viewer(
        address=address,
        name=agent.name if agent else address,
        language=_language_of(agent),
        zone=calendar.zone,
        roles=frozenset(role for role, holds in held.items() if holds),
        teams=frozenset(team.name for team in policy.teams.values() if agent in team.agents),
        agent=agent,
    )


def _language_of(agent: Agent | None) -> str:
    return "id" if notify.language_of(agent) == "id" else "en"
