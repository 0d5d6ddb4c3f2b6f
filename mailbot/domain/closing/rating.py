"""Read the rating that a customer wrote: one of five, in figures, words or stars, and a comment perhaps.

Theory of operation. The rating stands alone on the first line ("5", "bintang 5", "5/5", "lima", "*****"), or a comment
follows a mark behind it ("2, uang saya belum kembali"). Where our key shows that the mail is a rating, words may
follow at once. Else only praise or blame may: "2 hari saya menunggu" is no rating. In doubt it is an ordinary mail.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any

from mailbot.domain.replies.courtesy import is_thanks
from mailbot.domain.routing.patterns import Pattern

LOW = 2  # and below: the level above reads it
HIGH = 4  # and above: satisfied
LONGEST = 10_000  # characters of a mail that may be a rating
MOST_LINES = 60
_NUMBERS = {
    "satu": 1,
    "dua": 2,
    "tiga": 3,
    "empat": 4,
    "lima": 5,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
}
_LEAD = (
    r"(?:(?:nilai(?:nya)?|penilaian|skor(?:nya)?|rating|score|bintang|angka|poin|saya|aku|kami|beri|kasih|memberi|i|my"
    r"|we|give|is|it|you|a|an|untuk|anda|kak|dari|=|:) *)*"
)
_UNIT = r"(?: *(?:bintang|stars?|poin|points?|\*))?"
_OF_FIVE = r"(?: *(?:/|dari|out of|of) *(?:5|lima|five))?"
_END = r"(?: *(?:ya|yaa|kak|deh|aja|saja|only|pak|bu|min|gan))*[\s.!)\]\"'*_]*"
_FIGURE = rf"(?P<figure>[1-5]){_UNIT}{_OF_FIVE}{_UNIT}"
_ALONE = Pattern(
    rf"[\s(\[\"'*_]*{_LEAD}(?:{_FIGURE}|(?P<word>{'|'.join(_NUMBERS)}){_UNIT}{_OF_FIVE}{_UNIT}){_END}"
)
_WITH_COMMENT = Pattern(
    rf"{_LEAD}{_FIGURE}(?: *(?P<mark>[,;:!.–—]|-+)(?P<rest>\s*[^0-9\s].*)|(?P<words>\s+\pL.*))"
)
_LISTED = Pattern(r"(?:^|\s)2 *[.):]\s")  # of a list that begins with 1
_STARS = {"⭐": "*", "★": "*", "🌟": "*", "☆": "", "\ufe0f": "", "\u20e3": ""}

# Praise and blame that asks for nothing.
_OPINION = frozenset(
    """
    bagus baik mantap mantul keren oke ok okay sip cepat lambat lama lemot ramah sopan sabar jelas puas memuaskan
    kecewa mengecewakan buruk jelek parah payah membantu terbantu responsif profesional luar biasa sempurna top hebat
    solutif pelayanan pelayanannya layanan layanannya respon respons responnya responsnya jawaban jawabannya cs admin
    adminnya petugas petugasnya tim timnya prosesnya proses penanganan penanganannya sangat sekali banget bgt amat
    cukup lumayan terlalu agak kurang tidak gak nggak enggak biasa saja aja dan tapi nya yang saya kami sudah
    good great excellent perfect awesome nice fine fast quick slow friendly polite patient clear happy satisfied
    unhappy disappointed disappointing bad poor terrible awful horrible helpful unhelpful professional service support
    response reply agent team staff very so really too quite not no the was is your i am im it a an and of with all
    """.split()  # noqa: SIM905 - words in rows can be read
)
# What makes a satisfied customer's comment more than that.
_ASKS = Pattern(
    r"(?i)\?|\b(?:belum|blm|masih|tapi|tetapi|namun|kenapa|mengapa|kapan|bagaimana|gimana|tolong|mohon|minta|bisakah"
    r"|bisa|butuh|perlu|kembalikan|tidak|tdk|gak|nggak|but|not|never|still|why|when|how|please|can|could|need|want|yet"
    r"|however|refund|don't|didn't|isn't|hasn't|haven't|can't)\b"
)


@dataclass(frozen=True, slots=True)
class Rating:
    """`asks`: the comment is more than thanks, praise or blame, so a person answers it."""

    score: int  # 1 to 5
    comment: str = ""
    asks: bool = False

    @property
    def is_low(self) -> bool:
        return self.score <= LOW


def read_rating(text: str, names: str = "", *, keyed: bool = False) -> Rating | None:
    """Return the rating that the new text of a mail is, None for any other text.

    `names`: of people who may be addressed or sign. `keyed`: our key shows that the mail is about a rating.
    """
    lines = [line for line in text[:LONGEST].strip().splitlines() if not line.lstrip().startswith(">")]
    if len(text) > LONGEST or not 0 < len(lines) <= MOST_LINES:
        return None
    first, below = _simple(lines[0]), "\n".join(lines[1:]).strip()
    if alone := _ALONE.fullmatch(first):
        score = _score(alone)
        return None if _names_another(below, score) else _rated(score, below, names)
    if first.strip() and set(first.strip()) == {"*"} and len(first.strip()) <= 5:
        return _rated(len(first.strip()), below, names)
    last = _ALONE.fullmatch(_simple(lines[-1]))
    if last and is_thanks("\n".join(lines[:-1]), names):
        return Rating(_score(last), "\n".join(lines[:-1]).strip())
    return _with_comment(first, lines[0], below, names, keyed=keyed)


def _with_comment(first: str, line: str, below: str, names: str, *, keyed: bool) -> Rating | None:
    """Read a rating with words on the same line; `line` is as it was written."""
    found = _WITH_COMMENT.fullmatch(first)
    if not found:
        return None
    rest = found["rest"] or found["words"]
    if _LISTED.search(f"{rest}\n{below}"):
        return None
    written = (
        line[-len(rest) :] if len(line) == len(first) else rest
    )  # as written, where letters kept their places
    comment = f"{written.strip()}\n{below}".strip()
    is_marked = found["mark"] not in (None, ".")
    rated = _rated(int(found["figure"]), comment, names)
    return rated if keyed or is_marked or _is_opinion(comment, names) else None


def _simple(line: str) -> str:
    """Return a line in small plain letters and figures, stars as "*"."""
    folded = "".join(_STARS.get(each, each) for each in line)
    return unicodedata.normalize("NFKC", folded).casefold()


def _score(found: Any) -> int:
    return int(found["figure"] or _NUMBERS[found["word"]])


def _names_another(below: str, score: int) -> bool:
    """Check for further lines that are ratings, too: a list, or a quote of the survey."""
    others = (_ALONE.fullmatch(_simple(line)) for line in below.splitlines() if line.strip())
    return any(_score(each) != score for each in others if each)


def _rated(score: int, comment: str, names: str) -> Rating:
    if not comment or _is_opinion(comment, names):
        return Rating(score, comment)
    return Rating(score, comment, asks=score < HIGH or bool(_ASKS.search(comment)))


def _is_opinion(comment: str, names: str) -> bool:
    """Check that a comment holds nothing but courtesy, praise and blame."""
    if any(map(str.isdigit, comment)) or "?" in comment:
        return False
    words = "".join(each if each.isalpha() or each in "'\n,.!" else " " for each in comment.casefold())
    rest = " ".join(
        word
        for word in words.replace(",", " , ").replace(".", " . ").split(" ")
        if _bare(word) not in _OPINION
    )
    return is_thanks(f"terima kasih\n{rest}", names)


def _bare(word: str) -> str:
    return word.strip("'!\n,.")
