"""Write docs/channels/webhooks/events.md from the table of events. Run by `make commands`; a test holds it equal."""

import json
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from mailbot.domain import events as e
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.lifecycle import opened
from mailbot.domain.model import Role, Target, Turn
from mailbot.domain.reasons import written
from mailbot.domain.routing.money import Money
from mailbot.domain.webhooks.event_types import TYPES, VERSION
from mailbot.store.lists.ticket_rows import RecordedEvent
from mailbot.views import webhook_json
from mailbot.views.json_form import to_json
from mailbot.views.record_json import ticket_json
from tests.builders import NOW, NUMBER

PAGE = Path(__file__).parents[1] / "docs" / "channels" / "webhooks" / "events.md"
RINA, SARI, BUDI = "rina@tim.example", "sari@tim.example", "budi@pelanggan.example"
BY_RINA = Actor.agent(RINA)
OTHER = "TOKO-59328401-2"
LATER, MONEY = NOW + timedelta(hours=4), Money(Decimal(50_000), "IDR")
OPENED = e.TicketOpened(
    NOW, CUSTOMER, "support@toko.example", BUDI, "Saldo terpotong dua kali", "id", "<a@pelanggan.example>"
)
WHY = written("the customer asked for it")

# Of each event: an example, and when it is sent.
EXAMPLES: tuple[tuple[Any, str], ...] = (
    (OPENED, "a ticket exists: by mail, chat, form or shell, or split off another"),
    (
        e.TicketRouted(
            *(NOW, POLICY, "saldo", written("the subject has saldo"), "payment/double", "high", "medium"),
            *("high", ("money",), "payments", "L1", "standard"),
        ),
        "the rules chose category, priority and team; again after a correction",
    ),
    (e.TicketAssigned(NOW, POLICY, RINA, written("fewest open tickets")), "an agent owns it from now on"),
    (e.TicketHandedOver(NOW, BY_RINA, "logistics", WHY), "another team has it"),
    (e.TicketEscalated(NOW, POLICY, "L2", written("first answer is late")), "a higher level has it"),
    (e.TicketCorrected(NOW, BY_RINA, (("category", "payment"),)), "a person corrected what the rules chose"),
    (e.TagsChanged(NOW, BY_RINA, ("refund",)), "tags were added or removed"),
    (e.TurnSet(NOW, BY_RINA, Turn.CUSTOMER, None, WHY), "a person, or the end of a wait, says who acts next"),
    (e.NewsPromised(NOW, BY_RINA, LATER), "an agent promised the customer news"),
    (e.DetailsReceived(NOW, CUSTOMER, (("order", "4821"),)), "a later mail named a missing detail"),
    (e.TicketClosed(NOW, BY_RINA, written("refunded"), "double charge"), "it is closed"),
    (e.TicketReopened(NOW, CUSTOMER), "it is open again"),
    (
        e.TicketFiled(NOW, POLICY, written("a machine wrote it")),
        "a machine's mail is kept, nobody works on it",
    ),
    (e.TicketReleased(NOW, BY_RINA), "a held or filed ticket is worked on after all"),
    (e.TicketMerged(NOW, BY_RINA, OTHER, (17,)), "it ended, its messages went to `into`"),
    (e.TicketUnmerged(NOW, BY_RINA, OTHER, (17,)), "a merge was taken back"),
    (e.TicketSplit(NOW, BY_RINA, OTHER, (17,)), "messages left it for a ticket of their own, `into`"),
    (
        e.ActUndone(NOW, BY_RINA, opened(NUMBER, OPENED), "a1b2", 7, 8, ("assignee",)),
        "an agent took the newest act back: events `first` to `last` count no more",
    ),
    (e.CustomerChanged(NOW, BY_RINA, "siti@pelanggan.example", BUDI), "answers go to another person"),
    (
        e.ParticipantsAdded(NOW, CUSTOMER, ("ani@pelanggan.example",), Role.PARTICIPANT, WHY),
        "more people take part",
    ),
    (e.ParticipantsRemoved(NOW, BY_RINA, ("ani@pelanggan.example",)), "people take part no more"),
    (e.IdentityLinked(NOW, BY_RINA, "telegram:4711", BUDI), "two identities are one customer from now on"),
    (e.IdentityUnlinked(NOW, BY_RINA, "telegram:4711", BUDI), "they are two persons after all"),
    (e.AnswersMoved(NOW, BY_RINA, "telegram:4711", WHY), "answers go to another identity of the customer"),
    (
        e.CustomerWrote(NOW, CUSTOMER, "<b@pelanggan.example>", written("its reply")),
        "the customer wrote again",
    ),
    (e.SatisfactionRated(NOW, CUSTOMER, 5, "cepat, terima kasih"), "the customer rated, from 1 to 5"),
    (e.AgentAnswered(NOW, BY_RINA, RINA, Turn.CUSTOMER), "an agent answered the customer"),
    (
        e.AgentMailHeld(NOW, BY_RINA, RINA, written("no proof of its sender")),
        "an agent's mail was not acted upon",
    ),
    (e.NoteAdded(NOW, BY_RINA, "asked the bank"), "an internal note; its text only with `notes: yes`"),
    (e.TargetMissed(NOW, POLICY, Target.FIRST_RESPONSE, NOW), "a promise was not kept in time"),
    (
        e.DecisionRequested(NOW, POLICY, "L3", "Refund?", ("yes", "no"), (SARI,)),
        "a level was asked to decide",
    ),
    (e.DecisionMade(NOW, Actor.agent(SARI), "yes"), "it has decided"),
    (e.DeliveryBounced(NOW, POLICY, BUDI, "5.1.1", True, "bounce", True), "a report says our mail came back"),
    (e.DeliveryFailed(NOW, POLICY, "answer", BUDI, 550, "no such user"), "our mail could not be delivered"),
    (
        e.IncidentOpened(NOW, POLICY, ("saldo", "terpotong"), 100),
        "many complain alike: this ticket stands for all",
    ),
    (e.IncidentJoined(NOW, POLICY, OTHER, WHY), "it is one complaint of `incident`; null: no more"),
    (
        e.IncidentResolved(NOW, BY_RINA, "Saldo sudah kembali."),
        "the incident is over, its customers are informed",
    ),
    (
        e.CompensationRequested(NOW, BY_RINA, 12, MONEY, RINA, WHY),
        "somebody asked for money for the customer",
    ),
    (e.CompensationApproved(NOW, Actor.agent(SARI), 12, SARI), "one signature; it may need more"),
    (e.CompensationGranted(NOW, Actor.agent(SARI), 12, MONEY, (RINA, SARI)), "it is granted"),
    (e.CompensationRefused(NOW, Actor.agent(SARI), 12, SARI, WHY), "it is refused"),
    (e.LegalHoldPlaced(NOW, Actor.operator("eko"), written("court case 4821")), "nothing of it is deleted"),
    (e.LegalHoldReleased(NOW, Actor.operator("eko")), "it may be deleted by its time again"),
)
HEAD = f"""# Events of webhooks

`make commands` writes this page from the table of events (`domain/webhooks/event_types.py`). The shape of each
message, field by field, is in [v{VERSION}/message.json](v{VERSION}/message.json). `mailbot webhooks schema` prints it.

A whole message, as it is sent:

```json
{{example}}
```

The other messages differ in `type` and `data.event`. Times are in UTC. `sentence` is for people, do not branch on its
words: `reason_code` stays the same when a text is mended.
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD.replace("{example}", json.dumps(_message(EXAMPLES[0][0]), indent=2))]
    for event, when in EXAMPLES:
        data = _message(event)["data"]["event"]["data"]
        parts.append(f"\n## {TYPES[type(event)]}\n\n{when[0].upper()}{when[1:]}.\n")
        parts.append(f"\n```json\n{json.dumps(data)}\n```\n")
    return "".join(parts)


def _message(event: Any) -> dict[str, Any]:
    row = RecordedEvent(1 if event is OPENED else 9, "9f3c1a7e", event)
    ticket = ticket_json(opened(NUMBER, OPENED))
    data = {"ticket": ticket, "event": webhook_json.event_json(row, "Asia/Jakarta", notes=False)}
    found: dict[str, Any] = json.loads(webhook_json.body(TYPES[type(event)], event.at, to_json(data)))
    return found


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
