"""What feedback says of judgements: the grade, the rule that gave it, a cap with what it is without, and overrides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.feedback import Statement
from app.domain.message import N_
from app.domain.rules.book import Rulebook
from app.domain.rules.language import Given
from app.models import Judgement


def statements_of(book: Rulebook | None, rows: Mapping[str, Judgement]) -> list[Statement]:
    """The statements on the judgements of one return, in the order of its rules, and on what they call for.

    Nothing is said of a judgement that has no grade yet. An override counts once it is approved.
    """
    if book is None:
        return []
    found = [
        statement
        for key in book.profile.judgements
        if key in rows and rows[key].holds
        for statement in _of_one(book, rows[key], rows)
    ]
    # what is called for follows from all of them, and stands with each
    first = next((row for row in rows.values() if row.explanation.get("triggers")), None)
    for key in first.explanation["triggers"] if first else ():
        trigger = book.profile.triggers.get(key)
        if trigger is not None:
            found.append(
                Statement(
                    id=f"trigger.{key}", part="judgement", msgid=N_("This is called for: %(what)s. %(because)s"),
                    params={"what": trigger.calls_for, "because": trigger.because},
                )
            )  # fmt: skip
    return found


def _of_one(book: Rulebook, row: Judgement, rows: Mapping[str, Judgement]) -> Iterator[Statement]:
    judgement = book.profile.judgements[row.key]
    labels = {one.key: one.label for one in book.scale(row.key).grades}
    title: dict[str, Any] = {"judgement": judgement.title}

    def statement(name: str, msgid: str, words: str = "", **params: Any) -> Statement:
        key = f"judgement.{row.key}" + (f".{name}" if name else "")
        return Statement(id=key, part="judgement", msgid=msgid, params=title | params, words=words)

    def label(grade: str) -> Any:
        return labels.get(grade, grade)

    given = isinstance(judgement, Given)
    yield statement(
        "", N_("%(judgement)s: %(grade)s."), row.given_note if given and not row.approved_at else "",
        grade=label(row.holds),
    )  # fmt: skip
    if row.approved_at:
        yield statement(
            "override",
            N_(
                "%(judgement)s: the rules give “%(rules)s”. An inspector proposed “%(grade)s” instead, and a lead"
                " inspector approved it. The reason:"
            )
            if not given
            else N_(
                "%(judgement)s: “%(rules)s” was entered first. An inspector proposed “%(grade)s” instead, and a lead"
                " inspector approved it. The reason:"
            ),
            row.override_reason, rules=label(row.grade), grade=label(row.holds),
        )  # fmt: skip
    place = row.explanation.get("rule")
    if place is not None and place < len(judgement.steps):
        yield statement(
            "rule", N_("%(judgement)s, the rule that gives “%(grade)s”: %(because)s"),
            grade=label(row.uncapped), because=judgement.steps[place].because,
        )  # fmt: skip
    for other in judgement.others:
        if other in rows and rows[other].holds == row.uncapped:
            yield statement(
                f"worst.{other}", N_("%(judgement)s is no better than “%(other)s”, which is “%(grade)s”."),
                other=book.profile.judgements[other].title, grade=label(row.uncapped),
            )  # fmt: skip
    for bound in row.explanation.get("bound", ()):
        yield statement(
            f"cap.{bound}",
            N_(
                "%(judgement)s is limited to “%(grade)s”; without the limit it would be “%(uncapped)s”. The reason:"
                " %(because)s"
            ),
            grade=label(row.grade), uncapped=label(row.uncapped), because=judgement.caps[bound].because,
        )  # fmt: skip
    if row.explanation.get("checked") and not given:
        same = row.self_grade == row.grade
        yield statement(
            "own",
            N_("%(judgement)s: on your own grades alone the rules give “%(own)s” too.")
            if same
            else N_(
                "%(judgement)s: on your own grades alone the rules would give “%(own)s”. With what we found when we"
                " checked they give “%(grade)s”."
            ),
            own=label(row.self_grade), grade=label(row.grade),
        )  # fmt: skip
