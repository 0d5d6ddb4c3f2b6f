"""All header fields of a mail by name, each decoded only when a rule asks for it."""

from collections.abc import Iterator, Mapping

from mailbot.mail.parsing import charsets, encoded_words
from mailbot.mail.parsing.header_fields import VALUE_LIMIT, Fields

VALUES_LIMIT = 20  # fields of one name that are looked at, from the top


class Headers(Mapping[str, tuple[str, ...]]):
    """Lower-case name -> its values as people read them, one line each: encoded words decoded, cleaned.

    Reading a mail costs nothing more for it: it holds the fields as they were split anyway.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self._fields.first:
            raise KeyError(name)
        return tuple(
            charsets.clean_line(encoded_words.decoded(value[:VALUE_LIMIT]), VALUE_LIMIT)
            for value in self._fields.get_all(name)[:VALUES_LIMIT]
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields.first)

    def __len__(self) -> int:
        return len(self._fields.first)
