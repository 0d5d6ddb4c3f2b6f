"""Plain names for tables and columns."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = {"mutes": "suppressions", "allowances": "rate_limits"}
COLUMNS = {
    "inbox": {"strikes": "attempts"},
    "outbox": {"asked_at": "requested_at", "told_at": "reported_at"},
    "nodes": {"trouble": "reload_error"},
    "imap_folders": {
        "uid": "last_uid",
        "horizon": "first_uid",
        "begun_at": "started_at",
        "left_uids": "skipped_uids",
        "trouble": "error",
    },
}


def upgrade() -> None:
    _rename()


def _rename() -> None:
    op.drop_index("ix_outbox_untold", "outbox")
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for old, new in TABLES.items():
        op.rename_table(old, new)
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")
    op.execute(
        "CREATE INDEX ix_outbox_unreported ON outbox (id)"
        " WHERE state = 'failed' AND (reported_at IS NULL OR reported_at < settled_at)"
    )
