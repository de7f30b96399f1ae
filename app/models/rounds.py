"""Audit rounds, who they serve, and one return per invited agency."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    func,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.agencies import Agency, OversightBody
from app.models.base import Base, WithPublicId
from app.models.templates import PackVersion, TemplateVersion

if TYPE_CHECKING:
    from app.models.moderation import ReturnedStandard


class AuditRound(Base, WithPublicId):
    """One run of an audit. `opens`, `due` and `closes` are instants; late means submitted after `late_after`.

    Grace: `late_after` and `shut_at` are `due` and `closes` with the round's grace of some minutes added (none: the
    instants themselves). The clock shuts a round; `closed_at` is when that was put on record.
    """

    __tablename__ = "audit_round"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    pack_version_id: Mapped[int] = mapped_column(ForeignKey("pack_version.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("oversight_body.id"))
    stage: Mapped[str] = mapped_column(String(20), default="draft")
    opens: Mapped[datetime]
    due: Mapped[datetime]
    closes: Mapped[datetime]
    milestones_from: Mapped[date]
    area_release: Mapped[str] = mapped_column(String(20), default="at_close")
    # from when agencies may read the joint findings; none: under embargo
    findings_from: Mapped[datetime | None]
    is_demonstration: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    grace_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    late_after: Mapped[datetime | None]
    shut_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    # figures about fewer agencies are not shown beyond the inspectorates, and whether agencies are named there; none:
    # what the pack says
    suppress_below: Mapped[int | None]
    names_agencies: Mapped[bool | None]

    pack_version: Mapped[PackVersion] = relationship()
    owner: Mapped[OversightBody] = relationship()
    served: Mapped[list[RoundTemplate]] = relationship(back_populates="audit_round")

    @hybrid_property
    def in_time_until(self) -> datetime:
        """The last instant at which a submission is in time: due, with grace."""
        return self.late_after or self.due

    @in_time_until.inplace.expression
    @classmethod
    def _in_time_until(cls) -> ColumnElement[datetime]:
        return func.coalesce(cls.late_after, cls.due)

    @hybrid_property
    def open_until(self) -> datetime:
        """The last instant at which anything can be changed: closing, with grace."""
        return self.shut_at or self.closes

    @open_until.inplace.expression
    @classmethod
    def _open_until(cls) -> ColumnElement[datetime]:
        return func.coalesce(cls.shut_at, cls.closes)

    __table_args__ = (
        CheckConstraint("stage IN ('draft', 'open')", name="stage_known"),
        CheckConstraint("area_release IN ('never', 'on_submission', 'at_close')", name="area_release_known"),
        CheckConstraint("opens < due AND due <= closes", name="dates_in_order"),
    )


class RoundTemplate(Base):
    """Which oversight body asks which agency type with which template version in a round."""

    __tablename__ = "round_template"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"))
    oversight_body_id: Mapped[int] = mapped_column(ForeignKey("oversight_body.id"), index=True)
    template_version_id: Mapped[int] = mapped_column(ForeignKey("template_version.id"))
    agency_type: Mapped[str] = mapped_column(String(60))

    audit_round: Mapped[AuditRound] = relationship(back_populates="served")
    oversight_body: Mapped[OversightBody] = relationship()
    template_version: Mapped[TemplateVersion] = relationship()

    __table_args__ = (UniqueConstraint("round_id", "oversight_body_id", "agency_type"),)


class AuditReturn(Base, WithPublicId):
    """One agency's response in one round.

    `stage` changes in `operations.stage.move` only. `complete` and `asked` count the criteria of the standards that
    are not optional. Lateness is never stored: it follows from `submitted_at` and the due date.
    """

    __tablename__ = "audit_return"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("audit_round.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    template_version_id: Mapped[int] = mapped_column(ForeignKey("template_version.id"))
    # as they were when the agency was invited: a later reorganisation does not change which questions were asked
    agency_type: Mapped[str] = mapped_column(String(60))
    subtype: Mapped[str] = mapped_column(String(60), default="")
    stage: Mapped[str] = mapped_column(String(20), default="invited")
    asked: Mapped[int] = mapped_column(default=0)
    complete: Mapped[int] = mapped_column(default=0)
    invited_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    extended_to: Mapped[datetime | None]
    # `extended_to` with the round's grace
    late_after: Mapped[datetime | None]
    nil_reason: Mapped[str] = mapped_column(Text, default="")
    # the agency says that it has no sites: what is asked for each site does not apply
    has_no_sites: Mapped[bool] = mapped_column(default=False, server_default=false())

    audit_round: Mapped[AuditRound] = relationship()
    agency: Mapped[Agency] = relationship()
    template_version: Mapped[TemplateVersion] = relationship()
    merger: Mapped[Merger | None] = relationship(back_populates="audit_return")
    # the standards that are returned for correction now
    returned: Mapped[list[ReturnedStandard]] = relationship(
        primaryjoin="and_(AuditReturn.id == ReturnedStandard.return_id, ReturnedStandard.settled_at.is_(None))",
        order_by="ReturnedStandard.id", viewonly=True,
    )  # fmt: skip

    @property
    def own_until(self) -> datetime | None:
        """The last instant of the time that this return was given for itself, with grace."""
        return self.late_after or self.extended_to

    __table_args__ = (
        UniqueConstraint("round_id", "agency_id"),
        CheckConstraint("stage IN ('invited', 'started', 'submitted', 'nil')", name="stage_known"),
        CheckConstraint("(stage = 'submitted') = (submitted_at IS NOT NULL)", name="submitted_has_time"),
        CheckConstraint("(stage = 'nil') = (nil_reason <> '')", name="nil_has_reason"),
        Index("ix_audit_return_ledger", "round_id", "agency_type", "subtype", "stage"),
    )


class Merger(Base):
    """The agency of a return was merged into another while the round ran: that one answers for both from then on.

    What was answered or submitted before stays, and counts only where it was submitted.
    """

    __tablename__ = "merger"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"), unique=True)
    into_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    merged_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    audit_return: Mapped[AuditReturn] = relationship(back_populates="merger")
    into: Mapped[Agency] = relationship()


class Chase(Base):
    """A reminder that an oversight body sent to an agency, for one reason. Once a day for each reason, never more."""

    __tablename__ = "chase"
    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("audit_return.id"))
    reason: Mapped[str] = mapped_column(String(40))
    day: Mapped[date]
    at: Mapped[datetime]
    people: Mapped[int] = mapped_column(default=0)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    __table_args__ = (UniqueConstraint("return_id", "reason", "day"),)
