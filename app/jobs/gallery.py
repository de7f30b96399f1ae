"""The documents of the gallery: blank forms of a pack, and the findings of a round that is invented for it.

They stand in the data folder below `gallery/`, in a folder that is named by the content of the pack: what was made for
another content is never shown. A round is built in a database of its own, which is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from obstore.store import LocalStore
from sqlalchemy.orm import Session

from app import clock
from app.db import db, make_engine
from app.domain.templates import Pack
from app.files.store import Store
from app.models import Base
from app.operations import sample
from app.policy import system_actor
from app.queries.findings import has_joint, joint_findings
from app.queries.forms import blank_form_of_pack
from app.queries.gallery import ASKED, FAILED, FINDINGS, FOLDER, SAMPLES, blank_name, exhibit
from app.queries.letter_content import letters
from reports.render import render_pdf

log = structlog.get_logger()

SEED = 1
DAY = date(2026, 3, 31)  # on which invented rounds end: the same pack gives the same findings on any day

Progress = Callable[[int, int, str], None]


def make_documents(
    pack: Pack, sha256: str, folder: Path, *, now: datetime, progress: Progress | None = None,
    each: int = sample.OF_EACH_TYPE,
) -> list[Path]:  # fmt: skip
    """Make the blank form of each agency type and the sample findings of a pack, in English, as PDF files in a folder;
    and a letter to an area where the pack has letters.

    `each`: how many agencies of each type are invented. Raises RenderFailed and NotPossible.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda *_: None)
    steps = len(pack.agency_types) + 2
    made = []
    for done, agency_type in enumerate(pack.agency_types):
        tell(done, steps, blank_name(agency_type))
        form = blank_form_of_pack(pack, agency_type, sha256=sha256, now=now)
        made.append(folder / blank_name(agency_type))
        render_pdf("blank-form", form.model_dump(mode="json"), made[-1])
    tell(steps - 2, steps, "inventing a round")
    reports = sample_reports(pack, each=each)
    tell(steps - 1, steps, FINDINGS)
    for report, data in reports.items():
        made.append(folder / SAMPLES[report])
        render_pdf(report, data, made[-1])
    tell(steps, steps, "")
    return made


def sample_findings(pack: Pack, *, each: int = sample.OF_EACH_TYPE) -> dict[str, Any]:
    """The joint findings of an invented round of a pack, as JSON-ready data. Raises NotPossible."""
    return sample_reports(pack, each=each)["joint-findings"]


def sample_reports(pack: Pack, *, each: int = sample.OF_EACH_TYPE) -> dict[str, dict[str, Any]]:
    """Report to its data, JSON-ready, of an invented round of a pack: the joint findings and, where it has letters, the
    first of them by area. Raises NotPossible."""
    by = system_actor("sample")
    with tempfile.TemporaryDirectory() as place:
        engine = make_engine(f"sqlite:///{place}/sample.sqlite")
        try:
            Base.metadata.create_all(engine)
            store = Store(LocalStore(f"{place}/files", mkdir=True), Path(place) / "files")
            with Session(engine) as session:
                audit_round, now = sample.build(
                    session, pack, seed=SEED, day=DAY, by=by, store=store, each=each
                )
                found = {}
                if has_joint(audit_round):
                    joint = joint_findings(session, audit_round, actor=by, now=now)
                    found["joint-findings"] = joint.model_dump(mode="json")
                for written in letters(session, audit_round, feedback={}, now=now).values():
                    return found | {"area-letter": written["en"]}
                return found
        finally:
            engine.dispose()


def make(app: Flask, pack: str, edition: str) -> str:
    """Make the documents of an exhibit in the data folder; `done` or `failed`. Never raises for what fails."""
    config = app.config["CANDOUR"]
    session = db.session
    found = exhibit(session, config.templates, pack, edition, actor=system_actor("worker"))
    folder = config.home / FOLDER / found.folder
    now = clock.now(session)
    session.rollback()  # rendering takes long: hold no transaction open meanwhile
    try:
        make_documents(found.pack, found.sha256, folder, now=now)
    except Exception:
        log.exception("gallery failed", pack=pack, edition=edition)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FAILED).touch()
        return "failed"
    finally:
        (folder / ASKED).unlink(missing_ok=True)
    (folder / FAILED).unlink(missing_ok=True)
    return "done"
