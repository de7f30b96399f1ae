"""What the tests of the engine share: invented reports, what is in a PDF, and renderers of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pypdf

from reports.pool import environment
from reports.registry import HERE

# a process that makes reports in one piece
WHOLE = """
from bench.reports import invented
from reports import parts, worker
invented.register()
parts.SHORT = 10**9
worker.main()
"""


def render_whole(key: str, data: dict[str, Any], out: Path) -> dict[str, Any]:
    """Render a report in one piece, whatever its `report.yaml` says."""
    with tempfile.TemporaryDirectory() as folder:
        request = {"report": key, "data": data, "out": str(out), "seconds": 600, "folder": folder}
        told = subprocess.run(
            [sys.executable, "-c", WHOLE], input=json.dumps(request), capture_output=True, text=True, check=True,
            cwd=HERE.parent, env=environment(folder),
        ).stdout  # fmt: skip
    return dict(json.loads(told.splitlines()[-1])["done"])


def streams(pdf: pypdf.PdfReader) -> list[bytes]:
    """What is painted on each page."""
    return [page.get_contents().get_data() for page in pdf.pages]  # type: ignore[union-attr]


def bookmarks(pdf: pypdf.PdfReader) -> list[tuple[int, str, int]]:
    """Level, title and page of each bookmark."""

    def flat(entries: Any, level: int) -> Any:
        for entry in entries:
            if isinstance(entry, list):
                yield from flat(entry, level + 1)
            else:
                yield level, entry.title, pdf.get_destination_page_number(entry)

    return list(flat(pdf.outline, 1))


def anchors(pdf: pypdf.PdfReader) -> dict[str, int | None]:
    """The page of each place that links go to."""
    return {name: pdf.get_destination_page_number(place) for name, place in pdf.named_destinations.items()}


def links(pdf: pypdf.PdfReader) -> list[tuple[int, str]]:
    """Page and target of each link."""
    return [
        (number, str(annotation.get_object()["/Dest"]))
        for number, page in enumerate(pdf.pages)
        for annotation in page.get("/Annots", [])
    ]


def elements(pdf: pypdf.PdfReader) -> Counter[str]:
    """How many structure elements there are of each kind. Each must name its parent."""
    found: Counter[str] = Counter()
    root = pdf.trailer["/Root"]["/StructTreeRoot"]  # type: ignore[index]
    pending = [(root["/K"], None)]
    while pending:
        kid, parent = pending.pop()
        one = kid.get_object()
        if isinstance(one, list):
            pending += [(inner, parent) for inner in one]
        elif isinstance(one, dict) and "/S" in one:
            found[one["/S"]] += 1
            assert parent is None or one["/P"].get_object() == parent
            pending += [(inner, one) for inner in [one.get("/K", [])] if not isinstance(inner, int)]
    return found


def parent_tree(pdf: pypdf.PdfReader) -> dict[int, Any]:
    """The parent tree as one dictionary."""
    tree = pdf.trailer["/Root"]["/StructTreeRoot"]["/ParentTree"].get_object()  # type: ignore[index]
    leaves = [one.get_object() for one in tree.get("/Kids", [tree])]
    found: dict[int, Any] = {}
    for leaf in leaves:
        numbers = leaf["/Nums"]
        if "/Limits" in leaf:
            assert list(leaf["/Limits"]) == [numbers[0], numbers[-2]]
        found |= {int(numbers[place]): numbers[place + 1] for place in range(0, len(numbers), 2)}
    assert list(found) == sorted(found)
    return found
