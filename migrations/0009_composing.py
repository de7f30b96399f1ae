"""Composed reports: versions, comments, sign-off, and the recommendations that follow.

Revision ID: 0009
Revises: 0008
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "composition_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_composition_version_by_id")),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_composition_version_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_composition_version")),
        sa.UniqueConstraint("round_id", "number", name=op.f("uq_composition_version_round_id")),
    )
    op.create_table(
        "composition_comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("chapter", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_composition_comment_by_id")),
        sa.ForeignKeyConstraint(["resolved_by_id"], ["user.id"], name=op.f("fk_composition_comment_resolved_by_id")),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_composition_comment_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_composition_comment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_composition_comment_public_id")),
    )
    op.create_index(op.f("ix_composition_comment_round_id"), "composition_comment", ["round_id"])
    op.create_table(
        "composition_sign_off",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("oversight_body_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_composition_sign_off_by_id")),
        sa.ForeignKeyConstraint(
            ["oversight_body_id"], ["oversight_body.id"], name=op.f("fk_composition_sign_off_oversight_body_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["composition_version.id"], name=op.f("fk_composition_sign_off_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_composition_sign_off")),
        sa.UniqueConstraint("version_id", "oversight_body_id", name=op.f("uq_composition_sign_off_version_id")),
    )
    op.create_table(
        "recommended",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", JSON, nullable=False),
        sa.Column("agency_type", sa.String(length=60), nullable=False),
        sa.Column("oversight_body_id", sa.Integer(), nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("withdrawn_in", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(agency_type <> '') <> (oversight_body_id IS NOT NULL)", name=op.f("ck_recommended_one_addressee")
        ),
        sa.ForeignKeyConstraint(
            ["oversight_body_id"], ["oversight_body.id"], name=op.f("fk_recommended_oversight_body_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_recommended_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommended")),
        sa.UniqueConstraint("public_id", name=op.f("uq_recommended_public_id")),
        sa.UniqueConstraint("round_id", "key", name=op.f("uq_recommended_round_id")),
    )
    op.create_table(
        "recommended_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recommended_id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('accepted', 'under_way', 'done', 'not_accepted')",
            name=op.f("ck_recommended_status_state_known"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_recommended_status_by_id")),
        sa.ForeignKeyConstraint(
            ["recommended_id"], ["recommended.id"], name=op.f("fk_recommended_status_recommended_id")
        ),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_recommended_status_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommended_status")),
    )
    op.create_index(op.f("ix_recommended_status_recommended_id"), "recommended_status", ["recommended_id"])
    op.create_index(op.f("ix_recommended_status_return_id"), "recommended_status", ["return_id"])


def downgrade() -> None:
    """Downgrade the schema."""
    op.drop_index(op.f("ix_recommended_status_return_id"), table_name="recommended_status")
    op.drop_index(op.f("ix_recommended_status_recommended_id"), table_name="recommended_status")
    op.drop_table("recommended_status")
    op.drop_table("recommended")
    op.drop_table("composition_sign_off")
    op.drop_index(op.f("ix_composition_comment_round_id"), table_name="composition_comment")
    op.drop_table("composition_comment")
    op.drop_table("composition_version")
