"""What a token of a program may do: some verbs, on the tickets of some teams."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from mailbot.domain.commands.registry import BY_NAME

READ = "read"
ALL = "all"  # every verb on tickets, also those of later versions
MESSAGE = "message"  # to bring what customers wrote elsewhere
JOINS = ("merge", "unmerge", "split", "move-message")  # of two tickets: mail does not know them
VERBS = ("answer", *(name for name in BY_NAME if name != "help"), *JOINS)  # on tickets
APART = (READ, MESSAGE)
EACH = (READ, *VERBS, MESSAGE)


@dataclass(frozen=True, slots=True)
class TokenScope:
    """`teams`: beyond these nothing is seen; none for all that the token's person sees."""

    verbs: frozenset[str]
    teams: frozenset[str] = frozenset()

    def allows(self, verb: str) -> bool:
        return verb in self.verbs or (verb not in APART and ALL in self.verbs)


def unknown_verb(verbs: Iterable[str]) -> tuple[str, str] | None:
    """Return the first that is no verb, with the nearest one or ""; None where all are known."""
    known = (ALL, *EACH)
    wrong = next((verb for verb in verbs if verb not in known), None)
    return (wrong, next(iter(get_close_matches(wrong, known, 1)), "")) if wrong is not None else None
