"""The oversight side: closing, mergers, chasing, moderation, threads, judgements, follow-up, release, search.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_table(
        "publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("snapshot_id", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint("number = 1 OR reason <> ''", name=op.f("ck_publication_correction_has_reason")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_publication_by_id")),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_publication_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
        sa.UniqueConstraint("public_id", name=op.f("uq_publication_public_id")),
        sa.UniqueConstraint("round_id", "number", name=op.f("uq_publication_round_id")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("accuracy_opens", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accuracy_closes", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prepared", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("set_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_release_round_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["user.id"], name=op.f("fk_release_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("public_id", name=op.f("uq_release_public_id")),
        sa.UniqueConstraint("round_id", name=op.f("uq_release_round_id")),
    )
    op.create_table(
        "sample",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("seed_hash", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("committed_by_id", sa.Integer(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("drawn_by_id", sa.Integer(), nullable=True),
        sa.Column("frame_hash", sa.String(length=64), nullable=False),
        sa.Column("frame", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["committed_by_id"], ["user.id"], name=op.f("fk_sample_committed_by_id")),
        sa.ForeignKeyConstraint(["drawn_by_id"], ["user.id"], name=op.f("fk_sample_drawn_by_id")),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_sample_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sample_public_id")),
        sa.UniqueConstraint("round_id", name=op.f("uq_sample_round_id")),
    )
    op.create_table(
        "chase",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_chase_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_chase_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chase")),
        sa.UniqueConstraint("return_id", "reason", "day", name=op.f("uq_chase_return_id")),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_feedback_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_feedback_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("public_id", name=op.f("uq_feedback_public_id")),
        sa.UniqueConstraint("return_id", "version", name=op.f("uq_feedback_return_id")),
    )
    op.create_table(
        "merger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("into_id", sa.Integer(), nullable=False),
        sa.Column("merged_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_merger_by_id")),
        sa.ForeignKeyConstraint(["into_id"], ["agency.id"], name=op.f("fk_merger_into_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_merger_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merger")),
        sa.UniqueConstraint("return_id", name=op.f("uq_merger_return_id")),
    )
    with op.batch_alter_table("merger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_merger_into_id"), ["into_id"], unique=False)

    op.create_table(
        "monitoring",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("recommendation", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clear_reason", sa.Text(), nullable=False),
        sa.Column("cleared_by_id", sa.Integer(), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "(cleared_at IS NULL) = (clear_reason = '')", name=op.f("ck_monitoring_cleared_has_reason")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_monitoring_by_id")),
        sa.ForeignKeyConstraint(["cleared_by_id"], ["user.id"], name=op.f("fk_monitoring_cleared_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_monitoring_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monitoring")),
        sa.UniqueConstraint("public_id", name=op.f("uq_monitoring_public_id")),
    )
    with op.batch_alter_table("monitoring", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_monitoring_return_id"), ["return_id"], unique=False)

    op.create_table(
        "peer_review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("assigned_by_id", sa.Integer(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conflict", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["assigned_by_id"], ["user.id"], name=op.f("fk_peer_review_assigned_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_peer_review_return_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_peer_review_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer_review")),
        sa.UniqueConstraint("public_id", name=op.f("uq_peer_review_public_id")),
        sa.UniqueConstraint("return_id", "user_id", name=op.f("uq_peer_review_return_id")),
    )
    with op.batch_alter_table("peer_review", schema=None) as batch_op:
        batch_op.create_index("ix_peer_review_user", ["user_id", "ended_at"], unique=False)

    op.create_table(
        "recommendation_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("recommendation", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_recommendation_status_by_id")),
        sa.ForeignKeyConstraint(
            ["return_id"], ["audit_return.id"], name=op.f("fk_recommendation_status_return_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation_status")),
        sa.UniqueConstraint("return_id", "recommendation", name=op.f("uq_recommendation_status_return_id")),
    )
    op.create_table(
        "search_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("thread_kind", sa.String(length=20), nullable=False),
        sa.Column("about", sa.String(length=160), nullable=False),
        sa.Column("place", sa.String(length=40), nullable=False),
        sa.Column("grade", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('answer', 'action', 'thread')", name=op.f("ck_search_text_kind_known")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_search_text_return_id")),
        sa.ForeignKeyConstraint(["round_id"], ["audit_round.id"], name=op.f("fk_search_text_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_text")),
    )
    with op.batch_alter_table("search_text", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_search_text_return_id"), ["return_id"], unique=False)
        batch_op.create_index("ix_search_text_round", ["round_id", "kind"], unique=False)

    op.create_table(
        "thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("about", sa.String(length=160), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("opened_by_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by_id", sa.Integer(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "kind IN ('query', 'progress', 'peer', 'accuracy', 'comment')", name=op.f("ck_thread_kind_known")
        ),
        sa.CheckConstraint("state IN ('open', 'answered', 'closed')", name=op.f("ck_thread_state_known")),
        sa.ForeignKeyConstraint(["closed_by_id"], ["user.id"], name=op.f("fk_thread_closed_by_id")),
        sa.ForeignKeyConstraint(["opened_by_id"], ["user.id"], name=op.f("fk_thread_opened_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_thread_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread")),
        sa.UniqueConstraint("public_id", name=op.f("uq_thread_public_id")),
    )
    with op.batch_alter_table("thread", schema=None) as batch_op:
        batch_op.create_index("ix_thread_return_kind", ["return_id", "kind", "state"], unique=False)

    op.create_table(
        "example",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=80), nullable=False),
        sa.Column("scope_key", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint("kind IN ('good', 'concern')", name=op.f("ck_example_kind_known")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_example_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_example_return_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_example_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_example")),
        sa.UniqueConstraint("public_id", name=op.f("uq_example_public_id")),
        sa.UniqueConstraint(
            "submission_id", "criterion", "scope_key", "kind", name=op.f("uq_example_submission_id")
        ),
    )
    with op.batch_alter_table("example", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_example_return_id"), ["return_id"], unique=False)

    op.create_table(
        "judgement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("grade", sa.String(length=60), nullable=False),
        sa.Column("uncapped", sa.String(length=60), nullable=False),
        sa.Column("self_grade", sa.String(length=60), nullable=False),
        sa.Column("explanation", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("triggered", sa.Boolean(), nullable=False),
        sa.Column("inputs_hash", sa.String(length=64), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given", sa.String(length=60), nullable=False),
        sa.Column("given_note", sa.Text(), nullable=False),
        sa.Column("given_by_id", sa.Integer(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("override", sa.String(length=60), nullable=False),
        sa.Column("override_reason", sa.Text(), nullable=False),
        sa.Column("override_by_id", sa.Integer(), nullable=True),
        sa.Column("override_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "override = '' OR override_reason <> ''", name=op.f("ck_judgement_override_has_reason")
        ),
        sa.ForeignKeyConstraint(["approved_by_id"], ["user.id"], name=op.f("fk_judgement_approved_by_id")),
        sa.ForeignKeyConstraint(["given_by_id"], ["user.id"], name=op.f("fk_judgement_given_by_id")),
        sa.ForeignKeyConstraint(["override_by_id"], ["user.id"], name=op.f("fk_judgement_override_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_judgement_return_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_judgement_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
        sa.UniqueConstraint("public_id", name=op.f("uq_judgement_public_id")),
        sa.UniqueConstraint("return_id", "key", name=op.f("uq_judgement_return_id")),
    )
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.create_index("ix_judgement_key_grade", ["key", "grade"], unique=False)

    op.create_table(
        "moderation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=80), nullable=False),
        sa.Column("scope_key", sa.String(length=60), nullable=False),
        sa.Column("second", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("self_grade", sa.String(length=60), nullable=False),
        sa.Column("grade", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence_seen", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "(outcome = 'upheld') = (grade = self_grade)", name=op.f("ck_moderation_adjusted_differs")
        ),
        sa.CheckConstraint("outcome IN ('upheld', 'adjusted')", name=op.f("ck_moderation_outcome_known")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_moderation_by_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_moderation_return_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_moderation_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_moderation_public_id")),
        sa.UniqueConstraint(
            "submission_id", "criterion", "scope_key", "second", "version", name="uq_moderation_version"
        ),
    )
    with op.batch_alter_table("moderation", schema=None) as batch_op:
        batch_op.create_index("ix_moderation_return", ["return_id"], unique=False)

    op.create_table(
        "returned_standard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_returned_standard_by_id")),
        sa.ForeignKeyConstraint(
            ["return_id"], ["audit_return.id"], name=op.f("fk_returned_standard_return_id")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_returned_standard_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned_standard")),
        sa.UniqueConstraint("submission_id", "standard", name=op.f("uq_returned_standard_submission_id")),
    )
    with op.batch_alter_table("returned_standard", schema=None) as batch_op:
        batch_op.create_index("ix_returned_standard_return", ["return_id"], unique=False)

    op.create_table(
        "sampled_return",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("risks", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("figures", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("questions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("check_by", sa.Date(), nullable=True),
        sa.Column("inspector_id", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_id", sa.Integer(), nullable=True),
        sa.Column("second_finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["inspector_id"], ["user.id"], name=op.f("fk_sampled_return_inspector_id")),
        sa.ForeignKeyConstraint(["return_id"], ["audit_return.id"], name=op.f("fk_sampled_return_return_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_sampled_return_sample_id")),
        sa.ForeignKeyConstraint(["second_id"], ["user.id"], name=op.f("fk_sampled_return_second_id")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_sampled_return_submission_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sampled_return")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sampled_return_public_id")),
        sa.UniqueConstraint("sample_id", "return_id", name=op.f("uq_sampled_return_sample_id")),
    )
    with op.batch_alter_table("sampled_return", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sampled_return_inspector_id"), ["inspector_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sampled_return_return_id"), ["return_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sampled_return_second_id"), ["second_id"], unique=False)

    op.create_table(
        "thread_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_id", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "side IN ('agency', 'oversight', 'peer', 'area')", name=op.f("ck_thread_post_side_known")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_thread_post_by_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_thread_post_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_post")),
        sa.UniqueConstraint("public_id", name=op.f("uq_thread_post_public_id")),
    )
    with op.batch_alter_table("thread_post", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_thread_post_thread_id"), ["thread_id"], unique=False)

    op.create_table(
        "thread_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["thread_post.id"], name=op.f("fk_thread_evidence_post_id")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["evidence_revision.id"], name=op.f("fk_thread_evidence_revision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_evidence")),
    )
    with op.batch_alter_table("thread_evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_thread_evidence_post_id"), ["post_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_thread_evidence_revision_id"), ["revision_id"], unique=False)

    with op.batch_alter_table("audit_return", schema=None) as batch_op:
        batch_op.add_column(sa.Column("late_after", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("audit_round", schema=None) as batch_op:
        batch_op.add_column(sa.Column("grace_minutes", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("late_after", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("shut_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))

    # the index over words: each database has its own, and the models know neither
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search_index USING fts5(text, content='search_text', content_rowid='id',"
            " tokenize='porter unicode61 remove_diacritics 2')"
        )
    else:
        op.execute("CREATE INDEX ix_search_text_words ON search_text USING gin (to_tsvector('english', text))")


def downgrade() -> None:
    """Take the schema back."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    else:
        op.execute("DROP INDEX ix_search_text_words")

    with op.batch_alter_table("audit_round", schema=None) as batch_op:
        batch_op.drop_column("archived_at")
        batch_op.drop_column("closed_at")
        batch_op.drop_column("shut_at")
        batch_op.drop_column("late_after")
        batch_op.drop_column("grace_minutes")

    with op.batch_alter_table("audit_return", schema=None) as batch_op:
        batch_op.drop_column("late_after")

    with op.batch_alter_table("thread_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_thread_evidence_revision_id"))
        batch_op.drop_index(batch_op.f("ix_thread_evidence_post_id"))

    op.drop_table("thread_evidence")
    with op.batch_alter_table("thread_post", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_thread_post_thread_id"))

    op.drop_table("thread_post")
    with op.batch_alter_table("sampled_return", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sampled_return_second_id"))
        batch_op.drop_index(batch_op.f("ix_sampled_return_return_id"))
        batch_op.drop_index(batch_op.f("ix_sampled_return_inspector_id"))

    op.drop_table("sampled_return")
    with op.batch_alter_table("returned_standard", schema=None) as batch_op:
        batch_op.drop_index("ix_returned_standard_return")

    op.drop_table("returned_standard")
    with op.batch_alter_table("moderation", schema=None) as batch_op:
        batch_op.drop_index("ix_moderation_return")

    op.drop_table("moderation")
    with op.batch_alter_table("judgement", schema=None) as batch_op:
        batch_op.drop_index("ix_judgement_key_grade")

    op.drop_table("judgement")
    with op.batch_alter_table("example", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_example_return_id"))

    op.drop_table("example")
    with op.batch_alter_table("thread", schema=None) as batch_op:
        batch_op.drop_index("ix_thread_return_kind")

    op.drop_table("thread")
    with op.batch_alter_table("search_text", schema=None) as batch_op:
        batch_op.drop_index("ix_search_text_round")
        batch_op.drop_index(batch_op.f("ix_search_text_return_id"))

    op.drop_table("search_text")
    op.drop_table("recommendation_status")
    with op.batch_alter_table("peer_review", schema=None) as batch_op:
        batch_op.drop_index("ix_peer_review_user")

    op.drop_table("peer_review")
    with op.batch_alter_table("monitoring", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_monitoring_return_id"))

    op.drop_table("monitoring")
    with op.batch_alter_table("merger", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_merger_into_id"))

    op.drop_table("merger")
    op.drop_table("feedback")
    op.drop_table("chase")
    op.drop_table("sample")
    op.drop_table("release")
    op.drop_table("publication")
