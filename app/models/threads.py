"""Written exchanges about a return between an agency and those who read it: queries, requests, challenges."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId
from app.models.evidence import EvidenceRevision
from app.models.people import User
from app.models.rounds import AuditReturn

THREAD_KINDS = ("query", "progress", "peer", "accuracy", "comment")
THREAD_SIDES = ("agency", "oversight", "peer", "area")


class Thread(Base, WithPublicId):
    """One exchange. `kind`: a `query` of an inspector, a request for `progress` on planned actions, a `peer`
    reviewer's challenge, an agency's challenge to the `accuracy` of its feedback, a scrutineer's `comment`.

    `subject` says what it is about in a line. `about` is the id of a question (`criterion` or `criterion.area`), of a
    recommendation or of a statement, or empty for the return as a whole. `state`: `open` (the agency is asked),
    `answered`, `closed` with `outcome` (what came of it: a word the kind knows, or empty).
    """

    __tablename__ = "thread"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(300))
    about: Mapped[str] = mapped_column(String(160), default="")
    due: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(20), default="open")
    outcome: Mapped[str] = mapped_column(String(40), default="")
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    opened_at: Mapped[datetime]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    closed_at: Mapped[datetime | None]

    audit_return: Mapped[AuditReturn] = relationship()
    opened_by: Mapped[User | None] = relationship(foreign_keys=opened_by_id)
    closed_by: Mapped[User | None] = relationship(foreign_keys=closed_by_id)
    posts: Mapped[list[ThreadPost]] = relationship(back_populates="thread", order_by="ThreadPost.id")

    __table_args__ = (
        CheckConstraint("kind IN ('query', 'progress', 'peer', 'accuracy', 'comment')", name="kind_known"),
        CheckConstraint("state IN ('open', 'answered', 'closed')", name="state_known"),
        Index("ix_thread_return_kind", "return_id", "kind", "state"),
    )


class ThreadPost(Base, WithPublicId):
    """What somebody wrote in a thread, for their side. Append-only."""

    __tablename__ = "thread_post"
    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), index=True)
    side: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    thread: Mapped[Thread] = relationship(back_populates="posts")
    by: Mapped[User | None] = relationship()
    evidence: Mapped[list[ThreadEvidence]] = relationship(back_populates="post")

    __table_args__ = (CheckConstraint("side IN ('agency', 'oversight', 'peer', 'area')", name="side_known"),)


class ThreadEvidence(Base):
    """A file of the agency's library that a post shows: exactly this revision."""

    __tablename__ = "thread_evidence"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("thread_post.id"), index=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("evidence_revision.id"), index=True)

    post: Mapped[ThreadPost] = relationship(back_populates="evidence")
    revision: Mapped[EvidenceRevision] = relationship()
