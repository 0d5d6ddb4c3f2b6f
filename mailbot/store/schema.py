"""The tables, once for both engines. `migrations/` must agree with them (tests/store/test_migrations.py)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    literal_column,
    text,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.functions import FunctionElement

from mailbot.domain.model import (
    UNDER_WAY_STATES,
    WAITING_STATES,
    ActState,
    AttemptOutcome,
    Authentication,
    Author,
    DeadlineState,
    Direction,
    InboxState,
    OutboxState,
    Role,
    Turn,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime as microseconds since 1970: exact, sortable and the same on both engines."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


class database_now(FunctionElement[datetime]):
    """The database's time: nodes with different clocks must agree on who is alive and who holds what."""

    type = Moment()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _sqlite_now(element: Any, compiler: Any, **options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000"


@compiles(database_now, "postgresql")
def _postgresql_now(element: Any, compiler: Any, **options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


class Choice(TypeDecorator[StrEnum]):
    """A value of a StrEnum, stored as its text."""

    impl = String
    cache_ok = True

    def __init__(self, values: type[StrEnum], length: int) -> None:
        super().__init__(length)
        self.values = values

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.values(value)


class Json(TypeDecorator[Any]):
    """JSON, on PostgreSQL its JSONB. Its dialect is imported there alone: that takes a tenth of a command."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())


class SearchWords(TypeDecorator[str]):
    """PostgreSQL's TSVECTOR; SQLite has a table of its own for the index."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(Text())
        from sqlalchemy.dialects.postgresql import TSVECTOR

        return dialect.type_descriptor(TSVECTOR())


# SQLite numbers rows by itself only in a column declared INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _in(values: Iterable[str]) -> str:
    """Return the condition as literal SQL: neither engine matches a parameter with a partial index."""
    return "state IN (" + ", ".join(f"'{value}'" for value in values) + ")"


# Written into the SQL itself: SQLite uses a partial index only where it can see the value.
NEW: ColumnElement[str] = literal_column("'new'")
ARMED: ColumnElement[str] = literal_column("'armed'")
WAITING = text(f"outbox.{_in(WAITING_STATES)}")
UNDER_WAY = text(f"outbox.{_in(UNDER_WAY_STATES)}")


def _table(name: str, *items: SchemaItem, **options: Any) -> Table:
    return Table(name, metadata, *items, **options)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    index = Index(name, *columns, unique=unique, sqlite_where=condition)
    return _on_postgresql(index, where=condition)


_POSTGRESQL_OPTIONS: list[tuple[Index, dict[str, Any]]] = []


def _on_postgresql(index: Index, **options: Any) -> Index:
    """Give an index its options on PostgreSQL. As arguments they would have SQLAlchemy import that dialect."""
    _POSTGRESQL_OPTIONS.append((index, options))
    return index


@event.listens_for(metadata, "before_create")
def _set_options(_metadata: MetaData, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "postgresql":
        for index, options in _POSTGRESQL_OPTIONS:
            for name, value in options.items():
                index.dialect_options["postgresql"][name] = value


def _deleted_content() -> tuple[Column[Any], Column[Any]]:
    """Make the columns that stay of bytes which retention deleted: their SHA-256, and when they went."""
    return Column("deleted_digest", String(64)), Column("deleted_at", Moment)


inbox = _table(
    "inbox",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("fingerprint", String(64), nullable=False, unique=True),  # one mail, one entry (promise P2)
    Column("state", Choice(InboxState, 8), nullable=False, server_default="new"),
    Column("received_at", Moment, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("peer", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("claimed_by", String(32)),
    Column("claimed_at", Moment),  # when its node last had it in hand, by the database's clock
    Column("attempts", Integer, nullable=False, server_default="0"),  # workers that died holding it
    Column("ticket", String(32)),
    Column("reason", Text),  # why it is parked
    *_deleted_content(),
    CheckConstraint(_in(InboxState), name="state"),
    _partial("ix_inbox_new", "id", where="state = 'new'"),
    # What is claimed is looked for every few seconds, also while very many wait.
    _partial("ix_inbox_claimed", "claimed_by", where="state = 'new' AND claimed_by IS NOT NULL"),
    Index("ix_inbox_ticket", "ticket"),
    # Few rows, and each look at /metrics counts them.
    _partial("ix_inbox_parked", "id", where="state = 'parked'"),
    sqlite_autoincrement=True,  # an id that a client has seen is never used again
)

# Apart from `inbox`, so that a change of state does not write the whole mail again. Without a row: see `deleted_at`.
raw_mails = _table(
    "raw_mails",
    Column("inbox_id", RowId, ForeignKey("inbox.id"), primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

tickets = _table(
    "tickets",
    Column("number", String(32), primary_key=True),
    Column("mailbox", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("status", String(8), nullable=False),
    Column("category", Text, nullable=False),
    Column("urgency", String(16), nullable=False),
    Column("complexity", String(16), nullable=False),
    Column("priority", String(16), nullable=False),
    Column("tags", Json, nullable=False),
    Column("team", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("assignee", Text),
    Column("assigned_at", Moment),
    Column("assign", String(16), nullable=False),
    Column("skill", Text, nullable=False),
    Column("ladder", Text, nullable=False),
    Column("ladder_digest", String(12), nullable=False),
    Column("rule", Text, nullable=False),
    Column("clocks", Json, nullable=False),
    Column("first_response_at", Moment),
    Column("closed_at", Moment),
    Column("last_message_id", Text, nullable=False),
    Column("merged_into", String(32)),
    Column("held_for", String(32)),  # the ticket it claims to be about, until an agent decides
    Column("details", Json, nullable=False),
    Column("escalated", Integer, nullable=False),
    Column("reopened", Integer, nullable=False),
    Column("satisfaction", Integer),
    Column("events", Integer, nullable=False),
    Column("reply_to", Text, nullable=False, server_default=""),  # where answers go, if elsewhere
    Column("turn", Choice(Turn, 12), nullable=False, server_default="ours"),
    Column("turn_until", Moment),
    Column("turn_why", Text, nullable=False, server_default=""),  # the JSON of a reason
    Column("unanswered", Boolean, nullable=False, server_default=true()),
    Column("answered_at", Moment),
    Column("answered_by", Text, nullable=False, server_default=""),
    Column("informed_until", Moment),
    Column("informed_of", Text, nullable=False, server_default=""),  # team, level, time: a line each
    Column("proven", Boolean, nullable=False, server_default=false()),
    Column("cause", Text, nullable=False, server_default=""),
    Column("snoozed_until", Moment),
    Column("incident", String(32)),
    Column("channel", String(32), nullable=False, server_default="mail"),  # by which it was opened
    # The customer in one spelling, see `domain.people.addresses.owner`; kept for the index alone.
    Column("person", Text, nullable=False, server_default=""),
    Index("ix_tickets_person_opened_at", "person", "opened_at"),
    # Lists walk it from the newest on. Behind the order are the filters, so that only rows of the page are read.
    Index("ix_tickets_newest", *("status", "opened_at", "number", "team", "assignee", "level", "priority")),
    # Who has how much in hand, what is on worklists, and when each agent last got a ticket.
    _partial("ix_tickets_live", "assignee", "status", where="status IN ('new', 'open', 'waiting')"),
    Index("ix_tickets_assignee_assigned_at", "assignee", "assigned_at"),
    _partial("ix_tickets_snoozed_until", "snoozed_until", where="snoozed_until IS NOT NULL"),
    _partial("ix_tickets_incident", "incident", where="incident IS NOT NULL"),
)

participants = _table(
    "participants",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("role", Choice(Role, 16), nullable=False),
    Index("ix_participants_address", "address"),
)

# How tickets are linked, by their events: "follows", "claims", "suggests", "mentions",
# "held_for", "merged_into", "split_from". Never removed; the ticket shows what holds now.
links = _table(
    "links",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("other", String(32), primary_key=True),
    Index("ix_links_other", "other"),
)

messages = _table(
    "messages",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("ticket", String(32), ForeignKey("tickets.number"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("direction", Choice(Direction, 4), nullable=False),
    Column("author", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("visible", Text, nullable=False),
    Column("message_id", Text, nullable=False, index=True),
    Column("inbox_id", RowId),
    Column("evidence", Json, nullable=False),  # why it belongs here: what was weighed, how sure we are
    Column("turn", String(8), nullable=False),  # see `model.Post`
    Column("home", String(32), nullable=False),  # the ticket it was first filed on
    Column("no_auto_reply", Text, nullable=False),  # why no machine may answer it: the JSON of a reason
    Column("flags", Json, nullable=False),
    Column("author_kind", Choice(Author, 8), nullable=False, server_default="person"),
    Column("author_reason", Text, nullable=False, server_default=""),
    Column("authentication", Choice(Authentication, 8), nullable=False, server_default="none"),
    # {"to": [[name, address], ...], "cc": [...], "reply_to": address, "name": of the sender, "original_from":
    # address}; a key without value is left out.
    Column("addresses", Json, nullable=False, server_default="{}"),
    Column("act", String(16)),  # the agent's act that it is part of
    Column("channel", String(32), nullable=False, server_default="mail"),  # by which it came
    # Costs nothing until a message is moved: what was filed on a ticket is found wherever it went.
    _partial("ix_messages_moved", "home", where="home <> ticket"),
    sqlite_autoincrement=True,
)

# --- the index of `ticket search`: derived from messages, filled by a worker, see `store.search` -----------------

# Messages that are in the index. The words themselves: `words` on PostgreSQL, the table `search_words` on SQLite.
search_documents = _table(
    "search_documents",
    Column("id", RowId, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("ticket", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("has_files", Boolean, nullable=False),
    Column("words", SearchWords),
    _on_postgresql(
        Index("ix_search_documents_words", "words", sqlite_where=text("words IS NOT NULL")),  # never
        using="gin",
        **{"with": {"gin_pending_list_limit": "512"}},  # kB that each search reads one by one
    ),
    Index("ix_search_documents_at", "at"),
)

# Messages whose words changed since.
search_queue = _table(
    "search_queue",
    Column("id", RowId, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
)

search_state = _table(
    "search_state", Column("key", String(16), primary_key=True), Column("value", BigInteger, nullable=False)
)

attachments = _table(
    "attachments",
    Column("inbox_id", RowId, ForeignKey("inbox.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # stays when the content is deleted
    Column("deleted_at", Moment),
    Index("ix_attachments_digest", "digest"),  # whether another mail has the same file
)

contents = _table(
    "contents",
    Column("digest", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

events = _table(
    "events",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),  # two writers can't both be next
    Column("kind", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("policy", String(32), nullable=False),
    Column("data", Json, nullable=False),
    Index("ix_events_at", "at"),  # a report asks which tickets lived in its period
)

# One row a ticket: the next step of its ladder. The steps after it follow from the ticket's clocks.
deadlines = _table(
    "deadlines",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("due_at", Moment, nullable=False),
    Column("target", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", Choice(DeadlineState, 8), nullable=False, server_default="armed"),
    Column("reason", Text),
    CheckConstraint(_in(DeadlineState), name="state"),
    _partial("ix_deadlines_due_at", "due_at", where="state = 'armed'"),
    _partial("ix_deadlines_parked", "ticket", where="state = 'parked'"),
)

outbox = _table(
    "outbox",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("nonce", String(32), nullable=False, unique=True),  # Message-ID and bounce address derive from it
    Column("message_id", Text, nullable=False),
    Column("ticket", String(32), nullable=False, index=True),
    Column("kind", String(24), nullable=False),
    Column("why", String(16), nullable=False, server_default=""),  # the subject of a team notice
    Column("lane", Integer, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("domain", Text, nullable=False, server_default=""),  # of the recipient, in lower case
    Column("state", Choice(OutboxState, 10), nullable=False),
    Column("reason", Text),  # why it was suppressed
    Column("requested_at", Moment, nullable=False),  # receipt of the mail that it answers
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unknown", Integer, nullable=False, server_default="0"),  # times that a `dot` was left open
    Column("unknown_in_a_row", Integer, nullable=False, server_default="0"),  # since the relay last judged it
    Column("claimed_by", String(32)),
    Column("claimed_at", Moment),  # when its node last had it in hand, by the database's clock
    Column("dot_at", Moment),
    Column("settled_at", Moment),
    Column("code", Integer),
    Column("reply", Text),
    Column("reported_at", Moment),  # when the ticket learned that it did not arrive
    Column("act", String(16)),  # the agent's act that it is part of, while it waits for an undo
    *_deleted_content(),
    CheckConstraint(_in(OutboxState), name="state"),
    _partial(
        "ix_outbox_unreported",
        "id",
        where="state = 'failed' AND (reported_at IS NULL OR reported_at < settled_at)",
    ),
    # The domain, so that the rows of one that has its share are passed by unread; the state, to be counted; the
    # id, so that of one moment the older comes first.
    _partial("ix_outbox_waiting", "lane", "due_at", "id", "domain", "state", where=_in(WAITING_STATES)),
    _partial("ix_outbox_failed", "settled_at", where="state = 'failed'"),
    _partial("ix_outbox_under_way", "claimed_by", where=_in(UNDER_WAY_STATES)),
    # Every ticket has exactly one acknowledgement outcome (promise P3).
    _partial("uq_outbox_acknowledgement", "ticket", unique=True, where="kind = 'acknowledgement'"),
    sqlite_autoincrement=True,
)

# The mail as it leaves, byte for byte, however often it is tried. The files of a notice are cut out of it, because
# several mails share them: [[offset in `content`, digest], ...] says where they belong (see `frozen`).
frozen_mails = _table(
    "frozen_mails",
    Column("nonce", String(32), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("files", Json, nullable=False, server_default="[]"),
    # Which mails hold a file: of SQLite the index alone is read, of PostgreSQL an entry for each digest.
    _on_postgresql(
        Index("ix_frozen_mails_files", "files", sqlite_where=text("files <> '[]'")),
        where=text("files <> '[]'"),
        using="gin",
        ops={"files": "jsonb_path_ops"},
    ),
)

# Encoded MIME parts, by the digest of these bytes.
frozen_files = _table(
    "frozen_files",
    Column("digest", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

attempts = _table(
    "attempts",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("outbox_id", RowId, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("node", String(32), nullable=False),
    Column("outcome", Choice(AttemptOutcome, 10), nullable=False),
    Column("code", Integer),
    Column("reply", Text, nullable=False),
)

rate_limits = Table(
    "rate_limits", metadata, Column("key", Text, primary_key=True), Column("until", Moment, nullable=False)
)

# --- the console: pages and API, see `store.console` --------------------------------------------------------------

# Who is logged in. `digest`: SHA-256 of what the browser keeps. `address`: of an agent or an admin.
sessions = _table(
    "sessions",
    Column("digest", String(64), primary_key=True),
    Column("address", Text, nullable=False),
    Column("way", String(8), nullable=False),  # how they logged in: link, proxy, oidc
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Index("ix_sessions_address", "address"),
    Index("ix_sessions_ends_at", "ends_at"),
)

# Log-ins under way: a mailed link, or a provider's answer. `browser`: SHA-256 of what the asking browser keeps.
log_ins = _table(
    "log_ins",
    Column("digest", String(64), primary_key=True),  # of what the link, or the answer, has
    Column("browser", String(64), nullable=False),  # "": any browser, for a link that the shell made
    Column("address", Text, nullable=False),
    Column("data", Text, nullable=False, server_default=""),  # what the provider's answer is checked by
    Column("ends_at", Moment, nullable=False),
    Column("used_at", Moment),
    Index("ix_log_ins_ends_at", "ends_at"),
)

# Programs that use the API in an agent's name. `verbs`, `teams`: what they may do and where; empty: all that the
# agent may.
api_tokens = _table(
    "api_tokens",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("verbs", Json, nullable=False),
    Column("teams", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ends_at", Moment),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
    sqlite_autoincrement=True,
)

# What an agent has begun to write on a ticket.
drafts = _table(
    "drafts",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("note", Boolean, primary_key=True),  # an answer and a note are begun side by side
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_drafts_agent", "agent"),
)

# Who has a ticket's page open, and who is writing there.
presence = _table(
    "presence",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("seen_at", Moment, nullable=False),
    Column("wrote_at", Moment),
)

# Forms and requests that were carried out, each once: by the key that came with it.
done_forms = _table(
    "done_forms",
    Column("key", String(64), primary_key=True),
    Column("by", Text, nullable=False),
    Column("ticket", String(32)),
    Column("result", Text, nullable=False, server_default=""),  # what the page then says
    Column("at", Moment, nullable=False),
    Index("ix_done_forms_at", "at"),
)

# How often the links to a customer's page of a ticket were revoked; the count is part of what they prove.
revoked_links = _table(
    "revoked_links",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)

# --- channels beside mail, see `store.channels` -------------------------------------------------------------------

# What a provider sent us, as it came, kept before it got its reply: it becomes mail in the inbox, or a status of
# what we sent. `external_id`: of the provider, so that a repetition is known.
channel_events = _table(
    "channel_events",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("channel", String(32), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("state", Choice(InboxState, 8), nullable=False, server_default="new"),
    Column("received_at", Moment, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column(
        "due_at", Moment, nullable=False
    ),  # when it is read next, such as after a file could not be fetched
    Column("inbox_id", RowId),  # the mail that it became
    Column("reason", Text),  # why it waits, is parked, or became no mail
    CheckConstraint(_in(InboxState), name="state"),
    UniqueConstraint("channel", "external_id"),
    _partial("ix_channel_events_new", "channel", "due_at", "id", where="state = 'new'"),
    _partial("ix_channel_events_parked", "id", where="state = 'parked'"),
    Index("ix_channel_events_received_at", "received_at"),
    _partial("ix_channel_events_inbox_id", "inbox_id", where="inbox_id IS NOT NULL"),
    sqlite_autoincrement=True,
)

# Which node works for a channel, and how far a provider was read.
channel_states = _table(
    "channel_states",
    Column("channel", String(32), primary_key=True),
    Column("holder", String(32)),  # a node, until `held_until`
    Column("held_until", Moment),
    Column("position", Text, nullable=False, server_default=""),
    Column("error", Text),  # why it does not work now
)

# People who wrote by a channel. `address`: their identity, such as whatsapp:+62811.
channel_contacts = _table(
    "channel_contacts",
    Column("address", Text, primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("wrote_at", Moment),  # last: WhatsApp takes free text for 24 hours after it
    Column("called_at", Moment),  # when they were last asked to write, so that a waiting message may leave
)

# What a provider took of us, by its own id: answers in the chat name it, reports of delivery too.
channel_messages = _table(
    "channel_messages",
    Column("channel", String(32), primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("outbox_id", RowId, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("part", Integer, nullable=False, server_default="1"),  # 0: it only asks the customer to write
    Column("status", String(16), nullable=False),  # sent, delivered, read, failed
    Column("status_at", Moment, nullable=False),
)

# Identities of one person, linked by an agent or by a proof, see `domain.people.persons`. Who is not linked has no row.
identities = _table(
    "identities",
    Column("address", Text, primary_key=True),  # as `domain.people.addresses.owner` writes it
    Column("written", Text, nullable=False),  # as mail to it is addressed
    Column("person", Text, nullable=False, index=True),  # the first of its identities
    Column("linked_to", Text, nullable=False),  # another identity of the person, "" for the first
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# Messages of a web form that wait for a click in the mail to their address. `digest`: SHA-256 of the link's key.
unconfirmed_posts = _table(
    "unconfirmed_posts",
    Column("digest", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),  # the same form sent twice is one
    Column("address", Text, nullable=False),
    Column("form", String(32), nullable=False),
    Column("sender", Text, nullable=False),  # this and `recipients`: the envelope of its mail
    Column("recipients", Json, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Index("ix_unconfirmed_posts_ends_at", "ends_at"),
    Index("ix_unconfirmed_posts_address", "address"),
)

# Events of tickets, for webhooks; filled only where there are any. `transaction`: of PostgreSQL, so that no reader
# passes by what is not committed yet. See `store.webhooks.feed`.
event_feed = _table(
    "event_feed",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("ticket", String(32), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("transaction", BigInteger, nullable=False, server_default="0"),
    Index("ix_event_feed_at", "at"),
    Index("ix_event_feed_transaction", "transaction", "id"),
    sqlite_autoincrement=True,
)

# How far each webhook was served: of the transactions from `window_from` to before `window_to` everything in
# `event_feed` up to `position`, and all of the transactions before.
webhooks = _table(
    "webhooks",
    Column("name", String(64), primary_key=True),
    Column("position", RowId, nullable=False),
    Column("window_from", BigInteger, nullable=False, server_default="0"),
    Column("window_to", BigInteger, nullable=False, server_default="1"),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("due_at", Moment, nullable=False),
    Column("delivered_at", Moment),
    Column("error", Text),
    Column("disabled_at", Moment),
    Column("disabled_by", Text, nullable=False, server_default=""),
    Column("holder", String(32)),  # the node that serves it, until `held_until`
    Column("held_until", Moment),
)

webhook_attempts = _table(
    "webhook_attempts",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("webhook", String(64), nullable=False),
    Column("feed_id", RowId, nullable=False),
    Column("at", Moment, nullable=False),
    Column("code", Integer),  # of the HTTP answer
    Column("error", Text, nullable=False, server_default=""),
    Index("ix_webhook_attempts_webhook", "webhook", "id"),
    Index("ix_webhook_attempts_at", "at"),
    sqlite_autoincrement=True,
)

# Numbers of another desk, as written in its mails: they name the ticket that was imported. Two desks may have given
# one number each: then the sender decides.
number_aliases = _table(
    "number_aliases",
    Column("alias", Text, primary_key=True),  # see `domain.importing.old_numbers.key`
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Index("ix_number_aliases_ticket", "ticket"),
)

# What was imported, by its id where it came from, so that a second run changes nothing.
imported = _table(
    "imported",
    Column("source", String(64), primary_key=True),  # one export: "zammad", or a name that the admin gave
    Column("kind", String(16), primary_key=True),  # ticket, message
    Column("external_id", Text, primary_key=True),
    Column("ticket", String(32), nullable=False, index=True),
    Column("digest", String(64), nullable=False, server_default=""),  # of what was imported
)

# Addresses (lower case) that get no automatic mail; `until` NULL: until it is lifted.
suppressions = _table(
    "suppressions",
    Column("address", Text, primary_key=True),
    Column("kind", String(16), nullable=False),  # bounce, complaint
    Column("reason", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
)

# Closed tickets that no retention may delete, with who ordered it and why.
legal_holds = _table(
    "legal_holds",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# What stays of a ticket that retention deleted: its number is never given again, and reports count what is missing.
deleted_tickets = _table(
    "deleted_tickets",
    Column("number", String(32), primary_key=True),
    Column("mailbox", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("deleted_at", Moment, nullable=False),
)

# What agents did, while it can be taken back, and answers that were held: see `domain.acts`. The ticket around it
# is kept as JSON. Removed some days after `until`.
acts = _table(
    "acts",
    Column("id", String(16), primary_key=True),
    Column("ticket", String(32), ForeignKey("tickets.number"), nullable=False),
    Column("agent", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("state", Choice(ActState, 8), nullable=False),
    Column("first", Integer, nullable=False),  # places of its events on the ticket
    Column("last", Integer, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Index("ix_acts_ticket", "ticket", "agent", "last"),
    Index("ix_acts_until", "until"),
)

# One-tap links that were used, by the nonce of the notice and the code of the link.
taps = _table(
    "taps",
    Column("nonce", String(16), primary_key=True),
    Column("code", String(12), primary_key=True),
    Column("at", Moment, nullable=False),
    Index("ix_taps_at", "at"),
)

# Notices that wait to go out together, for agents with `notify: digest`.
digest_items = _table(
    "digest_items",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("agent", Text, nullable=False),
    Column("ticket", String(32), ForeignKey("tickets.number"), nullable=False),
    Column("why", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Column("excerpt", Text, nullable=False),  # the beginning of what the notice would have shown
    Index("ix_digest_items_agent_at", "agent", "at"),
    sqlite_autoincrement=True,
)

# What was done about a cause of tickets, for reports: tickets before and after.
cause_actions = _table(
    "cause_actions",
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("cause", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Many similar complaints: the ticket that stands for all of them.
incidents = _table(
    "incidents",
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("mailbox", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("words", Json, nullable=False),  # by which later complaints join
    Column("opened_at", Moment, nullable=False),
    Column("reported_at", Moment, nullable=False),  # when its people were last notified
    Column("reported", Integer, nullable=False),  # of how many complaints
    Column("resolved_at", Moment),
    Column("done_at", Moment),  # every complaint was answered
    _partial("ix_incidents_not_done", "ticket", where="done_at IS NULL"),
)

nodes = _table(
    "nodes",
    Column("id", String(32), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("roles", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("policy", String(32), nullable=False),
    Column("reloaded_at", Moment, nullable=False),
    Column("reload_error", Text),  # why the newest reload was refused
    Column("troubles", Json, nullable=False, server_default="[]"),  # what is wrong with it, for people
)

# How far each IMAP folder was read. `uidvalidity` 0: not known yet.
imap_folders = _table(
    "imap_folders",
    Column("account", Text, primary_key=True),  # user@host
    Column("folder", Text, primary_key=True),
    Column("uidvalidity", BigInteger, nullable=False, server_default="0"),
    Column("last_uid", BigInteger, nullable=False, server_default="0"),  # dealt with up to here
    Column("first_uid", BigInteger, nullable=False, server_default="0"),  # the first UID after we began
    Column("started_at", Moment, nullable=False),
    Column("skipped_uids", Json, nullable=False, server_default="[]"),  # could not be stored, left in place
    Column("error", Text),  # why it can't be read now
)

# Every policy that was in force: what it was made of, to be built again when the files have changed.
policies = _table(
    "policies",
    Column("version", String(32), primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),  # when a node last started with it or took it
    Column("outline", Json, nullable=False),  # see `core.changes.outline`
    Column("files", Json, nullable=False),  # texts by name
    Column("templates", Json, nullable=False),  # digests by "language/name"
)

# Ladders as tickets got them: they are followed to the end, even when the files change.
ladders = _table(
    "ladders",
    Column("digest", String(12), primary_key=True),
    Column("name", Text, nullable=False),
    Column("content", Json, nullable=False),
)

# Results of a shadow policy for new tickets, beside the one in force.
shadow_runs = _table(
    "shadow_runs",
    Column("shadow", String(32), primary_key=True),
    Column("live", String(32), primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("agreed", Integer, nullable=False),
    Column("differed", Integer, nullable=False),
    Column("missed", Integer, nullable=False),  # there was no time to ask it
)

shadow_differences = _table(
    "shadow_differences",
    Column("shadow", String(32), primary_key=True),
    Column("ticket", String(32), ForeignKey("tickets.number"), primary_key=True),
    Column("live", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("data", Json, nullable=False),  # see `shadows`
)

installation = _table(
    "installation",
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

# What was asked, approved, granted and refused, in Rupiah. Only ever added to, under one lock (see
# `compensations`): its ids have no gap, and each line's digest covers the one before it.
compensations = _table(
    "compensations",
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("request", RowId, nullable=False),  # the id of the line that asked
    Column("ticket", String(32), nullable=False, index=True),  # a deleted one, too: the line stays
    Column("customer", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("second", Text, nullable=False),  # who else signed a grant
    Column("because", Text, nullable=False),
    Column("limited_by", String(24), nullable=False),  # the limit that refused
    Column("digest", String(64), nullable=False),
    CheckConstraint("kind IN ('asked', 'approved', 'granted', 'refused')", name="kind"),
    CheckConstraint("amount > 0", name="amount"),
    Index("ix_compensations_customer_at", "customer", "at"),
    Index("ix_compensations_at", "at"),
    # A request is decided once.
    _partial("uq_compensations_decided", "request", unique=True, where="kind IN ('granted', 'refused')"),
)

# What can be made again from the other tables.
DERIVED = frozenset({search_documents, search_queue, search_state})
STORED = tuple(each for each in metadata.sorted_tables if each not in DERIVED)
WORDS = "search_words"  # the full-text table of SQLite; its own tables begin with this name, too

# Words of a deleted message leave the index in the same transaction, whoever deletes it. A message that moves or is
# changed leaves it until the worker has read it again.
_OUTDATED = "UPDATE OF ticket, author, subject, visible, addresses ON messages"
SEARCH = {
    "sqlite": (
        f"CREATE VIRTUAL TABLE {WORDS} USING fts5"
        "(title, author, people, body, tokenize = 'ascii', columnsize = 0)",
        "CREATE TRIGGER search_documents_delete AFTER DELETE ON search_documents "
        f"BEGIN DELETE FROM {WORDS} WHERE rowid = old.id; "
        "INSERT INTO search_state (key, value) VALUES ('removed', 1) "
        "ON CONFLICT (key) DO UPDATE SET value = value + 1; END",
        f"CREATE TRIGGER search_messages_update AFTER {_OUTDATED} BEGIN "
        "DELETE FROM search_documents WHERE id = old.id; "
        "INSERT OR IGNORE INTO search_queue (id) VALUES (old.id); END",
        "CREATE TRIGGER search_tickets_update AFTER UPDATE OF customer ON tickets "
        "WHEN old.customer <> new.customer "
        "BEGIN INSERT OR IGNORE INTO search_queue (id) SELECT id FROM messages WHERE ticket = old.number; END",
    ),
    "postgresql": (
        "CREATE FUNCTION search_message_changed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN DELETE FROM search_documents WHERE id = OLD.id; "
        "INSERT INTO search_queue (id) VALUES (OLD.id) ON CONFLICT DO NOTHING; RETURN NULL; END $$",
        f"CREATE TRIGGER search_messages_update AFTER {_OUTDATED} "
        "FOR EACH ROW EXECUTE FUNCTION search_message_changed()",
        "CREATE FUNCTION search_customer_changed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO search_queue (id) SELECT id FROM messages WHERE ticket = OLD.number "
        "ON CONFLICT DO NOTHING; RETURN NULL; END $$",
        "CREATE TRIGGER search_tickets_update AFTER UPDATE OF customer ON tickets "
        "FOR EACH ROW WHEN (OLD.customer <> NEW.customer) EXECUTE FUNCTION search_customer_changed()",
    ),
}

# Lines of the ledger are never changed or removed: the database itself refuses it.
APPEND_ONLY = {
    "sqlite": tuple(
        f"CREATE TRIGGER compensations_no_{verb.lower()} BEFORE {verb} ON compensations "
        "BEGIN SELECT RAISE(ABORT, 'compensations are only ever added to'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION compensations_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'compensations are only ever added to'; END $$",
        "CREATE TRIGGER compensations_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON compensations "
        "FOR EACH STATEMENT EXECUTE FUNCTION compensations_append_only()",
    ),
}


def _create_with(table: Table | MetaData, statements: Mapping[str, Sequence[str]]) -> None:
    for dialect, each in ((dialect, each) for dialect, made in statements.items() for each in made):
        ddl = DDL(each.replace("%", "%%")).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", ddl)


_create_with(compensations, APPEND_ONLY)
_create_with(search_documents, SEARCH)
