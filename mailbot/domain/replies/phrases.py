"""Phrases of courtesy in short mails, in Indonesian and English, as patterns for whole words.

A text becomes words with a space between them, where "," stands for a pause and ";" for the end of a line.
The grammars of thanks (`courtesy`) and of questions about the state (`status_question`) are built on these.
"""

from typing import Any

from mailbot.domain.language import ENGLISH, INDONESIAN
from mailbot.domain.routing.patterns import Lazy, Pattern
from mailbot.domain.routing.text import options, plain

TEXT_LIMIT = 400  # characters of a mail that may hold nothing but such phrases
_NAMES_LIMIT = 300

_EMOJI = "🙏👍👌😊🙂😁😃😄😀☺🥰😍❤♥💕💖💗💙💚💛🧡💜🤍✨🌟⭐🎉🎊🤝🙌👏💐🌹🌸😇🤗😉💪✅🤲"
_SKIN = "🏻🏼🏽🏾🏿"
_SMILE = Pattern(r"[:;=]-?[)d]|\^_*\^")  # letters are small by then
_EMOJI_TO_COMMAS = str.maketrans(
    dict.fromkeys(_EMOJI + _SKIN, " , ") | {"\ufe0f": "", "\u200d": "", "’": "'"}
)
_MARKS = str.maketrans(dict.fromkeys('.,!;:~*_&+"', " , ") | {"\n": " ; ", "'": "", "-": " "})
# Not a name, though it may stand where one does: "Salam,\nBatalkan".
_COMMON = (
    INDONESIAN | ENGLISH | {"batal", "batalkan", "kurang", "refund", "but", "still", "not", "no", "cancel"}
) - {"min"}


def any_of(words: str) -> str:
    """Build a group of the alternatives in `words`; an underscore is a space."""
    return "(?:" + "|".join(words.split()).replace("_", " ") + ")"


ADDRESSED = any_of("""
    kak kakak ka pak bapak bu ibu bapak_ibu bpk mas mbak mba min mimin admin gan sis bro bang om tante cs tim
    team sir madam maam all guys semua semuanya everyone customer_service support_team layanan_pelanggan @
""")
THANKS = any_of(r"""
    terima_?kasi+h* trima_?kasi+h* tri?makasi+h* makasi+h* makaci+h* mksi?h+ mks tks thx+ tha?nks+
    thank_(?:yo)?u+ thankyou+ tq+ ty tysm tengki?yu+ trims+ suwun matur_(?:nu|su)wun hatur_nuhun nuhun
    syukron berterima_?kasih many_thanks
    (?:much_|really_|greatly_|highly_)?appreciated?(?:_it|_that)?
""")
INTENSITY = any_of("""
    banyak sekali banget bgt sangat so very much ya+h* nih lho loh juga too again lagi kembali a_lot a_bunch
    a_million a_ton sebesar_besarnya yang_sebesar_besarnya
""")
_HELP = any_of("""
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
_BEFORE = any_of(f"""
    {_AGREED} sekali_lagi once_again and dan i we saya kami ucapkan mengucapkan haturkan with really just
    hanya cuma ingin want_to_say would_like_to_say sangat
""")
NOTED = any_of(f"{_AGREED} got_it understood")
GREETING = any_of("""
    halo+ hallo+ hai+ hi hello hey dear selamat_pagi selamat_siang selamat_sore selamat_malam pagi siang sore
    malam good_morning good_afternoon good_evening good_day assalamu_?alaikum waalaikum_?salam wr wb
    warahmatullahi wabarakatuh
""")
WISH = any_of(r"""
    (?:semoga_)?(?:sukses|sehat|berkah|lancar)_(?:selalu|terus) salam_sehat selamat_(?:beraktivitas|bekerja)
    have_a_(?:nice|great|good|lovely|wonderful|blessed)_(?:day|week|weekend|evening|one)(?:_ahead)?
    (?:god|allah|tuhan)_(?:bless|memberkati|berkati)(?:_you|_u|_anda|_kamu)?(?:_all|_semua)? barakallah
    jazaka?llah(?:u)?(?:_khairan?)? take_care stay_safe best_wishes all_the_best sama_sama youre_welcome
    keep_up_the_good_work good_job (?:sangat|very|really|so)_(?:membantu|helpful)
    (?:pelayanan|layanan|respons?|cs|admin|tim)nya_(?:sangat_|memang_)?(?:bagus|mantap|cepat|ramah|memuaskan|keren)
""")
SIGNED = any_of("""
    salam salam_hangat salam_hormat salam_sejahtera hormat_saya hormat_kami regards best_regards kind_regards
    warm_regards warmest_regards kindest_regards rgds br best sincerely yours_sincerely yours_truly
    yours_faithfully cheers wassalam wassalamu_?alaikum respectfully
""")
_LEADING = rf"(?:{_BEFORE}|{GREETING}|{ADDRESSED})"
_TAIL = rf"(?:{INTENSITY}|{ADDRESSED}|{_FOR}|{_HELPED})"
THANKS = rf"(?:{THANKS}|appreciate {_HELP}(?: {_HELP})*)"
THANKING = rf"(?:(?:{_LEADING} )*{THANKS}(?: {_TAIL})*(?: {THANKS}(?: {_TAIL})*)*)"
PAUSE = "(?: [,;])+ "


def matcher(pattern: str) -> Any:
    """Compile for whole texts. A set only answers yes or no, three times as fast as a pattern with places."""

    def build() -> Any:
        import re2

        compiled = re2.Set.FullMatchSet(options(max_mem=1 << 24))
        compiled.Add(pattern)
        compiled.Compile()
        return compiled

    return Lazy(build, ("Match",))


def words_of(text: str, names: str = "") -> list[str]:
    """Return the words of a text, in small letters. A name of `names` becomes "@", unless it is a common word."""
    if not text.isascii():
        text = plain(text.translate(_EMOJI_TO_COMMAS))
    folded = text.casefold()
    if ":" in folded or "=" in folded or "^" in folded:
        folded = _SMILE.sub(" , ", folded)
    words: list[str] = folded.translate(_MARKS).split()
    if names:
        known = {name for name in names[:_NAMES_LIMIT].casefold().split() if name.isalpha()} - _COMMON
        words = ["@" if word in known else word for word in words]
    return words


def without_signature(text: str, words: list[str]) -> list[str]:
    """Return the words above the last line where that is like a name: one to four words in capitals; else none."""
    while words and words[-1] in ",;":
        words = words[:-1]
    below = len(words) - next((n for n, word in enumerate(reversed(words)) if word == ";"), len(words))
    name = [word.strip(".,") for word in text.strip().rpartition("\n")[2].split()]
    if not below or len(name) > 4 or not all(word.isalpha() and word.istitle() for word in name):
        return []
    if not _COMMON.isdisjoint(word.casefold() for word in name):
        return []
    return words[:below]
