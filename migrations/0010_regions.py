"""The region that an area lies in, where the areas of an audit are grouped.

Revision ID: 0010
Revises: 0009
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade the schema."""
    with op.batch_alter_table("area", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("region", sa.String(length=200), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    """Downgrade the schema."""
    with op.batch_alter_table("area", recreate="never") as batch_op:
        batch_op.drop_column("region")
