"""An index for figures that count signed grades return by return (the funnel): all that they read is in it.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME, TABLE = "ix_submission_answer_submission_grade", "submission_answer"


def upgrade() -> None:
    """Upgrade the schema."""
    op.create_index(NAME, TABLE, ["submission_id", "grade", "criterion"], unique=False)


def downgrade() -> None:
    """Downgrade the schema."""
    op.drop_index(NAME, table_name=TABLE)
