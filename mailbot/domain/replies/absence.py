"""Recognise out-of-office replies by their words, in the languages that mail programs write them in.

Theory of operation. An absence note has up to four signs: a subject of its kind ("Automatic reply:"), a text
about being away, an end ("until 5 January") and another way ("in urgent cases call ..."). People are away too
and say so. So the text alone decides only for agents' mail, where a doubt costs a question and no more.
"""

import re2

from mailbot.domain.routing.text import fold_accents, options

_LOOKED_AT = 2_000  # characters of a text
_SUBJECT_LENGTH = 200
_NOTE_LENGTH = 900  # characters of a note that is known by its text alone

# All patterns are for texts in small letters without accents.
_SUBJECTS = {
    "en": r"(?:automatic|automated|auto) ?-?(?:reply|response)|autoreply|autoresponse|autoresponder"
    r"|out of (?:the )?office(?: (?:auto)?-?(?:reply|response|notification|message))?|ooo|oof"
    r"|away from (?:the |my )?office|on (?:annual |maternity |sick )?leave"
    r"|vacation (?:reply|response|message)",
    "id, ms": r"(?:balasan|jawaban|jawapan|respons?|pesan|mesej) (?:otomatis|automatik)|(?:sedang )?cuti"
    r"|(?:sedang )?(?:(?:di )?luar (?:kantor|pejabat)|tidak (?:berada )?di (?:tempat|kantor)|tiada di pejabat)"
    r"|(?:sedang )?bercuti",
    "de": r"automatische (?:ruck)?antwort|autoantwort|abwesenheit(?:snotiz|smeldung|sassistent)?|abwesend",
    "fr": r"reponse automatique|(?:message d['’])?absen(?:ce|t|te)(?: du bureau)?|en conges?",
    "nl": r"automatisch(?:e)? (?:antwoord|reactie|bericht)|afwezig(?:heid)?(?:sbericht|smelding)?"
    r"|niet op kantoor",
    "es": r"respuesta automatica|(?:estoy )?fuera de (?:la )?oficina|ausencia|ausente|de vacaciones",
    "pt": r"resposta automatica|fora do escritorio|ausencia|ausente|de ferias",
    "it": r"risposta automatica|fuori (?:sede|ufficio)|assenza|assente|in ferie",
    "pl": r"automatyczna odpowiedz|odpowiedz automatyczna|autoodpowiedz|nieobecn\w*|poza biurem|urlop",
    "sv, da, no, fi": r"auto(?:matiskt? |matisk )?svar|fravaer|franvaro|ei paikalla|automaattinen vastaus|poissa",
    "tr, ru, th, vi": r"otomatik (?:yanit|cevap)|автоматическ\p{L}+ ответ|автоответ|ตอบกลับอัตโนมัติ|tra loi tu dong",
    "ja": "自動(?:応答|返信|送信)|不在(?:通知)?|休暇",
    "zh": "自动(?:答复|回复)|自動(?:回覆|答覆|回复)|外出|不在(?:办公室|辦公室)|休假",
    "ko": "자동 ?(?:회신|응답)|부재중",
}
_TEXTS = {
    "en": r"\bout of (?:the |my )?office(?: ?[.,;:!\n(–-]|\s*\z"
    r"| (?:today|tomorrow|now|next|this|the|until|till|through|from|since)\b"
    r"| (?:starting|between|during|on|in|for|with|and|at|as|due|because|attending|travell?ing|reply|message)\b)"
    r"|\baway from (?:the |my )?(?:office|desk|e-?mail)\b"
    r"|\b(?:am|are|be|currently|is) (?:now |currently )?(?:on|away on) (?:\w+ )?(?:leave|vacation|holiday)\b"
    r"|\b(?:limited|no) access to (?:my )?e-?mail|\bthis is an? auto(?:matic|mated|-)? ?(?:reply|response)"
    r"|\bwill (?:be back|return|be out|reply (?:when|upon|after))\b"
    r"|\bi(?: am|.m)? no longer (?:work|employed|with)\b|\b(?:has|have) left the (?:company|organi[sz]ation)\b"
    r"|\b(?:inbox|mailbox|address)\b.{0,60}\bno longer (?:in use|monitored|active|valid)\b",
    "id": r"\b(?:sedang|lagi|akan|masih) (?:\w+ )?(?:cuti|dinas luar|libur|di luar (?:kantor|kota|negeri))\b"
    r"|\b(?:sedang|saat ini) (?:\w+ )?(?:di luar kantor|tidak (?:berada )?di (?:tempat|kantor))\b"
    r"|\b(?:saya|akan|baru) kembali (?:bekerja|masuk|ke kantor|bertugas|beraktivitas)\b"
    r"|\bkembali (?:bekerja|bertugas|beraktivitas)\b"
    r"|\b(?:ini adalah|merupakan) (?:\w+ )?(?:balasan|jawaban|pesan|respons?|email) otomatis\b"
    r"|\b(?:balasan|pesan|email) ini (?:\w+ )?(?:dikirim|dibuat) (?:secara )?otomatis\b"
    r"|\btidak (?:lagi )?bekerja (?:lagi )?di\b"
    r"|\b(?:email|alamat) ini (?:sudah )?tidak (?:lagi )?(?:aktif|digunakan|dipantau)\b",
    "ms": r"\btiada di pejabat\b|\b(?:sedang|akan) bercuti\b|\bdi luar pejabat\b|\bkembali (?:ke pejabat|bertugas)\b",
    "de": r"\bnicht im (?:buro|hause?|dienst|geschaft)\b|\bausser haus\b|\babwesend\b|\bim urlaub\b|\bin elternzeit\b"
    r"|\b(?:bin|sind) (?:\w+ ){0,4}nicht (?:\w+ )?erreichbar\b",
    "fr": r"\babsente?s? (?:du bureau|jusqu|du|de|actuellement)|\bactuellement absente?\b|\ben (?:conges?|vacances)\b"
    r"|\bhors du bureau\b|\bde retour le\b|\bne suis pas (?:au bureau|disponible)\b",
    "nl": r"\b(?:ben|is|zijn) (?:\w+ ){0,4}(?:afwezig|niet (?:op kantoor|aanwezig|bereikbaar))\b"
    r"|\b(?:met|op) (?:vakantie|verlof)\b|\bbuiten kantoor\b",
    "es": r"\bfuera de (?:la |mi )?oficina\b|\bde vacaciones\b|\b(?:estoy|estare|me encuentro) (?:\w+ )?ausente\b"
    r"|\bestare de (?:vuelta|regreso)\b",
    "pt": r"\bfora do escritorio\b|\bde ferias\b|\b(?:estou|estarei) (?:\w+ )?(?:ausente|fora)\b|\bestarei de volta\b",
    "it": r"\bfuori (?:sede|ufficio)\b|\bin ferie\b|\b(?:sono|saro) (?:\w+ )?(?:assente|fuori)\b|\bdi ritorno il\b",
    "pl": r"\bpoza biurem\b|\bna urlopie\b|\b(?:jestem|bede) (?:\w+ )?nieobecn\w*|\bprzebywam na\b",
    "sv, da, no, fi": r"\b(?:pa|har) (?:semester|ferie|foraldraledig)|\bikke pa kontoret\b|\blomalla\b|\bpoissa\b",
    "tr, ru": r"\bizindeyim\b|\bofis disinda|в отпуске|отсутству(?:ю|ет)|вне офиса",
    "ja": "不在|休暇を|休暇中|外出して|お休みをいただ|自動(?:応答|返信)",
    "zh": "不在(?:办公室|辦公室)|休假|正在出差|外出(?:期间|期間|中)|自动(?:答复|回复)|自動(?:回覆|答覆)",
    "ko": "부재중|휴가 ?중|자동 ?(?:회신|응답)",
}
_ENDS = (
    r"\b(?:until|till|through|back (?:on|in)|return(?:ing)?|sampai|hingga|sehingga|kembali|bis|ab dem|jusqu|retour"
    r"|tot|vanaf|hasta|vuelta|regreso|ate|volta|fino|ritorno|do dnia|wracam|wroce|till och med|asti)\b"
    "|まで|至|直到|返回"
)
_OTHER_WAYS = (
    r"\b(?:urgent|emergenc|mendesak|darurat|kecemasan|urusan segera|dringend|notfall|en cas d.urgence|spoed"
    r"|urgente|urgencia|emergenz|piln)\w*|緊急|紧急|急用|お急ぎ"
    r"|\b(?:will|shall) (?:reply|respond|answer|get back)\b.{0,40}\b(?:return|back)\b"
    r"|\b(?:limited|no|intermittent) access to (?:my )?e-?mail"
)
# One of these is in each text that _OTHER_WAYS matches: looked for first, at a tenth of the cost.
_OTHER_WAY_HINTS = (
    *("urg", "emergen", "mendesak", "darurat", "kecemasan", "segera", "dringend", "notfall", "spoed", "piln"),
    *("急", "access", "return", "back"),
)
_OPTIONS = options()
_HEAD = re2.compile(
    rf"(?:\[[^\[\]]{{1,40}}\] ?)?(?:{'|'.join(_SUBJECTS.values())})\s*(?:[:：\-–—(|]|\z)",
    _OPTIONS,
)
_AWAY = re2.compile("|".join(_TEXTS.values()), _OPTIONS)
_END, _OTHER_WAY = re2.compile(_ENDS, _OPTIONS), re2.compile(_OTHER_WAYS, _OPTIONS)


