"""Sites that agencies list in their returns, for questions that are asked about each.

Revision ID: 0007
Revises: 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "return_site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=30), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["added_by_id"], ["user.id"], name=op.f("fk_return_site_added_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_return_site_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_site")),
        sa.UniqueConstraint("return_id", "key", name=op.f("uq_return_site_return_id")),
    )
    with op.batch_alter_table("audit_return", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("has_no_sites", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Downgrade the schema."""
    with op.batch_alter_table("audit_return", recreate="never") as batch_op:
        batch_op.drop_column("has_no_sites")
    op.drop_table("return_site")
