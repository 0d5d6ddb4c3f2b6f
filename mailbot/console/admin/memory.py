"""What the admins' pages of this process keep for a while: rendered mails to look at, policies that are tried."""

import secrets
from collections import OrderedDict

from mailbot.console.admin.trials import Trials

MOST_MAILS = 200


class AdminMemory:
    """Gone with the process: nothing of it is in force."""

    def __init__(self) -> None:
        self.trials = Trials()
        self._mails: OrderedDict[str, str] = OrderedDict()

    def keep_mail(self, html: str) -> str:
        """Keep a rendered mail, and return the key of its address. The oldest go."""
        key = secrets.token_urlsafe()
        self._mails[key] = html
        while len(self._mails) > MOST_MAILS:
            self._mails.popitem(last=False)
        return key

    def find_mail(self, key: str) -> str | None:
        return self._mails.get(key)
