"""`make queries`: keep with each report the statements that its figures rest on.

A PDF has them attached, so that whoever has it alone can see the query behind a figure. They are taken from rounds that
are invented here, in the words of PostgreSQL, with names for values: nothing of a round is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from app.db import make_engine
from app.domain.survey import Survey
from app.models import Area, AuditReturn, AuditRound, Base, Submission, SurveyResult
from app.operations import release
from app.policy import system_actor
from app.queries import stands
from reports.origins import ORIGINS, QUERIES
from reports.read import read
from reports.registry import ABOUT, HERE, reports
from reports.render import RenderFailed
from reports.source import Query, recorded
from tests.operations.test_sampling import SHUT, moderate
from tests.reports import test_letter
from tests.reports.seeded import AFTER, seed
from tests.reports.test_checks import drawn_world, finished
from tests.reports.test_four_rounds import full
from tests.world import build, pack

SYSTEM = system_actor("queries")
ACCOUNT = re.compile(r", user_\d+\.\w+(?: AS \w+)?")


def _full(session: Session) -> None:
    """With findings, judgements, feedback and an earlier round."""
    audit_round = full(session)
    release.prepare(session, audit_round.public_id, by=SYSTEM, now=AFTER)


def _drawn(session: Session) -> None:
    """With a sample that was checked, and what staff say."""
    world = build(session)
    drawn_world(world, 0)
    moderate(world, "council-1", adjust=2)
    finished(world, "council-1")
    survey = Survey.model_validate(world.pack.survey)
    session.add(
        SurveyResult(
            return_id=world.returns["council-1"].id, statement=next(iter(survey.statements)), asked=40, answered=20,
            counts={survey.answers[0].key: 20}, given_by="body", at=SHUT,
        )
    )  # fmt: skip


def _facts(session: Session) -> None:
    """With an answer of every type."""
    seed(session, pack("every-answer"), agencies=8)


def _register(session: Session) -> None:
    """That asks for decisions on recommendations."""
    seed(session, pack("recommendations"), agencies=4)


def _letter(session: Session) -> None:
    """Of which a letter to an area comes."""
    one = build(session, pack_key="joint-review")
    test_letter.write(one, {"leaders-know": ("to-improve", "They hear of one case in four.")})


# invented rounds, and the reports that read in each what they read nowhere before
WORLDS: Mapping[str, tuple[Callable[[Session], None], Collection[str]]] = {
    "full": (_full, tuple(reports())),
    "drawn": (_drawn, ("joint-findings",)),
    "facts": (_facts, ("joint-findings",)),
    "register": (_register, ("register-responses",)),
    "letter": (_letter, ("area-letter",)),
}


@contextmanager
def world(name: str, folder: Path) -> Iterator[Session]:
    """An invented round in a database of its own."""
    engine = make_engine(f"sqlite:///{folder / name}.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        WORLDS[name][0](session)
        session.commit()
    with Session(engine) as session:
        yield session
    engine.dispose()


def asked(session: Session, report_key: str) -> dict[str, Any]:
    """What a report of an invented round is asked for with: the arguments of `read`."""
    audit_round = session.scalars(select(AuditRound).order_by(AuditRound.opens.desc())).first()
    about = ABOUT[reports()[report_key].data]
    what: dict[str, Any] = {"audit_round": audit_round, "audit_return": None, "actor": SYSTEM, "now": AFTER}
    if about in ("return", "feedback"):
        own = select(AuditReturn).join(Submission).where(AuditReturn.round_id == audit_round.id)
        what["audit_return"] = session.scalars(own.order_by(AuditReturn.id)).first()
    if about == "body":
        what["body"] = audit_round.served[0].oversight_body.code
    if about == "area":
        what["area"] = session.scalars(select(Area.public_id).order_by(Area.id)).first()
    return what


def queries_of(session: Session, report_key: str) -> list[Query]:
    """The statements that the figures of a report rest on, as they are kept; none where it cannot be made here."""
    what = asked(session, report_key)
    dialect = postgresql.dialect(paramstyle="named")
    stands._KEPT.clear()  # what is kept in the process is not read again
    with recorded(session, ORIGINS.get(reports()[report_key].data, {}), dialect=dialect) as found:
        try:
            read(session, report_key, **what)
        except RenderFailed:
            return []
    return [without_accounts(one) for one in found if one.fills]


def without_accounts(query: Query) -> Query:
    """A statement without the columns of people’s accounts, which it may join for a name: nobody is to read of them."""
    text = ACCOUNT.sub("", query.statement)
    return replace(query, statement=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def every(folder: Path) -> dict[str, str]:
    """For each report that has some what its file of queries says: as functions read in the first round."""
    found: dict[str, list[Query]] = {key: [] for key in reports()}
    for name, (_make, keys) in WORLDS.items():
        with world(name, folder) as session:
            for key in keys:
                known = {one.reader for one in found[key]}
                found[key] += [one for one in queries_of(session, key) if one.reader not in known]
    return {
        key: json.dumps([asdict(one) for one in queries], ensure_ascii=False, indent=1) + "\n"
        for key, queries in found.items()
        if queries
    }


def main() -> int:
    """Write them; says which are new."""
    with tempfile.TemporaryDirectory() as folder:
        for key, text in every(Path(folder)).items():
            path = HERE / key / QUERIES
            if not path.is_file() or path.read_text() != text:
                path.write_text(text)
                sys.stdout.write(f"{path.relative_to(HERE.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
