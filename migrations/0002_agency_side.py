"""The agency’s side: sharing out, evidence, action plans, mail, imports, answers carried forward.

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "stored_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scan", sa.String(length=20), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scanner", sa.String(length=120), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "scan IN ('not_scanned', 'clean', 'infected')", name=op.f("ck_stored_file_scan_known")
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_stored_file")),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["added_by_id"], ["user.id"], name=op.f("fk_evidence_added_by_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_evidence_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("public_id", name=op.f("uq_evidence_public_id")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_agency_id"), ["agency_id"], unique=False)

    op.create_table(
        "mail_preference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_mail_preference_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_preference")),
        sa.UniqueConstraint("user_id", "kind", name=op.f("uq_mail_preference_user_id")),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('sign_in', 'password')", name=op.f("ck_sign_in_link_purpose_known")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_sign_in_link_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_sign_in_link_digest")),
    )
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_link_user_id"), ["user_id"], unique=False)

    op.create_table(
        "evidence_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("evidence_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_evidence_revision_by_id")),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_revision_evidence_id")
        ),
        sa.ForeignKeyConstraint(["sha256"], ["stored_file.sha256"], name=op.f("fk_evidence_revision_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_revision")),
        sa.UniqueConstraint("evidence_id", "number", name=op.f("uq_evidence_revision_evidence_id")),
    )
    with op.batch_alter_table("evidence_revision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_revision_sha256"), ["sha256"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=80), nullable=False),
        sa.Column("criterion", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("assigned_by_id", sa.Integer(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("nudged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'ready', 'accepted', 'sent_back')", name=op.f("ck_assignment_state_known")
        ),
        sa.ForeignKeyConstraint(["assigned_by_id"], ["user.id"], name=op.f("fk_assignment_assigned_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_assignment_return_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_assignment_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_assignment_public_id")),
        sa.UniqueConstraint(
            "return_id", "standard", "criterion", "user_id", name=op.f("uq_assignment_return_id")
        ),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_user_id"), ["user_id"], unique=False)

    op.create_table(
        "board_comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_board_comment_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_board_comment_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_comment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_board_comment_public_id")),
    )
    with op.batch_alter_table("board_comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_board_comment_return_id"), ["return_id"], unique=False)

    op.create_table(
        "evidence_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=80), nullable=False),
        sa.Column("scope_key", sa.String(length=60), nullable=False),
        sa.Column("evidence_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_link_evidence_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_evidence_link_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_link")),
        sa.UniqueConstraint(
            "return_id", "criterion", "scope_key", "evidence_id", name=op.f("uq_evidence_link_return_id")
        ),
    )
    with op.batch_alter_table("evidence_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_link_evidence_id"), ["evidence_id"], unique=False)

    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=True),
        sa.Column("dedupe_key", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.String(length=120), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'failed')", name=op.f("ck_outbox_message_state_known")
        ),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_outbox_message_return_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_outbox_message_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_message_dedupe_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_outbox_message_public_id")),
    )
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_message_due", ["state", "next_try"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_message_return_id"), ["return_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_message_user_id"), ["user_id"], unique=False)

    op.create_table(
        "planned_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=80), nullable=False),
        sa.Column("scope_key", sa.String(length=60), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("saved_by_id", sa.Integer(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'under_way', 'done', 'dropped')", name=op.f("ck_planned_action_state_known")
        ),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_planned_action_return_id")),
        sa.ForeignKeyConstraint(["saved_by_id"], ["user.id"], name=op.f("fk_planned_action_saved_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_action")),
        sa.UniqueConstraint("public_id", name=op.f("uq_planned_action_public_id")),
    )
    with op.batch_alter_table("planned_action", schema=None) as batch_op:
        batch_op.create_index("ix_planned_action_return", ["return_id", "criterion"], unique=False)

    op.create_table(
        "signing_declined",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["user.id"], name=op.f("fk_signing_declined_answered_by_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_signing_declined_by_id")),
        sa.ForeignKeyConstraint(
            ["return_id"], ["audit_return.id"], name=op.f("fk_signing_declined_return_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_declined")),
        sa.UniqueConstraint("public_id", name=op.f("uq_signing_declined_public_id")),
    )
    with op.batch_alter_table("signing_declined", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signing_declined_return_id"), ["return_id"], unique=False)

    op.create_table(
        "staged_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "content",
            sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
            nullable=False,
        ),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint("kind IN ('sheet', 'bundle')", name=op.f("ck_staged_import_kind_known")),
        sa.CheckConstraint(
            "state IN ('open', 'settled', 'dismissed')", name=op.f("ck_staged_import_state_known")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_staged_import_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_staged_import_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staged_import")),
        sa.UniqueConstraint("public_id", name=op.f("uq_staged_import_public_id")),
    )
    with op.batch_alter_table("staged_import", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staged_import_return_id"), ["return_id"], unique=False)

    op.create_table(
        "action_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'under_way', 'done', 'dropped')",
            name=op.f("ck_action_progress_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["action_id"], ["planned_action.id"], name=op.f("fk_action_progress_action_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_action_progress_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_progress")),
    )
    with op.batch_alter_table("action_progress", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_action_progress_action_id"), ["action_id"], unique=False)

    with op.batch_alter_table("declaration", schema=None) as batch_op:
        batch_op.add_column(sa.Column("language", sa.String(length=10), server_default="en", nullable=False))

    with op.batch_alter_table("self_assessment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("carried_from_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("to_confirm", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_self_assessment_carried_from_id"), "audit_return", ["carried_from_id"], ["id"]
        )

    with op.batch_alter_table("self_assessment_version", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=20), server_default="page", nullable=False))

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("language", sa.String(length=10), nullable=True))


def downgrade() -> None:
    """Take the schema back."""
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.drop_column("language")

    with op.batch_alter_table("self_assessment_version", schema=None) as batch_op:
        batch_op.drop_column("source")

    with op.batch_alter_table("self_assessment", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_self_assessment_carried_from_id"), type_="foreignkey")
        batch_op.drop_column("to_confirm")
        batch_op.drop_column("carried_from_id")

    with op.batch_alter_table("declaration", schema=None) as batch_op:
        batch_op.drop_column("language")

    with op.batch_alter_table("action_progress", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_action_progress_action_id"))

    op.drop_table("action_progress")
    with op.batch_alter_table("staged_import", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staged_import_return_id"))

    op.drop_table("staged_import")
    with op.batch_alter_table("signing_declined", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signing_declined_return_id"))

    op.drop_table("signing_declined")
    with op.batch_alter_table("planned_action", schema=None) as batch_op:
        batch_op.drop_index("ix_planned_action_return")

    op.drop_table("planned_action")
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_message_user_id"))
        batch_op.drop_index(batch_op.f("ix_outbox_message_return_id"))
        batch_op.drop_index("ix_outbox_message_due")

    op.drop_table("outbox_message")
    with op.batch_alter_table("evidence_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_link_evidence_id"))

    op.drop_table("evidence_link")
    with op.batch_alter_table("board_comment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_board_comment_return_id"))

    op.drop_table("board_comment")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_assignment_user_id"))

    op.drop_table("assignment")
    with op.batch_alter_table("evidence_revision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_revision_sha256"))

    op.drop_table("evidence_revision")
    with op.batch_alter_table("sign_in_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_link_user_id"))

    op.drop_table("sign_in_link")
    op.drop_table("mail_preference")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_agency_id"))

    op.drop_table("evidence")
    op.drop_table("stored_file")
