"""Who wrote a message, how the sender was shown, and to whom else it went.

- A message keeps its author (person, machine, report) with the reason, apart from the reason why no machine may
  answer it.
- It keeps the result of authentication, To, Cc and Reply-To.
- A ticket keeps where mail to its customer goes (`reply_to`).
- Notices may wait to go out together (`digest_items`).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.execute("ALTER TABLE messages RENAME COLUMN automatic TO no_auto_reply")
    for column in (
        sa.Column("author_kind", sa.String(8), nullable=False, server_default="person"),
        sa.Column("author_reason", sa.Text, nullable=False, server_default=""),
        sa.Column("authentication", sa.String(8), nullable=False, server_default="none"),
        sa.Column("addresses", Json, nullable=False, server_default="{}"),
    ):
        op.add_column("messages", column)
    op.execute(
        "UPDATE messages SET author_kind = 'machine', author_reason = no_auto_reply WHERE no_auto_reply <> ''"
    )
    op.add_column("tickets", sa.Column("reply_to", sa.Text, nullable=False, server_default=""))
    _create_digest_items()


def _create_digest_items() -> None:
    op.create_table(
        "digest_items",
        sa.Column("id", RowId, primary_key=True, autoincrement=True),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("ticket", sa.String(32), sa.ForeignKey("tickets.number"), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("excerpt", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_digest_items_agent_at", "digest_items", ["agent", "at"])
