"""Recognise mails that are nothing but thanks, by a small grammar of Indonesian and English.

Thanks alone notify nobody, so one unknown word makes a mail an ordinary one.
"""

from typing import Any

import re2

from mailbot.domain.language import ENGLISH, INDONESIAN
from mailbot.domain.routing.text import options, plain

_TEXT_LIMIT = 400  # characters of a mail that may be thanks only
_WORD_LIMIT = 25
_NAMES_LIMIT = 300

_EMOJI = "🙏👍👌😊🙂😁😃😄😀☺🥰😍❤♥💕💖💗💙💚💛🧡💜🤍✨🌟⭐🎉🎊🤝🙌👏💐🌹🌸😇🤗😉💪✅🤲"
_SKIN = "🏻🏼🏽🏾🏿"
_SMILE = re2.compile(r"[:;=]-?[)d]|\^_*\^")  # letters are small by then
_EMOJI_TO_COMMAS = str.maketrans(
    dict.fromkeys(_EMOJI + _SKIN, " , ") | {"\ufe0f": "", "\u200d": "", "’": "'"}
)
_MARKS = str.maketrans(dict.fromkeys('.,!;:~*_&+"', " , ") | {"\n": " ; ", "'": "", "-": " "})
# Not a name, though it may stand where one does: "Salam,\nBatalkan".
_COMMON = (
    INDONESIAN | ENGLISH | {"batal", "batalkan", "kurang", "refund", "but", "still", "not", "no", "cancel"}
) - {"min"}


def _any(words: str) -> str:
    """Build a group of the alternatives in `words`; an underscore is a space."""
    return "(?:" + "|".join(words.split()).replace("_", " ") + ")"


_ADDRESSED = _any("""
    kak kakak ka pak bapak bu ibu bapak_ibu bpk mas mbak mba min mimin admin gan sis bro bang om tante cs tim
    team sir madam maam all guys semua semuanya everyone customer_service support_team layanan_pelanggan @
""")
_THANKS = _any(r"""
    terima_?kasi+h* trima_?kasi+h* tri?makasi+h* makasi+h* makaci+h* mksi?h+ mks tks thx+ tha?nks+
    thank_(?:yo)?u+ thankyou+ tq+ ty tysm tengki?yu+ trims+ suwun matur_(?:nu|su)wun hatur_nuhun nuhun
    syukron berterima_?kasih many_thanks
    (?:much_|really_|greatly_|highly_)?appreciated?(?:_it|_that)?
""")
_INTENSITY = _any("""
    banyak sekali banget bgt sangat so very much ya+h* nih lho loh juga too again lagi kembali a_lot a_bunch
    a_million a_ton sebesar_besarnya yang_sebesar_besarnya
""")
_HELP = _any("""
    the your all you everything segala semua seluruh bantuan(?:nya)? pertolongan(?:nya)? info(?:nya)?
    informasi(?:nya)? penjelasan(?:nya)? respons?(?:nya)? balasan(?:nya)? jawaban(?:nya)? kerja_?sama(?:nya)?
    perhatian(?:nya)? pelayanan(?:nya)? layanan(?:nya)? kesabaran(?:nya)? waktu(?:nya)? updates?(?:nya)?
    konfirmasi(?:nya)? support(?:nya)? help assistance reply response information explanation service time
    patience kindness efforts? cooperation attention confirmation prompt quick fast swift kind great excellent
    good wonderful helping us me out cepat ramah baik bagus luar_biasa anda kamu kalian dan and saya kami yang
    telah sudah diberikan membantu dibantu sangat very
""")
_HELPED = (
    r"(?:(?:sudah|telah|udah|udh|sdh|dah) (?:di|mem|nge)?bantu(?:in)?(?: saya| kami)?|helping(?: me| us)?)"
)
_FOR = rf"(?:(?:atas|untuk|utk|buat|for|with) {_HELP}(?: {_HELP})*)"
_AGREED = """
    ok+ oke+y* okay+ okey+ okie baik baiklah siap+ noted sip+ mantap+ great perfect awesome excellent
    wonderful wow wah oh alhamdulillah puji_tuhan syukurlah
"""
_BEFORE = _any(f"""
    {_AGREED} sekali_lagi once_again and dan i we saya kami ucapkan mengucapkan haturkan with really just
    hanya cuma ingin want_to_say would_like_to_say sangat
""")
_NOTED = _any(f"{_AGREED} got_it understood")
_GREETING = _any("""
    halo+ hallo+ hai+ hi hello hey dear selamat_pagi selamat_siang selamat_sore selamat_malam pagi siang sore
    malam good_morning good_afternoon good_evening good_day assalamu_?alaikum waalaikum_?salam wr wb
    warahmatullahi wabarakatuh
""")
_WISH = _any(r"""
    (?:semoga_)?(?:sukses|sehat|berkah|lancar)_(?:selalu|terus) salam_sehat selamat_(?:beraktivitas|bekerja)
    have_a_(?:nice|great|good|lovely|wonderful|blessed)_(?:day|week|weekend|evening|one)(?:_ahead)?
    (?:god|allah|tuhan)_(?:bless|memberkati|berkati)(?:_you|_u|_anda|_kamu)?(?:_all|_semua)? barakallah
    jazaka?llah(?:u)?(?:_khairan?)? take_care stay_safe best_wishes all_the_best sama_sama youre_welcome
    keep_up_the_good_work good_job (?:sangat|very|really|so)_(?:membantu|helpful)
    (?:pelayanan|layanan|respons?|cs|admin|tim)nya_(?:sangat_|memang_)?(?:bagus|mantap|cepat|ramah|memuaskan|keren)
""")
_SIGNED = _any("""
    salam salam_hangat salam_hormat salam_sejahtera hormat_saya hormat_kami regards best_regards kind_regards
    warm_regards warmest_regards kindest_regards rgds br best sincerely yours_sincerely yours_truly
    yours_faithfully cheers wassalam wassalamu_?alaikum respectfully
""")
_LEADING = rf"(?:{_BEFORE}|{_GREETING}|{_ADDRESSED})"
_TAIL = rf"(?:{_INTENSITY}|{_ADDRESSED}|{_FOR}|{_HELPED})"
_THANKS = rf"(?:{_THANKS}|appreciate {_HELP}(?: {_HELP})*)"
_THANKING = rf"(?:(?:{_LEADING} )*{_THANKS}(?: {_TAIL})*(?: {_THANKS}(?: {_TAIL})*)*)"
_CLAUSE = (
    rf"(?:{_THANKING}|{_NOTED}(?: (?:{_NOTED}|{_ADDRESSED}|{_INTENSITY}))*"
    rf"|(?:{_GREETING}|{_ADDRESSED})(?: (?:{_GREETING}|{_ADDRESSED}))*"
    rf"|{_WISH}(?: (?:{_ADDRESSED}|{_INTENSITY}))*|{_SIGNED}(?: {_ADDRESSED})*)"
)
_PAUSE = "(?: [,;])+ "
_THANKS_ONLY = rf"(?:[,;] )*(?:{_CLAUSE}{_PAUSE})*{_THANKING}(?:{_PAUSE}{_CLAUSE})*"


