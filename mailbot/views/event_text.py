"""Events as sentences for people in both languages: one function for each kind of event, in the table `TEXTS`."""

from datetime import timedelta
from typing import Any

from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.domain.model import Role
from mailbot.domain.people.identities import label, readable
from mailbot.domain.reasons import term
from mailbot.views.clean_text import clean
from mailbot.views.event_words import (
    FIELDS,
    NOTICE_REASONS,
    REMINDER_REASONS,
    TURNS,
    Text,
    because,
    clocks_text,
)
from mailbot.views.money_text import MONEY_TEXTS
from mailbot.views.wording import PageWording, Wording, capitalised

LONGEST = 600  # characters of a sentence


def event_text(event: e.Event, zone: str) -> str:
    """Describe the event in the shell's words on one clean line, with times in `zone`."""
    return _one_line(event, Wording(zone))


def page_event_text(event: e.Event, words: PageWording) -> str:
    """Describe the event for a page: a sentence with agents' names and labels."""
    return capitalised(words.in_text(_one_line(event, words)))


def _one_line(event: e.Event, words: Wording) -> str:
    return readable(clean(TEXTS[type(event)](event, words), LONGEST))


def actor_text(by: Actor) -> str:
    """Name the actor: "agent ayu@...", "operator eko", "the customer", "the policy"."""
    return Wording("UTC").actor(by)


# --- the beginning ----------------------------------------------------------------------------------------


def _opened(event: e.TicketOpened, words: Wording) -> str:
    t, subject = words.t, repr(clean(event.subject, 120))
    if event.split_from:
        act = t(f"memisahkannya dari {event.split_from}", f"split it off {event.split_from}")
        return f"{words.actor(event.by)} {act}: {subject}"
    remarks = (
        (event.follows, t(", lanjutan dari {}", ", goes on from {}")),
        (event.claims, t(", mengaku tentang {} tanpa bukti", ", claims to be about {} without proof")),
        (event.held_for, t(" dan ditahan sampai diputuskan petugas", " and is held until an agent decides")),
        (event.suggests, t(", mungkin maksudnya {}", ", perhaps means {}")),
        (event.mentions, t(", menyebut {} dalam isinya", ", mentions {} in its text")),
    )
    start = f"{event.customer} {t('menulis ke', 'wrote to')} {event.mailbox}: {subject}"
    return start + "".join(text.format(value) for value, text in remarks if value)


def _routed(event: e.TicketRouted, words: Wording) -> str:
    tags = f", {words.t('tag', 'tags')} {', '.join(event.tags)}" if event.tags else ""
    category, priority = words.label("category", event.category), words.label("priority", event.priority)
    team, level = words.label("team", event.team), words.label("level", event.level)
    ladder, because = words.label("ladder", event.ladder), words.rule_reason(event.reason)
    urgency, complexity = words.grade(event.urgency), words.grade(event.complexity)
    rule = repr(words.label("rule", event.rule))
    return words.t(
        f"aturan {rule} cocok, karena {because}: masalah {category}, kemendesakan {urgency} dan "
        f"kerumitan {complexity} menjadi prioritas {priority}; tim {team}, jenjang {level}, tangga {ladder}{tags}",
        f"rule {rule} matched, because {because}: category {category}, "
        f"urgency {urgency} and complexity {complexity} make priority {priority}; "
        f"team {team}, level {level}, ladder {ladder}{tags}",
    )


def _escalated(event: e.TicketEscalated, words: Wording) -> str:
    reason = "" if event.reason.code == "by_actor" else because(event, words)
    level = words.label("level", event.level)
    act = words.t(f"menaikkannya ke {level}", f"escalated it to {level}")
    return f"{words.actor(event.by)} {act}{reason}"


# --- mail -------------------------------------------------------------------------------------------------


def _bounced(event: e.DeliveryBounced, words: Wording) -> str:
    t, to = words.t, event.recipient
    proof = (
        "" if event.proven else t(", tetapi laporan itu tidak terbukti", ", but nothing proves the report")
    )
    if event.report == "complaint":
        return (
            t(f"{to} melaporkan email kami sebagai tidak diinginkan", f"{to} reported our mail as abuse")
            + proof
        )
    duration = t("untuk seterusnya", "permanently") if event.permanent else t("untuk sementara", "for now")
    status = event.status or t("tanpa kode", "no code")
    return (
        t(f"email ke {to} tidak sampai {duration}", f"mail to {to} bounced {duration}") + f": {status}{proof}"
    )


