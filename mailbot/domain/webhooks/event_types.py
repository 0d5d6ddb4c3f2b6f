"""Which events of a ticket other programs hear of by webhook, and under which names.

The names are a contract with those programs: one is never given another meaning. What is left out here is about
the work inside, such as clocks and notices to agents, or follows from another event.
"""

from mailbot.domain import events as e

VERSION = 1  # of the messages' shape
TEST = "webhook.test"  # of `mailbot webhooks test`, about no ticket

TYPES: dict[type[e.Event], str] = {
    e.TicketOpened: "ticket.opened",
    e.TicketRouted: "ticket.routed",
    e.TicketAssigned: "ticket.assigned",
    e.TicketHandedOver: "ticket.handed_over",
    e.TicketEscalated: "ticket.escalated",
    e.TicketCorrected: "ticket.corrected",
    e.TagsChanged: "ticket.tags_changed",
    e.TurnSet: "ticket.turn_set",
    e.NewsPromised: "ticket.news_promised",
    e.DetailsReceived: "ticket.details_received",
    e.TicketClosed: "ticket.closed",
    e.TicketReopened: "ticket.reopened",
    e.TicketFiled: "ticket.filed",
    e.TicketReleased: "ticket.released",
    e.TicketMerged: "ticket.merged",
    e.TicketUnmerged: "ticket.unmerged",
    e.TicketSplit: "ticket.split",
    e.ActUndone: "ticket.act_undone",
    e.CustomerChanged: "ticket.customer_changed",
    e.ParticipantsAdded: "participants.added",
    e.ParticipantsRemoved: "participants.removed",
    e.IdentityLinked: "customer.linked",
    e.IdentityUnlinked: "customer.unlinked",
    e.AnswersMoved: "ticket.answers_moved",
    e.CustomerWrote: "customer.wrote",
    e.SatisfactionRated: "customer.rated",
    e.AgentAnswered: "agent.answered",
    e.AgentMailHeld: "agent.mail_held",
    e.NoteAdded: "note.added",
    e.TargetMissed: "target.missed",
    e.DecisionRequested: "decision.requested",
    e.DecisionMade: "decision.made",
    e.DeliveryBounced: "delivery.bounced",
    e.DeliveryFailed: "delivery.failed",
    e.IncidentOpened: "incident.opened",
    e.IncidentJoined: "incident.joined",
    e.IncidentResolved: "incident.resolved",
    e.CompensationRequested: "compensation.requested",
    e.CompensationApproved: "compensation.approved",
    e.CompensationGranted: "compensation.granted",
    e.CompensationRefused: "compensation.refused",
    e.LegalHoldPlaced: "legal_hold.placed",
    e.LegalHoldReleased: "legal_hold.released",
}
KINDS: dict[str, str] = {event.kind: name for event, name in TYPES.items()}
NAMES = tuple(TYPES.values())
