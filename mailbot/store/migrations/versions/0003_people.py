"""Who wrote a message, how the sender was shown, and to whom else it went.

- A message keeps its author (person, machine, report) with the reason, apart from the reason why no machine may
  answer it.
- It keeps the result of authentication, To, Cc and Reply-To.
- A ticket keeps where mail to its customer goes (`reply_to`).
- A ticket has its customer in one spelling (`person`), for the index.
- The files of notices are kept once for all mails that have them (`frozen_files`).
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
    _name_people()
    _create_digest_items()
    op.add_column("frozen_mails", sa.Column("files", Json, nullable=False, server_default="[]"))
    op.create_table(
        "frozen_files",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def _name_people() -> None:
    """Write each ticket's customer in one spelling: without a +tag and, at Gmail, without dots."""
    op.add_column("tickets", sa.Column("person", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE tickets SET person = lower(customer)")
    tickets = sa.table("tickets", sa.column("number"), sa.column("customer"), sa.column("person"))
    may_differ = (tickets.c.customer.contains("+"), tickets.c.customer.icontains("@g"))
    rows = op.get_bind().execute(sa.select(tickets.c.number, tickets.c.customer).where(sa.or_(*may_differ)))
    spelled = [{"b_number": number, "b_person": _person(customer)} for number, customer in rows.all()]
    if spelled:
        change = sa.update(tickets).where(tickets.c.number == sa.bindparam("b_number"))
        op.get_bind().execute(change.values(person=sa.bindparam("b_person")), spelled)
    op.create_index("ix_tickets_person_opened_at", "tickets", ["person", "opened_at"])
    op.drop_index("ix_tickets_customer_opened_at", "tickets")


def _person(address: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    plain = local.partition("+")[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        plain, domain = plain.replace(".", "") or plain, "gmail.com"
    return f"{plain}@{domain}"


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
