"""What agencies say to the recommendations of a composed report.

Revision ID: 0011
Revises: 0010
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "recommended_response",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recommended_id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(length=40), nullable=False),
        sa.Column("progress", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("expected", sa.Date(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "answer IN ('accepted', 'partly', 'not_accepted')", name=op.f("ck_recommended_response_answer_known")
        ),
        sa.CheckConstraint(
            "progress IN ('', 'not_begun', 'under_way', 'done')", name=op.f("ck_recommended_response_progress_known")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_recommended_response_by_id")),
        sa.ForeignKeyConstraint(
            ["recommended_id"], ["recommended.id"], name=op.f("fk_recommended_response_recommended_id")
        ),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_recommended_response_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommended_response")),
    )
    op.create_index(op.f("ix_recommended_response_recommended_id"), "recommended_response", ["recommended_id"])
    op.create_index(op.f("ix_recommended_response_return_id"), "recommended_response", ["return_id"])


def downgrade() -> None:
    """Downgrade the schema."""
    op.drop_index(op.f("ix_recommended_response_return_id"), table_name="recommended_response")
    op.drop_index(op.f("ix_recommended_response_recommended_id"), table_name="recommended_response")
    op.drop_table("recommended_response")
