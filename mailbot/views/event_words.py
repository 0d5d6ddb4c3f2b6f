"""Words that sentences about tickets share, in both languages: why mail went out, whose turn it is, clocks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mailbot.domain.model import Clock, NoticeKind, Target, Turn
from mailbot.domain.reasons import Reason
from mailbot.views.wording import Wording

Words = tuple[str, str]  # Indonesian, English
Text = Callable[[Any, Wording], str]

NOTICE_REASONS: Mapping[NoticeKind, Words] = {
    NoticeKind.NEW: ("tiket baru", "a new ticket"),
    NoticeKind.CUSTOMER_WROTE: ("pelanggan menulis", "the customer wrote"),
    NoticeKind.ESCALATED: ("tiket naik jenjang", "it was escalated"),
    NoticeKind.HANDED_OVER: ("tiket dialihkan", "it was handed over"),
    NoticeKind.ASSIGNED: ("tiket ditugaskan", "it was assigned"),
    NoticeKind.REMINDER: ("pengingat", "a reminder"),
    NoticeKind.FOLLOW_UP: (
        "pelanggan belum menjawab: tanyakan lagi atau tutup",
        "the customer is silent: ask again or close",
    ),
    NoticeKind.UNCONFIRMED: ("email ditahan: terima atau tolak", "it is held: accept or reject it"),
    NoticeKind.DECIDED: ("keputusan sudah diambil", "the decision was made"),
    NoticeKind.NOTIFY: ("untuk diketahui", "for their attention"),
    NoticeKind.BOUNCED: ("sebuah email tidak sampai", "mail to somebody bounced"),
    NoticeKind.UNDELIVERABLE: ("sebuah email tidak dapat dikirim", "mail to somebody could not be sent"),
    NoticeKind.SENT_BY_MAIL: (
        "obrolan menolak jawaban, jadi dikirim lewat email",
        "a chat refused an answer, so it was mailed",
    ),
    NoticeKind.COMPLAINED: (
        "penerima melaporkan email kami sebagai tidak diinginkan",
        "a recipient reported our mail as abuse",
    ),
    NoticeKind.PROGRESS: ("kabar perkembangan", "the progress"),
    NoticeKind.COMPENSATION: (
        "permintaan kompensasi sudah diputuskan",
        "the request for compensation was decided",
    ),
    NoticeKind.CLOSED: ("kabar selesai", "the closing word"),
    NoticeKind.TURN_CAME_BACK: (
        "masa tunggu berakhir: giliran kami lagi",
        "a wait ended: the turn is ours again",
    ),
    NoticeKind.LOW_SCORE: ("pelanggan memberi nilai rendah", "the customer rated it low"),
    NoticeKind.INCIDENT: ("banyak laporan serupa", "many similar complaints"),
}

TURNS: Mapping[Turn, Words] = {
    Turn.OURS: ("giliran tetap pada kami", "the turn stays ours"),
    Turn.CUSTOMER: ("giliran pelanggan", "the turn is the customer's"),
    Turn.THIRD_PARTY: ("giliran pihak ketiga", "the turn is a third party's"),
}

REMINDER_REASONS: Mapping[Target, Words] = {  # why a reminder comes though no step asks for it
    Target.REPEAT: ("tidak ada langkah lain", "nothing else was to come"),
    Target.FOLLOW_UP: ("pelanggan tidak menjawab", "the customer did not answer"),
    Target.THIRD_PARTY: ("masa tunggu berakhir", "the wait is over"),
    Target.CONFIRMATION: (
        "tidak dikonfirmasi pada waktunya, dan tidak ada langkah berikutnya",
        "not confirmed in time, and no step follows",
    ),
    Target.DECISION: (
        "tidak diputuskan pada waktunya, dan tidak ada langkah berikutnya",
        "not decided in time, and no step follows",
    ),
}

FIELDS = {  # of a ticket, which a person can correct
    "priority": "prioritas",
    "category": "masalah",
    "urgency": "kemendesakan",
    "complexity": "kerumitan",
    "language": "bahasa",
    "subject": "judul",
    "cause": "sebab",
}


def clocks_text(clocks: Iterable[Clock], words: Wording) -> str:
    """Return "clocks: first response 1 h, 5 min used; resolution 8 h, paused"."""
    texts = []
    for clock in clocks:
        span = words.span(clock.span)
        name = f"{words.target(clock.target)} {span}"
        if clock.target is Target.REPEAT:
            name = words.t(f"pengingat tiap {span}", f"reminder every {span}")
        used = f", {words.span(clock.spent)} {words.t('terpakai', 'used')}" if clock.spent else ""
        texts.append(f"{name}{used}{'' if clock.running_since else words.t(', berhenti', ', paused')}")
    if not texts:
        return words.t("tidak ada waktu yang berjalan", "no clock runs")
    return f"{words.t('waktu', 'clocks')}: {'; '.join(texts)}"


def because(event: Any, words: Wording) -> str:
    """Return ": " and the event's reason, "" where it has none."""
    reason: Reason = event.reason
    return f": {words.reason(reason)}" if reason else ""
