"""Reduce Indonesian and English words to stems, so that `kirim` finds `mengirimkan`, and `refund` finds `refunds`.

Theory of operation. There is no dictionary. Rules take affixes off as long as enough of the word is left, so all forms
of one root come to the same stem. A stem need be no word. In front of a vowel, me- and pe- take the place of a first
k, p, t or s, and so `mengirim` may be of `kirim` or `irim`. Such a stem is kept with a mark before its likely first
letter, and a search looks for every possible spelling (`spellings`).
"""

import re

SWALLOWED = "\u014b"  # before a first letter that a prefix may have taken the place of
LONGEST = 40  # characters of a word: more is no word of a language
_SHORTEST = 4  # letters that affixes leave
_VOWELS = frozenset("aeiou")
_MOST_KNOWN = 200_000  # words

# Words whose stem would be another word, and roots that look as if they had a prefix.
_WHOLE = frozenset({"kamis"})
_ROOTS = (
    *("berita", "beritahu", "perintah", "terima"),
    *("kecewa", "kejar", "kejut", "kelas", "kelola", "keluar", "keluarga", "kemas", "kena", "kerja"),
    *("kertas", "ketik"),
)
_ONE_SYLLABLE = re.compile(
    r"(?:menge|penge|nge|di|ter|me|pe)?(cek|tes|sah|bom|cat|lap|rem|tik|klik)(?:kan|an|i|nya|lah|s|ed|ing)*"
)
# Two letters with which roots begin.
_PAIRS = ("bl", "br", "dr", "fl", "fr", "gl", "gr", "kh", "kl", "kr", "ny", "pl", "pr", "sy", "tr")
# The prefix, what must follow, the letter it may have taken the place of.
_PREFIXES = tuple(
    (prefix, tuple(following.split()), letter)
    for prefix, following, letter in (
        ("meny", "a e i o u", "s"),
        ("peny", "a e i o u", "s"),
        ("meng", "a e i o u", "k"),
        ("peng", "a e i o u", "k"),
        ("meng", "g h k q", ""),
        ("peng", "g h k q", ""),
        ("mem", "a e i o u", "p"),
        ("pem", "a e i o u", "p"),
        ("mem", "b f p v", ""),
        ("pem", "b f p v", ""),
        ("men", "a e i o u", "t"),
        ("pen", "a e i o u", "t"),
        ("men", "c d j s z", ""),
        ("pen", "c d j s z", ""),
        ("me", "l r w y m n", ""),
        ("bel", "ajar", ""),
        ("pel", "ajar", ""),
        ("pe", "l w y kerja", ""),
        ("nge", "b c d f g j l p r t", ""),
        ("ng", "a i o u e", "k"),
        ("di", "", ""),
        ("ber", "", ""),
        ("ter", "", ""),
        ("per", "", ""),
    )
)
# The suffix, and how many letters it leaves at least. `k`: of -kan, and so of each word that ends with it.
_SUFFIXES = (
    *(("nya", 3), ("lah", 5), ("kah", 5), ("pun", 5)),
    *(("ing", 4), ("ies", 4), ("ed", 4), ("ku", 4), ("mu", 4), ("an", 4)),
    *(("s", 4), ("e", 4), ("i", 4), ("y", 4), ("k", 4)),
)


def stem(word: str) -> str:
    """Return the stem of a word in lower case. What is no plain word stays as it is."""
    return stems[word]


def spellings(stem: str) -> tuple[str, ...]:
    """Return every stem under which forms of the same root may be kept, itself first."""
    if stem.startswith(SWALLOWED):
        letter, rest = stem[1], stem[2:]
        return stem, letter + rest, {"k": "", "p": "m", "t": "n", "s": "ny"}[letter] + rest
    first, second = stem[:1], stem[1:2]
    if first in _VOWELS:
        return stem, f"{SWALLOWED}k{stem}"
    if first in "kpts" and second in _VOWELS:
        return stem, SWALLOWED + stem
    if stem.startswith("ny") and stem[2:3] in _VOWELS:
        return stem, f"{SWALLOWED}s{stem[2:]}"
    if first in "mn" and second in _VOWELS:
        return stem, f"{SWALLOWED}{'p' if first == 'm' else 't'}{stem[1:]}"
    return (stem,)


class _Stems(dict[str, str]):
    """Stems that were made before: a desk's mails have few different words."""

    def __missing__(self, word: str) -> str:
        if len(word) > LONGEST:
            return word[:LONGEST]
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[word] = made = _make(word)
        return made


stems = _Stems()


def _make(word: str) -> str:
    if word[-1] == "2" and word[:-1].isalpha():  # barang2
        word = word[:-1]
    if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()) or word in _WHOLE:
        return word
    if short := _ONE_SYLLABLE.fullmatch(word):
        return short[1]
    rest, mark = _without_prefixes(word)
    return mark + _without_suffixes(rest)


def _without_prefixes(word: str) -> tuple[str, str]:
    """Return the word without its prefixes, and the mark where its first letter is only likely."""
    for _ in range(3):
        shorter, letter = _without_prefix(word)
        if letter:
            again, _ = _without_prefix(shorter)
            return (shorter, SWALLOWED) if again == shorter else _without_prefixes(shorter)
        if shorter == word:
            break
        word = shorter
    return word, ""


def _without_prefix(word: str) -> tuple[str, str]:
    if word.startswith(_ROOTS):
        return word, ""
    for prefix, following, letter in _PREFIXES:
        rest = letter + word[len(prefix) :]
        if not word.startswith(prefix) or len(rest) < _SHORTEST:
            continue
        if word.startswith(following, len(prefix)) if following else _may_begin(rest):
            return rest, letter
    if word.startswith("ke") and _has_suffix_an(word) and _may_begin(word[2:]):
        return word[2:], ""
    if word.startswith("be") and word[3:5] == "er" and len(word) >= 7:  # bekerja
        return word[2:], ""
    return word, ""


def _has_suffix_an(word: str) -> bool:
    ending = word.endswith(("an", "annya", "anku", "anmu"))
    return ending and len(word) >= _SHORTEST + 4


def _may_begin(rest: str) -> bool:
    """Check whether a root may begin so: `kembali` is not ke-mbali."""
    return rest[0] in _VOWELS or rest[1] in _VOWELS or rest.startswith(_PAIRS)


def _without_suffixes(word: str) -> str:
    found = True
    while found:
        found = False
        for suffix, left in _SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= left:
                word, found = word[: -len(suffix)], True
                break
    # A doubled last letter: shipped, memasukkan.
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in _VOWELS else word
