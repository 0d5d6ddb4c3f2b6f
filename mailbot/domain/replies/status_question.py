"""Recognise mails that only ask how far we are: "STATUS", "udah sampe mana ya kak?", "any update?".

Theory of operation. The words of the text are a sequence of questions, courtesy and fillers; one unknown word makes
a mail an ordinary one, which a person reads. So the words of a request ("update my address"), of a complaint
("still no answer") and of goods ("where is my parcel") are left out on purpose. What counts is the new text,
or the subject where there is no text.
"""

from collections.abc import Collection
from typing import Any

from mailbot.domain import ticket_number
from mailbot.domain.language import ENGLISH, INDONESIAN
from mailbot.domain.model import InboundMail
from mailbot.domain.replies.phrases import (
    ADDRESSED,
    GREETING,
    INTENSITY,
    NOTED,
    SIGNED,
    TEXT_LIMIT,
    THANKING,
    WISH,
    any_of,
    matcher,
    without_signature,
    words_of,
)
from mailbot.domain.replies.subjects import base_subject, is_reply_subject
from mailbot.domain.routing.patterns import Pattern

_WORD_LIMIT = 30
_SUBJECT_LIMIT = 200
_NUMBER = "@number"  # stands for a ticket number
_NOISE = str.maketrans(dict.fromkeys('¿()[]{}<>|/\\#“”‘…=–—"', " , ") | {"?": " ? "})

# --- Indonesian -------------------------------------------------------------------------------------------

_MATTER = any_of(
    """
    (?:laporan|tiket|ticket|keluhan|komplain|komplen|pengaduan|aduan|kasus|masalah|kendala|permintaan|permohonan|pengajuan
    |pertanyaan|report|case|issue|request|complaint|inquiry|enquiry|query)(?:ku|nya|s)? proses(?:nya)?
""".replace("\n    |", "|")
)
_NUMBERED = rf"(?:(?:(?:nomor|nomer|nmr|no|number|nr|ref|reference|id|kode) )*(?:{_MATTER} )*{_NUMBER})"
_OUR = any_of(
    "saya sy aku ak gue gw kami kita ini itu tsb tersebut tadi yang yg punya milik my our the this that"
)
_OF = rf"(?:{_OUR}|{_NUMBERED}|{ADDRESSED})"
_THING = rf"(?:(?:{_OUR} )*(?:{_MATTER}|{_NUMBERED})(?: {_OF})*)"
_ALREADY = any_of("sudah udah udh sdh dah uda telah")
_HOW = any_of("bagaimana bagaimanakah gimana gmn gmna gimn gmana bgmn bgmna gimanakah gmnya")
_SOFT = any_of(
    "ya yah y dong donk sih nih deh tuh loh lho kah nya kira_kira kira2 kiranya sekarang skrg saat_ini"
)
_DONE = any_of("""
    selesai beres kelar rampung diproses di_proses ditangani di_tangani dibalas di_balas dijawab di_jawab direspon
    direspons ditindaklanjuti ditindak_lanjuti dicek di_cek diperiksa dibaca dikerjakan dikabari dihubungi
    solved resolved closed
""")
_WORD_OF_NEWS = any_of("""
    updates?(?:nya)? updet(?:nya)? apdet(?:nya)? perkembangan(?:nya)? kelanjutan(?:nya)? progress?(?:nya)?
    tindak_lanjut(?:nya)? (?:info|informasi|berita|kabar)(?:nya)?_(?:terbaru|terkini|selanjutnya|lanjut|lanjutan)
""")
_NEWS = rf"(?:{_WORD_OF_NEWS}(?: (?:terbaru|terkini|terakhir))?)"
_ANSWER = any_of("kabar(?:nya)? jawaban(?:nya)? balasan(?:nya)? info(?:nya)? hasil(?:nya)?")
_FAR = any_of("sampai sampe smp smpe sampek nyampe sejauh")
_WHERE = any_of("mana mn di_mana dimana tahap_apa tahap_mana proses_apa")
_INDONESIAN = (
    rf"(?:status|sts|stts|statusny|setatus|posisi)(?:nya|ku)?(?: terakhir| terkini| terbaru| {_THING}| {_OF})*",
    rf"(?:{_ALREADY} )?{_FAR} (?:di )?{_WHERE}",
    _NEWS,
    rf"(?:ada|adakah|{_HOW}|minta) (?:{_ALREADY} |kah |apa )?{_ANSWER}",
    r"mohon kabar(?:nya)?",
    rf"{_ANSWER} (?:dari |tentang |soal )?{_THING}",
    rf"{_ALREADY} ada (?:{_ANSWER}|{_NEWS})(?: atau)?(?: (?:belum|blm|blom))?",
    rf"(?:apa|apakah) (?:{_THING} )?(?:{_SOFT} )*{_ALREADY} {_DONE}(?: atau)?(?: (?:belum|blm|blom))?",
    rf"{_ALREADY} (?:bisa )?{_DONE} (?:atau )?(?:belum|blm|blom)",
    rf"{_ALREADY}(?:kah) {_DONE}",
    rf"kapan (?:(?:{_THING}|{_SOFT}|{_OUR}|akan|bisa|dapat|ada|mau) )*(?:{_DONE}|{_ANSWER}|{_NEWS})",
    rf"berapa lama(?: lagi)?(?: {_SOFT})*(?: {_THING})?(?: (?:akan )?{_DONE})?",
    rf"{_HOW} (?:(?:{_SOFT}|{_OF}) )*{_THING}",
    rf"{_THING}(?: {_SOFT})* {_HOW}",
    rf"{_THING}(?: {_SOFT})* (?:ada )?(?:di mana|dimana)",
    rf"siapa yang (?:menangani|tangani|pegang|memegang|handle|proses)(?: {_THING})?",
)

