"""What a customer's rating leads to. One rating counts for each ticket: the newest.

Theory of operation. A rating moves no clock, reopens nothing and is not acknowledged. A low one is read at the level
above. A comment that is more than courtesy reaches a person, too. Where it asks for something, the mail is also an
ordinary one of the customer: `decisions` reopens the ticket.
"""

from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reasons
from mailbot.domain.actor import CUSTOMER
from mailbot.domain.closing.rating import LOW, Rating
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import NoticeKind, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.replies.courtesy import is_thanks

LONGEST_COMMENT = 2_000  # characters that the event keeps; the message has all


def record_rating(
    builder: DecisionBuilder, rating: Rating, policy: Policy, now: datetime, *, hides_text: bool = False
) -> None:
    """Record the rating, and notify who should read it and is not notified of the mail anyway.

    `hides_text`: lines of the mail are hidden that may be the customer's.
    """
    was_low = builder.ticket.satisfaction is not None and builder.ticket.satisfaction <= LOW
    builder.record(e.SatisfactionRated(now, CUSTOMER, rating.score, rating.comment[:LONGEST_COMMENT]))
    says_more = hides_text or not is_thanks(f"terima kasih\n{rating.comment}")
    because = reasons.of("rated", score=rating.score)
    if rating.is_low and (says_more or not was_low):
        people = _level_above(builder.ticket, policy)
        notify.notify_team(builder, policy, now, NoticeKind.LOW_SCORE, because, rating.comment, people)
    elif says_more and not rating.asks:
        notify.notify_team(builder, policy, now, NoticeKind.NOTIFY, because, rating.comment)


def _level_above(ticket: Ticket, policy: Policy) -> tuple[str, ...]:
    """Return who works at the next level that has people, by the highest at last."""
    above = policy.levels[ladder.rank_of(policy, ticket.level) + 1 :] or policy.levels[-1:]
    staffed = (ladder.agents_at(policy, ticket.team, level) for level in above)
    return tuple(agent.address for agent in next(filter(None, staffed), ()))
