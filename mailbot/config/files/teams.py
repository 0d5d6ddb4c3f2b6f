"""Define the shape of `teams.yaml`: levels, teams, agents, authority."""

from typing import Annotated

from pydantic import AfterValidator, Field

from mailbot.config.checks.authority import AuthorityEntry
from mailbot.config.files.entry import Entry, LabelEntry
from mailbot.config.files.signature import SignatureEntry
from mailbot.config.yaml.types import Address, Away, Language, Morning, Name, Notify, Public, some
from mailbot.domain.policy import Assign


class AgentEntry(Entry):
    """A person who answers customers."""

    name: Name = Field(description="as it is shown to people")
    address: Address = Field(description="where tickets are sent to, and answers come from")
    level: Name = Field(description="one of `levels`")
    languages: list[Language] = Field([], description="that this agent answers in")
    skills: list[Name] = Field([], description="your own words, for the `skill` of rules")
    calendar: Name | None = Field(
        None, description="own hours: one of `calendars` in escalation.yaml; else the team's"
    )
    away: Away = Field([], description="days off: dates, or 2026-12-24 to 2027-01-02")
    notify: Notify | None = Field(
        None,
        description="each: a mail for every notice (the default); digest 15 min: one mail for all notices of "
        "that time. What is urgent, asks for a decision or has to be confirmed always comes at once",
    )
    morning: Morning | None = Field(
        None, description="when this agent's plan of the day comes by mail, or `off`; else as the team has it"
    )
    signature: SignatureEntry | None = Field(
        None, description="below this agent's answers, by language; else the mailbox's"
    )
    keep_signature: bool | None = Field(
        None, description='what the agent writes below "-- " goes to customers; else as the mailbox has it'
    )


class PublicEntry(Entry):
    """What customers read instead of an internal name."""

    id: Public = Field(description="in Indonesian: tim pembayaran kami")
    en: Public = Field(description="in English: our payments team")


class TeamEntry(Entry):
    """Agents that rules route to."""

    calendar: Name = Field(description="when this team works: one of `calendars` in escalation.yaml")
    assign: Assign = Field(
        "spread",
        description="which agent on duty gets a ticket: spread evenly, round_robin, or least_load (the "
        "fewest open tickets)",
    )
    morning: Morning | None = Field(
        None,
        description="when each agent gets the plan of the day by mail, on their work days and by their own "
        "calendar: promises, waits that end, decisions; a day without any has no mail",
    )
    label: LabelEntry | None = Field(None, description="what agents read instead of the team's key")
    public_name: PublicEntry | None = Field(
        None, description="what customers read when their matter is with this team"
    )
    agents: Annotated[list[AgentEntry], AfterValidator(some("agent"))] = Field(description="who is in it")


class TeamsFile(Entry):
    """teams.yaml: who answers."""

    levels: Annotated[list[Name], AfterValidator(some("level"))] = Field(
        description="lowest first, up to management"
    )
    teams: Annotated[dict[Name, TeamEntry], AfterValidator(some("team"))] = Field(description="by name")
    level_labels: dict[Name, LabelEntry] = Field({}, description="what agents read instead of a level")
    public_levels: dict[Name, PublicEntry] = Field(
        {}, description="what customers read when their matter is at this level"
    )
    authority: AuthorityEntry = Field(
        AuthorityEntry(), description="who may grant how much compensation; left out: nobody anything"
    )
