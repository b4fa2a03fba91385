"""An idempotency key may have planned an experiment."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KEY = "fk_idempotency_key_experiment"


def upgrade() -> None:
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.alter_column("run_id", existing_type=sqltypes.AutoString(), nullable=True)
        batch_op.add_column(sa.Column("experiment_id", sqltypes.AutoString(), nullable=True))
        batch_op.create_foreign_key(_KEY, "experiment", ["experiment_id"], ["id"])


def downgrade() -> None:
    op.execute("DELETE FROM idempotency_key WHERE run_id IS NULL")
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.drop_constraint(_KEY, type_="foreignkey")
        batch_op.drop_column("experiment_id")
        batch_op.alter_column("run_id", existing_type=sqltypes.AutoString(), nullable=False)
