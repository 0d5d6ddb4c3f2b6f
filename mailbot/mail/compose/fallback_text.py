"""Render a notice without templates, for a value on which the admin's template fails."""

from collections.abc import Iterable, Mapping

from mailbot.mail.compose.template_values import Values

# Its values are whole sentences in the reader's language.
_TEAM = (
    "{marker}\n\n{happened} {promise}\n{confirm}\n{proof}\n\n{text}\n\n"
    "{facts}\n{because}\n\n{help}\n{commands}\n"
)
# (notice, language) -> subject without the number, text. Values are inserted once, never read as formats.
_TEXTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("acknowledgement", "id"): (
        "Pesan Anda sudah kami terima",
        "Halo,\n\n"
        "Terima kasih. Pesan Anda sudah kami terima dan kami catat dengan nomor {number}.\n"
        "Petugas kami akan membaca dan membalasnya. Untuk menambahkan sesuatu, balas email ini\n"
        "dan biarkan nomor tersebut tetap tercantum pada judul. Ingin tahu sudah sampai mana? Balas: STATUS.\n\n"
        "{brand}\n{mailbox}\n",
    ),
    ("acknowledgement", "en"): (
        "We have received your message",
        "Hello,\n\n"
        "Thank you. We have received your message and recorded it under the number {number}.\n"
        "A member of our staff will read and answer it. To add something, reply to this email\n"
        "and leave the number in the subject line. Want to know where things are? Reply: STATUS.\n\n"
        "{brand}\n{mailbox}\n",
    ),
    ("answer", "id"): ("Re: {subject}", "{text}\n\n{agent_name}\n{brand}\n\nNomor Anda: {number}\n"),
    ("answer", "en"): ("Re: {subject}", "{text}\n\n{agent_name}\n{brand}\n\nYour number: {number}\n"),
    ("progress", "id"): (
        "Kabar terbaru tentang pesan Anda",
        "Halo,\n\nPesan Anda dengan nomor {number} belum selesai kami tangani; kami mohon maaf.\n"
        "Kini pesan itu sudah kami teruskan untuk ditindaklanjuti. {team} {level} {until}\n\n"
        "{brand}\n{mailbox}\n",
    ),
    ("progress", "en"): (
        "An update on your message",
        "Hello,\n\nYour message with the number {number} is not settled yet; we are sorry.\n"
        "We have now passed it on. {team} {level} {until}\n\n{brand}\n{mailbox}\n",
    ),
    ("closing", "id"): (
        "Laporan Anda sudah selesai",
        "Laporan Anda dengan nomor {number} sudah selesai. {sentence}\n\n{text}\n\n"
        "Belum beres? Balas email ini dan laporan Anda dibuka lagi.\n\n{agent_name}\n{brand}\n{mailbox}\n",
    ),
    ("closing", "en"): (
        "Your report is closed",
        "Your report with the number {number} is closed. {sentence}\n\n{text}\n\n"
        "Not solved? Reply to this email and we reopen it.\n\n{agent_name}\n{brand}\n{mailbox}\n",
    ),
    ("status", "id"): (
        "Status laporan Anda",
        "Halo,\n\nLaporan Anda dengan nomor {number} kami terima pada {received_at}.\n"
        "Balasan kami terakhir: {answered_at}\nKabar berikutnya paling lambat: {promised_at}\n"
        "Menunggu sampai: {until}\nSelesai: {closed_at}\n\n{brand}\n{mailbox}\n",
    ),
    ("status", "en"): (
        "Where your report stands",
        "Hello,\n\nWe received your report with the number {number} on {received_at}.\n"
        "Our last answer: {answered_at}\nYou will hear from us by: {promised_at}\n"
        "Waiting until: {until}\nClosed: {closed_at}\n\n{brand}\n{mailbox}\n",
    ),
    ("team", "id"): ("{subject}", _TEAM),
    ("team", "en"): ("{subject}", _TEAM),
    ("compensation_wanted", "id"): (
        "Keputusan kompensasi: {amount}",
        "{who} meminta kompensasi {amount} untuk tiket {number} (permintaan {request}).\n{because}\n\n"
        "Pelanggan: {customer}\nJudul: {subject}\n"
        "Tiket ini sudah mendapat: {on_ticket}\nPelanggan dalam 90 hari: {in_90_days}\n"
        "Sudah disetujui oleh: {signed}\n\n"
        "#setuju {request}\n#tolak {request} ALASAN\n\n{mailbox}\n",
    ),
    ("compensation_wanted", "en"): (
        "Compensation to decide: {amount}",
        "{who} asks for compensation of {amount} on ticket {number} (request {request}).\n{because}\n\n"
        "Customer: {customer}\nSubject: {subject}\n"
        "This ticket got before: {on_ticket}\nThe customer in 90 days: {in_90_days}\n"
        "Approved so far by: {signed}\n\n"
        "#approve {request}\n#refuse {request} WHY\n\n{mailbox}\n",
    ),
    ("compensation_decided", "id"): (
        "Kompensasi {amount}",
        "Tiket {number}, permintaan {request}, kompensasi {amount}: {outcome}\n{who}\n{because}\n\n"
        "{mailbox}\n",
    ),
    ("compensation_decided", "en"): (
        "Compensation of {amount}",
        "Ticket {number}, request {request}, compensation of {amount}: {outcome}\n{who}\n{because}\n\n"
        "{mailbox}\n",
    ),
    ("question", "id"): (
        "Perlu keputusan: {question}",
        "{question}\nPilihan: {options}\nBatas waktu: {until}\n\n"
        "#putuskan {first}\n\n"
        "Pelanggan: {customer}\nJudul: {subject}\n{because}\n\n{mailbox}\n",
    ),
    ("question", "en"): (
        "Decision needed: {question}",
        "{question}\nOptions: {options}\nUntil: {until}\n\n"
        "#decide {first}\n\n"
        "Customer: {customer}\nSubject: {subject}\n{because}\n\n{mailbox}\n",
    ),
    ("agent_help", "id"): (
        "Perintah lewat email",
        'Email Anda "{subject}" ada di tiket {number}.\n\nUntuk menjawab pelanggan, balas pemberitahuannya. Untuk '
        "membuka tiket bagi pelanggan, teruskan emailnya.\n\n{verbs}\n\n{mailbox}\n",
    ),
    ("agent_help", "en"): (
        "Commands by mail",
        'Your mail "{subject}" is on ticket {number}.\n\nTo answer a customer, reply to the notice. To open a ticket '
        "for a customer, forward the customer's mail.\n\n{verbs}\n\n{mailbox}\n",
    ),
    ("worklist", "id"): ("{title}", "{title}\n{listed}\n\n{mailbox}\n"),
    ("worklist", "en"): ("{title}", "{title}\n{listed}\n\n{mailbox}\n"),
    ("receipt", "id"): (
        "{subject}",
        "{marker}\n\nTidak dijalankan: {refused}\nSudah dijalankan: {results}\n\n"
        "Pelanggan membaca:\n{text}\n{also_sent}\n\n"
        "Berikutnya: {turn} {turn_until}\n{next_steps}\n{undo_until}\n\n{number}\n{mailbox}\n",
    ),
    ("receipt", "en"): (
        "{subject}",
        "{marker}\n\nNot done: {refused}\nDone: {results}\n\nThe customer reads:\n{text}\n{also_sent}\n\n"
        "Next: {turn} {turn_until}\n{next_steps}\n{undo_until}\n\n{number}\n{mailbox}\n",
    ),
    ("answer_held", "id"): (
        "{subject}",
        "{marker}\n\nSebuah email dari {author} ditahan: {reason}.\n\n{text}\n\n"
        "Penulisnya dapat tetap mengirimnya dengan membalas #kirim.\n\n{number}\n{mailbox}\n",
    ),
    ("answer_held", "en"): (
        "{subject}",
        "{marker}\n\nA mail by {author} is held: {reason}.\n\n{text}\n\n"
        "Its author can send it all the same by replying #send.\n\n{number}\n{mailbox}\n",
    ),
    ("refusal", "id"): (
        "Email Anda belum dijalankan",
        "Email atas nama Anda untuk tiket {number} belum dijalankan.\n\nAlasan: {reason}\n\n{mailbox}\n",
    ),
    ("refusal", "en"): (
        "Your mail was not acted upon",
        "The mail in your name for ticket {number} was not acted upon.\n\nReason: {reason}\n\n{mailbox}\n",
    ),
}


