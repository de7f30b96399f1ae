"""PDF files in Welsh: their language, words and dates; and as accessible as the English ones."""

from __future__ import annotations

import re
from pathlib import Path

import pypdf
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import AuditReturn, Base, Submission
from app.policy import system_actor
from reports.make import make_report
from reports.registry import reports
from scripts import words
from tests.pdf_gate import assert_pdf_ua, words_over_words
from tests.pdf_text import text_of
from tests.reports.seeded import AFTER, recommend, seed
from tests.world import pack

# one worker makes these files once
# a heading of each that says which document it is
HEADINGS = {
    "joint-findings": "Negeseuon allweddol",
    "agency-return": "Datganiad",
    "receipt": "Derbynneb am gyflwyniad",
    "action-plan": "Cynllun gweithredu",
    "blank-form": "Sut i ddefnyddio’r ffurflen hon",
    "recommendations-register": "Cofrestr argymhellion",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each report in Welsh, from one seeded round."""
    folder = tmp_path_factory.mktemp("welsh")
    engine = make_engine(f"sqlite:///{folder / 'seeded.db'}")
    Base.metadata.create_all(engine)
    files: dict[str, Path] = {}
    with Session(engine) as session:
        audit_round = seed(session, pack("climbie-2003"), agencies=44)
        recommend(session, audit_round)
        submitted = select(AuditReturn).join(Submission, Submission.return_id == AuditReturn.id)
        signed = session.scalars(submitted.where(AuditReturn.stage == "submitted")).first()
        for key in HEADINGS:
            files[key] = folder / f"{key}.pdf"
            make_report(
                session, key, audit_round, None if reports()[key].about == "round" else signed, out=files[key],
                actor=system_actor("test"), now=AFTER, language="cy",
            )  # fmt: skip
    engine.dispose()
    return files


@pytest.mark.parametrize("name", HEADINGS)
def test_a_welsh_report_is_accessible_and_says_that_it_is_welsh(made: dict[str, Path], name: str) -> None:
    assert_pdf_ua(made[name])
    reader = pypdf.PdfReader(made[name])
    assert reader.root_object["/Lang"] == "cy"
    # longer words than the English ones find room: in the heads of tables, and all warnings on the cover
    assert words_over_words(made[name]) == []
    assert "Arddangosiad. Dychmygol yw" in reader.pages[0].extract_text().replace("\n", " ") or name == "receipt"
    text = text_of(made[name])
    assert HEADINGS[name] in text
    # questions are not translated yet, and a document that holds them says so
    assert ("fe’u dangosir yn Saesneg" in text) == (name != "receipt")


@pytest.mark.parametrize("name", HEADINGS)
def test_no_english_heading_or_sentence_is_left(made: dict[str, Path], name: str) -> None:
    """What the program says in English, in longer texts that could not be somebody else's words."""
    text = text_of(made[name])
    english = [
        str(message.id)
        for message in words.read("cy")
        if message.id and isinstance(message.id, str) and len(message.id) > 24 and "%" not in message.id
    ]
    # a pack may say some of it in its own texts
    own = str(pack("climbie-2003").to_frozen())
    assert [one for one in english if one in text and one not in own] == []
    months = re.findall(r"\b(?:January|February|June|July|August|October|December) (?:19|20)\d\d", text)
    assert months == []


def test_the_sentences_of_the_joint_report_are_welsh(made: dict[str, Path]) -> None:
    text = text_of(made["joint-findings"])
    assert re.search(r"Cyflwynodd \d+ o’r \d+ o asiantaethau y disgwylid iddynt ateb awdit wedi’i lofnodi", text)
    assert " of the answers" not in text
    assert " said that" not in text
    assert "Cyrff y GIG" in text
