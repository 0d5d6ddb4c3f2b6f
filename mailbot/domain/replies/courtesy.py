"""Recognise mails that are nothing but thanks, by a small grammar of Indonesian and English.

Thanks alone notify nobody, so one unknown word makes a mail an ordinary one.
"""

from mailbot.domain.replies.phrases import (
    ADDRESSED,
    GREETING,
    INTENSITY,
    NOTED,
    PAUSE,
    SIGNED,
    TEXT_LIMIT,
    THANKING,
    WISH,
    matcher,
    without_signature,
    words_of,
)

_WORD_LIMIT = 25
_CLAUSE = (
    rf"(?:{THANKING}|{NOTED}(?: (?:{NOTED}|{ADDRESSED}|{INTENSITY}))*"
    rf"|(?:{GREETING}|{ADDRESSED})(?: (?:{GREETING}|{ADDRESSED}))*"
    rf"|{WISH}(?: (?:{ADDRESSED}|{INTENSITY}))*|{SIGNED}(?: {ADDRESSED})*)"
)
_THANKS_ONLY = rf"(?:[,;] )*(?:{_CLAUSE}{PAUSE})*{THANKING}(?:{PAUSE}{_CLAUSE})*"
_IS_THANKS = matcher(rf"{_THANKS_ONLY}(?: [,;])*")
_IS_SIGNED_THANKS = matcher(rf"{_THANKS_ONLY}{PAUSE}{SIGNED}(?: [,;])*")


def is_thanks(text: str, names: str = "") -> bool:
    """Check whether the whole text is only thanks, with greetings, good wishes and a sign-off around it.

    At most 25 words, all known here or among `names` (of the sender, the agent, the brand), which may stand
    where people are addressed and as a signature. A question mark, a digit or "but" makes it no. An unknown
    name counts only below "Salam," or the like.
    """
    if len(text) > TEXT_LIMIT:
        return False
    words = words_of(text, names)
    if len(words) - words.count(",") - words.count(";") > _WORD_LIMIT:
        return False
    if _IS_THANKS.Match(" ".join(words)):
        return True
    above = without_signature(text, words)
    return bool(above) and bool(_IS_SIGNED_THANKS.Match(" ".join(above)))
