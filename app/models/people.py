"""People who sign in, and the dated appointments that say what they may do."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from flask_security.models import sqla_v2 as fs
from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, WithPublicId

if TYPE_CHECKING:
    from app.models.agencies import Agency, Area, OversightBody

# Flask-Security writes naive UTC datetimes: its columns are declared again below as plain `DateTime`
fs.FsModels.set_db_info(base_model=Base)


class Role(Base, fs.FsRoleMixin):
    """Wanted by Flask-Security and left empty: what people may do comes from appointments."""

    __tablename__ = "role"
    update_datetime: Mapped[datetime] = mapped_column(DateTime, nullable=True)


class FsRefreshTracker(Base, fs.FsRefreshTrackerMixin):
    """Wanted by Flask-Security for refresh tokens, which nothing here issues yet."""

    __tablename__ = "fs_refresh"
    expires_at: Mapped[datetime] = mapped_column(DateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime)
    last_used_at: Mapped[datetime] = mapped_column(DateTime)
    create_datetime: Mapped[datetime] = mapped_column(DateTime, nullable=True)


class User(Base, WithPublicId, fs.FsUserMixin):
    """A person who can sign in. Name and e-mail are personal data: they stay out of event chains."""

    __tablename__ = "user"
    name: Mapped[str] = mapped_column(String(200))
    # the language of pages and mails that this person chose; none: not chosen
    language: Mapped[str | None] = mapped_column(String(10))
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(DateTime)  # type: ignore[assignment]
    current_login_at: Mapped[datetime | None] = mapped_column(DateTime)  # type: ignore[assignment]
    create_datetime: Mapped[datetime] = mapped_column(DateTime, nullable=True)
    update_datetime: Mapped[datetime] = mapped_column(DateTime, nullable=True)
    appointments: Mapped[list[Appointment]] = relationship(
        back_populates="user", foreign_keys="Appointment.user_id"
    )


ROLES = (
    "accountable_signatory",
    "audit_lead",
    "contributor",
    "board_reader",
    "inspector",
    "lead_inspector",
    "peer_reviewer",
    "area_coordinator",
    "administrator",
)
AGENCY_ROLES = ROLES[:4]
OVERSIGHT_ROLES = ROLES[4:7]


class Appointment(Base, WithPublicId):
    """One person, one role, one body, from a day to a day (both included; no end: until further notice)."""

    __tablename__ = "appointment"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    post: Mapped[str] = mapped_column(String(200), default="")
    acting: Mapped[bool] = mapped_column(default=False)
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"), index=True)
    oversight_body_id: Mapped[int | None] = mapped_column(ForeignKey("oversight_body.id"), index=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    starts: Mapped[date]
    ends: Mapped[date | None]

    user: Mapped[User] = relationship(back_populates="appointments")
    agency: Mapped[Agency | None] = relationship()
    oversight_body: Mapped[OversightBody | None] = relationship()
    area: Mapped[Area | None] = relationship()

    __table_args__ = (
        CheckConstraint(
            "(agency_id IS NOT NULL AND oversight_body_id IS NULL AND area_id IS NULL"
            " AND role IN ('accountable_signatory', 'audit_lead', 'contributor', 'board_reader'))"
            " OR (oversight_body_id IS NOT NULL AND agency_id IS NULL AND area_id IS NULL"
            " AND role IN ('inspector', 'lead_inspector', 'peer_reviewer'))"
            " OR (area_id IS NOT NULL AND agency_id IS NULL AND oversight_body_id IS NULL"
            " AND role = 'area_coordinator')"
            " OR (agency_id IS NULL AND oversight_body_id IS NULL AND area_id IS NULL AND role = 'administrator')",
            name="role_fits_body",
        ),
        CheckConstraint("ends IS NULL OR ends >= starts", name="ends_after_starts"),
    )

    def in_force(self, day: date) -> bool:
        """Whether the appointment holds on `day`."""
        return self.starts <= day and (self.ends is None or day <= self.ends)


class SignInAttempt(Base):
    """A failed sign-in, kept for throttling by account and by address. Both are digests: no address is stored."""

    __tablename__ = "sign_in_attempt"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]

    __table_args__ = (Index("ix_sign_in_attempt_lookup", "kind", "digest", "at"),)
