"""Evidence: files by their content, what an agency keeps of them, and the answers that they support."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.agencies import Agency
from app.models.base import Base, WithPublicId
from app.models.people import User
from app.models.rounds import AuditReturn


class StoredFile(Base):
    """One content in the store, by its SHA-256. `scan`: what a virus scanner said, or that none has looked.

    `gone_at`: when its content was given up, because nobody keeps it any more and nothing that was signed names it.
    """

    __tablename__ = "stored_file"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(120))
    stored_at: Mapped[datetime]
    scan: Mapped[str] = mapped_column(String(20), default="not_scanned")
    scanned_at: Mapped[datetime | None]
    scanner: Mapped[str] = mapped_column(String(120), default="")
    gone_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("scan IN ('not_scanned', 'clean', 'infected')", name="scan_known"),)


class Evidence(Base, WithPublicId):
    """One piece of evidence in an agency's library. Its files are revisions, the latest counts."""

    __tablename__ = "evidence"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text, default="")
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    agency: Mapped[Agency] = relationship()
    added_by: Mapped[User | None] = relationship()
    revisions: Mapped[list[EvidenceRevision]] = relationship(
        back_populates="evidence", order_by="EvidenceRevision.number"
    )
    links: Mapped[list[EvidenceLink]] = relationship(back_populates="evidence")


class EvidenceRevision(Base):
    """One file of a piece of evidence. Append-only: a replacement is the next number."""

    __tablename__ = "evidence_revision"
    id: Mapped[int] = mapped_column(primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"))
    number: Mapped[int]
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    evidence: Mapped[Evidence] = relationship(back_populates="revisions")
    file: Mapped[StoredFile] = relationship()
    by: Mapped[User | None] = relationship()

    __table_args__ = (UniqueConstraint("evidence_id", "number"),)


class EvidenceLink(Base):
    """A piece of evidence supports an answer of a return."""

    __tablename__ = "evidence_link"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    criterion: Mapped[str] = mapped_column(String(80))
    scope_key: Mapped[str] = mapped_column(String(60), default="")
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), index=True)

    audit_return: Mapped[AuditReturn] = relationship()
    evidence: Mapped[Evidence] = relationship(back_populates="links")

    __table_args__ = (UniqueConstraint("return_id", "criterion", "scope_key", "evidence_id"),)
