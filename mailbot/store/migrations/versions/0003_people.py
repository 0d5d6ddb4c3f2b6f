"""Who wrote a message, how the sender was shown, and to whom else it went.

- A message keeps its author (person, machine, report) with the reason, apart from the reason why no machine may
  answer it.
- It keeps the result of authentication, To, Cc and Reply-To.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

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
