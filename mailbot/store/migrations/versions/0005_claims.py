"""When a claim was made, whose share of the connections a mail takes, and which tickets may not be deleted.

- Rows of inbox and outbox keep when they were claimed, so that a claim of nobody is seen.
- A mail to send keeps the domain of its recipient, for fair shares of the relay's connections. It also keeps how
  many times in a row nobody knows whether the relay took it, so that copies are bounded.
- Tickets under a legal hold are never deleted by retention.
"""

import sqlalchemy as sa
from alembic import op

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
