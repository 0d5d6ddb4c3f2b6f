"""Whose turn a ticket is, until when, and what the customer was promised.

- A ticket keeps its turn with its end and its reason, apart from its status.
- It keeps whether the customer's newest mail is answered, when and by whom the newest answer was given, and by
  when we promised news. It keeps what the newest mail of progress named.
- It keeps whether its first mail was proven to be the customer's.
- It keeps its cause, and what was done about causes is recorded (`cause_actions`).
- It keeps until when it is snoozed, and its incident.
- An index has all live tickets of an agent, for worklists; it takes the place of the one for those in hand.
- One-tap links of notices that were used.
- Acts of agents that can be taken back, with their mails and messages.
- Incidents have a table: their words, what their people were notified of, whether all complaints are answered.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    for column in (
        sa.Column("turn", sa.String(12), nullable=False, server_default="ours"),
        sa.Column("turn_until", sa.BigInteger),
        sa.Column("turn_why", sa.Text, nullable=False, server_default=""),
        sa.Column("unanswered", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("answered_by", sa.Text, nullable=False, server_default=""),
        sa.Column("informed_until", sa.BigInteger),
        sa.Column("informed_of", sa.Text, nullable=False, server_default=""),
        sa.Column("proven", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("cause", sa.Text, nullable=False, server_default=""),
        sa.Column("snoozed_until", sa.BigInteger),
        sa.Column("incident", sa.String(32)),
    ):
        op.add_column("tickets", column)
    op.execute("UPDATE tickets SET turn = 'customer' WHERE status = 'waiting'")
    op.execute("UPDATE tickets SET unanswered = (status IN ('new', 'open', 'filed'))")
    is_incident = sa.text("incident IS NOT NULL")
    op.create_index(
        "ix_tickets_incident", "tickets", ["incident"], sqlite_where=is_incident, postgresql_where=is_incident
    )
    is_snoozed = sa.text("snoozed_until IS NOT NULL")
    op.create_index(
        "ix_tickets_snoozed_until",
        "tickets",
        ["snoozed_until"],
        sqlite_where=is_snoozed,
        postgresql_where=is_snoozed,
    )
    is_live = sa.text("status IN ('new', 'open', 'waiting')")
    op.drop_index("ix_tickets_in_hand", "tickets")
    op.create_index(
        "ix_tickets_live", "tickets", ["assignee", "status"], sqlite_where=is_live, postgresql_where=is_live
    )
    _keep_acts()
    op.create_table(
        "cause_actions",
        sa.Column("id", RowId, primary_key=True, autoincrement=True),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    _create_incidents()
    op.create_table(
        "taps",
        sa.Column("nonce", sa.String(16), primary_key=True),
        sa.Column("code", sa.String(12), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_taps_at", "taps", ["at"])


def _keep_acts() -> None:
    op.create_table(
        "acts",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("ticket", sa.String(32), sa.ForeignKey("tickets.number"), nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
    )
    op.create_index("ix_acts_ticket", "acts", ["ticket", "agent", "last"])
    op.create_index("ix_acts_until", "acts", ["until"])
    op.add_column("outbox", sa.Column("act", sa.String(16)))
    op.add_column("messages", sa.Column("act", sa.String(16)))


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("ticket", sa.String(32), sa.ForeignKey("tickets.number"), primary_key=True),
        sa.Column("mailbox", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("words", Json, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("reported_at", sa.BigInteger, nullable=False),
        sa.Column("reported", sa.Integer, nullable=False),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("done_at", sa.BigInteger),
    )
    is_open = sa.text("done_at IS NULL")
    op.create_index(
        "ix_incidents_not_done", "incidents", ["ticket"], sqlite_where=is_open, postgresql_where=is_open
    )
