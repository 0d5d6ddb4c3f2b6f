"""Alembic's entry: runs the migrations on the connection that `store.migrate` opened."""

from alembic import context

from mailbot.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
