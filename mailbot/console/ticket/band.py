"""The state of a ticket: what is asked of whom and by when, and apart from it what comes next by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from mailbot.console.render import Reader
from mailbot.console.ticket.load import Facts
from mailbot.domain import ladder, notify
from mailbot.domain.day import worklist
from mailbot.domain.model import OVER, Authentication, DeadlineState, Status, Target, Ticket, Turn
from mailbot.domain.people.access import Viewer
from mailbot.mail.compose.notice_words import WORDS
from mailbot.store.lists.dialogue import PageMessage
from mailbot.views.wording import PageWording


@dataclass(frozen=True, slots=True)
class Band:
    """`state`: turn, soon, late, solved, or "" where nothing is asked. `steps`: what comes by itself."""

    state: str
    ask: str
    steps: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """What the band is made of. `newest`: of the mails that came in. `customer`: the name, else the address."""

    ticket: Ticket
    facts: Facts
    newest: PageMessage | None
    customer: str
    reader: Reader
    viewer: Viewer

    @cached_property
    def words(self) -> PageWording:
        return PageWording(self.reader.policy, self.reader.language, self.reader.zone, self.reader.now)

    @cached_property
    def promised_at(self) -> datetime | None:
        return ladder.promised_at(self.ticket, self.reader.policy)

    def t(self, indonesian: str, english: str, **values: object) -> str:
        return self.words.t(indonesian, english).format(**values)

    def notice(self, name: str, **values: object) -> str:
        """Return a sentence of the notices by mail."""
        return WORDS[self.reader.language][name].format(**values)


def band_of(scene: Scene) -> Band:
    """Return the band of the ticket for this reader."""
    if scene.ticket.status in OVER:
        return Band(*_ended(scene))
    state, ask = _live(scene)
    return Band(state, ask, " ".join(_steps(scene)), tuple(_warnings(scene)))


def _ended(scene: Scene) -> tuple[str, str]:
    ticket, reader = scene.ticket, scene.reader
    if ticket.status is Status.MERGED:
        return "solved", scene.t("Digabungkan ke {to}.", "Merged into {to}.", to=ticket.merged_into)
    if ticket.status is Status.FILED:
        return "", scene.t(
            "Email otomatis, hanya disimpan: tidak ada yang menunggu jawaban.",
            "Automatic mail, only kept: nobody waits for an answer.",
        )
    at = reader.moment(ticket.closed_at) if ticket.closed_at else ""
    cause, score = reader.label("cause", ticket.cause), ticket.satisfaction
    rating = scene.t("nilai {score} dari 5", "rated {score} of 5", score=score) if score else ""
    return "solved", " · ".join(filter(None, (scene.t("Selesai {at}", "Closed {at}", at=at), cause, rating)))


def _live(scene: Scene) -> tuple[str, str]:
    ticket = scene.ticket
    if ticket.held_for:
        return "soon", scene.t(
            "Ditahan: pengirim mengaku tentang {number} tanpa bukti. Terima atau tolak.",
            "Held: the sender claims to be about {number} without proof. Accept or reject it.",
            number=ticket.held_for,
        )
    if ticket.turn is Turn.CUSTOMER:
        return "", _wait(scene, scene.t("Menunggu pelanggan", "Waiting for the customer"))
    state = _state(scene)
    if ticket.turn is Turn.THIRD_PARTY and state != "late":
        return state, _wait(scene, scene.t("Menunggu pihak ketiga", "Waiting for a third party"))
    return state, _asked(scene, state)


def _asked(scene: Scene, state: str) -> str:
    ticket, reader, at = scene.ticket, scene.reader, scene.promised_at
    if at is None:
        return scene.t("Giliran kami.", "It is our turn.")
    names = {"customer": scene.customer, "at": reader.clock(at), "left": reader.left(at)}
    kind = "late" if state == "late" else "turn"
    if ticket.assignee:
        whose = "yours" if ticket.assignee == scene.viewer.address else "other"
        return scene.notice(f"{kind}_{whose}", owner=scene.words.in_text(ticket.assignee), **names)
    if ticket.team in scene.viewer.teams:
        return scene.notice(f"{kind}_teams", **names)
    team = reader.label("team", ticket.team)
    return scene.notice(f"{kind}_other", owner=scene.t("tim {team}", "team {team}", team=team), **names)


def _state(scene: Scene) -> str:
    item, now = worklist.build(scene.ticket, scene.reader.policy, scene.reader.now), scene.reader.now
    return "late" if item.is_overdue(now) else "soon" if item.is_soon(now) else "turn"


def _wait(scene: Scene, who: str) -> str:
    ticket = scene.ticket
    until = ""
    if ticket.turn_until:
        until = scene.t(" sampai {at}", " until {at}", at=scene.reader.moment(ticket.turn_until))
    return f"{who}{until}" + (f": {scene.words.reason(ticket.turn_why)}" if ticket.turn_why else ".")


def _steps(scene: Scene) -> Iterator[str]:
    ticket, reader = scene.ticket, scene.reader
    if confirm_by := ladder.end_of_clock(ticket, reader.policy, Target.CONFIRMATION):
        yield scene.notice("confirm", at=reader.clock(confirm_by))
    elif steps := notify.next_steps(ticket, reader.policy, reader.now):
        listed = (f"{reader.clock(at)} {scene.words.reason(reason)}" for at, reason in steps)
        yield scene.notice("next", steps=", ".join(listed))
    if closes := ladder.closes_at(ticket, reader.policy):
        yield scene.t(
            "Tutup sendiri {at}, kecuali pelanggan menjawab.",
            "Closes by itself {at}, unless the customer answers.",
            at=reader.moment(closes),
        )
    if worklist.is_snoozed(ticket, reader.now) and ticket.snoozed_until:
        yield scene.t("Ditunda sampai {at}.", "Snoozed until {at}.", at=reader.moment(ticket.snoozed_until))


def _warnings(scene: Scene) -> Iterator[str]:
    reader, newest, deadline = scene.reader, scene.newest, scene.facts.deadline
    if step := ladder.open_question(scene.ticket, reader.policy):
        yield scene.t(
            "{level} ditanya: {question} Pilihan: {options}.",
            "{level} was asked: {question} Options: {options}.",
            level=reader.label("level", step.ask_decision),
            question=step.question,
            options=", ".join(step.options),
        )
    if newest and newest.authentication is Authentication.FAIL:
        yield scene.notice("sender_fail", address=newest.author or "?")
    if deadline and deadline.state is DeadlineState.PARKED:
        yield scene.t(
            "Tenggat tiket ini gagal dijalankan mailbot: beri tahu operator.",
            "mailbot failed on this ticket's deadline: tell an operator.",
        )
