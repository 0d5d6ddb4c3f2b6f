"""Define the shape of `channels.incoming`: programs that send what people wrote, as signed JSON."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from mailbot.config.files.entry import Entry
from mailbot.config.yaml.types import Address, Channel, HeaderField, WebAddress, YesNo, some
from mailbot.domain.programs.places import HINT, read_place, read_template

_ONE = {"type": ["string", "number", "boolean"]}


def _place(value: str) -> str:
    read_place(value)
    return value


def _template(value: str) -> str:
    read_template(value)
    return value


def _texts(value: Any) -> list[str]:
    """Read one value or several, as JSON writes them: yes is true."""
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(each, str | int | float) for each in found):
        raise ValueError("one value or a list of values is needed", "message.created")
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in found]


Place = Annotated[
    str,
    AfterValidator(_place),
    WithJsonSchema({"type": "string", "examples": ["/buyer/id"], "pattern": "^/"}),
]
Text = Annotated[
    str, AfterValidator(_template), WithJsonSchema({"type": "string", "description": f"where it is, {HINT}"})
]
Values = Annotated[
    list[str],
    BeforeValidator(_texts),
    WithJsonSchema({"anyOf": [_ONE, {"type": "array", "items": _ONE}]}),
]


class FilesEntry(Entry):
    """Where files are: the other places are read in each item of the list."""

    each: Place = Field(description="the list of files")
    content: Place = Field(description="its bytes in base64; addresses of files are not fetched")
    name: Text = Field("", description="its name")
    type: Text = Field("", description="its type, such as image/png; left out: by its content")


class MapEntry(Entry):
    """Where what stands in the JSON."""

    author: Text = Field(description="an address of mail, or who it is in this channel; needs `send` then")
    text: Text = Field(description="what the author wrote")
    external_id: Text = Field(description="the message's id there: the same one again is a repetition")
    name: Text = Field("", description="as the author is called there")
    subject: Text = Field("", description="left out: the first words of the text")
    answers: Text = Field("", description="the id of our message that it answers, as `send` got it")
    files: FilesEntry | None = Field(None, description="files in base64")


class SendEntry(Entry):
    """Where answers to people of the program go. Its secret: MAILBOT_CHANNEL_SEND_SECRET_NAME."""

    url: WebAddress = Field(description="gets each answer as signed JSON")


class IncomingEntry(Entry):
    """A program that calls public_url/channels/NAME. Its secret: MAILBOT_CHANNEL_SECRET_NAME."""

    name: Channel = Field(description="of the channel, by which rules ask for it")
    mailbox: Address | None = Field(None, description="whose tickets it opens; else the first mailbox")
    signature: Literal["standard", "hmac", "token"] = Field(
        "standard",
        description="Standard Webhooks; HMAC-SHA256 of the body in a header; or the secret itself in a header",
    )
    header: HeaderField | None = Field(
        None, description="for hmac X-Hub-Signature-256, for token Authorization, where it is left out"
    )
    vouched: YesNo = Field(False, description="it has proven the addresses of mail that it names as authors")
    when: dict[Place, Values] = Field({}, description="a place to its values: other calls are no messages")
    map: MapEntry = Field(description="where what stands in the JSON")
    send: SendEntry | None = Field(None, description="where answers to its people go")
    sample: Annotated[str, AfterValidator(some("letter"))] = Field(
        description="a call as it comes, in JSON: the map is tried with it"
    )
