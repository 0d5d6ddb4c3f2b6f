"""Find what an answer asks of the customer, in Indonesian and English.

Theory of operation. The turn is given away only for what is surely asked: a sentence that ends in a question
mark, or a request for something. Closings such as "anything else?" ask nothing. In doubt nothing is asked:
the turn stays ours, and a person looks again.
"""

from collections.abc import Iterable, Sequence

from mailbot.domain.routing.patterns import Pattern
from mailbot.domain.routing.text import fold, plain

_TEXT_LIMIT = 20_000  # characters
_URL = Pattern(r"(?i)\b(?:https?://|www\.|mailto:)\S+")
_QUOTED = Pattern(r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|„[^“”\n]*[“”]")
_SENTENCE = Pattern(r"[^.!?…。！？\n]*[.!?…。！？]*")
_WORD = Pattern(r"[\pL\pN']+")

# "Please ..." and "... send": with at most this many words between them, and none of _NOT_ASKED.
_BETWEEN = 5
_ASKERS = frozenset(
    """
    mohon tolong silakan silahkan harap dimohon diharap diminta minta mintakan bantu dibantu please pls kindly
    """.split()  # noqa: SIM905 - words in rows can be read
)
# At the beginning of a sentence alone: "Pesanan bisa dikirim besok" asks nothing.
_AT_FIRST = frozenset("boleh bolehkah bisa bisakah dapatkah".split())  # noqa: SIM905
_BEFORE = frozenset(
    "kak kakak ka pak bapak bu ibu mas mbak halo hai baik oke ok maaf permisi dan jadi lalu atau hi hello".split()  # noqa: SIM905
)
_WITH_YOU = frozenset("could can would will".split())  # noqa: SIM905
_GIVING = frozenset(
    """
    kirim kirimkan dikirim dikirimkan kirimi mengirim mengirimkan lampirkan dilampirkan melampirkan sertakan
    disertakan menyertakan sebutkan disebutkan menyebutkan informasikan diinformasikan menginformasikan infokan
    diinfokan info informasi informasinya beritahu beritahukan diberitahukan konfirmasi konfirmasikan dikonfirmasi
    mengonfirmasi mengkonfirmasi jelaskan dijelaskan menjelaskan ceritakan berikan diberikan memberikan isi diisi
    mengisi lengkapi dilengkapi melengkapi unggah diunggah mengunggah upload diupload fotokan difoto screenshot
    pilih memilih balas dibalas membalas jawab dijawab menjawab tuliskan dituliskan share cantumkan dicantumkan
    kabari kabarkan dikabari data datanya nomor nomornya foto fotonya bukti buktinya
    send provide attach reply respond confirm tell share upload fill complete specify state describe explain give
    forward include submit choose answer advise resend verify let
    """.split()  # noqa: SIM905
)
_NOT_ASKED = frozenset(
    """
    maaf waktu waktunya tunggu ditunggu menunggu ditunggunya maklum dimaklumi sabar bersabar pengertian
    pengertiannya jangan tidak tenang hubungi menghubungi abaikan kami wait note not don't do hesitate
    feel accept bear be ignore disregard contact rest excuse forgive allow see find
    """.split()  # noqa: SIM905
)
_CONDITIONAL = frozenset(
    "jika bila apabila kalau kalo bilamana seandainya if should unless whenever".split()  # noqa: SIM905
)
_NEEDED = _ASKERS | frozenset(
    """
    butuh butuhkan membutuhkan dibutuhkan perlu perlukan memerlukan diperlukan kurang belum need needs require
    required missing lacks
    """.split()  # noqa: SIM905
)
_OFFER = Pattern(
    r"\b(?:(?:jika|bila|apabila|kalau)(?: \S+){0,2} ada(?: \S+){0,3} (?:pertanyaan|kendala|masalah|hal|yang)"
    r"|if (?:you (?:have|need|still|require)|there|any)|should you (?:have|need))\b"
)
# Politeness at the end of an answer.
_CLOSING = Pattern(
    r"\b(?:lagi|lain|lainnya)\b.*\b(?:bantu|dibantu|bantuan|membantu|tanyakan|ditanyakan|pertanyaan|disampaikan)"
    r"|\b(?:bantu|dibantu|bantuan|membantu|tanyakan|ditanyakan|pertanyaan|disampaikan)\b.*\b(?:lagi|lain|lainnya)\b"
    r"|^(?:apakah |apa )?(?:ada|adakah) (?:yang |hal )?(?:lagi|lain|lainnya)\b(?: \S+){0,2} ?\?"
    r"|\b(?:anything|something) (?:else|more|further)\b|\bfurther (?:help|assistance|questions?)\b"
    r"|\b(?:any|other|more) (?:other |more )?(?:questions?|concerns?)\b|\b(?:that|this) (?:be )?all\b"
    r"|\bapa kabar|\bhow are you\b|\b(?:ditunggu|menunggu|tunggu|bersabar)\b.*\bya\b"
    r"|\b(?:anda|kakak|kak|bapak|ibu|you) (?:sempat |juga |telah |sudah )?(?:bertanya|menanyakan|tanyakan|asked|"
    r"were asking|wanted to know|wondered)\b"
)
# "May we help?" closes an answer that holds something else, and asks where it stands alone.
_OFFERED_HELP = Pattern(
    r"\b(?:yang|apa)\b.*\b(?:bisa|dapat)\b.*\b(?:bantu|dibantu)\b|\b(?:how|what) (?:can|may) (?:we|i)\b.*\bhelp\b"
    r"|\b(?:can|may) (?:we|i) help\b"
)
_NO_QUESTION = frozenset("ya oke ok okay kan right kak pak bu gan min".split())  # noqa: SIM905
# "Why did it fail? Because ...": a question that its writer answers.
_ASKED_BY_WRITER = Pattern(
    r"^(?:lalu |dan |so |and )?(?:kenapa|mengapa|bagaimana|apa itu|apa artinya|why|how|what (?:is|does|if))\b"
)
_ANSWERED = Pattern(
    r"^(?:karena|sebab|ini karena|hal ini|caranya|cukup|tinggal|buka|klik|masuk|because|simply|just|open|click|go|"
    r"this is|it is|it's|that's)\b"
)


def question_in(text: str) -> str:
    """Return the first sentence by which an answer asks the customer for something; "" where none does."""
    sentences = _sentences(text)
    for position, sentence in enumerate(sentences):
        others = [each for n, each in enumerate(sentences) if n != position]
        following = sentences[position + 1] if position + 1 < len(sentences) else ""
        if _is_question(fold(sentence), fold(following), others) or _is_request(fold(sentence)):
            return sentence
    return ""


def asked_label(text: str, labels: Iterable[str]) -> str:
    """Return the first label that a sentence of the answer names beside a word for needing; "" for none."""
    folded = [fold(sentence) for sentence in _sentences(text)]
    needing = [each for each in folded if not _NEEDED.isdisjoint(_WORD.findall(each))]
    wanted = [label for label in labels if label.strip()]
    return next((label for label in wanted if any(fold(label) in each for each in needing)), "")


def _sentences(text: str) -> list[str]:
    """Return the sentences that the agent wrote, without quotes, links and signature."""
    lines = []
    for line in plain(text[:_TEXT_LIMIT]).split("\n"):
        if line.rstrip() == "--":
            break
        if not line.lstrip().startswith((">", "|")):
            lines.append(line)
    own = _QUOTED.sub(" ", _URL.sub(" link ", "\n".join(lines)))
    found = (" ".join(each.split()) for each in _SENTENCE.findall(own))
    return [each for each in found if _WORD.search(each)]


def _is_question(sentence: str, following: str, others: Sequence[str]) -> bool:
    if not sentence.endswith(("?", "?!", "？")) and "?" not in sentence[-4:]:
        return False
    if set(_WORD.findall(sentence)) <= _NO_QUESTION or _CLOSING.search(sentence):
        return False
    if _OFFERED_HELP.search(sentence) and any(len(_WORD.findall(each)) > 3 for each in others):
        return False
    return not (_ASKED_BY_WRITER.search(sentence) and _ANSWERED.search(following))


def _is_request(sentence: str) -> bool:
    """Check whether a folded sentence without a question mark asks for something, whatever comes to pass."""
    if _OFFER.search(sentence):
        return False
    words = _WORD.findall(sentence)
    for position, word in enumerate(words):
        if word in _CONDITIONAL:
            return False
        asks = (
            word in _ASKERS
            or (word in _AT_FIRST and _BEFORE.issuperset(words[:position]))
            or (word == "you" and position and words[position - 1] in _WITH_YOU)
        )
        if asks and _is_given(words[position + 1 : position + 2 + _BETWEEN]):
            return True
    return False


def _is_given(words: Sequence[str]) -> bool:
    for word in words:
        if word in _NOT_ASKED:
            return False
        if word in _GIVING:
            return True
    return False
