"""Channels beside mail: what providers sent, who writes by what, forms that wait, webhooks, imports.

- A ticket and a message keep the channel by which they came; all so far came by mail.
- What was imported keeps its number of the other desk, and its id there.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.BigInteger
Json = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    for table in ("tickets", "messages"):
        op.add_column(table, sa.Column("channel", sa.String(32), nullable=False, server_default="mail"))
    _create_of_chats()
    _create_of_forms()
    _create_of_webhooks()
    _create_of_imports()


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _create_of_chats() -> None:
    op.create_table(
        "channel_events",
        sa.Column("id", RowId, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("state", sa.String(8), nullable=False, server_default="new"),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", Moment, nullable=False),
        sa.Column("inbox_id", RowId),
        sa.Column("reason", sa.Text),
        sa.UniqueConstraint("channel", "external_id", name="uq_channel_events_channel_external_id"),
        sa.CheckConstraint("state IN ('new', 'done', 'parked')", name="state"),
        sqlite_autoincrement=True,
    )
    _partial_index("ix_channel_events_new", "channel_events", ["channel", "due_at", "id"], "state = 'new'")
    _partial_index("ix_channel_events_parked", "channel_events", ["id"], "state = 'parked'")
    op.create_index("ix_channel_events_received_at", "channel_events", ["received_at"])
    _partial_index("ix_channel_events_inbox_id", "channel_events", ["inbox_id"], "inbox_id IS NOT NULL")
    op.create_table(
        "channel_states",
        sa.Column("channel", sa.String(32), primary_key=True),
        sa.Column("holder", sa.String(32)),
        sa.Column("held_until", Moment),
        sa.Column("position", sa.Text, nullable=False, server_default=""),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "channel_contacts",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("wrote_at", Moment),
        sa.Column("called_at", Moment),
    )
    op.create_table(
        "channel_messages",
        sa.Column("channel", sa.String(32), primary_key=True),
        sa.Column("external_id", sa.Text, primary_key=True),
        sa.Column("outbox_id", RowId, sa.ForeignKey("outbox.id"), nullable=False),
        sa.Column("part", sa.Integer, nullable=False, server_default="1"),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("status_at", Moment, nullable=False),
    )
    op.create_index("ix_channel_messages_outbox_id", "channel_messages", ["outbox_id"])
    op.create_table(
        "identities",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("written", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("linked_to", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_identities_person", "identities", ["person"])


def _create_of_forms() -> None:
    op.create_table(
        "unconfirmed_posts",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("form", sa.String(32), nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipients", Json, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("ends_at", Moment, nullable=False),
        sa.UniqueConstraint("fingerprint", name="uq_unconfirmed_posts_fingerprint"),
    )
    op.create_index("ix_unconfirmed_posts_address", "unconfirmed_posts", ["address"])
    op.create_index("ix_unconfirmed_posts_ends_at", "unconfirmed_posts", ["ends_at"])


def _create_of_webhooks() -> None:
    op.create_table(
        "event_feed",
        sa.Column("id", RowId, primary_key=True, autoincrement=True),
        sa.Column("ticket", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("transaction", sa.BigInteger, nullable=False, server_default="0"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_feed_at", "event_feed", ["at"])
    op.create_index("ix_event_feed_transaction", "event_feed", ["transaction", "id"])
    op.create_table(
        "webhooks",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("position", RowId, nullable=False),
        sa.Column("window_from", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("window_to", sa.BigInteger, nullable=False, server_default="1"),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due_at", Moment, nullable=False),
        sa.Column("delivered_at", Moment),
        sa.Column("error", sa.Text),
        sa.Column("disabled_at", Moment),
        sa.Column("disabled_by", sa.Text, nullable=False, server_default=""),
        sa.Column("holder", sa.String(32)),
        sa.Column("held_until", Moment),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("id", RowId, primary_key=True, autoincrement=True),
        sa.Column("webhook", sa.String(64), nullable=False),
        sa.Column("feed_id", RowId, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("code", sa.Integer),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_attempts_at", "webhook_attempts", ["at"])
    op.create_index("ix_webhook_attempts_webhook", "webhook_attempts", ["webhook", "id"])


def _create_of_imports() -> None:
    op.create_table(
        "number_aliases",
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("ticket", sa.String(32), sa.ForeignKey("tickets.number"), primary_key=True),
    )
    op.create_index("ix_number_aliases_ticket", "number_aliases", ["ticket"])
    op.create_table(
        "imported",
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("external_id", sa.Text, primary_key=True),
        sa.Column("ticket", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, server_default=""),
    )
    op.create_index("ix_imported_ticket", "imported", ["ticket"])