def has_absence_subject(subject: str) -> bool:
    """Check for a subject that mail programs give to their automatic replies."""
    return _HEAD.match(fold_accents(subject[:_SUBJECT_LENGTH])) is not None


def is_absence_note(subject: str, text: str, *, declared: bool = False, from_agent: bool = False) -> bool:
    """Check for an out-of-office reply, by its subject and its text.

    `declared`: the header calls the mail automatic; then one of both is enough. `from_agent`: the text alone
    is enough where it also says until when, or names another way. A customer's note needs both of these.
    """
    head = has_absence_subject(subject)
    if head or declared:
        away = _AWAY.search(fold_accents(text[:_LOOKED_AT])) is not None
        return head or away if declared else away or _is_note(text, from_agent=from_agent)
    return _is_note(text, from_agent=from_agent)


def _is_note(text: str, *, from_agent: bool) -> bool:
    """Check for a note without a subject of its kind. The rarest sign comes first: most mails end there."""
    if len(text) > _NOTE_LENGTH or "?" in text:
        return False
    if not from_agent and not any(hint in text.lower() for hint in _OTHER_WAY_HINTS):
        return False
    small = fold_accents(text)
    other_way = _OTHER_WAY.search(small) is not None
    if not (other_way or from_agent) or not _AWAY.search(small):
        return False
    ends = _END.search(small) is not None
    return (ends or other_way) if from_agent else ends