def _delivery_failed(event: e.DeliveryFailed, words: Wording) -> str:
    answer = f"{event.code or ''} {event.reply}".strip() or words.t("tanpa jawaban", "no answer")
    kind = term("kind", event.notice, "id") if words.language == "id" else event.notice
    return words.t(
        f"{kind} ke {event.recipient} tidak dapat dikirim: {answer}",
        f"the {kind} to {event.recipient} could not be sent: {answer}",
    )


def _notified(event: e.PeopleNotified, words: Wording) -> str:
    what = words.reason(event.reason) or words.t(*NOTICE_REASONS[event.why])
    return f"{words.t('memberi tahu', 'notified')} {', '.join(event.recipients)}: {what}"


def _answered(event: e.AgentAnswered, words: Wording) -> str:
    turn = f"; {words.t(*TURNS[event.turn])}{because(event, words)}" if event.reason else ""
    return f"{event.agent} {words.t('menjawab pelanggan', 'answered the customer')}{turn}"


def _mail_held(event: e.AgentMailHeld, words: Wording) -> str:
    return words.t(
        f"email atas nama {event.agent} ditahan dan tidak dijalankan: ",
        f"a mail in the name of {event.agent} was held and not acted upon: ",
    ) + words.reason(event.reason)


# --- what came due ----------------------------------------------------------------------------------------


def _step_taken(event: e.StepTaken, words: Wording) -> str:
    late, ladder = event.at - event.due_at, words.label("ladder", event.ladder)
    span = words.span(late)
    after = words.t(f", dijalankan terlambat {span}", f", taken {span} late")
    why = "" if event.reason.code == "target_due" else f", {words.reason(event.reason)}"
    due, target = words.time(event.due_at), words.target(event.target)
    return (
        words.t(
            f"langkah {event.step + 1} tangga {ladder} ({target}) jatuh tempo {due}",
            f"step {event.step + 1} of ladder {ladder} ({target}) was due at {due}",
        )
        + (after if late >= timedelta(seconds=1) else "")
        + why
    )


def _target_missed(event: e.TargetMissed, words: Wording) -> str:
    target, due = words.target(event.target), words.time(event.due_at)
    return words.t(
        f"janji terlewat: {target}, jatuh tempo {due}", f"the target was missed: {target}, due at {due}"
    )


def _reminder_due(event: e.ReminderDue, words: Wording) -> str:
    found, due = REMINDER_REASONS.get(event.target), words.time(event.due_at)
    reason = words.t(*found) if found else words.target(event.target)
    return f"{reason}: {words.t(f'pengingat jatuh tempo {due}', f'a reminder was due at {due}')}"


def _asked_to_decide(event: e.DecisionRequested, words: Wording) -> str:
    level, people, options = (
        words.label("level", event.level),
        ", ".join(event.recipients),
        ", ".join(event.options),
    )
    asked, choices = words.t("ditanya", "was asked"), words.t("Pilihan", "Options")
    return f"{level} ({people}) {asked}: {event.question} {choices}: {options}"


def _ladder_changed(event: e.LadderChanged, words: Wording) -> str:
    ladder = words.label("ladder", event.ladder)
    act = words.t(
        f"memindahkannya ke tangga {ladder} yang sekarang ({event.ladder_digest})",
        f"moved it to ladder {ladder} as it is now ({event.ladder_digest})",
    )
    return f"{act}; {clocks_text(event.clocks, words)}"


# --- turns and ends ---------------------------------------------------------------------------------------


def _turn_set(event: e.TurnSet, words: Wording) -> str:
    until = f" {words.t('sampai', 'until')} {words.time(event.until)}" if event.until else ""
    return f"{words.actor(event.by)}: {words.t(*TURNS[event.turn])}{until}{because(event, words)}"


def _snoozed(event: e.TicketSnoozed, words: Wording) -> str:
    if event.until is None:
        return words.t("mengembalikannya ke daftar kerja", "took it back into the worklist")
    return f"{words.t('menundanya sampai', 'snoozed it until')} {words.time(event.until)}"


def _news_promised(event: e.NewsPromised, words: Wording) -> str:
    until = words.time(event.until)
    return words.t(f"menjanjikan kabar paling lambat {until}", f"promised news by {until}") + because(
        event, words
    )


