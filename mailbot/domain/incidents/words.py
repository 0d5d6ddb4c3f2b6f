"""The words of a complaint that may tell what it is about, in both languages."""

from collections.abc import Sequence
from itertools import islice

from mailbot.domain.routing.text import fold_accents

MOST_WORDS = 60  # of one complaint
_LONGEST, _LONGEST_WORD = 4_000, 30  # characters that are read, of a text and of a word

# Greetings, courtesies and small words: two complaints that share them have nothing in common yet.
STOP_WORDS = frozenset(
    """
    ada adalah admin agar akan aku anda apa apakah atas atau bagaimana bagi bahwa baik banget bantu
    bantuan bantuannya banyak bapak baru belum bgmn bgt biar bila bisa bisakah blm boleh bs buat
    bukan cara cek coba cs customer dalam dan dapat dari daripada dear deh dengan dgn di dibantu dicek
    diri dmn dong dr ga gak gan gimana gmn gw hai hal hallo halo hanya harap hari hello hi ia ibu ini
    itu iya jadi jam jangan jg juga kab kak kakak kalau kalian kalo kami kan kapan karena karna kasih ke
    kenapa kepada kita kk kl klo kmrn kok kpd krn lagi lah lain lalu lama langsung lebih lg loh maaf
    malah malam mana masa masih masuknya mau melalui memang mengapa mereka mhn mimin min minta mohon msh
    muncul namun nih nomor nya oleh pada padahal pagi pak para per perlu pernah please plis pls pun saat
    saja salam sama sangat saya sb sblm sd sdh sebab sebelum sebelumnya secara sedang segera
    sejak sekali sekarang selalu selamat semua seperti sering serta siang sih silakan sini situ sm sore
    sudah supaya sy tadi tanya tapi tdk telah tentang terima terimakasih terus tetap tgl thank thanks
    thx tidak tlg tolong tp trims trs udah udh untuk utk ya yaitu yang yg
    a about after again all already also am an and android another any anyone are as ask at be because
    been before being but by can cant com could day days dear did do does doesnt dont email evening for
    from get getting gmail good got had has have having he hello help her here hers hi him his how http
    https i if im in into iphone is isnt it its ive just kind kindly know let like mail many me mine
    morning much my need never no not now of off on once one only or our out outlook over please pls
    regards samsung see sent she should since sir so some soon still team than that thats the their them
    then there these they this those through till time to today tried try trying until us very was we
    well were what when where which while who why will with wont would www xiaomi yahoo yes yesterday
    yet you your yours
    idr jt juta k rb ribu rp rupiah
    """.split()  # noqa: SIM905 - words in rows can be read
)


_MARKS = ".,:;!?()[]\"'-–/"  # around words; others are rare


def significant_words(subject: str, text: str) -> frozenset[str]:
    """Return the words that may tell what a complaint is about, without numbers and courtesies."""
    kept: dict[str, None] = {}
    for folded in (
        fold_accents(subject[:_LONGEST]),
        fold_accents(text[: max(0, _LONGEST - 1 - len(subject))]),
    ):
        for part in folded.split():
            for word in (part,) if part.isalpha() else _words(part):
                if word not in STOP_WORDS and 2 <= len(word) <= _LONGEST_WORD:
                    kept[word] = None
    return frozenset(islice(kept, MOST_WORDS))


def _words(part: str) -> Sequence[str]:
    """Return the words in a part between spaces that holds more than letters: one, mostly."""
    bare = part.strip(_MARKS)
    if bare.isalpha():
        return (bare,)
    # RE2 takes ten times as long to give many matches.
    return "".join([letter if letter.isalpha() else " " for letter in part]).split()
