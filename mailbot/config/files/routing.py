"""Define the shape of `routing.yaml`: rules, what they can name, their tests."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mailbot.config.files.entry import Entry, LabelEntry
from mailbot.config.yaml.types import (
    Address,
    Categories,
    Channel,
    Complexity,
    DetectedLanguage,
    HeaderField,
    ListFile,
    LocalTime,
    Name,
    Names,
    Pattern,
    Priority,
    Size,
    TemplateName,
    Urgency,
    YesNo,
    some,
)
from mailbot.domain.policy import Assign


class ActionsEntry(Entry):
    """What a rule sets."""

    category: Name | None = Field(None, description="what the matter is about; else general")
    urgency: Urgency | None = Field(None, description="how soon it hurts; else normal")
    complexity: Complexity | None = Field(None, description="how hard it is; else medium")
    tags: list[Name] = Field([], description="words to find it by")
    team: Name | None = Field(None, description="the team; only a rule with `go_on` may leave it open")
    level: Name | None = Field(None, description="where it starts; else the lowest level")
    priority: Priority | None = Field(None, description="else it follows from urgency and complexity")
    ladder: Name | None = Field(None, description="one of `ladders` in escalation.yaml; else the priority's")
    assign: Assign | None = Field(None, description="how an agent is chosen; else as the team does")
    skill: Name | None = Field(None, description="only agents with this skill, where there are any")
    template: TemplateName | None = Field(
        None, description="a variant of the acknowledgement: acknowledgement.<template>.txt.j2 and so on"
    )
    ask_for: Names = Field(
        [], description="`details` that the acknowledgement asks for unless they are there"
    )


class DetailEntry(Entry):
    """Information that we need: found in the mail by its pattern, else asked for."""

    id: Name = Field(description="what the customer reads in Indonesian: nomor pesanan")
    en: Name = Field(description="what the customer reads in English: order number")
    pattern: Pattern | None = Field(
        None,
        description="RE2; the detail is the text of the first group that matched, else of the whole match",
    )


class CauseEntry(LabelEntry):
    """Why a matter came about: chosen when a ticket is closed, counted in reports."""

    category: Name | None = Field(None, description="for tickets of this category and below; else for all")
    silent: YesNo = Field(False, description="customers get no closing word: spam, duplicates")


class RuleEntry(Entry):
    """One rule: the first whose `when` holds decides."""

    name: Name = Field(description="shown on the ticket as the reason; no two rules share it")
    label: LabelEntry | None = Field(None, description="what agents read instead of the name")
    when: Any = Field(None, description="conditions; the last rule has none and takes everything")
    then: ActionsEntry = Field(description="what it sets")
    go_on: bool = Field(False, description="the rules below are tested too; what this one sets stays set")


class SampleMailEntry(Entry):
    """The mail of a test: a `file`, or its fields."""

    file: ListFile = Field("", description="a mail as it came (.eml), in this directory or below")
    sender: Address | None = Field(None, alias="from", description="the customer's address")
    recipient: Address | None = Field(None, alias="to", description="one of our mailboxes; else the first")
    subject: str = Field("", description="its subject")
    body: str = Field("", description="its text")
    language: DetectedLanguage | None = Field(None, description="id, en or unsure; else detected")
    attachments: Names = Field([], description="file names; the type follows from the ending")
    headers: dict[HeaderField, str] = Field({}, description="further header fields")
    size: Size | None = Field(None, description="of the whole mail; else as large as it is")
    at: LocalTime | None = Field(
        None, description="when it comes, by the first calendar's clock; else Monday 2026-11-23 10:00"
    )
    known_customer: bool = Field(False, description="this customer had a ticket before")
    open_tickets: int = Field(0, ge=0, description="how many tickets of this customer are open")
    reopened: bool = Field(False, description="it answers a ticket that was closed long ago")
    escalated_before: bool = Field(
        False, description="a ticket of this customer was escalated in the last 90 days"
    )
    authentication: Literal["pass", "fail", "none"] = Field("none", description="of its sender")
    channel: Channel = Field("mail", description="by which it comes")
    author: Literal["person", "machine", "report"] | None = Field(
        None, description="who wrote it; else found out from its header and text"
    )


def _file_or_mail(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


def _complete(value: SampleMailEntry) -> SampleMailEntry:
    inside = [
        name for name in ("sender", "subject", "body", "attachments", "headers") if getattr(value, name)
    ]
    if value.file and inside:
        raise ValueError("a mail is a `file` or its fields, not both", "leave one of them out")
    if not value.file and value.sender is None:
        raise ValueError("this mail has no sender", "from: siti@pelanggan.example, or file: mail.eml")
    return value


class ExpectEntry(Entry):
    """The expected result; what is left out may be anything."""

    rule: Name | None = Field(None, description="this rule matches, as the last or with `go_on`")
    not_rule: Names = Field([], description="none of these rules matches")
    category: Name | None = Field(None, description="what the matter is about")
    urgency: Urgency | None = Field(None, description="how soon it hurts")
    complexity: Complexity | None = Field(None, description="how hard it is")
    priority: Priority | None = Field(None, description="what follows from both, or was set")
    tags: Names = Field([], description="all of these are on it, others may be")
    team: Name | None = Field(None, description="the team")
    level: Name | None = Field(None, description="where it starts")
    ladder: Name | None = Field(None, description="which ladder it has")
    agent: Name | None = Field(None, description="its agent: a name, an address, or nobody")
    template: Name | None = Field(None, description="the variant of the acknowledgement")
    details: dict[Name, str] = Field({}, description="what is found in the mail, by name")
    ask_for: Names = Field([], description="all of these details are asked for")
    deadlines: dict[str, LocalTime] = Field(
        {}, description="first_response, 75% of resolution, ... and when, by the clock of the team's calendar"
    )


def _not_empty(value: ExpectEntry) -> ExpectEntry:
    if not value.model_fields_set:
        raise ValueError("this test expects nothing", "team: payments, priority: high, ...")
    return value


class TestEntry(Entry):
    """A mail and the expected result."""

    name: Name = Field(description="shown when it fails; no two tests share it")
    mail: Annotated[
        SampleMailEntry,
        AfterValidator(_complete),
        BeforeValidator(_file_or_mail, json_schema_input_type=str | SampleMailEntry),
    ] = Field(description="the mail, or a file that holds it")
    expect: Annotated[ExpectEntry, AfterValidator(_not_empty)] = Field(description="the expected result")
    expected_to_fail: YesNo = Field(
        False, description="the rules do not do this yet; once they do, `mailbot check` remarks on it"
    )


class RoutingFile(Entry):
    """routing.yaml: where a new ticket goes."""

    categories: Categories = Field(
        (), description="what a matter can be about; when it is here, rules can name nothing else"
    )
    category_labels: dict[Name, LabelEntry] = Field(
        {}, description="what agents read instead of a category: payment/double: {id: ..., en: ...}"
    )
    causes: dict[Name, CauseEntry] = Field(
        {}, description="why matters come about; closing a ticket names one: bank-delay: {id: ..., en: ...}"
    )
    details: dict[Name, DetailEntry] = Field({}, description="what rules can ask customers for, by name")
    lists: dict[Name, ListFile] = Field(
        {}, description="files of addresses and domains, one a line, for the operator `listed_in`"
    )
    learned: ListFile | None = Field(
        None, description="the file of `mailbot rules learn`, for conditions with `learned`"
    )

    rules: Annotated[list[RuleEntry], AfterValidator(some("rule"))] = Field(
        description="in order: the first that matches wins"
    )
    tests: list[TestEntry] = Field(
        [], description="mails and their expected results; a policy that fails one is refused"
    )