def _closed(event: e.TicketClosed, words: Wording) -> str:
    cause = f" ({words.t('sebab', 'cause')} {words.label('cause', event.cause)})" if event.cause else ""
    return f"{words.t('menutupnya', 'closed it')}{because(event, words)}{cause}"


def _undone(event: e.ActUndone, words: Wording) -> str:
    t = words.t
    people, requests = ", ".join(event.withdrawn), ", ".join(map(str, event.requests))
    withdrawn = t(f"; tidak dikirim: {people}", f"; not sent: {people}") if people else ""
    money = (
        t(f"; permintaan uang {requests} tetap", f"; request {requests} for money stays") if requests else ""
    )
    return t("membatalkan yang terakhir dilakukan", "took back what was done last") + withdrawn + money


def _corrected(event: e.TicketCorrected, words: Wording) -> str:
    def change(name: str, value: str) -> str:
        shown = words.label(name, value) if name in ("priority", "category", "cause") else words.grade(value)
        english = f"{name.replace('_', ' ')} to {shown}"
        return words.t(f"{FIELDS.get(name, name)} menjadi {shown}", english)

    return f"{words.t('mengubah', 'set')} {', '.join(change(name, value) for name, value in event.values)}"


def _tags_changed(event: e.TagsChanged, words: Wording) -> str:
    signed = (*(f"+{tag}" for tag in event.added), *(f"-{tag}" for tag in event.removed))
    return f"{words.t('memberi tag', 'tagged it')} {' '.join(signed)}"


# --- other tickets ----------------------------------------------------------------------------------------


def _incident_joined(event: e.IncidentJoined, words: Wording) -> str:
    if not event.incident:
        return words.t("tiket ini kembali berdiri sendiri", "it is a matter of its own again")
    one = words.t(
        f"tiket ini salah satu laporan gangguan {event.incident}",
        f"it is one complaint of incident {event.incident}",
    )
    return one + because(event, words)


def _incident_opened(event: e.IncidentOpened, words: Wording) -> str:
    rose = ", ".join(event.words)
    return words.t(
        f"{event.count} laporan serupa membuka gangguan ini: {rose}",
        f"{event.count} similar complaints opened this incident: {rose}",
    )


def _message_moved(event: e.MessageMoved, words: Wording) -> str:
    way = (
        words.t(f"ke {event.to}", f"to {event.to}")
        if event.to
        else words.t(f"ke sini dari {event.origin}", f"here from {event.origin}")
    )
    act = words.t("memindahkan pesan", "moved message")
    return f"{words.actor(event.by)} {act} {event.message} {way}{_joined(event, words)}"


def _merged(event: e.TicketMerged, words: Wording) -> str:
    other = words.t(", milik pelanggan lain", ", of another customer") if event.other_customer else ""
    return f"{words.t('menggabungkannya ke', 'merged it into')} {event.into}{other}"


def _merge_received(event: e.MergeReceived, words: Wording) -> str:
    act = (
        words.t("menerima pengakuannya dan menggabungkan", "accepted its claim and merged")
        if event.accepted
        else words.t("menggabungkan", "merged")
    )
    into = words.t("ke tiket ini", "into it")
    return (
        f"{words.actor(event.by)} {act} {event.other} {into} ({_count(event, words)}){_joined(event, words)}"
    )


def _taken_out(event: e.TicketUnmerged | e.MergeReverted, words: Wording) -> str:
    count = _count(event, words)
    if isinstance(event, e.MergeReverted):
        return words.t(
            f"mengeluarkan {event.other} dari sini lagi ({count})",
            f"took {event.other} out of it again ({count})",
        )
    return words.t(
        f"mengeluarkannya dari {event.into} lagi ({count})", f"took it out of {event.into} again ({count})"
    )


def _split(event: e.TicketSplit, words: Wording) -> str:
    count = _count(event, words)
    return words.t(f"memisahkan {count} ke {event.into}", f"split {count} off into {event.into}")


def _rebuilt(event: e.TicketRebuilt, words: Wording) -> str:
    status = term("status", event.status, words.language) if words.language == "id" else event.status
    now = words.t(f"menurut pesannya kini {status}", f"by its messages it is now {status}")
    return f"{now}; {clocks_text(event.clocks, words)}"


