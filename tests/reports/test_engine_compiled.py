"""Libraries that were compiled are found, are those of this Python and these versions, and give the same bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.reports import invented
from reports import compiled
from reports.pool import environment
from reports.registry import HERE

# a renderer that says where its libraries are from
PROGRAM = """
import weasyprint.layout.block
from bench.reports import invented
from reports import worker
print(weasyprint.layout.block.__file__)
invented.register()
worker.main()
"""


def renders(folder: Path, libraries: Path | None) -> tuple[str, str]:
    """The SHA-256 of a feedback that a process of its own makes, and where its libraries are from."""
    request = {
        "report": "profile", "data": invented.profile(1).model_dump(mode="json"), "out": str(folder / "made.pdf"),
        "seconds": 600, "folder": str(folder),
    }  # fmt: skip
    variables = environment(str(folder)) | {"PYTHONPATH": str(libraries or "")}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(request), capture_output=True, text=True, check=True,
        cwd=HERE.parent, env=variables,
    ).stdout.splitlines()  # fmt: skip
    made = json.loads(told[-1])["done"]
    assert made["sha256"] == hashlib.sha256((folder / "made.pdf").read_bytes()).hexdigest()
    return made["sha256"], told[0]


def test_renderers_look_where_the_compiled_libraries_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path / "none")
    assert "PYTHONPATH" not in environment("x")
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path)
    assert environment("x")["PYTHONPATH"] == str(tmp_path)


def test_they_are_of_one_version_and_one_python() -> None:
    name = compiled.folder().name
    assert "weasyprint-70.0" in name
    assert f"cpython-{sys.version_info.major}{sys.version_info.minor}" in name


@pytest.mark.proof
def test_compiled_libraries_give_the_same_bytes(tmp_path: Path) -> None:
    libraries = compiled.build(tmp_path / "libraries")
    assert not list(libraries.rglob("*.c"))
    before, installed = renders(tmp_path, None)
    after, built = renders(tmp_path, libraries)
    assert Path(built).is_relative_to(libraries)
    assert built.endswith(".so")
    assert not installed.endswith(".so")
    assert after == before