# --- English ----------------------------------------------------------------------------------------------

_A = any_of("a an any some the my our this that is s are there have has had been got get yet")
_THEIR = rf"(?:(?:{_A} )*(?:{_MATTER}|{_NUMBERED})(?: (?:{_OF}|with|for|number))*)"
_SETTLED = any_of("""
    solved resolved done fixed handled processed finished completed looked_at looked_into answered reviewed
    assigned seen read closed settled
""")
_SOMEONE = any_of("it this that anyone anybody someone somebody you")
_ENGLISH = (
    r"(?:an?|any|some|the|latest|new|more|further|status)(?: latest| new| more| further| status)* "
    r"(?:updates?|news|progress|word|movement|developments?|feedback)",
    r"(?:updates?|progress)(?: me)?",
    rf"(?:the )?latest (?:on|with|about|regarding|for) {_THEIR}",
    r"where (?:are|r|do) (?:we|you|u|things)(?: (?:at|up to|now|currently|stand|standing))*",
    rf"(?:wheres|where is|where s) {_THEIR}(?: at)?",
    rf"(?:how|hows)(?: is| s| are)? (?:{_THEIR}|things|it)(?: {_A})* (?:going|coming along|coming|progressing|looking)",
    rf"(?:how|hows)(?: is| s| are)? {_THEIR}",
    rf"how far (?:along |are you |is |with )*{_THEIR}",
    rf"(?:whats|what is|what s) (?:happening|going on|up|new|the latest|the situation) (?:with|to|on|about) {_THEIR}",
    r"when (?:will|can|do|should|would|could|may|might) (?:i|we|you) "
    r"(?:(?:expect|get|hear|have|receive|to|a|an|any|the|some|be able to) )*"
    r"(?:answer|reply|response|updates?|news|back|from you|feedback|decision)(?: from you)?",
    rf"when (?:will|would|can|could) (?:{_THEIR}|this|it) be {_SETTLED}",
    rf"how (?:much )?long(?:er)?"
    rf"(?: (?:(?:will|does|would|is|must|do|i|we|it|this|have|to|usually|{_THEIR}) )*(?:take|wait|be))?",
    rf"(?:is|are|has|was) (?:{_THEIR}|{_SOMEONE}) (?:been |being |already |yet )*{_SETTLED}"
    rf"(?: (?:{_THEIR}|{_A}|this|it|{ADDRESSED}|{_SOFT}|,))* \?",
)

# --- around them ------------------------------------------------------------------------------------------

_FILLERS = any_of(r"""
    mau ingin pengen pengin pgn hendak cuma hanya sekadar sekedar tanya nanya tanyakan bertanya menanyakan nanyain
    tau tahu mengetahui cek check cekkan ngecek mengecek lihat liat melihat minta mohon mohonkan tolong tlg mhn bisa
    bisakah boleh bolehkah dapat dpt dapatkah izin ijin soal tentang mengenai terkait perihal untuk utk atas dari dr
    dengan dgn dan apa apakah ada adakah infonya info infokan informasi informasinya kabari kabarin dikabari berikan
    kasih beri akan sampai_sekarang sejauh_ini hari_ini bagi bapak_ibu kan mf maaf permisi sebelumnya
    please pls plz plis kindly just can could would may might will do does i we you u me us get give have know let
    tell like to want see check checking ask asking wanted wondering if there inquire following follow up on about
    regarding concerning for of with at now today currently current so and or quick excuse sorry hoping
    any_chance_of anything what whats in_advance
""")
_POLITE = rf"(?:{GREETING}|{ADDRESSED}|{THANKING}|{NOTED}|{INTENSITY}|{WISH})"
_AROUND = rf"(?:{_POLITE}|{_SOFT}|{_OUR}|{_A}|{_FILLERS}|{_HOW}|{_ALREADY})"
_OTHER = rf"(?:{_AROUND}|{_THING}|[,;?])"
_ASKS = "(?:" + "|".join((*_INDONESIAN, *_ENGLISH)) + ")"
_QUESTION = rf"(?:{_OTHER} )*{_ASKS}(?: (?:{_OTHER}|{_ASKS}))*(?: {SIGNED})?"
_SMALL_TALK = rf"(?:(?:{GREETING}|{ADDRESSED}|{THANKING}|{WISH}|{_NUMBERED}|[,;?]) )*(?:{SIGNED} )?"