# --- people -------------------------------------------------------------------------------------


def _participants_added(event: e.ParticipantsAdded, words: Wording) -> str:
    people, reason = ", ".join(event.addresses), words.reason(event.reason)
    if event.role is Role.NAMED:
        start = words.t("belum dikonfirmasi, tidak ikut serta", "not confirmed, takes no part")
    else:
        start = words.t("ikut serta mulai sekarang", "takes part from now on")
    return f"{start}: {people} ({reason})"


def _participants_removed(event: e.ParticipantsRemoved, words: Wording) -> str:
    people = ", ".join(event.addresses)
    return words.t(
        f"mengeluarkan {people}: tidak ikut serta lagi", f"removed {people}: takes no part any more"
    )


def _links_revoked(event: e.LinksRevoked, words: Wording) -> str:
    people = ", ".join(event.addresses)
    return words.t(f"mencabut tautan halaman milik {people}", f"revoked the links to the page of {people}")


def _customer_changed(event: e.CustomerChanged, words: Wording) -> str:
    if event.customer == event.former:
        return words.t(
            f"mengubah tujuan jawaban ke {event.customer}", f"changed where answers go to {event.customer}"
        )
    return words.t(
        f"mengganti pelanggan menjadi {event.customer}; {event.former} tidak ikut serta lagi",
        f"changed the customer to {event.customer}; {event.former} takes no part any more",
    )


def _identity_linked(event: e.IdentityLinked, words: Wording) -> str:
    return words.t(
        f"menautkan {label(event.address)} dengan {label(event.other)}: orang yang sama",
        f"linked {label(event.address)} to {label(event.other)}: the same person",
    )


def _identity_unlinked(event: e.IdentityUnlinked, words: Wording) -> str:
    return words.t(
        f"memutus tautan {label(event.address)} dengan {label(event.other)}: orang yang berbeda",
        f"unlinked {label(event.address)} from {label(event.other)}: not the same person",
    )


def _answers_moved(event: e.AnswersMoved, words: Wording) -> str:
    why = "" if event.reason.code == "by_actor" else because(event, words)
    to = label(event.to)
    return words.t(f"mengarahkan jawaban ke {to}", f"let answers go to {to}") + why


# --- parts of sentences -----------------------------------------------------------------------------------


def _joined(event: e.MessageMoved | e.MergeReceived, words: Wording) -> str:
    people = ", ".join(event.joined)
    return f"; {words.t('peserta baru', 'new participants')}: {people}" if people else ""


def _count(event: Any, words: Wording) -> str:
    count = len(event.messages)
    return words.t(f"{count} pesan", f"{count} message{'s' * (count != 1)}")


def _by_actor(text: Text) -> Text:
    """Make a text function of a sentence that begins with the actor."""
    return lambda event, words: f"{words.actor(event.by)} {text(event, words)}"


def _plain(indonesian: str, english: str) -> Text:
    """Make a text function of a sentence in which the fields of the event stand in braces."""
    return lambda event, words: words.t(indonesian, english).format(event=event)


def _with_reason(indonesian: str, english: str) -> Text:
    """Make one that ends with the event's reason, if it has one."""
    return lambda event, words: _plain(indonesian, english)(event, words) + because(event, words)