def _matcher(pattern: str) -> Any:
    """Compile for whole texts. A set only answers yes or no, three times as fast as a pattern with places."""
    matcher = re2.Set.FullMatchSet(options(max_mem=1 << 24))
    matcher.Add(pattern)
    matcher.Compile()
    return matcher


_IS_THANKS = _matcher(rf"{_THANKS_ONLY}(?: [,;])*")
_IS_SIGNED_THANKS = _matcher(rf"{_THANKS_ONLY}{_PAUSE}{_SIGNED}(?: [,;])*")


def is_thanks(text: str, names: str = "") -> bool:
    """Check whether the whole text is only thanks, with greetings, good wishes and a sign-off around it.

    At most 25 words, all known here or among `names` (of the sender, the agent, the brand), which may stand
    where people are addressed and as a signature. A question mark, a digit or "but" makes it no. An unknown
    name counts only below "Salam," or the like.
    """
    if len(text) > _TEXT_LIMIT:
        return False
    if not text.isascii():
        text = plain(text.translate(_EMOJI_TO_COMMAS))
    folded = text.casefold()
    if ":" in folded or "=" in folded or "^" in folded:
        folded = _SMILE.sub(" , ", folded)
    words = folded.translate(_MARKS).split()
    if len(words) - words.count(",") - words.count(";") > _WORD_LIMIT:
        return False
    if names:
        known = {name for name in names[:_NAMES_LIMIT].casefold().split() if name.isalpha()} - _COMMON
        words = ["@" if word in known else word for word in words]
    return bool(_IS_THANKS.Match(" ".join(words))) or _is_signed_by_unknown_name(text, words)


def _is_signed_by_unknown_name(text: str, words: list[str]) -> bool:
    """Check whether they end in "Salam," and, on the next line, one to four words written like a name."""
    while words and words[-1] in ",;":
        words = words[:-1]
    below = len(words) - next((n for n, word in enumerate(reversed(words)) if word == ";"), len(words))
    name = [word.strip(".,") for word in text.strip().rpartition("\n")[2].split()]
    if not below or len(name) > 4 or not all(word.isalpha() and word.istitle() for word in name):
        return False
    if not _COMMON.isdisjoint(word.casefold() for word in name):
        return False
    return bool(_IS_SIGNED_THANKS.Match(" ".join(words[:below])))
