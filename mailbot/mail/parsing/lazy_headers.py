"""Give rules the header fields of a mail by name, each decoded only when a rule reads it."""

from collections.abc import Iterator, Mapping

from mailbot.mail.parsing import encoded_words
from mailbot.mail.parsing.header_fields import VALUE_LIMIT, Fields

VALUES_LIMIT = 20  # fields of one name that are read, from the top


class LazyHeaders(Mapping[str, tuple[str, ...]]):
    """Lower-case name -> its values, one clean line each, encoded words decoded.

    It keeps the fields that parsing has split anyway, so it costs nothing until a rule reads one.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self._fields.first:
            raise KeyError(name)
        return tuple(
            encoded_words.decode_line(value[:VALUE_LIMIT], VALUE_LIMIT)
            for value in self._fields.get_all(name)[:VALUES_LIMIT]
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields.first)

    def __len__(self) -> int:
        return len(self._fields.first)
