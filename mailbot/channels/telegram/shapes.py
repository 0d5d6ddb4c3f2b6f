"""The parts of the Bot API's objects that we read. Anything of another type makes an update unreadable."""

from typing import Annotated

from msgspec import Meta, Raw, Struct, field

Number = Annotated[int, Meta(ge=0, lt=2**53)]  # ids have at most 52 bits (Bot API, "User"); bytes; seconds


class Reply(Struct):
    """The reply to every request. `parameters`: why it failed, such as `retry_after` in seconds."""

    ok: bool
    result: Raw = Raw(b"null")
    error_code: Number = 0
    description: str = ""
    parameters: dict[str, int] = {}


class User(Struct):
    id: Number
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    language_code: str = ""


class Chat(Struct):
    id: int
    type: str


class Shared(Struct):
    """What somebody shares: a place, or a contact."""

    latitude: float = 0.0
    longitude: float = 0.0
    phone_number: str = ""
    first_name: str = ""


class File(Struct):
    """A file of any kind, or a sticker. `file_size` is 0 and the others are "" where they are not said."""

    file_id: str
    file_size: Number = 0
    file_name: str = ""
    file_path: str = ""
    emoji: str = ""


class Sent(Struct):
    """A message that was sent: by us, or the one that another answers."""

    message_id: Number
    author: User | None = field(default=None, name="from")


class Message(Sent, kw_only=True):
    """A message of a chat. A photo comes in several sizes."""

    chat: Chat
    edit_date: Number = 0
    text: str = ""
    caption: str = ""
    photo: list[File] = []
    document: File | None = None
    video: File | None = None
    video_note: File | None = None
    voice: File | None = None
    audio: File | None = None
    location: Shared | None = None
    contact: Shared | None = None
    sticker: File | None = None
    forward_origin: Raw = Raw()
    reply_to_message: Sent | None = None


class Update(Struct):
    """What happened. `message` and `edited_message` hold a Message, and nothing where there is none."""

    update_id: Number
    message: Raw = Raw()
    edited_message: Raw = Raw()
