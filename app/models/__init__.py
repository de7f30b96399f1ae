"""SQLAlchemy 2 typed models, one file per noun group."""

from app.models.agencies import Agency, AgencyInArea, Area, OversightBody
from app.models.answers import RollUp, SelfAssessment, SelfAssessmentVersion, Vouch
from app.models.base import Base, new_public_id
from app.models.events import Event, EventText
from app.models.people import AGENCY_ROLES, OVERSIGHT_ROLES, ROLES, Appointment, Role, SignInAttempt, User
from app.models.reports import ReportRun
from app.models.rounds import AuditReturn, AuditRound, RoundTemplate
from app.models.settings import Setting
from app.models.submissions import Declaration, Submission, SubmissionAnswer, SubmissionVoided
from app.models.templates import CriterionRow, PackVersion, TemplateVersion

__all__ = [
    "AGENCY_ROLES", "OVERSIGHT_ROLES", "ROLES", "Agency", "AgencyInArea", "Appointment", "Area", "AuditReturn",
    "AuditRound", "Base", "CriterionRow", "Declaration", "Event", "EventText", "OversightBody", "PackVersion",
    "ReportRun", "Role", "RollUp", "RoundTemplate", "SelfAssessment", "SelfAssessmentVersion", "Setting",
    "SignInAttempt", "Submission", "SubmissionAnswer", "SubmissionVoided", "TemplateVersion", "User", "Vouch",
    "new_public_id",
]  # fmt: skip
