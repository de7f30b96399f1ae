"""The benchmark compares like with like: its minimal page takes the form of Candour's page and stores the same."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import SelfAssessment
from bench import minimal
from bench.client import Form, inputs
from bench.data import answer
from config import Config
from tests import world as worlds


def test_both_applications_show_the_same_fields_and_store_the_same_values(
    app: Flask, config: Config, session
) -> None:  # type: ignore[no-untyped-def]
    world = worlds.build(session, pack_key="climbie-2003")
    code = f"{next(iter(world.pack.agency_types))}-1"  # where the signatory works
    section = world.work(code).sections[0]
    path = f"/returns/{world.returns[code].public_id}/standards/{section.standard.id}"
    answers = {
        item.criterion.id: [answer(item.scheme, 2003, best=best) for best in (False, True)] for item in section.items
    }
    asking = next(basis for basis in section.items[0].scheme.bases if basis.asks)
    answers[section.items[0].criterion.id][0] |= {
        "basis": asking.key, "files": "25", "files_date-day": "2", "files_date-month": "4", "files_date-year": "2003",
    }  # fmt: skip
    ceiling = minimal.create_app(config)
    ceiling.config["WTF_CSRF_ENABLED"] = False

    def sign_in(one: Flask) -> FlaskClient:
        client = one.test_client()
        with client.session_transaction() as cookie:
            cookie.update(_user_id=world.people["signatory"].fs_uniquifier, _fresh=True, fs_cc="set")
        return client

    def stored() -> dict[str, dict[str, object]]:
        session.rollback()
        rows = session.scalars(select(SelfAssessment).execution_options(populate_existing=True)).all()
        assert all(row.grade == row.value["grade"] for row in rows)
        return {row.criterion: row.value for row in rows}

    candour, plain = sign_in(app), sign_in(ceiling)
    pages = [client.get(path).get_data(as_text=True) for client in (candour, plain)]
    form = re.search(r"<form[^>]* data-answering .*?</form>", pages[0], re.DOTALL)
    assert form
    names = [sorted(one["name"] for one in inputs(page)) for page in (form[0], pages[1])]
    assert names[0] == names[1] and len(names[0]) > 10 * len(answers)

    sent = Form.read(pages[0], answers)
    kinds = {"content_type": "application/x-www-form-urlencoded"}
    found = []
    for client in (candour, candour, plain, plain):  # one answer and the other, from each
        response = client.post(path, data=sent.body(), **kinds)
        assert response.status_code == 303, response.get_data(as_text=True)
        found.append(stored())
    ceiling.extensions["engine"].dispose()
    assert found[0] == found[2] != found[1] == found[3]
    assert found[0][section.items[0].criterion.id]["files"] == 25
    assert set(found[0]) == set(answers)
