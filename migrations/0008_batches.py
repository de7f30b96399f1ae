"""Batches of reports for a round, and what a round says of small numbers and of names.

Revision ID: 0008
Revises: 0007
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | Sequence[str] | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "report_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("report", sa.String(length=60), nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("turn", sa.String(length=16), nullable=False),
        sa.Column("turn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "stage IN ('waiting', 'running', 'cancelled', 'done')", name=op.f("ck_report_batch_stage_known")
        ),
        sa.ForeignKeyConstraint(["requested_by_id"], ["user.id"], name=op.f("fk_report_batch_requested_by_id")),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_report_batch_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_batch")),
        sa.UniqueConstraint("public_id", name=op.f("uq_report_batch_public_id")),
    )
    op.create_index(op.f("ix_report_batch_round_id"), "report_batch", ["round_id"])
    op.create_table(
        "batch_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=True),
        sa.Column("area_id", sa.Integer(), nullable=True),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "stage IN ('waiting', 'making', 'made', 'failed')", name=op.f("ck_batch_document_stage_known")
        ),
        sa.CheckConstraint(
            "(return_id IS NULL) <> (area_id IS NULL)", name=op.f("ck_batch_document_one_subject")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_batch_document_area_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["report_batch.id"], name=op.f("fk_batch_document_batch_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_batch_document_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_document")),
        sa.UniqueConstraint("batch_id", "return_id", "area_id", name=op.f("uq_batch_document_batch_id")),
    )
    op.create_index(op.f("ix_batch_document_return_id"), "batch_document", ["return_id"])
    with op.batch_alter_table("audit_round", recreate="never") as batch_op:
        batch_op.add_column(sa.Column("suppress_below", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("names_agencies", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Downgrade the schema."""
    with op.batch_alter_table("audit_round", recreate="never") as batch_op:
        batch_op.drop_column("names_agencies")
        batch_op.drop_column("suppress_below")
    op.drop_index(op.f("ix_batch_document_return_id"), table_name="batch_document")
    op.drop_table("batch_document")
    op.drop_index(op.f("ix_report_batch_round_id"), table_name="report_batch")
    op.drop_table("report_batch")
