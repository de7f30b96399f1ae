"""`candour report render --check` and `candour report data`, on PDFs alone: they need no database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from bench.reports import invented
from reports import attached, check, registry
from reports.pool import Pool
from reports.render import render_pdf

KINDS = {"bench-profile": invented.Profile, "bench-annex": invented.Annex}
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A report in a file."""
    out = tmp_path_factory.mktemp("files") / "profile.pdf"
    pool = Pool("bench.reports.serve")
    document = invented.profile(1)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(registry, "FOLDERS", [registry.HERE, invented.FOLDER])
            patch.setattr(registry, "DATA_KINDS", registry.DATA_KINDS | KINDS)
            registry.reports.cache_clear()
            data = document.model_copy(update={"parts": document.parts[:1]}).model_dump(mode="json")
            render_pdf("profile", data, out, pool=pool)
            yield out
    finally:
        registry.reports.cache_clear()
        pool.close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command with the renderer that knows the report."""
    pool = Pool("bench.reports.serve")

    def rendered(key: str, data: dict[str, object], out: Path) -> object:
        return render_pdf(key, data, out, pool=pool)

    monkeypatch.setattr(check, "render_pdf", rendered)

    def invoke(*arguments: str, ok: bool = True) -> Result:
        result = CliRunner().invoke(main, arguments)
        assert (result.exit_code == 0) is ok, result.output
        assert "Traceback" not in result.output
        return result

    yield invoke
    pool.close()


def test_a_file_that_was_not_touched_agrees(run: Run, pdf: Path) -> None:
    assert "byte for byte" in run("report", "render", "--check", str(pdf)).output


def test_a_file_that_was_changed_does_not(run: Run, pdf: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(pdf.read_bytes() + b"%")
    told = run("report", "render", "--check", str(changed), ok=False).output
    assert "changed after it was made" in told
    assert "not what the data give" in told


def test_what_a_file_was_made_with_is_compared(run: Run, pdf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = attached.read, []

    def older(content: bytes) -> attached.Attached:
        found = real(content)
        asked.append(found)
        if len(asked) == 1:  # the file itself; then what is made again
            found.made.update(program="0.0.9", pango="1.40.0", content_sha256="0" * 64)
        return found

    monkeypatch.setattr(check, "read", older)
    monkeypatch.setattr(check, "sha256_hex", lambda content: hashlib.sha256(content + b"x").hexdigest())
    told = run("report", "render", "--check", str(pdf), ok=False).output
    assert "The version of Candour differs: 0.0.9 in the file" in told
    assert "The version of Pango differs: 1.40.0 in the file" in told
    assert "The attached data do not have the hash" in told


def test_data_come_out_as_they_were_put_in(run: Run, pdf: Path, tmp_path: Path) -> None:
    out = tmp_path / "data.json"
    told = run("report", "data", str(pdf), "--out", str(out)).output
    assert "the data of profile" in told
    data = json.loads(out.read_text())
    assert invented.Profile.model_validate(data).agency == "Agency 1"
    assert hashlib.sha256(out.read_bytes()).hexdigest() == attached.read(pdf.read_bytes()).made["content_sha256"]
    assert json.loads(run("report", "data", str(pdf)).output) == data


def test_other_files_are_refused_in_words(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.pdf"
    other.write_text("hello")
    for command in (("render", "--check"), ("data",)):
        assert "not a PDF that can be read" in run("report", *command, str(other), ok=False).output


def test_a_check_takes_nothing_else(run: Run, pdf: Path) -> None:
    assert "takes no report" in run("report", "render", "receipt", "--check", str(pdf), ok=False).output
    assert "Give a report" in run("report", "render", "receipt", ok=False).output
