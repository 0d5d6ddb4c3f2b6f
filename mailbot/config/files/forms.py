"""Define the shape of `forms` in mailbot.yaml: the web forms that customers fill in."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mailbot.config.files.entry import Entry, LabelEntry
from mailbot.config.yaml.types import Address, FormName, Name, Origin, Pattern, YesNo, some
from mailbot.domain.web_forms.model import FieldKind

MOST_FIELDS = 30


class OptionEntry(LabelEntry):
    """One choice of a field."""

    tag: Name | None = Field(None, description="what the ticket is tagged with where it is chosen")


class FieldEntry(Entry):
    """A field. Address, name and message need none: each form has them."""

    name: FormName = Field(description="of the field on the page: small letters, digits and -")
    label: LabelEntry = Field(description="what customers read beside it, and agents in the message")
    kind: Literal[*(each.value for each in FieldKind)] = Field(  # type: ignore[valid-type]
        "text", description="text, long text, choice, number or date"
    )
    required: YesNo = Field(False, description="the form is not taken without it")
    pattern: Pattern | None = Field(None, description="RE2 that the whole text must match: INV-[0-9]{6}")
    example: Name | None = Field(None, description="an answer that is right; customers see it")
    options: dict[FormName, OptionEntry] = Field({}, description="the choices of a choice, by name")
    detail: Name | None = Field(None, description="one of `details` in routing.yaml: the answer becomes it")
    subject: YesNo = Field(False, description="the answer is the subject of the message")


class FormEntry(Entry):
    """A web form at `/forms/NAME`."""

    name: FormName = Field(description="its address is /forms/NAME: small letters, digits and -")
    mailbox: Address = Field(description="one of `mailboxes`: whom its messages are for")
    title: LabelEntry | None = Field(None, description="the heading; left out: the brand of the mailbox")
    fields: list[FieldEntry] = Field(
        [], max_length=MOST_FIELDS, description="beside address, name and message, in their order"
    )
    embed_on: list[Origin] = Field([], description="origins of pages that may show it in a frame")
    languages: Annotated[list[Literal["id", "en"]], AfterValidator(some("language"))] = Field(
        ["id", "en"], description="in which it can be read, the first where the browser asks for no other"
    )
    files: YesNo = Field(True, description="it takes photos, videos, PDF and plain text")
    confirm: YesNo = Field(
        True,
        description="the sender confirms the address by a mailed link, and only then the message comes in; "
        "no: it comes in at once, its sender unproven",
    )
