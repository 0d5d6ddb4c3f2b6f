"""The index of `mailbot ticket search`, empty: the daemon fills it in the background.

- A row for each message in the index. On PostgreSQL it holds the words, on SQLite they are in a table of FTS5.
- Triggers take words out of the index in the transaction that deletes or changes their message.
- A queue of messages whose words changed, and how far the index was filled.

And indexes for large stores. Lists of tickets find their page in one, whatever they filter by. Claims are found
while many mails wait, and mails to send behind those of a domain that has its share.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0006"
down_revision = "0005"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OUTDATED = "UPDATE OF ticket, author, subject, visible, addresses ON messages"
STATEMENTS = {
    "sqlite": (
        "CREATE VIRTUAL TABLE search_words USING fts5"
        "(title, author, people, body, tokenize = 'ascii', columnsize = 0)",
        "CREATE TRIGGER search_documents_delete AFTER DELETE ON search_documents "
        "BEGIN DELETE FROM search_words WHERE rowid = old.id; "
        "INSERT INTO search_state (key, value) VALUES ('removed', 1) "
        "ON CONFLICT (key) DO UPDATE SET value = value + 1; END",
        f"CREATE TRIGGER search_messages_update AFTER {OUTDATED} BEGIN "
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
        f"CREATE TRIGGER search_messages_update AFTER {OUTDATED} "
        "FOR EACH ROW EXECUTE FUNCTION search_message_changed()",
        "CREATE FUNCTION search_customer_changed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO search_queue (id) SELECT id FROM messages WHERE ticket = OLD.number "
        "ON CONFLICT DO NOTHING; RETURN NULL; END $$",
        "CREATE TRIGGER search_tickets_update AFTER UPDATE OF customer ON tickets "
        "FOR EACH ROW WHEN (OLD.customer <> NEW.customer) EXECUTE FUNCTION search_customer_changed()",
    ),
}


LISTED = ("status", "opened_at", "number", "team", "assignee", "level", "priority")


def upgrade() -> None:
    op.create_index("ix_tickets_newest", "tickets", LISTED)
    op.drop_index("ix_tickets_status_opened_at", "tickets")
    claimed = sa.text("state = 'new' AND claimed_by IS NOT NULL")
    op.create_index(
        "ix_inbox_claimed", "inbox", ["claimed_by"], sqlite_where=claimed, postgresql_where=claimed
    )
    op.drop_index("ix_outbox_waiting", "outbox")
    waiting = sa.text("state IN ('due', 'deferred')")
    columns = ["lane", "due_at", "id", "domain", "state"]
    op.create_index("ix_outbox_waiting", "outbox", columns, sqlite_where=waiting, postgresql_where=waiting)
    parked = sa.text("state = 'parked'")
    op.create_index(
        "ix_deadlines_parked", "deadlines", ["ticket"], sqlite_where=parked, postgresql_where=parked
    )
    _create_search_tables()
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.execute(statement)


def _create_search_tables() -> None:
    of_message = sa.ForeignKey("messages.id", ondelete="CASCADE")
    op.create_table(
        "search_documents",
        sa.Column("id", RowId, of_message, primary_key=True, autoincrement=False),
        sa.Column("ticket", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("has_files", sa.Boolean, nullable=False),
        sa.Column("words", TSVECTOR().with_variant(sa.Text(), "sqlite")),
    )
    op.create_index(
        "ix_search_documents_words",
        "search_documents",
        ["words"],
        sqlite_where=sa.text("words IS NOT NULL"),
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": "512"},
    )
    op.create_index("ix_search_documents_at", "search_documents", ["at"])
    op.create_table(
        "search_queue",
        sa.Column(
            "id",
            RowId,
            sa.ForeignKey("messages.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
    )
    op.create_table(
        "search_state",
        sa.Column("key", sa.String(16), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
