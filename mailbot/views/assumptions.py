"""What to assume of a mail that is tried: what no mail holds, as the customer's history."""

from dataclasses import dataclass, fields, replace
from typing import Any

from mailbot.domain import reasons
from mailbot.domain.model import Authentication, Author, CustomerHistory, InboundMail
from mailbot.domain.reasons import NO_REASON


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What to assume. None: take what the store and the mail hold."""

    known_customer: bool | None = None
    open_tickets: int | None = None
    reopened: bool | None = None
    escalated_before: bool | None = None
    authentication: str | None = None
    author: str | None = None
    machine_may_answer: bool | None = None
    size: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def __bool__(self) -> bool:
        return bool(self.given)

    def __str__(self) -> str:
        return ", ".join(
            f"{name.replace('_', ' ')}: {str(value).lower()}" for name, value in self.given.items()
        )

    def apply_to_mail(self, mail: InboundMail) -> InboundMail:
        assumed = reasons.of("assumed")
        if self.authentication:
            mail = replace(mail, authentication=Authentication(self.authentication))
        if self.size:
            mail = replace(mail, size=self.size)
        if self.author:
            mail = replace(mail, author=Author(self.author), author_reason=assumed)
        may = self.machine_may_answer
        if mail.author is not Author.PERSON or may is not None:
            mail = replace(mail, no_auto_reply=NO_REASON if may else mail.no_auto_reply or assumed)
        return mail

    def apply_to_history(self, history: CustomerHistory) -> CustomerHistory:
        given = self.given
        for name in ("authentication", "author", "machine_may_answer", "size"):
            given.pop(name, None)
        if any(given.get(name) for name in ("open_tickets", "reopened", "escalated_before")):
            given.setdefault("known_customer", True)
        return replace(history, looked_up=True, **given)


NO_ASSUMPTIONS = Assumptions()
