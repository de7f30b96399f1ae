"""SQLAlchemy 2 typed models, one file per noun group."""

from app.models.actions import ACTION_STATES, ActionProgress, PlannedAction
from app.models.agencies import Agency, AgencyInArea, Area, OversightBody
from app.models.answers import SOURCES, RollUp, SelfAssessment, SelfAssessmentVersion, Vouch
from app.models.base import Base, new_public_id
from app.models.batches import BatchDocument, ReportBatch
from app.models.composing import (
    CompositionComment,
    CompositionSignOff,
    CompositionVersion,
    Recommended,
    RecommendedResponse,
    RecommendedStatus,
)
from app.models.drafts import DraftFile, PackDraft
from app.models.events import Event, EventText
from app.models.evidence import Evidence, EvidenceLink, EvidenceRevision, StoredFile
from app.models.follow_up import Monitoring, PeerReview, RecommendationStatus
from app.models.imports import StagedImport
from app.models.judgements import Judgement
from app.models.mail import MailPreference, OutboxMessage
from app.models.moderation import Example, Moderation, ReturnedStandard, Sample, SampledReturn
from app.models.people import AGENCY_ROLES, OVERSIGHT_ROLES, ROLES, Appointment, Role, SignInAttempt, User
from app.models.publications import Feedback, Publication, Release
from app.models.reports import ReportRun
from app.models.rounds import AuditReturn, AuditRound, Chase, Merger, RoundTemplate
from app.models.search import SearchText
from app.models.settings import Setting
from app.models.sharing import Assignment, BoardComment, SigningDeclined, SignInLink
from app.models.sites import ReturnSite
from app.models.submissions import Declaration, Submission, SubmissionAnswer, SubmissionVoided
from app.models.surveys import SURVEY_SIDES, SurveyResult
from app.models.templates import CriterionRow, PackVersion, TemplateVersion
from app.models.threads import THREAD_KINDS, THREAD_SIDES, Thread, ThreadEvidence, ThreadPost

__all__ = [
    "ACTION_STATES", "AGENCY_ROLES", "OVERSIGHT_ROLES", "ROLES", "SOURCES", "SURVEY_SIDES",
    "THREAD_KINDS", "THREAD_SIDES", "ActionProgress", "Agency", "AgencyInArea", "Appointment", "Area", "Assignment",
    "AuditReturn", "AuditRound", "Base", "BatchDocument", "BoardComment", "Chase", "CompositionComment",
    "CompositionSignOff", "CompositionVersion", "CriterionRow", "Declaration", "DraftFile", "Event",
    "EventText", "Evidence", "EvidenceLink", "EvidenceRevision", "Example", "Feedback", "Judgement",
    "MailPreference", "Merger", "Moderation", "Monitoring", "OutboxMessage", "OversightBody", "PackDraft",
    "PackVersion", "PeerReview", "PlannedAction", "Publication", "RecommendationStatus", "Recommended",
    "RecommendedResponse", "RecommendedStatus", "Release", "ReportBatch", "ReportRun",
    "ReturnSite", "ReturnedStandard", "Role", "RollUp", "RoundTemplate", "Sample", "SampledReturn", "SearchText",
    "SelfAssessment", "SelfAssessmentVersion", "Setting", "SignInAttempt", "SignInLink", "SigningDeclined",
    "StagedImport", "StoredFile", "Submission", "SubmissionAnswer", "SubmissionVoided", "SurveyResult",
    "TemplateVersion", "Thread", "ThreadEvidence", "ThreadPost", "User", "Vouch", "new_public_id",
]  # fmt: skip
