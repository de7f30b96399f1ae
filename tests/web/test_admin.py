"""The pages of the administrator: packs, oversight bodies, people."""

from __future__ import annotations

import dataclasses
import re
import shutil
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Appointment, OversightBody, PackVersion, User
from config import ROOT
from tests.web.test_oversight import count, words

PACK = "section-11-2024"


@pytest.fixture
def admin(client_as) -> FlaskClient:
    """The administrator."""
    client: FlaskClient = client_as("administrator")
    return client


def test_only_administrators_come_in(client_as, admin):
    for path in ("", "/packs", "/bodies", "/people", "/people/new"):
        assert admin.get(f"/admin{path}").status_code == 200
        assert client_as("lead-inspector").get(f"/admin{path}").status_code == 403
    assert "This is Candour" in words(admin.get("/admin"))


def test_packs_on_disk_are_checked_and_published(admin, app, world, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "audit_templates" / PACK, tmp_path / "packs" / PACK)
    packs = dataclasses.replace(app.config["CANDOUR"], templates=tmp_path / "packs")
    monkeypatch.setitem(app.config, "CANDOUR", packs)
    file = tmp_path / "packs" / PACK / "pack.yaml"
    text = file.read_text()
    assert "Published as it is" in words(admin.get("/admin/packs"))
    text = re.sub(r"^changes:\n(  .*\n)+", "", text, flags=re.MULTILINE)
    file.write_text(text.replace("title:\n  en: ", "title:\n  en: Another ", 1))
    assert "raise the version in pack.yaml" in words(admin.get("/admin/packs"))
    refused = admin.post("/admin/packs", data={"pack": PACK})
    assert refused.status_code == 200 and "A published version never changes" in words(refused)
    newer = text.replace(f"version: {world.pack.version}", f"version: {world.pack.version + 1}", 1)
    file.write_text(newer)
    page = words(admin.get("/admin/packs"))
    assert "Say what is new in this one" in page and "Publish version" not in page
    assert "say what is new in version" in words(admin.post("/admin/packs", data={"pack": PACK}))
    assert count(world, PackVersion) == 1
    file.write_text(newer + "changes: {en: One question is new., cy: Mae un cwestiwn yn newydd.}\n")
    page = words(admin.get("/admin/packs"))
    assert f"Publish version {world.pack.version + 1}" in page and "One question is new." in page
    assert admin.post("/admin/packs", data={"pack": PACK}).status_code == 303
    assert count(world, PackVersion) == 2
    assert "New in this version: One question is new." in words(admin.get("/admin/packs"))
    file.write_text("format: 1\nnonsense: [")
    broken = words(admin.get("/admin/packs"))
    assert "Mend" in broken and "pack.yaml:" in broken
    assert "it has mistakes" in words(admin.post("/admin/packs", data={"pack": PACK}))
    assert "There is no such pack" in words(admin.post("/admin/packs", data={"pack": "../etc"}))


def test_an_oversight_body_is_added(admin, world):
    before = count(world, OversightBody)
    wrong = admin.post("/admin/bodies", data={"code": "No Good", "name": "", "short": "x" * 41, "kind": ""})
    assert all(f'href="#{name}"' in wrong.get_data(as_text=True) for name in ("code", "name", "short", "kind"))
    form = {"code": "east", "name": "Eastmere Partnership", "short": "East", "kind": "partnership"}
    assert admin.post("/admin/bodies", data=form).status_code == 303
    assert "with the code “east” already" in words(admin.post("/admin/bodies", data=form))
    assert count(world, OversightBody) == before + 1


def test_somebody_is_appointed_and_the_appointment_ended(admin, world):
    form = {"email": "New.Person@agency.example", "name": "New Person", "role": "inspector", "body": "nothere"}
    form |= {"starts-day": "12", "starts-month": "5", "starts-year": "2003"}
    before = count(world, User)
    answer = admin.post("/admin/people/new", data=form)
    assert "There is no oversight body with the code “nothere”" in words(answer)
    empty = admin.post("/admin/people/new", data={}).get_data(as_text=True)
    assert all(f'href="#{name}"' in empty for name in ("email", "name", "role", "starts-day"))
    backwards = admin.post("/admin/people/new", data=form | {"ends-day": "1", "ends-month": "5", "ends-year": "2003"})
    assert "The last day must be the first day or later" in words(backwards)
    assert count(world, User) == before
    done = admin.post("/admin/people/new", data=form | {"body": "north"})
    assert done.status_code == 303
    page = admin.get(done.headers["Location"])
    assert "New Person" in words(page) and "/welcome/" in page.get_data(as_text=True)
    world.session.rollback()
    appointment = world.session.scalars(
        select(Appointment).join(Appointment.user).where(User.email == "new.person@agency.example")
    ).one()
    address = f"/admin/appointments/{appointment.public_id}/end"
    early = admin.post(address, data=last_day("1", "5", "2003"))
    assert "The last day must be the first day or later" in words(early)
    assert admin.post(address, data=last_day("12", "5", "2003")).status_code == 303
    world.session.rollback()
    world.session.refresh(appointment)
    assert appointment.ends == date(2003, 5, 12)
    assert admin.get("/admin/appointments/unknown/end").status_code == 404


def last_day(day: str, month: str, year: str) -> dict[str, str]:
    """The form that ends an appointment."""
    return {"ends-day": day, "ends-month": month, "ends-year": year}
