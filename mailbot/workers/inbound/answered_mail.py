"""Does a mail answer an acknowledgement of ours? Two desks that do so would write to each other for ever.

Theory of operation. A desk may answer from a new address each time, without a header of machines. Each such mail
is of a stranger, so it opens a ticket, and no rate of one address is ever used up. What stays the same is what it
answers. Whether the number exists is not looked at: a stranger must not learn that from our silence.
"""

from sqlalchemy import Connection

from mailbot.domain.matching import Clues
from mailbot.domain.model import InboundMail
from mailbot.domain.notices import Acknowledgement
from mailbot.domain.routing.text import fold_accents
from mailbot.mail.compose.own_subjects import acknowledgement_subjects
from mailbot.store import failures
from mailbot.workers.runtime import Snapshot


def answers_acknowledgement(
    connection: Connection, mail: InboundMail, clues: Clues, snapshot: Snapshot
) -> bool:
    """Check by our signed Message-IDs, and by the subject where it has a number of ours."""
    nonces = [snapshot.keys.nonce_in(each.strip("<>")) for each in clues.referenced] if clues.signed else []
    sent = failures.load_sent(connection, set(filter(None, nonces))).values()
    if any(each.kind == Acknowledgement.name for each in sent):
        return True
    if not clues.written:
        return False
    subject = " ".join(fold_accents(mail.subject).split())
    ours = acknowledgement_subjects(snapshot.composer.templates, snapshot.policy.mailboxes.values())
    return any(" ".join(fold_accents(each).split()) in subject for each in ours)
