"""SQLAlchemy 2 typed models, one file per noun group."""

from app.models.actions import ACTION_STATES, ActionProgress, PlannedAction
from app.models.agencies import Agency, AgencyInArea, Area, OversightBody
from app.models.answers import SOURCES, RollUp, SelfAssessment, SelfAssessmentVersion, Vouch
from app.models.base import Base, new_public_id
from app.models.events import Event, EventText
from app.models.evidence import Evidence, EvidenceLink, EvidenceRevision, StoredFile
from app.models.imports import StagedImport
from app.models.mail import MailPreference, OutboxMessage
from app.models.people import AGENCY_ROLES, OVERSIGHT_ROLES, ROLES, Appointment, Role, SignInAttempt, User
from app.models.reports import ReportRun
from app.models.rounds import AuditReturn, AuditRound, RoundTemplate
from app.models.settings import Setting
from app.models.sharing import Assignment, BoardComment, SigningDeclined, SignInLink
from app.models.submissions import Declaration, Submission, SubmissionAnswer, SubmissionVoided
from app.models.templates import CriterionRow, PackVersion, TemplateVersion

__all__ = [
    "ACTION_STATES", "AGENCY_ROLES", "OVERSIGHT_ROLES", "ROLES", "SOURCES", "ActionProgress", "Agency",
    "AgencyInArea", "Appointment", "Area", "Assignment", "AuditReturn", "AuditRound", "Base", "BoardComment",
    "CriterionRow", "Declaration", "Event", "EventText", "Evidence", "EvidenceLink", "EvidenceRevision",
    "MailPreference", "OutboxMessage", "OversightBody", "PackVersion", "PlannedAction", "ReportRun", "Role", "RollUp",
    "RoundTemplate", "SelfAssessment", "SelfAssessmentVersion", "Setting", "SignInAttempt", "SignInLink",
    "SigningDeclined", "StagedImport", "StoredFile", "Submission", "SubmissionAnswer", "SubmissionVoided",
    "TemplateVersion", "User", "Vouch", "new_public_id",
]  # fmt: skip