_REQUESTS = {
    "id": "Supaya cepat kami bantu, mohon balas email ini dengan:",
    "en": "So that we can help you quickly, please reply to this email with:",
}
_PAGES = {"id": "Lihat laporan Anda:", "en": "View your report:"}


def details_request(language: str, needed: Iterable[str]) -> str:
    """Return the request for details that no template asks for."""
    return "\n".join((_REQUESTS[language], *(f"  - {label}" for label in needed)))


def _escape_braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _lines_of_facts(values: Values) -> Values:
    """Return the lists of an agent's notice as lines."""
    facts, commands, results, verbs = (
        values.get(name, ()) for name in ("facts", "commands", "results", "verbs")
    )
    assert isinstance(facts, tuple)
    assert isinstance(commands, tuple)
    assert isinstance(results, tuple)
    assert isinstance(verbs, tuple)
    return {
        "results": "; ".join(results),
        "facts": "\n".join(f"{fact['label']}: {fact['value']}" for fact in facts),
        "commands": "\n".join(commands),
        "verbs": "\n".join(f"{verb['written']}: {verb['text']}" for verb in verbs),
    }


def fallback_text(name: str, language: str, values: Values) -> tuple[str, str]:
    """Return subject and text of this notice."""
    subject, text = _TEXTS[name, language]
    shown = {**values, **_lines_of_facts(values)}
    if needed := values.get("needed"):
        assert isinstance(needed, dict)
        text = f"{text}\n{_escape_braces(details_request(language, needed))}\n"
    if values.get("page_url"):
        text = f"{text}\n{_PAGES[language]}\n{{page_url}}\n"
    if shown["again"]:
        shown["text"] = ""  # it is in the first half already
    return subject.format_map(shown), text.format_map(shown)
