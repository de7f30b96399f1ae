"""Which reports there are: one folder each, with `report.yaml` and `page.html`.

`report.yaml` holds `key` (the folder's name), `title`, `data` (one of `DATA_KINDS`), `options`, which the page gets as
they are, and `cut`: whether a long one may be laid out in parts, chapter by chapter (see docs/rendering.md). Of the
options `readers` says for whom it is made, `names` which agencies it names. Without them it is for inspectorates, and
names all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from app.domain.action_plan import ActionPlan
from app.domain.area_report import AreaReport
from app.domain.body_summary import BodySummary
from app.domain.changes import ChangesDocument
from app.domain.feedback import FeedbackDocument
from app.domain.findings import AgencyReturnDocument, Document, JointFindings, ReceiptDocument
from app.domain.forms import FormDocument
from app.domain.letter import AreaLetter
from app.domain.progress import ProgressReport
from app.domain.recommended import RecommendedRegister
from app.domain.regional import RegionalConcerns
from app.domain.register import Register
from app.domain.text import Text

HERE = Path(__file__).resolve().parent
FOLDERS = [HERE]  # the benchmark adds one
ASSETS = HERE / "assets"
DATA_KINDS: dict[str, type[Document]] = {
    "joint-findings": JointFindings,
    "agency-return": AgencyReturnDocument,
    "receipt": ReceiptDocument,
    "action-plan": ActionPlan,
    "blank-form": FormDocument,
    "draft-return": FormDocument,
    "changes": ChangesDocument,
    "feedback": FeedbackDocument,
    "register": Register,
    "area-letter": AreaLetter,
    "body-summary": BodySummary,
    "area-report": AreaReport,
    "regional-concerns": RegionalConcerns,
    "progress": ProgressReport,
    "recommended": RecommendedRegister,
}
# what each kind of data is about: a whole round, one body or area in it, one return of it, or the feedback to it
ABOUT = {
    "joint-findings": "round",
    "register": "round",
    "regional-concerns": "round",
    "progress": "round",
    "recommended": "round",
    "body-summary": "body",
    "area-letter": "area",
    "area-report": "area",
    "agency-return": "return",
    "receipt": "return",
    "action-plan": "return",
    "blank-form": "return",
    "draft-return": "return",
    "changes": "return",
    # about a return too, but asked for where its feedback is: who may read that is decided apart
    "feedback": "feedback",
}
# for whom reports are made: the inspectorates of a round, one agency, the agencies and coordinators of an area, or all
# agencies of the round once it is published. Beyond the inspectorates small numbers are left out
READERS = ("inspectorates", "agency", "area", "published")
# the agencies that it names: all, the one that it is about, those of the area, or all where the round says so
NAMES = ("all", "own", "area", "round")
# what can be made of a return that is not signed, for the agency's own people
OF_DRAFTS = {"action-plan", "draft-return", "changes"}
# what is made at any time, whether or not anything was signed
FORMS = {"blank-form", "draft-return", "changes"}


@dataclass(frozen=True)
class Report:
    """One report. `data` is the kind of data it is made from; `page` the path of its page below `reports/`."""

    key: str
    title: Text
    data: str
    page: str
    options: dict[str, Any] = field(default_factory=dict)
    cut: bool = False

    @property
    def model(self) -> type[Document]:
        """The class that its data must fit."""
        return DATA_KINDS[self.data]

    @property
    def about(self) -> str:
        """`round` for a report about a whole round, `body` for one about what an oversight body asks in it, `area` for
        one about an area in it, `return` for one about a return, `feedback` for its feedback."""
        return ABOUT[self.data]

    @property
    def of_drafts(self) -> bool:
        """Whether it can be made before anything is signed."""
        return self.data in OF_DRAFTS

    @property
    def is_form(self) -> bool:
        """Whether it is made at any time, whether or not anything was signed."""
        return self.data in FORMS


def load(folder: Path) -> Report:
    """The report in a folder. ValueError says what is wrong with it."""
    content = YAML(typ="safe").load(folder / "report.yaml")
    unknown = set(content) - {"key", "title", "data", "options", "cut"}
    if unknown:
        raise ValueError(f"{folder.name}/report.yaml has unknown keys: {', '.join(sorted(unknown))}")
    if content["key"] != folder.name:
        raise ValueError(f"{folder.name}/report.yaml calls itself {content['key']}")
    if content["data"] not in DATA_KINDS:
        raise ValueError(f"{folder.name}/report.yaml asks for unknown data: {content['data']}")
    if not (folder / "page.html").is_file():
        raise ValueError(f"{folder.name} has no page.html")
    options = {"readers": READERS[0], "names": NAMES[0]} | (content.get("options") or {})
    if options["readers"] not in READERS or options["names"] not in NAMES:
        raise ValueError(f"{folder.name}/report.yaml has unknown readers or names")
    return Report(
        key=content["key"],
        title=content["title"],
        data=content["data"],
        page=f"{folder.name}/page.html",
        options=options,
        cut=bool(content.get("cut", False)),
    )


@cache
def reports() -> dict[str, Report]:
    """All reports by key."""
    found = [load(path.parent) for folder in FOLDERS for path in sorted(folder.glob("*/report.yaml"))]
    return {report.key: report for report in found}
