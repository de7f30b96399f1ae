"""The patches leave every byte as it is, and do nothing at another version."""

from __future__ import annotations

from collections.abc import Iterator

import pydyf
import pytest
import weasyprint
from weasyprint import HTML
from weasyprint.text.line_break import Layout

from bench.reports import invented
from reports import patches, registry, worker
from reports.registry import ASSETS

# what the patches must tell apart: the same words in other looks, widths and scripts
LOOKS = "".join(
    f'<p style="{style}">The same few words. שלום Ärger fi ffl 1/2 &amp; 😀</p><div style="width: 17mm; {style}">'
    "The same few words.</div>"
    for style in (
        "", "font-weight: 600", "font-style: italic", "font-size: 7pt", "letter-spacing: 1pt", "word-spacing: 4pt",
        "text-align: justify", "white-space: nowrap", "white-space: pre-wrap", "hyphens: auto", "direction: rtl",
        "font-variant-caps: small-caps", "font-variant-numeric: oldstyle-nums", "text-decoration: underline overline",
        "overflow-wrap: anywhere; width: 4mm", "text-overflow: ellipsis; overflow: hidden; white-space: nowrap",
        "text-transform: uppercase", "visibility: hidden", "font-kerning: none", "color: #a8481b",
        "word-break: break-all",
        "font-family: 'Source Sans 3'", "position: relative; left: 3mm", "line-height: 2", "hyphens: manual",
    )
)  # fmt: skip
CELLS = "".join(f"<tr><td>{n % 7}</td><td>no</td><td>A\tB</td><td>soft\xadhyphen</td></tr>" for n in range(120))
TABLE = f'<table style="table-layout: fixed"><thead><tr><th>A</th></tr></thead><tbody>{CELLS}</tbody></table>'


@pytest.fixture(scope="module")
def pages() -> Iterator[dict[str, str]]:
    """HTML of pages of every kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "FOLDERS", [registry.HERE, invented.FOLDER])
        worker.environment.cache_clear()
        profile = invented.profile(1)
        annex = invented.annex(600, 2)
        made = {
            "profile": worker.page("profile/page.html", profile.model_copy(update={"parts": profile.parts[:2]}), {}),
            "annex": worker.page("annex/page.html", annex, {}),
            "looks": f'<html lang="en"><head><title>x</title>{worker.LINK}</head><body>{LOOKS}{TABLE}</body></html>',
        }
    worker.environment.cache_clear()
    yield made


def stock(html: str) -> bytes:
    """As WeasyPrint writes it."""
    return bytes(HTML(string=html, base_url=f"{ASSETS.as_uri()}/").write_pdf(pdf_variant="pdf/ua-1"))


@pytest.mark.parametrize("page", ["profile", "annex", "looks"])
def test_patches_leave_every_byte_as_it_is(pages: dict[str, str], page: str) -> None:
    assert patches.fit(), "WeasyPrint or pydyf is another: look whether the patches are still needed"
    expected = stock(pages[page])
    with patches.applied():
        # a second time in the same process too: what is remembered is of one document
        assert stock(pages[page]) == expected
        assert stock(pages[page]) == expected
    assert stock(pages[page]) == expected


@pytest.mark.parametrize("patch", patches.PATCHES)
def test_each_patch_can_be_dropped(pages: dict[str, str], patch: patches.Patch) -> None:
    expected = stock(pages["profile"])
    with patches.applied((patch,)):
        assert stock(pages["profile"]) == expected
    with patches.applied(tuple(one for one in patches.PATCHES if one is not patch)):
        assert stock(pages["profile"]) == expected


def test_patches_do_nothing_at_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = (pydyf.PDF.__dict__["page_references"], Layout.setup)
    monkeypatch.setattr(weasyprint, "__version__", "70.1")
    with patches.applied():
        assert (pydyf.PDF.__dict__["page_references"], Layout.setup) == before


def test_patches_change_something_and_take_it_back() -> None:
    before = Layout.setup
    with patches.applied():
        assert Layout.setup is not before
    assert Layout.setup is before
