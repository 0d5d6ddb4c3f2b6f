"""Load the labelled mails: what customers wrote, and where a support lead would send it.

They were written without reading the rules. A rule's words must not be taken from them, or they measure nothing.
Each folder of `mails` is one set. Who wrote the second had not read the first either.
"""

from email.message import EmailMessage
from email.utils import formataddr
from pathlib import Path
from typing import Literal

import msgspec
from ruamel.yaml import YAML

from mailbot.mail.compose.sample_mail import sample_attachment

FOLDER = Path(__file__).with_name("mails")
SETS = sorted(folder.name for folder in FOLDER.iterdir())


class LabelledMail(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from", "labels": "category"}
):
    """A mail and its labels. Of several teams or categories a lead would accept each, and like the first best.

    `sender` is a name, or a whole address. `urgent`: a person has to look within minutes; `any` where leads differ,
    so that the mail's priority counts neither way.
    """

    subject: str
    sender: str
    text: str
    team: str | list[str]
    labels: str | list[str]
    urgent: bool | Literal["any"]
    why: str
    language: str = "id"
    files: list[str] = []
    headers: dict[str, str] = {}
    place: str = ""  # such as fraud-3: the third mail of fraud.yaml

    @property
    def teams(self) -> list[str]:
        return [self.team] if isinstance(self.team, str) else self.team

    @property
    def categories(self) -> list[str]:
        return [self.labels] if isinstance(self.labels, str) else self.labels

    def to_bytes(self, recipient: str) -> bytes:
        """Write the mail as a mail program would."""
        mail = EmailMessage()
        address = formataddr((self.sender, f"{self.place}@mail.example"))
        mail["From"] = self.sender if "<" in self.sender else address
        mail["To"], mail["Subject"] = recipient, self.subject
        for name, value in self.headers.items():
            mail[name] = value
        mail.set_content(self.text)
        for name in self.files:
            main, _, sub = sample_attachment(name).type.partition("/")
            mail.add_attachment(b"example\n", maintype=main, subtype=sub, filename=name)
        return mail.as_bytes()


def load_mails(name: str) -> list[LabelledMail]:
    """Load the mails of a set, in the order of its files. Raises msgspec.ValidationError for a wrong key or type."""
    return [mail for file in sorted((FOLDER / name).glob("*.yaml")) for mail in _load_file(file)]


def _load_file(file: Path) -> list[LabelledMail]:
    mails = msgspec.convert(YAML(typ="safe").load(file), list[LabelledMail])
    return [
        msgspec.structs.replace(mail, place=f"{file.stem}-{position}", urgent=_urgency(mail))
        for position, mail in enumerate(mails, 1)
    ]


def _urgency(mail: LabelledMail) -> bool | Literal["any"]:
    """Return `any` too where a lead accepts only legal categories or the press.

    The first set was labelled before there was that word. Its mails get it by their category alone, never one by one.
    """
    leads_differ = all(category.startswith(("legal/", "press")) for category in mail.categories)
    return "any" if leads_differ else mail.urgent
