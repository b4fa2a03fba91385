"""The cause that people found of an incident that ended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = ("incident", "incident_change")
_CAUSES = (
    "courier_supply",
    "merchant_prep",
    "batching_policy",
    "policy_change",
    "inventory",
    "eta_model",
    "demand_surge",
    "mix_shift",
    "external_shock",
    "data_quality",
    "none",
    "other",
)


def upgrade() -> None:
    for table in _TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(
                sa.Column(
                    "cause",
                    sa.Enum(*_CAUSES, name="causefound", native_enum=False, length=16),
                    nullable=True,
                )
            )
    # Only people close as a false alarm, and by that say that nothing was wrong.
    op.execute("UPDATE incident SET cause = 'none' WHERE closed_as = 'false_alarm'")


def downgrade() -> None:
    for table in _TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("cause")
