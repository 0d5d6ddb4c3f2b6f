"""When a claim was made, whose share of the connections a mail takes, and which tickets may not be deleted.

- Rows of inbox and outbox keep when they were claimed, so that a claim of nobody is seen.
- A mail to send keeps the domain of its recipient, for fair shares of the relay's connections. It also keeps how
  many times in a row nobody knows whether the relay took it, so that copies are bounded.
- Tickets under a legal hold are never deleted by retention.
- Of a mail, a file or a ticket that retention deletes stays its digest or number, and when it went. Lines of the
  ledger outlive their ticket, and a file is listed after its content is gone: both lose a foreign key.
- An index on the digests of files tells whether another mail holds the same file.
- A node says what is wrong with it, so that `status` can name it from anywhere.
"""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("claimed_at", sa.BigInteger))
    for column in (
        sa.Column("claimed_at", sa.BigInteger),
        sa.Column("domain", sa.Text, nullable=False, server_default=""),
        sa.Column("unknown_in_a_row", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("outbox", column)
    at_sign = "instr" if op.get_bind().dialect.name == "sqlite" else "strpos"
    op.execute(
        f"UPDATE outbox SET domain = lower(substr(recipient, {at_sign}(recipient, '@') + 1))"
        " WHERE state IN ('due', 'sending', 'dot', 'deferred', 'failed')"
    )
    op.create_table(
        "legal_holds",
        sa.Column("ticket", sa.String(32), sa.ForeignKey("tickets.number"), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    troubles = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column("nodes", sa.Column("troubles", troubles, nullable=False, server_default="[]"))
    _prepare_retention()


def _prepare_retention() -> None:
    _drop_foreign_key("attachments", "fk_attachments_digest")
    _drop_foreign_key("compensations", "fk_compensations_ticket")
    for table in ("inbox", "outbox"):
        op.add_column(table, sa.Column("deleted_digest", sa.String(64)))
        op.add_column(table, sa.Column("deleted_at", sa.BigInteger))
    op.add_column("attachments", sa.Column("deleted_at", sa.BigInteger))
    op.create_index("ix_attachments_digest", "attachments", ["digest"])
    op.create_index(
        "ix_frozen_mails_files",
        "frozen_mails",
        ["files"],
        sqlite_where=sa.text("files <> '[]'"),
        postgresql_where=sa.text("files <> '[]'"),
        postgresql_using="gin",
        postgresql_ops={"files": "jsonb_path_ops"},
    )
    op.create_table(
        "deleted_tickets",
        sa.Column("number", sa.String(32), primary_key=True),
        sa.Column("mailbox", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger, nullable=False),
    )


def _drop_foreign_key(table: str, name: str) -> None:
    """Drop a foreign key. SQLite needs a new table for it, made by the old one's own definition."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.drop_constraint(name, table, type_="foreignkey")
        return
    made = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type <> 'table'"
    definition, *others = connection.exec_driver_sql(made, (table,)).scalars()
    key = rf",\s*CONSTRAINT {name} FOREIGN KEY\s*\([^)]*\) REFERENCES \w+ \([^)]*\)"
    rest, removed = re.subn(key, "", definition)
    assert removed == 1, definition
    for statement in (
        re.sub(rf'CREATE TABLE "?{table}"?', f"CREATE TABLE new_{table}", rest, count=1),
        f"INSERT INTO new_{table} SELECT * FROM {table}",
        f"DROP TABLE {table}",  # fires no trigger of its rows
        f"ALTER TABLE new_{table} RENAME TO {table}",
        *others,  # its indexes and triggers
    ):
        connection.exec_driver_sql(statement)
