"""What happens around the returns of a demonstration's round, told step by step by the service's own operations.

Every step goes through the same checks, rows and events as if somebody had done it on a page, with that day's time as
`now`. The steps stand in the pack's plan (`app.domain.demonstration_story`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import singledispatchmethod
from random import Random
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.clock import end_of
from app.domain import demonstration_story as steps
from app.domain.demonstration import chance
from app.domain.entropy import token
from app.domain.risks import ModerationRules
from app.domain.sampling import SamplePlan
from app.domain.templates import Pack
from app.models import (
    AuditReturn,
    Event,
    Judgement,
    Monitoring,
    PlannedAction,
    SampledReturn,
    SelfAssessment,
    Submission,
    SubmissionAnswer,
    SubmissionVoided,
    Thread,
    User,
)
from app.operations import (
    actions,
    answers,
    carrying,
    chasing,
    closing,
    examples,
    follow_up,
    judgements,
    moderation,
    peers,
    querying,
    release,
    returned_standards,
    sampling,
    sharing,
    submissions,
)
from app.operations.demonstration_report import Reporting, TooSmall
from app.operations.demonstration_returns import Course, Days, Person, Team
from app.policy import Actor, system_actor
from app.queries.actors import actor_of
from app.queries.follow_up import Wanted, followed_up
from app.queries.moderation import Desk, desk_of, latest_submission
from app.queries.peers import candidates
from app.queries.release import content_of, latest, release_of
from app.queries.returns import checklist, content_hash
from app.queries.sampling import is_round_shut

CLOCK = system_actor(release.CLOCK)
MORNING = 9 * 60 + 30  # in minutes; what happens on a day begins then


class Telling:
    """The telling of one round. `teams`: those of its agencies; `accounts`: address to who signs in with it.

    `inspectors` and `leads`: agency type to somebody of the body that asks it.
    """

    def __init__(
        self, session: Session, pack: Pack, seed: int, days: Days, course: Course, teams: Sequence[Team],
        showcases: Mapping[str, str], accounts: Mapping[str, Person], inspectors: Mapping[str, Person],
        leads: Mapping[str, Person], owner: Person,
    ) -> None:  # fmt: skip
        self.session = session
        self.pack = pack
        self.seed = seed
        self.days = days
        self.course = course
        self.round_id = course.row.public_id
        self.teams = {team.agency.code: team for team in teams}
        self.showcases = showcases
        self.accounts = accounts
        self.inspectors = inspectors
        self.leads = leads
        self.owner = owner
        self.threads: dict[str, tuple[str, Team, str]] = {}  # key to kind, agency, public id
        self.reviews: dict[str, tuple[str, Team, Actor]] = {}  # key to public id, agency, who reviews
        self.returns = {
            row.agency_id: row.public_id
            for row in session.execute(
                select(AuditReturn.agency_id, AuditReturn.public_id).where(AuditReturn.round_id == course.row.id)
            )
        }
        self.report = Reporting(self)
        self._actors: dict[int, Actor] = {}
        self._last = course.row.created_at

    def tell(self, story: Sequence[steps.Step], move: Callable[[str], None]) -> None:
        """All steps, in order. `move` is called before each, with what it is about."""
        for step in story:
            move(self.course.plan.name)
            if not isinstance(step, steps.Composing):
                self.report.data_changed()
            try:
                self.do(step)
            except TooSmall:
                continue

    # --- who, when, which ---

    def at(self, day: int) -> datetime:
        """The next moment of a day: nothing happens before what was told before."""
        rng = chance(self.seed, *self.course.key, "clock", day, self._last.isoformat())
        pause = timedelta(minutes=rng.randint(2, 6), seconds=rng.randint(0, 59))
        self._last = max(self._last, self.days.at(day, MORNING)) + pause
        return self._last

    def who(self, person: Person) -> Actor:
        """Somebody, to act."""
        if person.id not in self._actors:
            user = self.session.get_one(User, person.id)
            self._actors[person.id] = actor_of(self.session, user, now=self._last)
        return self._actors[person.id]

    def _account(self, address: str) -> Actor:
        return self.who(self.accounts[address])

    def _inspector(self, team: Team) -> Actor:
        return self.who(self.inspectors[team.who.agency_type])

    def _lead(self, team: Team) -> Actor:
        return self.who(self.leads[team.who.agency_type])

    def _each_lead(self) -> list[Actor]:
        """One lead inspector of each body, in the order of the agency types."""
        return [self.who(one) for one in dict.fromkeys(self.leads.values())]

    def return_of(self, team: Team) -> str:
        """The public id of an agency's return in this round."""
        return self.returns[team.agency.id]

    def _row(self, team: Team) -> AuditReturn:
        return self.session.scalars(select(AuditReturn).where(AuditReturn.public_id == self.return_of(team))).one()

    def which(self, which: steps.Which) -> Team:
        """The agency that is meant. Raises TooSmall."""
        found = self._all(which)
        if which.number >= len(found):
            raise TooSmall
        return found[which.number]

    def _all(self, which: steps.Which) -> list[Team]:
        """All agencies that fit, by code."""
        if which.at:
            code = self.showcases[which.at]
            return [self.teams[code]] if code in self.teams else []
        wanted: list[ColumnElement[bool]] = [
            AuditReturn.round_id == self.course.row.id, AuditReturn.stage == "submitted",
            AuditReturn.agency_type == which.agency_type,
        ]  # fmt: skip
        in_sample = select(SampledReturn.id).where(SampledReturn.return_id == AuditReturn.id).exists()
        if which.sampled is not None:
            wanted.append(in_sample if which.sampled else ~in_sample)
        voided = select(SubmissionVoided.id).where(SubmissionVoided.submission_id == Submission.id).exists()
        for question, grade in which.answered.items():
            wanted.append(
                select(SubmissionAnswer.id)
                .join(Submission, Submission.id == SubmissionAnswer.submission_id)
                .where(
                    Submission.return_id == AuditReturn.id, ~voided, SubmissionAnswer.criterion == question,
                    SubmissionAnswer.grade == grade,
                )
                .exists()
            )  # fmt: skip
        for key, grade in which.judged.items():
            wanted.append(
                select(Judgement.id)
                .where(Judgement.return_id == AuditReturn.id, Judgement.key == key, Judgement.grade == grade)
                .exists()
            )
        ids = set(self.session.scalars(select(AuditReturn.agency_id).where(*wanted)))
        played = set(self.showcases.values())
        return [team for code, team in sorted(self.teams.items()) if team.agency.id in ids and code not in played]

    def _day(self, days: int) -> Any:
        return self.days.day(days)

    def _working(self, days: int) -> int:
        """The day, or the Monday after it."""
        weekday = self._day(days).weekday()
        return days + (7 - weekday if weekday > 4 else 0)

    def _keep(self, key: str, team: Team, thread: Thread) -> None:
        """Keep a thread for the steps that reply to it."""
        self.threads[key] = (thread.kind, team, thread.public_id)

    def _thread(self, key: str) -> tuple[str, Team, str]:
        if key not in self.threads:
            raise TooSmall
        return self.threads[key]

    # --- the steps ---

    @singledispatchmethod
    def do(self, step: steps.Step) -> None:
        """One step."""
        raise TypeError(f"nobody knows how to tell {step!r}")

    @do.register
    def _(self, step: steps.CommitSample) -> None:
        rules = ModerationRules.of(self.pack)
        plan = SamplePlan.of(rules, list(self.pack.agency_types))
        given = step.model_dump(exclude={"on", "do"}, exclude_none=True)
        seed = "".join(token() for _ in range(2))
        sampling.commit_sample(
            self.session, self.round_id, replace(plan, **given), by=self.who(self.owner), now=self.at(step.on),
            seed=seed,
        )  # fmt: skip

    @do.register
    def _(self, step: steps.Close) -> None:
        at = self.course.row.open_until + timedelta(minutes=1)
        if not is_round_shut(self.course.row, now=at):
            raise RuntimeError("the round would close before its end")
        self._last = max(self._last, at)
        closing.close_round(self.session, self.round_id, by=CLOCK, now=at)

    @do.register
    def _(self, step: steps.Draw) -> None:
        sampling.draw_sample(self.session, self.round_id, by=self.who(self.owner), now=self.at(step.on))

    @do.register
    def _(self, step: steps.ChooseByHand) -> None:
        team = self.which(step.agency)
        there = select(SampledReturn.id).join(AuditReturn).where(AuditReturn.public_id == self.return_of(team))
        if self.session.scalar(there) is None:
            sampling.add_by_hand(
                self.session, self.round_id, self.return_of(team), reason=step.reason, by=self._lead(team),
                now=self.at(step.on),
            )  # fmt: skip

    @do.register
    def _(self, step: steps.ShareOut) -> None:
        for lead in self._each_lead():
            sampling.assign_rest(self.session, self.round_id, by=lead, now=self.at(step.on))
            moderation.ask_by(
                self.session, self.round_id, day=self._day(step.check_by), by=lead, now=self.at(step.on)
            )

    @do.register
    def _(self, step: steps.Check) -> None:
        sampled = self.session.execute(
            select(SampledReturn, AuditReturn)
            .join(AuditReturn, AuditReturn.id == SampledReturn.return_id)
            .where(AuditReturn.round_id == self.course.row.id, AuditReturn.stage == "submitted")
        ).all()
        codes = {team.agency.id: code for code, team in self.teams.items()}
        inspectors = {user.id: user for user in self.session.scalars(select(User).where(User.password.is_not(None)))}
        ordered = sorted(sampled, key=lambda row: codes[row.AuditReturn.agency_id])
        for place, (line, audit_return) in enumerate(ordered):
            rng = chance(self.seed, *self.course.key, "check", codes[audit_return.agency_id])
            day = self._working(step.on + place * (step.until - step.on) // len(ordered))
            found: dict[str, str] = {}
            for number, user_id in enumerate((line.inspector_id, line.second_id)):
                if user_id is not None:
                    by = actor_of(self.session, inspectors[user_id], now=self._last)
                    found = self._check(step, line, audit_return, found, by, rng, day, second=number == 1)

    def _check(
        self, step: steps.Check, line: SampledReturn, audit_return: AuditReturn, before: Mapping[str, str], by: Actor,
        rng: Random, day: int, *, second: bool,
    ) -> dict[str, str]:  # fmt: skip
        """All answers of one return by one inspector; question to the grade found. `before`: what the first found."""
        submission = latest_submission(self.session, audit_return)
        assert submission is not None  # noqa: S101 -- it is submitted
        own = {answer.criterion: answer.grade for answer in submission.answers}
        template = self.pack.templates[audit_return.agency_type]
        found = {}
        for question in line.questions:
            grade, reason = own[question], ""
            adjust = step.adjust.get(grade)
            differs = adjust is not None and rng.random() < adjust.share
            if second:
                agrees = rng.random() < step.second_agrees
                differs = (before[question] != grade) == agrees
            if differs and adjust is not None:
                grade, reason = adjust.to, rng.choice(adjust.reasons[template.criterion(question).theme])
            seen = rng.choice(step.seen) if rng.random() < step.seen_share else ""
            moderation.record(
                self.session, audit_return.public_id, question, moderation.Typed(grade, reason, seen),
                submission=submission.public_id, based_on=0, by=by, now=self.at(day),
            )  # fmt: skip
            found[question] = grade
        moderation.finish(self.session, audit_return.public_id, by=by, now=self.at(day))
        return found

    # --- words that go to and fro ---

    @do.register
    def _(self, step: steps.Ask) -> None:
        team = self.which(step.agency)
        by, now, due = self._inspector(team), self.at(step.on), self._day(step.due)
        if step.do == "ask":
            thread = querying.ask(
                self.session, self.return_of(team), subject=step.subject, text=step.text, due=due, about=step.question,
                by=by, now=now,
            )  # fmt: skip
        else:
            (thread,) = follow_up.ask_for_progress(
                self.session, [self.return_of(team)], subject=step.subject, text=step.text, due=due, by=by, now=now,
                about=step.recommendations,
            )  # fmt: skip
        self._keep(step.key, team, thread)

    @do.register
    def _(self, step: steps.Reply) -> None:
        kind, team, thread = self._thread(step.key)
        now, public_id = self.at(step.on), self.return_of(team)
        if step.side == "peer":
            review, by = self._reviewer(team)
            peers.ask_on(self.session, review, thread, text=step.text, by=by, now=now)
        elif step.side == "agency":
            answer = {"query": querying.answer, "progress": follow_up.answer, "peer": peers.answer}[kind]
            answer(self.session, public_id, thread, text=step.text, by=self.who(team.lead), now=now)
        elif kind == "query":
            due = None if step.due is None else self._day(step.due)
            querying.ask_on(self.session, public_id, thread, text=step.text, due=due, by=self._inspector(team), now=now)
        else:
            follow_up.ask_on(self.session, public_id, thread, text=step.text, by=self._inspector(team), now=now)

    @do.register
    def _(self, step: steps.CloseThread) -> None:
        kind, team, thread = self._thread(step.key)
        now, public_id = self.at(step.on), self.return_of(team)
        if kind == "query":
            querying.close(self.session, public_id, thread, outcome=step.outcome, by=self._inspector(team), now=now)
        elif kind == "progress":
            follow_up.close(self.session, public_id, thread, by=self._inspector(team), now=now)
        else:
            review, by = self._reviewer(team)
            peers.close(self.session, review, thread, by=by, now=now)

    @do.register
    def _(self, step: steps.AssignPeer) -> None:
        person, now = self.accounts[step.person], self.at(step.on)
        for team in self._all(step.agency):
            row = self._row(team)
            free = [one.user.id for one in candidates(self.session, row, now=now) if not one.obstacle]
            if person.id in free:
                break
        else:
            raise TooSmall
        review = peers.assign(self.session, row.public_id, person.public_id, by=self._lead(team), now=now)
        self.reviews[step.key] = (review.public_id, team, self.who(person))
        peers.declare(
            self.session, review.public_id, conflict="", by=self.who(person), now=self.at(step.declared)
        )

    def _review(self, key: str) -> tuple[str, Team, Actor]:
        """The public id of a peer review, the agency, and who reviews. Raises TooSmall."""
        if key not in self.reviews:
            raise TooSmall
        return self.reviews[key]

    def _reviewer(self, team: Team) -> tuple[str, Actor]:
        """The review of an agency, and who reviews."""
        return next((public_id, by) for public_id, of, by in self.reviews.values() if of == team)

    @do.register
    def _(self, step: steps.Challenge) -> None:
        review, team, by = self._review(step.review)
        thread = peers.challenge(
            self.session, review, about=step.question, subject=step.subject, text=step.text, by=by,
            now=self.at(step.on),
        )  # fmt: skip
        self._keep(step.key, team, thread)

    @do.register
    def _(self, step: steps.FinishPeer) -> None:
        review, _team, by = self._review(step.review)
        peers.finish(self.session, review, by=by, now=self.at(step.on))

    @do.register
    def _(self, step: steps.Comment) -> None:
        peers.comment(
            self.session, self.return_of(self.which(step.agency)), about=step.question, subject=step.subject,
            text=step.text, by=self._account(step.person), now=self.at(step.on),
        )  # fmt: skip

    # --- the agency's own work ---

    @do.register
    def _(self, step: steps.ReturnStandard) -> None:
        team = self.which(step.agency)
        returned_standards.return_for_correction(
            self.session, self.return_of(team), {step.standard: step.reason}, until=self._day(step.until),
            by=self._inspector(team), now=self.at(step.on),
        )  # fmt: skip

    @do.register
    def _(self, step: steps.AnswerAgain) -> None:
        team = self.which(step.agency)
        stands = dict(
            self.session.execute(
                select(SelfAssessment.criterion, SelfAssessment.version)
                .join(AuditReturn, AuditReturn.id == SelfAssessment.return_id)
                .where(AuditReturn.public_id == self.return_of(team))
            ).all()  # type: ignore[arg-type]
        )
        edits = []
        for question, given in step.answers.items():
            raw = {"grade": given.grade, "basis": given.basis, "commentary": given.commentary}
            if given.expected is not None:
                raw["date_expected"] = self._day(given.expected).isoformat()
            edits.append(answers.Edit(question, raw, stands.get(question, 0), token()))
        result = answers.save_answers(
            self.session, self.return_of(team), edits, by=self.who(team.lead), now=self.at(step.on)
        )
        if not result.clean:
            raise RuntimeError(f"answers could not be given again: {result.errors}")

    @do.register
    def _(self, step: steps.PlanAction) -> None:
        team = self.which(step.agency)
        typed = actions.Typed(step.what, step.owner, self._day(step.due), step.state)
        actions.plan_action(
            self.session, self.return_of(team), step.question, typed, by=self.who(team.lead), now=self.at(step.on)
        )

    @do.register
    def _(self, step: steps.VouchFor) -> None:
        team = self.which(step.agency)
        answers.vouch(
            self.session, self.return_of(team), step.standard, name=step.name, post=step.post, by=self.who(team.lead),
            now=self.at(step.on),
        )  # fmt: skip

    @do.register
    def _(self, step: steps.Sign) -> None:
        team = self.which(step.agency)
        row = self._row(team)
        submissions.sign_and_submit(
            self.session, row.public_id, by=self.who(team.signatory), now=self.at(step.on),
            expected_hash=content_hash(checklist(self.session, row)), identity_proved=True,
        )  # fmt: skip

    @do.register
    def _(self, step: steps.Report) -> None:
        team = self.which(step.agency)
        action = self.session.scalar(
            select(PlannedAction.public_id)
            .join(AuditReturn, AuditReturn.id == PlannedAction.return_id)
            .where(AuditReturn.public_id == self.return_of(team), PlannedAction.criterion == step.question)
            .order_by(PlannedAction.id)
        )
        if action is None:
            raise TooSmall
        actions.report_progress(
            self.session, self.return_of(team), action, state=step.state, note=step.note, due=None,
            by=self.who(team.lead), now=self.at(step.on),
        )  # fmt: skip

    @do.register
    def _(self, step: steps.ShareStandards) -> None:
        team, colleague = self.which(step.agency), self.accounts[step.person]
        lead, public_id = self.who(team.lead), self.return_of(team)
        sharing.assign(
            self.session, public_id, people=[colleague.public_id], parts=[(one, "") for one in step.standards],
            by=lead, now=self.at(step.on),
        )  # fmt: skip
        if step.state == "open":
            return
        given = self.session.scalars(
            select(sharing.Assignment.public_id)
            .join(AuditReturn, AuditReturn.id == sharing.Assignment.return_id)
            .where(
                AuditReturn.public_id == public_id, sharing.Assignment.user_id == colleague.id,
                sharing.Assignment.standard.in_(step.standards),
            )
            .order_by(sharing.Assignment.id)
        ).all()  # fmt: skip
        for part in given:
            sharing.mark_ready(self.session, public_id, part, by=self.who(colleague), now=self.at(step.on))
            if step.state == "accepted":
                sharing.accept(self.session, public_id, part, by=lead, now=self.at(step.on))
            elif step.state == "sent_back":
                sharing.send_back(self.session, public_id, part, note=step.note, by=lead, now=self.at(step.on))

    @do.register
    def _(self, step: steps.Carry) -> None:
        team = self.which(step.agency)
        carrying.carry(
            self.session, self.return_of(team), standards=step.standards, by=self.who(team.lead), now=self.at(step.on)
        )

    # --- judging, following up ---

    @do.register
    def _(self, step: steps.Judge) -> None:
        for lead in self._each_lead():
            judgements.judge_round(self.session, self.round_id, by=lead, now=self.at(step.on))

    @do.register
    def _(self, step: steps.GiveJudgement) -> None:
        submitted = set(
            self.session.scalars(
                select(AuditReturn.agency_id).where(
                    AuditReturn.round_id == self.course.row.id, AuditReturn.stage == "submitted"
                )
            )
        )
        for code, team in sorted(self.teams.items()):
            if team.who.agency_type != step.agency_type or team.agency.id not in submitted:
                continue
            rng = chance(self.seed, *self.course.key, "given", code)
            (grade,) = rng.choices(list(step.grades), list(step.grades.values()))
            judgements.give(
                self.session, self.return_of(team), step.judgement, grade=grade, note=rng.choice(step.notes[grade]),
                by=self._inspector(team), now=self.at(step.on),
            )  # fmt: skip

    @do.register
    def _(self, step: steps.Override) -> None:
        team = self.which(step.agency)
        public_id = self.return_of(team)
        judgements.propose_override(
            self.session, public_id, step.judgement, grade=step.to, reason=step.reason, by=self._inspector(team),
            now=self.at(step.on),
        )  # fmt: skip
        if step.decision == "approve":
            judgements.approve_override(
                self.session, public_id, step.judgement, grade=step.to, by=self._lead(team),
                now=self.at(step.decided),
            )  # fmt: skip
        else:
            judgements.decline_override(
                self.session, public_id, step.judgement, reason=step.words, by=self._lead(team),
                now=self.at(step.decided),
            )  # fmt: skip

    @do.register
    def _(self, step: steps.Say) -> None:
        team = self.which(step.agency)
        follow_up.say(
            self.session, self.return_of(team), step.recommendation, state=step.state, note=step.note,
            by=self._inspector(team), now=self.at(step.on),
        )  # fmt: skip

    @do.register
    def _(self, step: steps.Monitor) -> None:
        by, now = self.who(self.inspectors[step.agency_type]), self.at(step.on)
        found = followed_up(self.session, self.course.row, actor=by, now=now, wanted=Wanted(step.agency_type))
        stands = [
            line.public_id
            for line in sorted(found.lines, key=lambda line: line.code)
            if step.recommendation in line.standings and line.standings[step.recommendation].state in step.states
        ]
        if not stands:
            raise TooSmall
        follow_up.monitor(
            self.session, stands[: step.most], reason=step.reason, review_on=self._day(step.review_on), by=by, now=now,
            recommendation=step.recommendation,
        )  # fmt: skip

    @do.register
    def _(self, step: steps.Clear) -> None:
        found = self.session.execute(
            select(Monitoring.public_id, AuditReturn.public_id.label("of"))
            .join(Monitoring.audit_return)
            .where(
                AuditReturn.round_id == self.course.row.id, AuditReturn.agency_type == step.agency_type,
                Monitoring.recommendation == step.recommendation, Monitoring.cleared_at.is_(None),
            )
            .order_by(Monitoring.id)
            .limit(step.number)
        ).all()  # fmt: skip
        for row in found:
            follow_up.clear(
                self.session, row.of, row.public_id, reason=step.reason,
                by=self.who(self.inspectors[step.agency_type]), now=self.at(step.on),
            )  # fmt: skip

    @do.register
    def _(self, step: steps.MarkExample) -> None:
        team = self.which(step.agency)
        row = self._row(team)
        submission = latest_submission(self.session, row)
        if submission is None:
            raise TooSmall
        example = examples.mark(
            self.session, row.public_id, submission=submission.public_id, question=step.question, kind=step.kind,
            note=step.note, by=self._inspector(team), now=self.at(step.on),
        )  # fmt: skip
        if step.key:
            self.report.examples[step.key] = example.public_id

    @do.register(steps.Composing)
    @do.register(steps.Respond)
    @do.register(steps.Track)
    def _(self, step: steps.Composing | steps.Respond | steps.Track) -> None:
        self.report.tell(step)

    @do.register
    def _(self, step: steps.Remind) -> None:
        waiting = self.session.scalars(
            select(AuditReturn.public_id)
            .where(AuditReturn.round_id == self.course.row.id, AuditReturn.stage.in_(("invited", "started")))
            .order_by(AuditReturn.id)
        ).all()
        chains = {f"return:{public_id}": public_id for public_id in waiting}
        now = self.at(step.on)
        latest_events = self.session.execute(
            select(Event.chain, func.max(Event.at).label("at")).where(Event.chain.in_(chains)).group_by(Event.chain)
        )
        # what agencies did after that moment stands in their histories already
        before = [chains[row.chain] for row in latest_events if row.at < now]
        for lead in self._each_lead():
            chasing.send(self.session, self.round_id, reason=step.reason, returns=before, by=lead, now=now)

    # --- release ---

    @do.register
    def _(self, step: steps.Prepare) -> None:
        for lead in self._each_lead():
            release.prepare(self.session, self.round_id, by=lead, now=self.at(step.on))

    @do.register
    def _(self, step: steps.Narrate) -> None:
        team = self.which(step.agency)
        row = self._feedback(team)
        release.write_narrative(
            self.session, self.return_of(team), narrative=step.text, version=row.version, by=self._inspector(team),
            now=self.at(step.on),
        )  # fmt: skip

    def _feedback(self, team: Team) -> Any:
        row = latest(self.session, self._row(team))
        if row is None:
            raise TooSmall
        return row

    @do.register
    def _(self, step: steps.Window) -> None:
        now = self.at(step.on)
        release.set_window(
            self.session, self.round_id, opens=now, closes=end_of(self._day(step.until)), by=self.who(self.owner),
            now=now,
        )  # fmt: skip

    @do.register
    def _(self, step: steps.Dispute) -> None:
        team = self.which(step.agency)
        statements = content_of(self._feedback(team)).statements
        about = next((one.id for one in statements if one.id.startswith(step.statement)), None)
        if about is None:
            raise TooSmall
        thread = release.challenge(
            self.session, self.return_of(team), about=about, text=step.text, by=self.who(team.lead),
            now=self.at(step.on),
        )  # fmt: skip
        self._keep(step.key, team, thread)

    @do.register
    def _(self, step: steps.Settle) -> None:
        _kind, team, thread = self._thread(step.key)
        release.settle(
            self.session, self.return_of(team), thread, decision=step.decision, text=step.text,
            replacement=step.replacement, by=self._inspector(team), now=self.at(step.on),
        )  # fmt: skip

    @do.register
    def _(self, step: steps.Publish) -> None:
        at = self.days.at(step.at, MORNING)
        release.set_publication(
            self.session, self.round_id, at=at, by=self.who(self.owner), now=self.at(step.on)
        )
        self._last = max(self._last, at)
        release.by_the_clock(self.session, now=at)
        if release_of(self.session, self.course.row) is None:
            raise RuntimeError("nothing was published")

    @do.register
    def _(self, step: steps.CorrectFindings) -> None:
        lead = self.who(self.leads[step.agency_type])
        public_id, desk, check = self._adjusted(step.agency_type, lead)
        moderation.take_up_again(self.session, public_id, by=lead, now=self.at(step.on))
        moderation.record(
            self.session, public_id, check.item.id, moderation.Typed(check.finding.self_grade, step.upheld),
            submission=desk.submission.public_id, based_on=check.finding.version, by=lead, now=self.at(step.on),
        )  # fmt: skip
        moderation.finish(self.session, public_id, by=lead, now=self.at(step.on))
        judgements.judge_return(self.session, public_id, by=lead, now=self.at(step.on))
        release.prepare(self.session, self.round_id, by=lead, now=self.at(step.on))
        release.correct(
            self.session, self.round_id, reason=step.reason, by=self.who(self.owner), now=self.at(step.on)
        )

    def _adjusted(self, agency_type: str, lead: Actor) -> tuple[str, Desk, Any]:
        """The first return of a type with an answer that was adjusted, where the lead inspector is no second."""
        sampled = self.session.scalars(
            select(AuditReturn)
            .join(SampledReturn, SampledReturn.return_id == AuditReturn.id)
            .where(
                AuditReturn.round_id == self.course.row.id, AuditReturn.agency_type == agency_type,
                AuditReturn.stage == "submitted", SampledReturn.second_id.is_distinct_from(lead.user_id),
            )
            .order_by(AuditReturn.agency_id)
        ).all()  # fmt: skip
        for row in sampled:
            desk = desk_of(self.session, row, actor=lead, now=self._last)
            for check in desk.checks.values():
                if check.finding and check.finding.outcome == "adjusted":
                    return row.public_id, desk, check
        raise TooSmall
