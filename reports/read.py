"""Which query gives the data of which kind of report."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.findings import Document
from app.domain.letter import AreaLetter
from app.models import AuditReturn, AuditRound
from app.policy import Actor
from app.queries.action_plan import action_plan
from app.queries.area_report import area_report
from app.queries.body_summary import body_summary
from app.queries.changes import changes_document
from app.queries.composing import composed_findings
from app.queries.documents import agency_return_document, receipt_document
from app.queries.findings import has_joint
from app.queries.forms import blank_form, blank_form_of_type, draft_form
from app.queries.letters import area_letter, has_letters
from app.queries.progress_report import progress_report
from app.queries.recommended_report import recommended_register
from app.queries.regional import regional_concerns
from app.queries.register import register
from app.queries.release import feedback_document, is_oversight, published_findings, published_register
from app.queries.rounds import NotFound
from reports.registry import reports
from reports.render import RenderFailed

# the data that add up what agencies answered
ADDED_UP = {"joint-findings", "body-summary", "area-report", "regional-concerns", "progress"}


def read(
    session: Session, report_key: str, audit_round: AuditRound, audit_return: AuditReturn | None, *, actor: Actor,
    now: datetime, draft: bool = False, agency_type: str = "", area: str = "", body: str = "", language: str = "en",
    edition: int = 0, coming_out: bool = False,
) -> Document:  # fmt: skip
    """The data of a report, as the actor may read them; with `draft` those of a return that is not signed.

    `agency_type`: the blank form of a whole round is for one type. `area`: public id of the one that a letter is to, or
    a report about. `body`: code of the oversight body that a summary is for.
    `edition`: a version of feedback, or a publication of the findings or of a letter; without it the findings are those
    of today for who inspects, the newest published for an agency, and a letter is as it would be now. `coming_out`: of
    the findings of today those figures and names alone that would come out.
    Raises KeyError for a report that does not exist, Denied, and RenderFailed where there is nothing to report on.
    """
    kind = reports()[report_key].data
    if kind in ADDED_UP and not has_joint(audit_round):
        raise RenderFailed("Nothing is added up in the audit of this round, so it has no joint findings.")
    if kind == "regional-concerns":
        return regional_concerns(session, audit_round, actor=actor, now=now, language=language)
    if kind == "progress":
        return progress_report(session, audit_round, actor=actor, now=now, language=language)
    if kind == "recommended":
        recommended = recommended_register(session, audit_round, actor=actor, now=now, language=language)
        if recommended is None:
            raise RenderFailed("No published report of this round recommends anything, so there is nothing to report.")
        return recommended
    if kind == "body-summary":
        try:
            return body_summary(session, audit_round, body, actor=actor, now=now, language=language)
        except NotFound:
            raise RenderFailed("Say which oversight body of the round the summary is for.") from None
    if kind == "area-report":
        try:
            return area_report(session, audit_round, area, actor=actor, now=now, language=language)
        except NotFound:
            raise RenderFailed("Say which area of the round the report is about.") from None
    if kind == "joint-findings":
        if edition or not is_oversight(session, audit_round, actor=actor, now=now):
            try:
                return published_findings(
                    session, audit_round, edition, actor=actor, now=now, language=language
                )
            except NotFound:
                raise RenderFailed("There is no such publication.") from None
        return composed_findings(
            session, audit_round, actor=actor, now=now, language=language, coming_out=coming_out
        )
    if kind == "register":
        if edition or not is_oversight(session, audit_round, actor=actor, now=now):
            try:
                return published_register(session, audit_round, edition, actor=actor, now=now, language=language)
            except NotFound:
                raise RenderFailed("There is no such publication.") from None
        responses = register(session, audit_round, actor=actor, now=now, language=language)
        if responses is None:
            raise RenderFailed("This round asks nobody to decide on recommendations, so there is nothing to report.")
        return responses
    if kind == "area-letter":
        return _letter(session, audit_round, area, edition, actor=actor, now=now, language=language)
    if kind == "blank-form" and audit_return is None:
        return blank_form_of_type(session, audit_round, agency_type, actor=actor, now=now, language=language)
    if audit_return is None:
        raise RenderFailed("This report is about one return: say which agency it is for.")
    if kind == "feedback":
        try:
            return feedback_document(session, audit_return, edition, actor=actor, now=now, language=language)
        except NotFound:
            raise RenderFailed("There is no feedback to this agency yet.") from None
    if kind in ("blank-form", "draft-return"):
        form = blank_form if kind == "blank-form" else draft_form
        return form(session, audit_return, actor=actor, now=now, language=language)
    if kind == "changes":
        changes = changes_document(session, audit_return, actor=actor, now=now, language=language)
        if changes is None:
            raise RenderFailed("There is no earlier round of this audit to compare with.")
        return changes
    found: Document | None
    if kind == "action-plan":
        found = action_plan(session, audit_return, draft=draft, actor=actor, now=now, language=language)
    else:
        document = agency_return_document if kind == "agency-return" else receipt_document
        found = document(session, audit_return, actor=actor, now=now, language=language)
    if found is None:
        raise RenderFailed("Nothing has been submitted yet, so there is nothing to report.")
    return found


def _letter(
    session: Session, audit_round: AuditRound, area: str, edition: int, *, actor: Actor, now: datetime, language: str
) -> AreaLetter:
    if not has_letters(audit_round):
        raise RenderFailed("The audit of this round has no letters to areas.")
    try:
        found = area_letter(session, audit_round, area, edition, actor=actor, now=now, language=language)
    except NotFound:
        raise RenderFailed("There is no such letter: say which area of the round it is to.") from None
    if found is None:
        raise RenderFailed("Nothing about this area is signed yet, so there is nothing to write.")
    return found
