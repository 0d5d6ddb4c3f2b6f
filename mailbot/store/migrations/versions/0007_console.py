"""What the console keeps: sessions, log-ins under way, tokens, drafts, who is where, what was done, revoked links."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.BigInteger
Json = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("way", sa.String(8), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("seen_at", Moment, nullable=False),
        sa.Column("ends_at", Moment, nullable=False),
    )
    op.create_index("ix_sessions_address", "sessions", ["address"])
    op.create_index("ix_sessions_ends_at", "sessions", ["ends_at"])
    op.create_table(
        "log_ins",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False, server_default=""),
        sa.Column("ends_at", Moment, nullable=False),
        sa.Column("used_at", Moment),
    )
    op.create_index("ix_log_ins_ends_at", "log_ins", ["ends_at"])
    op.create_table(
        "api_tokens",
        sa.Column("id", RowId, primary_key=True, autoincrement=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("verbs", Json, nullable=False),
        sa.Column("teams", Json, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("ends_at", Moment),
        sa.Column("used_at", Moment),
        sa.Column("revoked_at", Moment),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
        sqlite_autoincrement=True,
    )
    _create_of_tickets()
    op.create_table(
        "done_forms",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("ticket", sa.String(32)),
        sa.Column("result", sa.Text, nullable=False, server_default=""),
        sa.Column("at", Moment, nullable=False),
    )
    op.create_index("ix_done_forms_at", "done_forms", ["at"])


def _create_of_tickets() -> None:
    def of_ticket(person: str) -> tuple[sa.Column[str], sa.Column[str]]:
        ticket = sa.Column("ticket", sa.String(32), sa.ForeignKey("tickets.number"), primary_key=True)
        return ticket, sa.Column(person, sa.Text, primary_key=True)

    op.create_table(
        "drafts",
        *of_ticket("agent"),
        sa.Column("note", sa.Boolean, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
    )
    op.create_index("ix_drafts_agent", "drafts", ["agent"])
    op.create_table(
        "presence",
        *of_ticket("agent"),
        sa.Column("seen_at", Moment, nullable=False),
        sa.Column("wrote_at", Moment),
    )
    op.create_table(
        "revoked_links",
        *of_ticket("address"),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("at", Moment, nullable=False),
    )
