"""The facts beside the dialogue: customer, people, details, other tickets, money, holds; and why it is here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailbot.console.ticket.band import Scene
from mailbot.domain import events as e
from mailbot.domain.actor import ActorKind
from mailbot.domain.compensation.requests import Kind
from mailbot.domain.model import Authentication, Role, Ticket
from mailbot.domain.notify import missing_details
from mailbot.domain.people.identities import MAIL, channel_label, label
from mailbot.domain.reasons import term
from mailbot.mail.compose.notice_words import WORDS
from mailbot.views.clean_text import clean
from mailbot.views.link_text import relations
from mailbot.views.wording import capitalised

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Row:
    """`href`: "" where there is nothing to open, or not for this person. `tag`: a class of the look."""

    label: str
    value: str
    href: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    rows: tuple[Row, ...]


def groups(scene: Scene) -> list[Group]:
    """List the groups of facts that are not empty."""
    t = scene.t
    found = (
        (t("Pelanggan", "Customer"), _customer(scene)),
        (t("Tiket", "Ticket"), _ticket(scene)),
        (t("Keterangan", "Details"), _details(scene)),
        (t("Peserta", "Taking part"), _people(scene)),
        (t("Terkait", "Related"), _related(scene)),
        (t("Kompensasi", "Compensation"), _money(scene)),
        (t("Tiket lain pelanggan ini", "This customer's other tickets"), _others(scene)),
    )
    return [Group(title, rows) for title, each in found if (rows := tuple(each))]


def _customer(scene: Scene) -> Iterator[Row]:
    ticket, words = scene.ticket, WORDS[scene.reader.language]
    if not ticket.customer:
        return
    newest = scene.newest
    proof = newest.authentication if newest and newest.author == ticket.customer else Authentication.NONE
    if ticket.proven and proof is not Authentication.FAIL:
        proof = Authentication.PASS
    state = {Authentication.PASS: "solved", Authentication.FAIL: "late"}.get(proof, "")
    yield Row(scene.t("Nama", "Name"), clean(scene.customer, _LONGEST), tag=state)
    yield Row(scene.t("Alamat", "Address"), clean(label(ticket.customer), _LONGEST))
    yield Row(scene.t("Pengirim", "Sender"), words[proof], tag=state)
    if ticket.reply_to:
        yield Row(words["reply_to"], clean(label(ticket.reply_to), _LONGEST))
    if ticket.channel != MAIL:
        yield Row(scene.t("Masuk lewat", "Came by"), channel_label(ticket.channel))
    if ticket.language:
        yield Row(words["language"], words.get(f"lang_{ticket.language}", ticket.language))


def _ticket(scene: Scene) -> Iterator[Row]:
    ticket, reader, words = scene.ticket, scene.reader, WORDS[scene.reader.language]
    yield Row(words["category"], reader.label("category", ticket.category))
    yield Row(words["priority"], reader.label("priority", ticket.priority))
    yield Row(words["team"], place_of(scene, ticket))
    yield Row(words["owner"], owner_of(scene, ticket))
    if ticket.tags:
        yield Row("Tag", ", ".join(ticket.tags))
    yield Row(scene.t("Masuk", "Opened"), reader.moment(ticket.opened_at))
    if ticket.first_response_at:
        yield Row(scene.t("Dijawab", "Answered"), reader.moment(ticket.first_response_at))
    if hold := scene.facts.hold:
        since = scene.t("sejak {at}: {why}", "since {at}: {why}", at=reader.moment(hold.at), why=hold.reason)
        yield Row(scene.t("Dilarang dihapus", "Legal hold"), clean(since, _LONGEST))


def place_of(scene: Scene, ticket: Ticket) -> str:
    """Return the team and the level: "Pembayaran L1"."""
    names = scene.reader.label("team", ticket.team), scene.reader.label("level", ticket.level)
    return " ".join(dict.fromkeys(filter(None, names)))


def owner_of(scene: Scene, ticket: Ticket) -> str:
    agent = scene.reader.policy.agents.get(ticket.assignee or "")
    return agent.name if agent else ticket.assignee or scene.t("belum ada", "nobody yet")


def _details(scene: Scene) -> Iterator[Row]:
    ticket, reader = scene.ticket, scene.reader
    details = reader.policy.details

    def name(key: str) -> str:
        labels = details[key].labels if key in details else {}
        return capitalised(labels.get(reader.language) or reader.label("detail", key))

    yield from (Row(name(key), clean(value, _LONGEST)) for key, value in ticket.details)
    routed = scene.facts.last(e.TicketRouted)
    for key in missing_details(ticket, reader.policy, routed.ask_for if routed else None):
        yield Row(name(key), WORDS[reader.language]["missing"], tag="soon")


def _people(scene: Scene) -> Iterator[Row]:
    words = WORDS[scene.reader.language]
    titles = {
        Role.PARTICIPANT: words["participants"],
        Role.NAMED: words["unconfirmed"],
        Role.REMOVED: scene.t("Dikeluarkan", "Removed"),
    }
    for role, title in titles.items():
        people = [clean(each.address) for each in scene.facts.people if each.role is role]
        if people:
            yield Row(title, ", ".join(people), tag="soon" if role is Role.NAMED else "")
    if scene.reader.policy.public_url:
        links = scene.t("tautan, pencabutan", "links, revoke them")
        yield Row(scene.t("Halaman", "Page"), links, f"/tickets/{scene.ticket.number}/links")


def _related(scene: Scene) -> Iterator[Row]:
    ticket, facts = scene.ticket, scene.facts
    for relation, other, now in relations(facts.links, ticket.number):
        ended = "" if now else scene.t(" (tidak lagi)", " (no longer)")
        yield Row(capitalised(scene.words.t(*relation)), f"{other}{ended}", _href(scene, other))
    if ticket.is_incident:
        count = scene.t("{count} laporan", "{count} complaints", count=facts.complaints)
        yield Row(scene.t("Gangguan", "Incident"), count)
    elif ticket.incident:
        yield Row(scene.t("Laporan gangguan", "Complaint of"), ticket.incident, _href(scene, ticket.incident))


def _href(scene: Scene, number: str) -> str:
    """Return where a ticket is, "" where this person may not see it."""
    ticket = scene.facts.near.get(number)
    return f"/tickets/{number}" if ticket and scene.viewer.may_see(ticket) else ""


def _money(scene: Scene) -> Iterator[Row]:
    outcomes = {
        Kind.ASKED: scene.t("diminta", "asked for"),
        Kind.APPROVED: scene.t("disetujui", "approved"),
        Kind.GRANTED: scene.t("diberikan", "granted"),
        Kind.REFUSED: scene.t("ditolak", "refused"),
    }
    tags = {Kind.GRANTED: "solved", Kind.REFUSED: "late"}
    for line in scene.facts.lines:
        entry = line.entry
        by = scene.words.in_text(entry.agent or entry.by.name) or scene.words.actor(entry.by)
        request = scene.t("Permintaan {n}", "Request {n}", n=entry.request)
        at = scene.reader.moment(entry.at)
        value = f"{entry.amount} {outcomes[entry.kind]}, {by}, {at}"
        why = f": {clean(entry.because, _LONGEST)}" if entry.because else ""
        yield Row(request, value + why, tag=tags.get(entry.kind, ""))


def _others(scene: Scene) -> Iterable[Row]:
    """List them; of those that this person may not see the number alone."""
    for other in scene.facts.others:
        may_see = scene.viewer.may_see(other)
        status = term("status", other.status, scene.reader.language)
        subject = f" {clean(other.subject, 60)}" if may_see else ""
        href = f"/tickets/{other.number}" if may_see else ""
        yield Row(capitalised(status), f"{other.number}{subject}", href)


# --- why is it here? --------------------------------------------------------------------------------------


def reasons_of(scene: Scene) -> list[str]:
    """Explain why the ticket is where it is: its rule in words, what raised it, why its owner has it."""
    return [capitalised(text) for text in _why(scene)]


def _why(scene: Scene) -> Iterator[str]:
    facts, words, reader = scene.facts, scene.words, scene.reader
    if routed := facts.last(e.TicketRouted):
        because, rule = words.rule_reason(routed.reason), reader.label("rule", routed.rule)
        yield scene.t(
            '{because} (aturan "{rule}").', '{because} (rule "{rule}").', because=because, rule=rule
        )
        for also in routed.also:
            yield scene.t('Juga aturan "{rule}".', 'Also the rule "{rule}".', rule=reader.label("rule", also))
        yield scene.t(
            "Kemendesakan {urgency} dan kerumitan {complexity}: prioritas {priority}.",
            "Urgency {urgency} and complexity {complexity}: priority {priority}.",
            urgency=words.grade(routed.urgency),
            complexity=words.grade(routed.complexity),
            priority=reader.label("priority", routed.priority),
        )
    if handed := facts.last(e.TicketHandedOver):
        team = reader.label("team", handed.team)
        reason = words.reason(handed.reason)
        yield scene.t("Dialihkan ke {team}: {why}.", "Handed over to {team}: {why}.", team=team, why=reason)
    if raised := facts.last(e.TicketEscalated):
        yield _raised(scene, raised)
    assigned = facts.last(e.TicketAssigned)
    if assigned and assigned.assignee == scene.ticket.assignee and assigned.reason:
        yield _assigned(scene, assigned)


def _assigned(scene: Scene, event: e.TicketAssigned) -> str:
    owner = owner_of(scene, scene.ticket)
    if event.by.name == event.assignee:
        return scene.t("{owner} mengambilnya.", "{owner} took it.", owner=owner)
    why = scene.words.reason(event.reason)
    return scene.t("Pada {owner}: {why}.", "With {owner}: {why}.", owner=owner, why=why)


def _raised(scene: Scene, event: e.TicketEscalated) -> str:
    level, by = scene.reader.label("level", event.level), scene.words.actor(event.by)
    if event.by.kind is not ActorKind.POLICY:
        return scene.t(
            "Dinaikkan ke {level} oleh {by}.",
            "Raised to {level} by {by}.",
            level=level,
            by=scene.words.in_text(by),
        )
    late = scene.t("terlambat", "late")
    why = late if event.reason.code == "target_due" else scene.words.reason(event.reason)
    return scene.t("Naik ke {level}: {why}.", "Raised to {level}: {why}.", level=level, why=why)
