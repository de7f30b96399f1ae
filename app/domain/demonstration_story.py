"""What happens around the returns of a demonstration's round, step by step: the oversight side and the agencies' part.

Each step is a day, counted from the day that the demonstration stands still on, and something that somebody does then
by one of the service's own operations. A step about an agency that is not there, because the demonstration is small,
is left out, and so is what follows from it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Words = Annotated[tuple[str, ...], Field(min_length=1)]


class Data(BaseModel):
    """What all parts of a plan share: they never change, and they know all of their keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Which(Data):
    """Which agency: the one of a showcase (`at`), or the `number`-th, from 0, by code, of those that fit the rest.

    `sampled`: it is in the sample, or is not. `answered`: question to the grade that it signed; `judged`: judgement to
    the grade that the rules gave. Showcases are never found by the rest.
    """

    at: str | None = None
    agency_type: str | None = None
    number: int = 0
    sampled: bool | None = None
    answered: dict[str, str] = {}
    judged: dict[str, str] = {}


class Step(Data):
    """What all steps have: the day."""

    on: int


class About(Step):
    """A step about one agency."""

    agency: Which


# --- the sample, and checking ----------------------------------------------------------------------------------------


class CommitSample(Step):
    """The owner's lead inspector commits a seed. What is not given is as the pack has it."""

    do: Literal["commit sample"]
    questions: int | None = None
    minimum: int | None = None
    risk_most: int | None = None
    second_percent: int | None = None


class Close(Step):
    """The clock puts on record that the round is shut: on the day after its last."""

    do: Literal["close"]


class Draw(Step):
    """The sample is drawn."""

    do: Literal["draw"]


class ChooseByHand(About):
    """A lead inspector adds an agency to the sample, unless it is in it."""

    do: Literal["choose by hand"]
    reason: str


class ShareOut(Step):
    """Lead inspectors share the checks out, to be done by a day."""

    do: Literal["share out"]
    check_by: int


class Adjustment(Data):
    """What inspectors make of a grade where they do not uphold it: how often, to which, and why, by theme."""

    share: Share
    to: str
    reasons: dict[str, Words]


class Check(Step):
    """All that is in the sample is checked, and checked again where a second inspector is named."""

    do: Literal["check"]
    until: int
    adjust: dict[str, Adjustment]
    seen: Words
    seen_share: Share
    second_agrees: Share


# --- words that go to and fro ----------------------------------------------------------------------------------------


class Ask(About):
    """An inspector asks: about a signed answer (`question`) or all of it, or how far the agency is with its plans."""

    do: Literal["ask", "ask for progress"]
    key: str
    subject: str
    text: str
    due: int
    question: str = ""
    recommendations: tuple[str, ...] = ()


class Reply(Step):
    """Somebody replies in a thread that was opened under `key`."""

    do: Literal["reply"]
    key: str
    side: Literal["agency", "oversight", "peer"]
    text: str
    due: int | None = None


class CloseThread(Step):
    """Whoever opened a thread closes it."""

    do: Literal["close thread"]
    key: str
    outcome: str = ""


class AssignPeer(About):
    """A peer reviewer (their address) is asked to review an agency, and says that nothing stands in the way.

    It is the first that fits of those that they may review. `key` is what the steps that follow know the review by.
    """

    do: Literal["assign peer"]
    key: str
    person: str
    declared: int


class Challenge(Step):
    """The peer reviewer challenges an answer, or all of it."""

    do: Literal["challenge"]
    review: str
    key: str
    question: str = ""
    subject: str
    text: str


class FinishPeer(Step):
    """The peer reviewer has finished."""

    do: Literal["finish peer"]
    review: str


class Comment(About):
    """A coordinator of the agency's area (their address) comments."""

    do: Literal["comment"]
    person: str
    question: str = ""
    subject: str
    text: str


# --- correction, actions ---------------------------------------------------------------------------------------------


class ReturnStandard(About):
    """An inspector returns a standard for correction."""

    do: Literal["return standard"]
    standard: str
    reason: str
    until: int


class Given(Data):
    """An answer given anew; `expected` is a day."""

    grade: str
    basis: str = ""
    commentary: str = ""
    expected: int | None = None


class AnswerAgain(About):
    """The audit lead answers questions again."""

    do: Literal["answer again"]
    answers: dict[str, Given]


class PlanAction(About):
    """The audit lead plans an action."""

    do: Literal["plan action"]
    question: str
    what: str
    owner: str
    due: int
    state: str = "planned"


class VouchFor(About):
    """An executive vouches for a standard."""

    do: Literal["vouch"]
    standard: str
    name: str
    post: str


class Sign(About):
    """The signatory signs."""

    do: Literal["sign"]


class Report(About):
    """The audit lead says how the planned action for a question goes."""

    do: Literal["report progress"]
    question: str
    state: str
    note: str


class ShareStandards(About):
    """The audit lead gives standards to a colleague (their address), and what became of them."""

    do: Literal["share"]
    person: str
    standards: Words
    state: Literal["open", "ready", "accepted", "sent_back"] = "open"
    note: str = ""


class Carry(About):
    """The audit lead carries the answers to some standards forward from the last round."""

    do: Literal["carry"]
    standards: Words


# --- judging, following up -------------------------------------------------------------------------------------------


class Judge(Step):
    """Everything that is submitted is judged."""

    do: Literal["judge"]


