"""The agency's return as PDF lists the evidence of every answer, with its hash."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

from flask.testing import FlaskClient

from app.operations.submissions import sign_and_submit
from app.queries.returns import content_hash
from reports.make import make_report
from tests.pdf_gate import assert_pdf_ua
from tests.world import SYSTEM, World


def test_the_agency_return_lists_its_evidence(
    world: World, client_as: Callable[[str], FlaskClient], tmp_path: Path
) -> None:
    code = next(iter(world.returns))
    item = world.work(code).items[0]
    rid = world.returns[code].public_id
    form = {
        "title": "Minutes of the board", "description": "Item 4: the policy\nwas agreed.", "questions": [item.id],
        "file": (io.BytesIO(b"Agreed.\n"), "minutes.txt"),
    }  # fmt: skip
    assert client_as("lead").post(f"/returns/{rid}/evidence/add", data=form).status_code == 303
    world.session.rollback()
    world.answer(code)
    session = world.write()
    expected = content_hash(world.work(code))
    sign_and_submit(
        session, rid, by=world.actor("signatory"), now=world.now, expected_hash=expected, identity_proved=True
    )
    session.commit()
    audit_return = world.returns[code]
    out = tmp_path / "return.pdf"
    make_report(
        session, "agency-return", audit_return.audit_round, audit_return, out=out, actor=SYSTEM, now=world.now
    )
    assert_pdf_ua(out)
    text = subprocess.run(["pdftotext", "-layout", out, "-"], capture_output=True, check=True).stdout.decode()
    (piece,) = world.work(code).items[0].evidence
    for words in ("Minutes of the board", "minutes.txt", "Item 4: the policy", "was agreed.", piece.sha256[:24]):
        assert words in text
