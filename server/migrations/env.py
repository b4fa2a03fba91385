"""Alembic environment: runs on the connection that `server.database.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

from server import models

assert models.RunRecord.__tablename__ == "run"  # noqa: S101  # the import fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