_IS_QUESTION = matcher(rf"{_QUESTION}(?: (?:{ADDRESSED}|[,;?]))*")
_IS_SIGNED_QUESTION = matcher(rf"{_QUESTION}(?: [,;?])*")
_IS_SMALL_TALK = matcher(rf"{_SMALL_TALK}(?:(?:{ADDRESSED}|[,;?]) )*")
_HAS_NO_CONTENT = matcher(rf"(?:{_OTHER} )*")  # of a subject: the text beside it asks

# "I want to update my report": it is to be changed.
_CHANGES = Pattern(r"\b(?:to|mau|ingin|pengen|pengin|pgn|hendak|akan|bisa|dapat) (?:updates?|updet|apdet)\b")


def is_status_question(
    mail: InboundMail, matter: str, numbers: Collection[str], prefixes: Collection[str], names: str
) -> bool:
    """Check whether a mail asks how far we are with a ticket, and nothing else.

    `matter`: the ticket's subject. `numbers`: those that may mean it. `names`: of the sender, the agent and the brand.
    What was not read whole, or has files, may hold more than its text.
    """
    if mail.attachments or mail.flags or len(mail.visible) > TEXT_LIMIT or len(mail.subject) > _SUBJECT_LIMIT:
        return False
    subject, text = (_without_numbers(part, numbers, prefixes) for part in (mail.subject, mail.visible))
    if subject is None or text is None:
        return False
    if asks(text, names):
        return is_reply_subject(mail.subject) or _adds_nothing(subject, matter, names)
    return (
        _matches(_IS_SMALL_TALK, text, names)
        and asks(base_subject(subject), names)
        and not _is_known(subject, matter)
    )


def asks(text: str, names: str = "") -> bool:
    """Check whether a text is nothing but the question how far we are, with courtesy around it."""
    words = words_of(text.translate(_NOISE), names)
    if len(words) - words.count(",") - words.count(";") - words.count("?") > _WORD_LIMIT:
        return False
    joined = " ".join(words)
    if _CHANGES.search(joined):
        return False
    if _IS_QUESTION.Match(joined):
        return True
    above = without_signature(text, words)
    return bool(above) and bool(_IS_SIGNED_QUESTION.Match(" ".join(above)))


def language_of_question(text: str) -> str:
    """Return the language of so short a text, "" where its words are of both or of none."""
    words = set(words_of(text.translate(_NOISE)))
    is_indonesian, is_english = not words.isdisjoint(INDONESIAN), not words.isdisjoint(ENGLISH)
    return "" if is_indonesian == is_english else "id" if is_indonesian else "en"


def _without_numbers(text: str, numbers: Collection[str], prefixes: Collection[str]) -> str | None:
    """Return the text with a word in place of its number, None when it names another one."""
    if not ticket_number.may_hold(text, prefixes):
        return text
    found = ticket_number.find(text, prefixes)
    if found.mistyped or set(found.valid) - set(numbers):
        return None
    return ticket_number.replace_all(text, prefixes, f" {_NUMBER} ").casefold()


def _adds_nothing(subject: str, matter: str, names: str) -> bool:
    return asks(subject, names) or _matches(_HAS_NO_CONTENT, subject, names) or _is_known(subject, matter)


def _is_known(subject: str, matter: str) -> bool:
    return _content(subject) == _content(matter)


def _content(subject: str) -> list[str]:
    return [
        word for word in words_of(base_subject(subject).translate(_NOISE)) if word not in (_NUMBER, ",", ";")
    ]


def _matches(pattern: Any, text: str, names: str) -> bool:
    words = words_of(text.translate(_NOISE), names)
    return len(words) <= _WORD_LIMIT and bool(pattern.Match("".join(f"{word} " for word in words)))