TEXTS: dict[type[e.Event], Text] = {
    e.TicketOpened: _opened,
    e.TicketRouted: _routed,
    e.TicketAssigned: _by_actor(
        _with_reason("menugaskannya kepada {event.assignee}", "assigned it to {event.assignee}")
    ),
    e.TicketHandedOver: _by_actor(
        lambda event, words: (
            f"{words.t('mengalihkannya ke tim', 'handed it over to team')} {words.label('team', event.team)}: "
            f"{words.reason(event.reason)}"
        )
    ),
    e.TicketEscalated: _escalated,
    e.CustomerWrote: lambda event, words: words.t(
        f"pelanggan menulis lagi (termasuk tiket ini: {words.reason(event.reason)})",
        f"the customer wrote again (belongs here: {words.reason(event.reason)})",
    ),
    e.AutomaticMailReceived: _with_reason(
        "email otomatis, disimpan dan tidak dijawab", "an automatic mail, kept and not answered"
    ),
    e.ThanksReceived: _plain(
        "pelanggan hanya berterima kasih: disimpan, giliran tetap seperti semula",
        "the customer wrote only thanks: kept, and the turn stays as it is",
    ),
    e.CopyReceived: _with_reason("salinan lagi, disimpan", "a further copy, kept"),
    e.DetailsReceived: lambda event, words: (
        f"{words.t('email ini menambah keterangan', 'the mail adds details')}: "
        + ", ".join(map(" ".join, event.details))
    ),
    e.DeliveryBounced: _bounced,
    e.DeliveryFailed: _delivery_failed,
    e.AgentAnswered: _answered,
    e.AgentMailHeld: _mail_held,
    e.NoteAdded: _by_actor(lambda event, words: f"{words.t('mencatat', 'noted')}: {event.text}"),
    e.AcknowledgementEnqueued: _plain(
        "konfirmasi dengan nomor tiket masuk antrean kirim",
        "the acknowledgement with the number was enqueued",
    ),
    e.AcknowledgementSuppressed: _with_reason("tanpa konfirmasi", "no acknowledgement"),
    e.ProgressSuppressed: _with_reason(
        "pelanggan tidak diberi kabar perkembangan", "the customer was not notified of the progress"
    ),
    e.ClosingWordSuppressed: _with_reason(
        "tanpa kabar selesai untuk pelanggan", "no closing word to the customer"
    ),
    e.ClocksSet: lambda event, words: clocks_text(event.clocks, words),
    e.StepTaken: _step_taken,
    e.TargetMissed: _target_missed,
    e.ReminderDue: _reminder_due,
    e.DecisionRequested: _asked_to_decide,
    e.DecisionMade: _by_actor(_with_reason("memutuskan: {event.option}", "decided: {event.option}")),
    e.LadderChanged: _by_actor(_ladder_changed),
    e.PeopleNotified: _notified,
    e.TicketClosed: _by_actor(_closed),
    e.TicketReopened: _with_reason("dibuka lagi", "reopened"),
    e.TurnSet: _turn_set,
    e.NewsPromised: _by_actor(_news_promised),
    e.TicketSnoozed: _by_actor(_snoozed),
    e.StatusAsked: _plain(
        "pelanggan menanyakan status dan mendapat jawabannya", "the customer asked for the status and got it"
    ),
    e.ActUndone: _by_actor(_undone),
    e.TicketCorrected: _by_actor(_corrected),
    e.TagsChanged: _by_actor(_tags_changed),
    e.LegalHoldPlaced: _by_actor(_with_reason("melarang penghapusan demi hukum", "placed a legal hold")),
    e.LegalHoldReleased: _by_actor(_with_reason("mencabut larangan penghapusan", "released the legal hold")),
    e.IncidentOpened: _incident_opened,
    e.IncidentJoined: _incident_joined,
    e.IncidentResolved: _by_actor(
        lambda event, words: f"{words.t('menyatakan gangguan pulih', 'resolved the incident')}: {event.text}"
    ),
    e.SurveyEnqueued: _plain("pelanggan diminta memberi nilai", "the customer was asked for a rating"),
    e.SatisfactionRated: lambda event, words: (
        words.t(f"pelanggan memberi nilai {event.score} dari 5", f"the customer rated it {event.score} of 5")
        + (f": {event.words}" if event.words else "")
    ),
    e.TicketFiled: _with_reason("disimpan sebagai email otomatis", "filed as automatic mail"),
    e.TicketReleased: _by_actor(
        _plain("melepasnya: tiket ini berdiri sendiri", "released it: it is a matter of its own")
    ),
    e.MessageMoved: _message_moved,
    e.TicketMerged: _by_actor(_merged),
    e.MergeReceived: _merge_received,
    e.TicketUnmerged: _by_actor(_taken_out),
    e.MergeReverted: _by_actor(_taken_out),
    e.TicketSplit: _by_actor(_split),
    e.TicketRebuilt: _rebuilt,
    e.ParticipantsAdded: _participants_added,
    e.ParticipantsRemoved: _by_actor(_participants_removed),
    e.LinksRevoked: _by_actor(_links_revoked),
    e.CustomerChanged: _by_actor(_customer_changed),
    e.IdentityLinked: _by_actor(_identity_linked),
    e.IdentityUnlinked: _by_actor(_identity_unlinked),
    e.AnswersMoved: _by_actor(_answers_moved),
    **MONEY_TEXTS,
}
