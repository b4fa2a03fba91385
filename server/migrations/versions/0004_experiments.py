"""Experiments on incidents, and who got which arm."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATUSES = ("planned", "running", "rolled_out", "permanent", "stopped")


def upgrade() -> None:
    op.create_table(
        "experiment",
        sa.Column("id", sqltypes.AutoString(), nullable=False),
        sa.Column("incident_id", sqltypes.AutoString(), nullable=False),
        sa.Column("follows", sqltypes.AutoString(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(*_STATUSES, name="experimentstatus", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recommendation", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("planned_as_of", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("in_force_since", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("reading", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_as_of", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("created_at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("updated_at", sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["follows"], ["experiment.id"]),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("experiment", schema=None) as batch_op:
        batch_op.create_index("ix_experiment_page", ["incident_id", "created_at", "id"], unique=False)
    op.create_table(
        "experiment_rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("actor", sqltypes.AutoString(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("experiment_rows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_experiment_rows_experiment_id"), ["experiment_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("experiment_rows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_experiment_rows_experiment_id"))
    op.drop_table("experiment_rows")
    with op.batch_alter_table("experiment", schema=None) as batch_op:
        batch_op.drop_index("ix_experiment_page")
    op.drop_table("experiment")
