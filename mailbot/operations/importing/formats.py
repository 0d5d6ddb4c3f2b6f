"""The formats that can be imported. A new one is a module with `read`, and one line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from mailbot.operations.importing.model import Read


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the module of its reader, imported when it is used, and what its PATH is."""

    module: str
    path: str

    def reader(self) -> Read:
        """Return its function `read`."""
        read: Read = import_module(f"mailbot.operations.importing.{self.module}").read
        return read


FORMATS: Mapping[str, Format] = {
    "mbox": Format("mbox", "a file of mails, or a folder of such files"),
    "maildir": Format("maildir", "a Maildir, with its folders"),
    "zammad": Format("zammad", "the folder of what Zammad's API gave"),
    "freescout": Format("freescout", "the folder of FreeScout's tables"),
    "osticket": Format("osticket", "the folder of osTicket's tables"),
}
