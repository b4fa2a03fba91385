"""Alembic environment: runs on the connection that `server.database.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

import server.models  # noqa: F401  # fills the metadata


def run() -> None:
    """Apply or compare migrations, within the caller's transaction."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


# Imported by anything but Alembic (a doctest collector), there is nothing to run on.
if hasattr(context, "config"):
    run()