class GiveJudgement(Step):
    """Inspectors enter a judgement that answers cannot tell, for all agencies of a type.

    `grades`: grade to how often; `notes`: grade to what it rests on.
    """

    do: Literal["give"]
    agency_type: str
    judgement: str
    grades: dict[str, float]
    notes: dict[str, Words]


class Override(About):
    """An inspector proposes another grade than the rules give; a lead inspector decides, with `words` to decline."""

    do: Literal["override"]
    judgement: str
    to: str
    reason: str
    decided: int
    decision: Literal["approve", "decline"]
    words: str = ""


class Say(About):
    """An inspector puts a word over how an agency stands on a recommendation."""

    do: Literal["say"]
    recommendation: str
    state: str
    note: str


class Monitor(Step):
    """An inspector puts agencies of a type under monitoring that stand in a state on a recommendation: so many."""

    do: Literal["monitor"]
    agency_type: str
    recommendation: str
    states: Words
    most: int
    reason: str
    review_on: int


class Clear(Step):
    """The monitoring of so many agencies of a type for a recommendation ends."""

    do: Literal["clear"]
    agency_type: str
    recommendation: str
    number: int
    reason: str


class MarkExample(About):
    """An inspector marks an answer for the report. `key` is what the steps that quote it know it by."""

    do: Literal["mark"]
    key: str = ""
    question: str
    kind: Literal["good", "concern"]
    note: str


class Remind(Step):
    """Lead inspectors remind everybody of their types for a reason, but those who did something since."""

    do: Literal["remind"]
    reason: str


# --- the report that inspectors write ---------------------------------------------------------------------------------


class Composing(Step):
    """Inspectors work on the joint report: one of the body that asks an agency type (`by`), or of the round's owner."""

    by: str = ""


class WriteChapter(Composing):
    """What stands before and after the figures of a chapter, and how many places it is moved up. One of their own has a
    `title`, and `chapter` is what the steps that follow know it by. `[[quote: KEY]]` quotes the example marked so."""

    do: Literal["write"]
    chapter: str
    title: str = ""
    before: str = ""
    after: str = ""
    up: int = 0


class LeaveOut(Composing):
    """A chapter is left out."""

    do: Literal["leave out"]
    chapter: str


class DecideMessage(Composing):
    """A key message that a rule proposes is accepted, dropped, or said in other words."""

    do: Literal["decide"]
    rule: str
    state: Literal["accepted", "edited", "dropped"]
    heading: str = ""
    text: str = ""


class Recommend(Composing):
    """The report recommends something to the agencies of a type, or to an oversight body (its code), by a day.

    `key` is what the steps that follow know it by.
    """

    do: Literal["recommend"]
    key: str
    agency_type: str = ""
    body: str = ""
    text: str
    due: int | None = None


class Remark(Composing):
    """A comment on a chapter for the others who write it, and the day on which it is dealt with, if it is."""

    do: Literal["remark"]
    chapter: str
    text: str
    resolved: int | None = None


class SignOff(Composing):
    """A lead inspector of each body signs the report off."""

    do: Literal["sign off"]


class Respond(About):
    """The audit lead says what the agency does about a recommendation of the published report."""

    do: Literal["respond"]
    recommendation: str
    answer: Literal["accepted", "partly", "not_accepted"]
    progress: Literal["", "not_begun", "under_way", "done"] = ""
    text: str
    expected: int | None = None


class Track(About):
    """An inspector says how an agency stands on a recommendation of the published report."""

    do: Literal["track"]
    recommendation: str
    state: str
    note: str


# --- release ---------------------------------------------------------------------------------------------------------


class Prepare(Step):
    """The feedback to all agencies is prepared."""

    do: Literal["prepare"]


class Narrate(About):
    """An inspector adds words to the feedback."""

    do: Literal["narrate"]
    text: str


class Window(Step):
    """The window for factual accuracy: from this day to the end of another."""

    do: Literal["window"]
    until: int


class Dispute(About):
    """The audit lead challenges the first statement of the draft feedback whose id begins with `statement`."""

    do: Literal["dispute"]
    key: str
    statement: str
    text: str


class Settle(Step):
    """The inspector answers what was disputed."""

    do: Literal["settle"]
    key: str
    decision: Literal["withdraw", "replace", "decline"]
    text: str
    replacement: str = ""


class Publish(Step):
    """The owner's lead inspector sets when the findings come out: the morning of a day. The clock publishes then."""

    do: Literal["publish"]
    at: int


class CorrectFindings(Step):
    """An adjustment to one answer of an agency of a type is taken back, and the findings are published anew."""

    do: Literal["correct"]
    agency_type: str
    reason: str
    upheld: str


AnyStep = Annotated[
    CommitSample | Close | Draw | ChooseByHand | ShareOut | Check | Ask | Reply | CloseThread | AssignPeer | Challenge
    | FinishPeer | Comment | ReturnStandard | AnswerAgain | PlanAction | VouchFor | Sign | Report | ShareStandards
    | Carry | Judge | GiveJudgement | Override | Say | Monitor | Clear | MarkExample | Remind | Prepare | Narrate
    | Window | Dispute | Settle | Publish | CorrectFindings | WriteChapter | LeaveOut | DecideMessage | Recommend
    | Remark | SignOff | Respond | Track,
    Field(discriminator="do"),
]  # fmt: skip
