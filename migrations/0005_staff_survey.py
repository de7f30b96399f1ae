"""Results of a survey of front-line staff, by return and statement.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "survey_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("statement", sa.String(length=80), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("given_by", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("given_by IN ('agency', 'body')", name=op.f("ck_survey_result_given_by_known")),
        sa.CheckConstraint(
            "0 <= answered AND answered <= asked", name=op.f("ck_survey_result_answered_of_asked")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_survey_result_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_survey_result_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_result")),
        sa.UniqueConstraint("return_id", "statement", name=op.f("uq_survey_result_return_id")),
    )


def downgrade() -> None:
    """Downgrade the schema."""
    op.drop_table("survey_result")
