"""Reports on a phone: everything that they say is on the screen, and large enough to be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import Area, AuditReturn, Base, OversightBody
from app.policy import system_actor
from reports.formats import FORMATS
from reports.make import make_source
from tests.browser.look import axe_finds, too_wide
from tests.reports.seeded import AFTER, seed
from tests.world import pack

PHONE, DESK = {"width": 375, "height": 800}, {"width": 1280, "height": 800}
LEAST = 9.5  # pixels of the smallest words in a chart; the notes of a page have 14

LOOK = """() => {
  const shown = (one) => one.getClientRects().length > 0;
  const boxes = [...document.querySelectorAll(".scroll, details.numbers, table, figure")];
  const words = [...document.querySelectorAll("svg text")].filter((one) => shown(one) && one.textContent.trim());
  const size = (one) => parseFloat(one.getAttribute("font-size")) * one.getScreenCTM().a;
  return {
    scrolls: boxes.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent.slice(0, 80)),
    beyond: [...document.querySelectorAll("main td, main th, main svg")].filter((one) =>
      shown(one) && !one.closest("thead, caption") && one.getBoundingClientRect().right > innerWidth
    ).map((one) => one.outerHTML.slice(0, 90)),
    smallest: Math.min(...words.map(size), 99), words: words.length,
    charts: ["svg.broad", "svg.slim"].map((kind) => [...document.querySelectorAll(kind)].filter(shown).length),
    type: [...document.fonts].filter((one) => one.status === "loaded").length,
  };
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of some reports on a seeded round."""
    folder = tmp_path_factory.mktemp("phone")
    engine = make_engine(f"sqlite:///{folder / 'seeded.db'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        audit_round = seed(session, pack("climbie-2003"), agencies=24)
        signed = session.scalars(select(AuditReturn).where(AuditReturn.stage == "submitted")).first()
        body, area = session.scalars(select(OversightBody)).first(), session.scalars(select(Area)).first()
        assert signed and body and area
        about: dict[str, Any] = {"body-summary": {"body": body.code}, "area-report": {"area": area.public_id}}
        for key in ("joint-findings", "action-plan", *about):
            source = make_source(
                session, key, audit_round, signed if key == "action-plan" else None, actor=system_actor("test"),
                now=AFTER, **about.get(key, {}),
            )  # fmt: skip
            (folder / f"{key}.html").write_bytes(FORMATS["html"].write(source))
    engine.dispose()
    return {path.stem: path for path in sorted(folder.glob("*.html"))}


def test_reports_read_well_on_a_phone(chromium: Browser, pages: dict[str, Path]) -> None:
    wrong, drawn = [], 0
    for key, path in pages.items():
        page = chromium.new_page(viewport=PHONE)  # type: ignore[arg-type]
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        page.evaluate("document.fonts.ready")
        on_phone = page.evaluate(LOOK)
        wrong += [f"{key}: scrolls sideways: {one}" for one in on_phone["scrolls"]]
        wrong += [f"{key}: not on the screen: {one}" for one in on_phone["beyond"]]
        wrong += [f"{key}: {one}" for one in (*axe_finds(page), *too_wide(page))]
        assert on_phone["type"] >= 3, f"{key} is set in what the device has"
        assert on_phone["smallest"] >= LEAST, key
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        on_desk = page.evaluate(LOOK)
        assert on_phone["charts"] == [0, on_desk["charts"][0]] and on_desk["charts"][1] == 0
        drawn += on_phone["charts"][1]
        wrong += [f"{key}: {one}" for one in axe_finds(page)]
        page.close()
    assert not wrong, "\n".join(wrong)
    assert drawn >= 5
