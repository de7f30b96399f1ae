"""The command line through the real program, on a database of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from config import Config
from tests.pdf_gate import assert_pdf_ua

CSV = """code,name,type,subtype,areas,email,signatory
C1,Fictional Council,council,county,mere: Mereland,chief@council.example,Ann Chief
N1,Fictional Trust,nhs,acute-trust,mere,chief@trust.example,
P1,Fictional Force,police,,mere;vale: Valeland,chief@force.example,
"""


@pytest.fixture
def run(config: Config, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("CANDOUR_HOME", str(config.home))
    monkeypatch.setenv("CANDOUR_DATABASE_URL", config.database_url)

    def invoke(*arguments: str, ok: bool = True, **more: object) -> Result:
        result = CliRunner().invoke(main, arguments, **more)  # type: ignore[arg-type]
        assert (result.exit_code == 0) is ok, result.output
        assert "Traceback" not in result.output
        return result

    return invoke


def test_every_command_has_help_that_says_what_it_does(run) -> None:  # type: ignore[no-untyped-def]
    def visit(command, path: list[str]) -> int:  # type: ignore[no-untyped-def]
        text = run(*path, "--help").output
        assert len(text.split()) > 12, path
        return 1 + sum(visit(child, [*path, name]) for name, child in getattr(command, "commands", {}).items())

    assert visit(main, []) > 12


def test_packs_are_checked_with_place_and_remedy(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert "in order" in run("templates", "check").output
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pack.yaml").write_text("format: 1\npack: broken\ntitel: x\n")
    output = run("templates", "check", str(broken), ok=False).output
    assert "pack.yaml:3:1:" in output and "title" in output


def test_a_round_from_nothing_to_the_ledger(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run("agencies", "import", "-", input=CSV, ok=False)  # no pack is published yet: says so
    run("templates", "publish", "climbie-2003")
    run("templates", "publish", "climbie-2003")  # publishing the same again is no error
    assert "3 agencies" in run("agencies", "import", "-", input=CSV).output
    dates = ["--opens", "2090-01-01", "--due", "2090-03-01", "--closes", "2090-03-31"]
    assert "3 agencies" in run("round", "open", "spring", "--pack", "climbie-2003", *dates).output
    assert "already" in run("round", "open", "spring", "--pack", "climbie-2003", *dates, ok=False).output
    wrong = ["--opens", "2090-01-01", "--due", "2001-03-01", "--closes", "2001-03-31"]
    output = run("round", "open", "past", "--pack", "climbie-2003", *wrong, ok=False).output
    assert "due: The due date has passed" in output and "closes: " in output


def test_all_errors_of_an_import_at_once_and_nothing_stored(run) -> None:  # type: ignore[no-untyped-def]
    run("templates", "publish", "climbie-2003")
    bad = CSV + "X1,,council,,,,\nC1,Again,council,,,,\nY1,Odd,zoo,,,not-an-address,\nZ1,short\n"
    output = run("agencies", "import", "-", input=bad, ok=False).output
    for line, words in ((5, "name"), (6, "line 2"), (7, "zoo"), (7, "e-mail"), (8, "cells")):
        assert any(f"line {line}: " in text and words in text for text in output.splitlines()), (line, words)
    assert "3 agencies" in run("agencies", "import", "-", input=CSV).output
    columns = run("agencies", "import", "-", input="id;title\n1;2\n", ok=False).output
    assert "code" in columns and "line 1" in columns


def test_a_published_version_that_changed_is_refused(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import shutil

    from config import ROOT

    folder = tmp_path / "packs"
    shutil.copytree(ROOT / "audit_templates" / "section-11-2024", folder / "section-11-2024")
    monkeypatch.setattr(Config, "templates", folder)
    monkeypatch.setattr("config.Config.load", _with_templates(Config.load, folder))
    run("templates", "publish", "section-11-2024")
    path = folder / "section-11-2024" / "pack.yaml"
    path.write_text(path.read_text().replace("title:\n  en: ", "title:\n  en: Changed ", 1), "utf-8")
    assert "raise `version`" in run("templates", "publish", "section-11-2024", ok=False).output
    path.write_text(re.sub(r"^version: 4\nchanges:\n(  .*\n)+", "version: 5\n", path.read_text(), flags=re.MULTILINE))
    refused = run("templates", "publish", "section-11-2024", ok=False).output
    assert "say what is new in version 5" in refused and "`changes: " in refused
    path.write_text(path.read_text() + "changes: Clearer words.\n")
    compared = run("templates", "compare", "section-11-2024").output
    assert "version 4 beside version 5 (on disk)" in compared and "also changed:" in compared
    assert "version 5" in run("templates", "publish", "section-11-2024").output
    # the latest is compared with the disk, two versions with each other
    assert "Nothing differs." in run("templates", "compare", "section-11-2024").output
    assert "version 4 beside version 5\n" in run("templates", "compare", "section-11-2024", "4", "5").output
    assert "version 9 is not published" in run("templates", "compare", "section-11-2024", "9", ok=False).output
    assert "is not published" in run("templates", "compare", "climbie-2003", ok=False).output


def _with_templates(load, folder: Path):  # type: ignore[no-untyped-def]
    def loaded(*arguments: object, **changes: object) -> Config:
        return load(*arguments, **({"templates": folder} | changes))  # type: ignore[no-any-return]

    return loaded


def test_unknown_things_are_named(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = str(tmp_path / "x.pdf")
    assert "no round with the key" in run(
        "report", "render", "joint-findings", "--round", "nope", "--out", out, ok=False
    ).output  # fmt: skip
    assert "no pack" in run("templates", "publish", "nope", ok=False).output
    assert "nobody with the e-mail" in run(
        "templates", "publish", "climbie-2003", "--as", "nobody@nowhere.example", ok=False
    ).output  # fmt: skip
    assert not Path(out).exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a PDF is made of data alone
def test_the_demonstration_renders_its_reports(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    output = run("demo", "--agencies", "20").output
    assert "Sign in as one of these" in output and "pilot of autumn 2002" in output
    assert run("demo", "--if-empty").output == ""
    assert "there is data already" in run("demo", ok=False).output
    out, data = tmp_path / "joint.pdf", tmp_path / "joint.json"
    run(
        "report", "render", "joint-findings", "--round", "climbie-2003", "--out", str(out), "--data", str(data)
    )
    assert_pdf_ua(out)
    assert json.loads(data.read_text())["snapshot_id"]
    assert "Nothing has been submitted" in _for_agency(run, tmp_path, stage="invited", ok=False)
    assert "pages" in _for_agency(run, tmp_path, stage="submitted", ok=True)


def _for_agency(run, tmp_path: Path, *, stage: str, ok: bool) -> str:  # type: ignore[no-untyped-def]
    from app import create_app
    from app.db import db
    from app.models import AuditReturn, AuditRound

    app = create_app(Config.load())
    with app.app_context():
        returns = db.session.query(AuditReturn).join(AuditReturn.audit_round)
        code = returns.filter(AuditReturn.stage == stage, AuditRound.key == "climbie-2003").first().agency.code
        db.session.close()
        db.engine.dispose()
    arguments = ["--round", "climbie-2003", "--agency", code, "--out", str(tmp_path / f"{stage}.pdf")]
    return str(run("report", "render", "agency-return", *arguments, ok=ok).output)


def test_links_for_contributors_are_switched(run) -> None:  # type: ignore[no-untyped-def]
    assert "off already" in run("setting", "contributor-links", "off").output
    assert run("setting", "contributor-links", "on").output == "Links for contributors are on.\n"
    assert "on already" in run("setting", "contributor-links", "on").output
    run("setting", "contributor-links", "perhaps", ok=False)
    run("setting", "contributor-links", "off", "--as", "nobody@agency.example", ok=False)
