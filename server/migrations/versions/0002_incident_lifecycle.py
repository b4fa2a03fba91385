"""The life of an incident: as what it was closed, by whom, when and why."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATUSES = ("new", "investigating", "monitoring", "resolved")
_CLOSINGS = ("fixed", "recovered", "false_alarm", "data_fault", "merged")
_KINDS = ("opened", "moved", "escalated", "closed", "reopened")


def upgrade() -> None:
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("closed_as", _named("closedas", _CLOSINGS), nullable=True))
        batch_op.add_column(sa.Column("merged_into", sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("closed_as_of", sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("effect_metric", sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column("effect_per_day", sa.Float(), nullable=True))
        batch_op.create_foreign_key("fk_incident_merged_into", "incident", ["merged_into"], ["id"])
    # An effect of zero is replaced by the next detection; nothing grows from it.
    op.execute("UPDATE incident SET version = 1, effect_metric = metric, effect_per_day = 0")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.alter_column("version", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("effect_metric", existing_type=sqltypes.AutoString(), nullable=False)
        batch_op.alter_column("effect_per_day", existing_type=sa.Float(), nullable=False)

    op.create_table(
        "incident_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sqltypes.AutoString(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("actor", sqltypes.AutoString(), nullable=False),
        sa.Column("kind", _named("changekind", _KINDS), nullable=False),
        sa.Column("from_status", _named("incidentstatus", _STATUSES), nullable=True),
        sa.Column("to_status", _named("incidentstatus", _STATUSES), nullable=False),
        sa.Column("closed_as", _named("closedas", _CLOSINGS), nullable=True),
        sa.Column("merged_into", sqltypes.AutoString(), nullable=True),
        sa.Column("severity", sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("incident_id", "version", name="uq_incident_change_version"),
    )
    with op.batch_alter_table("incident_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_change_incident_id"), ["incident_id"], unique=False)
    op.execute(
        "INSERT INTO incident_change (incident_id, version, at, actor, kind, to_status, severity, reason) "
        "SELECT id, 1, created_at, 'system', 'opened', status, severity, 'found by detection' FROM incident"
    )


def downgrade() -> None:
    with op.batch_alter_table("incident_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_change_incident_id"))
    op.drop_table("incident_change")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_constraint("fk_incident_merged_into", type_="foreignkey")
        for name in (
            "effect_per_day",
            "effect_metric",
            "version",
            "closed_as_of",
            "closed_at",
            "merged_into",
            "closed_as",
        ):
            batch_op.drop_column(name)


def _named(name: str, values: Sequence[str]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, length=16)
