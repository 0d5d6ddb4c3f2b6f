"""The words of a report in Indonesian and English, and how its numbers are written."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailbot.reports.figures.period import Period

NOTHING = "-"
_MONTHS = (
    (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
)

# English -> Indonesian; English is the key, so that every word has its original beside it.
_INDONESIAN: Mapping[str, str] = {
    "Report": "Laporan",
    "team": "tim",
    "compared with": "dibandingkan dengan",
    "At a glance": "Ringkasan",
    "figure": "angka",
    "this period": "periode ini",
    "before": "sebelumnya",
    "change": "perubahan",
    "opened": "masuk",
    "closed": "selesai",
    "open at the end": "masih terbuka",
    "merged": "digabung",
    "reopened": "dibuka lagi",
    "closings undone": "penutupan yang batal",
    "escalated": "dieskalasi",
    "answers sent": "jawaban terkirim",
    "machines' mail filed": "surat otomatis disimpan",
    "incidents": "gangguan",
    "promises kept": "janji ditepati",
    "half answered within, work time": "setengahnya dijawab dalam, jam kerja",
    "half closed within, work time": "setengahnya selesai dalam, jam kerja",
    "half closed within": "setengahnya selesai dalam",
    "satisfaction, mean of 5": "kepuasan, rata-rata dari 5",
    "satisfied (4 or 5)": "puas (4 atau 5)",
    "survey answered": "survei dijawab",
    "Times": "Waktu",
    "what": "apa",
    "count": "jumlah",
    "half within": "setengahnya dalam",
    "9 in 10 within": "9 dari 10 dalam",
    "mean": "rata-rata",
    "first response, work time": "jawaban pertama, jam kerja",
    "next response, work time": "jawaban berikutnya, jam kerja",
    "resolution, work time": "penyelesaian, jam kerja",
    "resolution, by the clock": "penyelesaian, menurut jam dinding",
    "first response": "jawaban pertama",
    "next response": "jawaban berikutnya",
    "resolution": "penyelesaian",
    "confirmation by the new owner": "konfirmasi pemilik baru",
    "acknowledgement": "tanda terima",
    "Promises": "Janji",
    "target": "target",
    "priority": "prioritas",
    "kept": "ditepati",
    "missed": "terlewat",
    "share": "bagian",
    "category right at once": "kategori langsung benar",
    "Categories that the rules got wrong": "Kategori yang salah dipilih aturan",
    "rules chose": "aturan memilih",
    "people corrected it to": "dikoreksi menjadi",
    "of all there": "dari semua di sana",
    "Escalations": "Eskalasi",
    "rule": "aturan",
    "level": "tingkat",
    "automatic": "otomatis",
    "by hand": "manual",
    "Backlog by age": "Tumpukan menurut umur",
    "in all": "semua",
    "Teams": "Tim",
    "received": "diterima",
    "Agents": "Agen",
    "agent": "agen",
    "answers": "jawaban",
    "Satisfaction": "Kepuasan",
    "mark": "nilai",
    "Satisfaction by team, rule and level": "Kepuasan menurut tim, aturan, dan tingkat",
    "name": "nama",
    "promised news": "kabar yang dijanjikan",
    "Channels": "Kanal",
    "channel": "kanal",
    "Causes named at closing": "Penyebab saat penutupan",
    "none given": "tidak disebut",
    "What was done about causes": "Tindakan atas penyebab",
    "what was done": "tindakan",
    "when": "kapan",
    "a week before": "seminggu sebelumnya",
    "a week after": "seminggu sesudahnya",
    "too early": "terlalu dini",
    "Causes": "Penyebab",
    "kind": "jenis",
    "cause": "penyebab",
    "tickets": "tiket",
    "share before": "bagian sebelumnya",
    "rising": "naik",
    "category": "kategori",
    "detail": "rincian",
    "phrase": "kata",
    "Compensation": "Kompensasi",
    "asked": "diminta",
    "granted": "disetujui",
    "refused": "ditolak",
    "amount": "jumlah uang",
    "limit of a ticket": "batas per tiket",
    "limit of a customer in 90 days": "batas pelanggan dalam 90 hari",
    "limit of an agent on a day": "batas petugas dalam sehari",
    "budget of the team": "anggaran tim",
    "no second person may approve": "tidak ada orang kedua yang boleh menyetujui",
    "a person": "seseorang",
    "Per day": "Per hari",
    "Per week": "Per minggu",
    "date": "tanggal",
    "d": "hr",
    "h": "jam",
    "min": "mnt",
    "s": "dtk",
    "Share of all tickets": "Bagian dari semua tiket",
    "weeks before": "minggu-minggu sebelumnya",
    "days": "hari",
}  # fmt: skip


def say(word: str, language: str) -> str:
    """Translate a word into Indonesian for "id"; other languages keep it."""
    return _INDONESIAN.get(word, word) if language == "id" else word


def stretch(period: Period, language: str = "en") -> str:
    """Format a period by its days: "21 to 28 November 2026"; a midnight at its end is no day of it."""
    zone = ZoneInfo(period.zone)
    first, last = (
        each.astimezone(zone).date() for each in (period.since, period.until - timedelta(microseconds=1))
    )
    end = day(period.until - timedelta(microseconds=1), period.zone, language)
    if first == last:
        return end
    month = day(period.since, period.zone, language, year=first.year != last.year)
    begin = str(first.day) if (first.year, first.month) == (last.year, last.month) else month
    return f"{begin} {'sampai' if language == 'id' else 'to'} {end}"


def span(length: timedelta | None, language: str = "en") -> str:
    """Format a span by its two largest units, rounded down: "2 h 5 min"."""
    if length is None:
        return NOTHING
    left, parts = int(length.total_seconds()), []
    if not left:
        return f"{length / timedelta(milliseconds=1):.0f} ms" if length else f"0 {say('s', language)}"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {say(unit, language)}")
    return " ".join(parts[:2])


def number(value: float, language: str = "en", digits: int = 0) -> str:
    """Format 1234.5 as "1,234.5"; in Indonesian as "1.234,5"."""
    written = f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: there is no minus nothing
    return written.translate(str.maketrans(",.", ".,")) if language == "id" else written


def percent(share: float | None, language: str = "en") -> str:
    return NOTHING if share is None else f"{number(share * 100, language, 1)}%"


def day(at: datetime, zone: str, language: str = "en", *, year: bool = True) -> str:
    """Format the date of a moment: "23 November 2026"."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{there.day} {_MONTHS[language == 'id'][there.month - 1]}" + f" {there.year}" * year
