"""Asking the index: which messages match a query, the newest first, and how well.

Theory of operation. Both engines get the query as an expression of their own over words that hold letters and digits
alone. SQLite walks the messages of a word from the newest, so a search for a common word ends early. PostgreSQL's index
has no order: it would fetch every message of a common word. So each message also has the words of the blocks of ids
that it is in, and a search asks for the newest blocks first, each time for larger ones (`windows`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    bindparam,
    cast,
    column,
    literal,
    select,
    table,
    text,
    type_coerce,
)

from mailbot.domain.search.document import Document
from mailbot.domain.search.query import Part, Phrase, Query
from mailbot.store.schema import WORDS, search_documents, tickets
from mailbot.store.search.index import BLOCKS, block

# The time as it is kept: hundreds are read for each that is shown.
_COLUMNS = (
    search_documents.c.id,
    search_documents.c.ticket,
    type_coerce(search_documents.c.at, BigInteger).label("at"),
)
_WORDS = table(WORDS, *(column(name) for name in ("rowid", "title", "author", "people", "body")))
_MOST_BLOCKS = 64  # of one window


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that matches. `at` in microseconds since 1970."""

    id: int
    ticket: str
    at: int


@dataclass(frozen=True, slots=True)
class Window:
    """The ids from `low` to `high`: those of `blocks` (size, number)."""

    low: int
    high: int
    blocks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query with the conditions about its tickets and messages."""

    query: Query
    conditions: tuple[ColumnElement[bool], ...] = ()
    of_ticket: bool = False  # some condition is about the ticket


def windows(top: int, bottom: int = 1) -> Iterator[Window]:
    """Yield windows over the ids from `top` down to `bottom`: the newest ones small, older ones larger."""
    high = top
    for size, larger in zip(BLOCKS, (*BLOCKS[1:], None), strict=True):
        count = 4
        while high >= bottom:
            last = high >> size
            first = last >> (larger - size) << (larger - size) if larger else max(0, last - count + 1)
            blocks = tuple((size, number) for number in range(first, last + 1))
            yield Window(max(bottom, first << size), high, blocks)
            high = (first << size) - 1
            if larger:
                break
            count = min(_MOST_BLOCKS, 4 * count)


def newest(connection: Connection, wanted: Wanted, window: Window, limit: int) -> list[Hit]:
    """Return the newest matches of a window."""
    if not wanted.query.groups:
        statement = _any(connection, wanted, window)
    elif connection.dialect.name == "sqlite":
        statement = _sqlite(wanted, window)
    else:
        statement = _postgresql(wanted, window)
    return [Hit(*row) for row in connection.execute(statement.limit(limit))]


def _any(connection: Connection, wanted: Wanted, window: Window) -> Any:
    source: Any = search_documents
    if wanted.of_ticket:
        source = source.join(tickets, tickets.c.number == search_documents.c.ticket)
    here = search_documents.c.id.between(window.low, window.high)
    query = select(*_COLUMNS).select_from(source).where(here, *wanted.conditions)
    if wanted.query.excluded and connection.dialect.name == "sqlite":
        found = select(_WORDS.c.rowid).where(_match(_fts_any(wanted.query.excluded)))
        within = _WORDS.c.rowid.between(window.low, window.high)
        query = query.where(search_documents.c.id.not_in(found.where(within)))
    elif wanted.query.excluded:
        query = query.where(~_has(_tsquery_any(wanted.query.excluded)))
    return query.order_by(search_documents.c.id.desc())


# --- SQLite -----------------------------------------------------------------------------------------------


def _sqlite(wanted: Wanted, window: Window) -> Any:
    # The sign keeps the planner from asking the index again for each message.
    source: Any = _WORDS.join(search_documents, text(f"search_documents.id = +{WORDS}.rowid"))
    if wanted.of_ticket:
        source = source.join(tickets, text("tickets.number = +search_documents.ticket"))
    here = _WORDS.c.rowid.between(window.low, window.high)
    query = select(*_COLUMNS).select_from(source).where(_match(_fts(wanted.query)), here, *wanted.conditions)
    return query.order_by(_WORDS.c.rowid.desc())


def _match(expression: str) -> ColumnElement[bool]:
    return text(f"{WORDS} MATCH :expression").bindparams(bindparam("expression", expression, unique=True))  # type: ignore[return-value]


def _fts(query: Query) -> str:
    expression = " AND ".join(f"({_fts_any(group)})" for group in query.groups)
    return f"({expression}) NOT ({_fts_any(query.excluded)})" if query.excluded else expression


def _fts_any(phrases: Sequence[Phrase]) -> str:
    return " OR ".join(map(_fts_phrase, phrases))


def _fts_phrase(phrase: Phrase) -> str:
    where = f"{{{phrase.part}}} : " if phrase.part else ""
    return f'{where}"{" ".join(phrase.words)}"{" *" if phrase.begins else ""}'


# --- PostgreSQL -------------------------------------------------------------------------------------------

_WEIGHTS = {Part.ANY: "", Part.TITLE: "A", Part.AUTHOR: "B", Part.PEOPLE: "C", Part.BODY: "D"}


def _postgresql(wanted: Wanted, window: Window) -> Any:
    blocks = " | ".join(f"'{block(*each)}'" for each in window.blocks)
    # Materialised: by the limit the planner would walk all messages from the newest.
    found = (
        select(*_COLUMNS)
        .where(
            _has(f"{_tsquery(wanted.query)} & ({blocks})"),
            search_documents.c.id.between(window.low, window.high),
        )
        .cte("found")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    source: Any = found
    conditions = wanted.conditions
    if wanted.of_ticket or conditions:
        source = source.join(search_documents, search_documents.c.id == found.c.id)
    if wanted.of_ticket:
        source = source.join(tickets, tickets.c.number == found.c.ticket)
    query = select(found.c.id, found.c.ticket, found.c.at).select_from(source).where(*conditions)
    return query.order_by(found.c.id.desc())


def _has(expression: str) -> ColumnElement[bool]:
    from sqlalchemy.dialects.postgresql import TSQUERY

    return search_documents.c.words.bool_op("@@")(cast(literal(expression), TSQUERY))


def _tsquery(query: Query) -> str:
    expression = " & ".join(f"({_tsquery_any(group)})" for group in query.groups)
    return f"{expression} & !({_tsquery_any(query.excluded)})" if query.excluded else expression


def _tsquery_any(phrases: Sequence[Phrase]) -> str:
    return " | ".join(f"({_tsquery_phrase(each)})" for each in phrases)


def _tsquery_phrase(phrase: Phrase) -> str:
    weight = _WEIGHTS[phrase.part]
    marks = [weight] * len(phrase.words)
    marks[-1] = f"{'*' if phrase.begins else ''}{weight}"
    pairs = zip(phrase.words, marks, strict=True)
    return " <-> ".join(f"'{word}':{mark}" if mark else f"'{word}'" for word, mark in pairs)


# --- looking at messages one by one -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """How a message matches: each group of the query, an excluded phrase, and how well it matches."""

    groups: tuple[bool, ...]
    excluded: bool
    score: float

    @property
    def fits(self) -> bool:
        return all(self.groups) and not self.excluded


def judge(connection: Connection, ids: Collection[int], query: Query) -> dict[int, Judged]:
    """Judge messages by the words that the index has of them."""
    if not ids:
        return {}
    if connection.dialect.name == "sqlite":
        rows = connection.execute(select(_WORDS).where(_WORDS.c.rowid.in_(sorted(ids))))
        return {id_: _judged(parts, query) for id_, *parts in rows}
    return _judged_by_postgresql(connection, ids, query)


_PARTS = (Part.TITLE, Part.AUTHOR, Part.PEOPLE, Part.BODY)
_WORTH = {Part.TITLE: 3.0, Part.AUTHOR: 2.0, Part.PEOPLE: 2.0}
_MEDIUM = 1_500  # characters of a text of medium length


def judge_words(words: Document, query: Query) -> Judged:
    """Judge a message that is not in the index."""
    return _judged([" ".join(getattr(words, part)) for part in _PARTS], query)


def _judged(words: Sequence[str], query: Query) -> Judged:
    parts = {part: f" {each} " for part, each in zip(_PARTS, words, strict=True)}
    scores = [sum(_score(parts, phrase) for phrase in group) for group in query.groups]
    excluded = any(_score(parts, phrase) for phrase in query.excluded)
    return Judged(tuple(score > 0 for score in scores), excluded, sum(scores))


def _score(parts: Mapping[Part, str], phrase: Phrase) -> float:
    """Weigh a phrase as BM25 does: each further time in the text adds less, in a long text still less."""
    words = f" {' '.join(phrase.words)}{'' if phrase.begins else ' '}"
    score = 0.0
    for part in (phrase.part,) if phrase.part else _PARTS:
        if part is Part.BODY:
            count, text = parts[part].count(words), parts[part]
            score += 2.2 * count / (count + 0.5 + 0.7 * len(text) / _MEDIUM)
        elif words in parts[part]:
            score += _WORTH[part]
    return score


def _judged_by_postgresql(connection: Connection, ids: Collection[int], query: Query) -> dict[int, Judged]:
    asked = {f"group_{n}": _tsquery_any(group) for n, group in enumerate(query.groups)}
    every = " | ".join(f"({each})" for each in asked.values()) or "'-'"
    matches = "".join(f", words @@ CAST(:{name} AS tsquery)" for name in asked)
    statement = text(
        "SELECT id, words @@ CAST(:excluded AS tsquery),"
        " ts_rank('{0.1, 0.4, 0.4, 1}', words, CAST(:every AS tsquery), 1)"
        f"{matches} FROM search_documents WHERE id = ANY(CAST(:ids AS bigint[]))"
    )
    excluded = _tsquery_any(query.excluded) or "'-'"
    values = {**asked, "every": every, "excluded": excluded, "ids": sorted(ids)}
    return {
        id_: Judged(tuple(groups), is_excluded, 30 * rank)
        for id_, is_excluded, rank, *groups in connection.execute(statement, values)
    }
