"""Packs that people draft in the browser, and every revision of their files.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "pack_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("body_id", sa.Integer(), nullable=True),
        sa.Column("pack", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("origin_name", sa.String(length=200), nullable=False),
        sa.Column("left_out", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("base_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("mistakes", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_by_id", sa.Integer(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_by_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("published_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "state IN ('drafting', 'sent', 'published', 'withdrawn')", name=op.f("ck_pack_draft_state_known")
        ),
        sa.CheckConstraint(
            "origin IN ('published', 'gallery', 'workbook', 'xlsform', 'ciso', 'empty')",
            name=op.f("ck_pack_draft_origin_known"),
        ),
        sa.CheckConstraint(
            "(state = 'published') = (published_id IS NOT NULL)",
            name=op.f("ck_pack_draft_published_has_version"),
        ),
        sa.CheckConstraint(
            "state <> 'sent' OR sent_at IS NOT NULL", name=op.f("ck_pack_draft_sent_has_time")
        ),
        sa.ForeignKeyConstraint(["base_id"], ["pack_version.id"], name=op.f("fk_pack_draft_base_id")),
        sa.ForeignKeyConstraint(["body_id"], ["oversight_body.id"], name=op.f("fk_pack_draft_body_id")),
        sa.ForeignKeyConstraint(["edited_by_id"], ["user.id"], name=op.f("fk_pack_draft_edited_by_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["user.id"], name=op.f("fk_pack_draft_made_by_id")),
        sa.ForeignKeyConstraint(["published_id"], ["pack_version.id"], name=op.f("fk_pack_draft_published_id")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["user.id"], name=op.f("fk_pack_draft_sent_by_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["user.id"], name=op.f("fk_pack_draft_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack_draft")),
        sa.UniqueConstraint("public_id", name=op.f("uq_pack_draft_public_id")),
    )
    op.create_index(op.f("ix_pack_draft_body_id"), "pack_draft", ["body_id"])
    op.create_table(
        "pack_draft_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_pack_draft_file_by_id")),
        sa.ForeignKeyConstraint(["draft_id"], ["pack_draft.id"], name=op.f("fk_pack_draft_file_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pack_draft_file")),
        sa.UniqueConstraint("draft_id", "name", "revision", name=op.f("uq_pack_draft_file_draft_id")),
    )


def downgrade() -> None:
    """Downgrade the schema."""
    op.drop_table("pack_draft_file")
    op.drop_index(op.f("ix_pack_draft_body_id"), table_name="pack_draft")
    op.drop_table("pack_draft")
