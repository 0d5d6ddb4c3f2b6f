"""Patterns of RE2 that are compiled when they are first used.

Compiling all patterns of ours takes half a second, and a command that shows a ticket uses none of them.
"""

from collections.abc import Callable
from typing import Any


class Lazy:
    """What `build` returns, built when one of its methods is first called. Then it costs no more than itself."""

    def __init__(self, build: Callable[[], Any], methods: tuple[str, ...]) -> None:
        self._build, self._methods = build, methods

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # of Python, as in copy
            raise AttributeError(name)
        built = self._build()
        self.__dict__.update({each: getattr(built, each) for each in self._methods})
        return getattr(built, name)


def Pattern(text: str, options: Callable[[], Any] | None = None) -> Any:
    """Return a pattern of RE2; `options` makes its options."""

    def build() -> Any:
        import re2

        return re2.compile(text, options()) if options else re2.compile(text)

    return Lazy(build, ("search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split"))
