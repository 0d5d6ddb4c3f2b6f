"""Does HTML hide a line that would be a command? Nobody shall act by words that their reader does not see."""

import re2

from mailbot.domain.commands.grammar import has_verbs, split

_HIDING = re2.compile(
    r"(?i)display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity)\s*:\s*0(?:[^.0-9]|\.0)"
    r"|mso-hide|max-height\s*:\s*0|(?:^|[^-])height\s*:\s*0|text-indent\s*:\s*-|(?:left|top)\s*:\s*-[0-9]{3}"
    r"|[^-a-z]color\s*[:=]\s*[\"']?\s*(?:transparent|white|#fff\b|#ffffff|rgba?\(\s*255\s*,\s*255\s*,\s*255)|<[^>]*\shidden\b"
)


def hides_verbs(source: str, text: str) -> bool:
    """Check whether HTML holds a sign of hidden text at or above the verbs that its text begins with."""
    if not has_verbs(text):
        return False
    at = 0
    for line in split(text)[0]:
        at = source.casefold().find(f"#{line.word}", at)
        if at < 0:  # an entity or a tag within the word: it may be anywhere
            return _HIDING.search(source) is not None
    return _HIDING.search(source[:at]) is not None
