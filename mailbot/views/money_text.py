"""Events about compensation as sentences, in both languages."""

from collections.abc import Mapping

from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.views.event_words import Text, because
from mailbot.views.wording import Wording


def _requested(event: e.CompensationRequested, words: Wording) -> str:
    act = words.t(
        f"meminta kompensasi {event.amount} (permintaan {event.request})",
        f"asked for compensation of {event.amount} (request {event.request})",
    )
    return f"{_signer(event, words)} {act}{because(event, words)}"


def _approval_requested(event: e.ApprovalRequested, words: Wording) -> str:
    absent = words.t(", tidak ada yang sedang bertugas", ", none of whom is on duty now")
    recipients = ", ".join(event.recipients) or words.t("tidak ada petugas", "no agent")
    level = words.label("level", event.level)
    return words.t(
        f"permintaan {event.request} diajukan ke {level}: {recipients}",
        f"request {event.request} was put before {level}: {recipients}",
    ) + ("" if event.on_duty else absent)


def _approved(event: e.CompensationApproved, words: Wording) -> str:
    act = words.t(f"menyetujui permintaan {event.request}", f"approved request {event.request}")
    return f"{_signer(event, words)} {act}{because(event, words)}"


def _granted(event: e.CompensationGranted, words: Wording) -> str:
    agents = words.t(" dan ", " and ").join(event.agents)
    return words.t(
        f"kompensasi {event.amount} diberikan oleh {agents} (permintaan {event.request})",
        f"compensation of {event.amount} was granted by {agents} (request {event.request})",
    )


def _refused(event: e.CompensationRefused, words: Wording) -> str:
    limit = words.t(f"batas {event.limit}", f"the limit {event.limit}")
    refuser = limit if event.limit else _signer(event, words)
    act = words.t(f"menolak permintaan {event.request}", f"refused request {event.request}")
    return f"{refuser} {act}{because(event, words)}"


def _signer(
    event: e.CompensationRequested | e.CompensationApproved | e.CompensationRefused, words: Wording
) -> str:
    """Return "operator eko for ayu@...", "agent ayu@..."."""
    actor = words.actor(event.by)
    if not event.agent or event.by == Actor.agent(event.agent):
        return actor
    return f"{actor} {words.t('untuk', 'for')} {event.agent}"


MONEY_TEXTS: Mapping[type[e.Event], Text] = {
    e.CompensationRequested: _requested,
    e.ApprovalRequested: _approval_requested,
    e.CompensationApproved: _approved,
    e.CompensationGranted: _granted,
    e.CompensationRefused: _refused,
}
