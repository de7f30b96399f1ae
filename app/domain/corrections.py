"""What a correction changes: two publications of the same findings, compared figure by figure, chapter by chapter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from app.domain.findings import Frozen
from app.domain.key_messages import in_tenths
from app.domain.letter import AreaLetter
from app.domain.message import N_

RECOMMENDED = "recommendations"  # the chapter of what is recommended, by its number
# name of the chapter by its key, in the order of the report
CHAPTERS: dict[str, str] = {
    "messages": N_("Key messages"),
    "composition": N_("What inspectors wrote"),
    RECOMMENDED: N_("Recommendations"),
    "response": N_("Response"),
    "themes": N_("Themes"),
    "criteria": N_("Criteria"),
    "milestones": N_("Milestones"),
    "assurance": N_("How agencies know"),
    "facts": N_("What was counted"),
    "staff": N_("What front-line staff say"),
    "twins": N_("Two views of one duty"),
    "checks": N_("How declarations were checked"),
    "judgements": N_("Judgements"),
    "not_responding": N_("Agencies without a submission"),
    "register": N_("Table of responses"),
    "letters": N_("Letters to areas"),
    "feedback": N_("Feedback to single agencies"),
}
# what a figure is called where two of them are compared
FIELDS: dict[str, str] = {
    "figure": N_("figure"),
    "invited": N_("invited"),
    "submitted": N_("submitted"),
    "on_time": N_("on time"),
    "late": N_("late"),
    "nil": N_("nil returns"),
    "in_progress": N_("in progress"),
    "not_started": N_("not started"),
    "percent": N_("per cent"),
    "counted": N_("counted"),
    "met": N_("met"),
    "not_met": N_("not met"),
    "apart": N_("shown apart"),
    "excluded": N_("left out"),
    "unanswered": N_("unanswered"),
    "not_yet": N_("not yet in place"),
    "by_then": N_("expected by then"),
    "after": N_("expected later"),
    "no_date": N_("no date given"),
    "checked_met": N_("met and checked"),
    "on_paper_met": N_("met on paper"),
    "answers": N_("answers"),
    "chosen": N_("chose it"),
    "smallest": N_("smallest"),
    "lower": N_("lower quartile"),
    "median": N_("median"),
    "upper": N_("upper quartile"),
    "largest": N_("largest"),
    "total": N_("total"),
    "numerator": N_("counted in the share"),
    "denominator": N_("out of"),
    "together": N_("share together"),
    "agencies": N_("agencies"),
    "few": N_("agencies with too few answers"),
    "agree": N_("staff who agree"),
    "graded": N_("graded answers"),
    "percent_met": N_("per cent met"),
    "earliest": N_("earliest"),
    "latest": N_("latest"),
    "pairs": N_("pairs"),
    "both": N_("both say that it is met"),
    "only_a": N_("only the first says so"),
    "only_b": N_("only the second says so"),
    "neither": N_("neither says so"),
    "not_comparable": N_("not comparable"),
    "checked": N_("checked"),
    "answers_checked": N_("answers checked"),
    "own_met": N_("met by own grades"),
    "found_met": N_("met as found"),
    "adjusted": N_("adjusted"),
    "returns_rate": N_("share of returns with a change"),
    "answers_rate": N_("share of answers adjusted"),
    "agreed": N_("same grade by both"),
    "number": N_("number"),
    "grade": N_("grade"),
    "decision": N_("decision"),
    "response": N_("response"),
    "listed": N_("listed"),
    "versions": N_("changed"),
    "place": N_("place in the report"),
    "before": N_("before the figures"),
    "behind": N_("after the figures"),
    "body": N_("words"),
    "addressee": N_("addressed to"),
    "due": N_("to be done by"),
}
DAYS = frozenset({"due", "earliest", "latest"})  # fields whose figures are days, as 2003-06-30
WRITTEN = frozenset({"before", "behind", "body"})  # fields of what inspectors wrote, which can be long
_FIGURE = ("counted", "met", "not_met", "apart", "excluded", "unanswered", "percent")
_RESPONSE = ("invited", "submitted", "on_time", "late", "nil", "in_progress", "not_started", "percent")
_TWIN = ("pairs", "both", "only_a", "only_b", "neither", "not_comparable")
_STAFF = ("agencies", "few", "agree", "counted", "percent", "met", "graded", "percent_met")
_MILESTONE = ("counted", "not_yet", "by_then", "after", "no_date")

HIDDEN = "c"  # what stands in place of a figure that is not shown for small numbers
SHOWN_WORDS = 120  # characters of a response, or of what inspectors wrote, where two of them are compared
SAME_WORDS = 30  # characters before the first that differs, in what inspectors wrote

Findings = Mapping[str, Any]
Figures = dict[tuple[str, str, str], str]  # (chapter, what it is of, field) to the figure as it is printed


class Changed(Frozen):
    """One figure that a correction changes. `chapter` and `field` are keys; empty `old` or `new`: it was not there."""

    chapter: str
    what: str
    field: str
    old: str
    new: str


def changes(old: Findings, new: Findings) -> list[Changed]:
    """What differs between two joint findings as plain data, in the order of the chapters."""
    before, after = figures_of(old), figures_of(new)
    places = {key: place for place, key in enumerate(CHAPTERS)}
    keys = dict.fromkeys([*before, *after])  # as they stand in the report
    found = []
    for key in keys:
        old_figure, new_figure = before.get(key, ""), after.get(key, "")
        if old_figure == new_figure:
            continue
        if key[2] in WRITTEN:
            old_figure, new_figure = excerpts(old_figure, new_figure)
        found.append(Changed(chapter=key[0], what=key[1], field=key[2], old=old_figure, new=new_figure))
    return sorted(found, key=lambda one: places[one.chapter])


def excerpts(old: str, new: str) -> tuple[str, str]:
    """Two texts from a little before where they begin to differ, each in some words."""
    length = min(len(old), len(new))
    same = next((place for place in range(length) if old[place] != new[place]), length)
    start = 0
    if same > SHOWN_WORDS // 2:
        begin = same - SAME_WORDS
        start = old.find(" ", begin, same) + 1 or begin

    def cut(text: str) -> str:
        end = start + SHOWN_WORDS
        shown, more = text[start:end], len(text) > end
        if more and (space := shown.rfind(" ")) > same - start:  # no word in two, where what differs stays
            shown = shown[:space]
        return f"{'… ' if start else ''}{shown}{' …' if more else ''}" if text else ""

    return cut(old), cut(new)


def register_changes(old: Findings, new: Findings) -> list[Changed]:
    """What a correction changes in the table of responses, each given as plain data and empty where there is none."""
    before, after = (_register_figures(one) if one else {} for one in (old, new))
    return [
        Changed(chapter=key[0], what=key[1], field=key[2], old=before.get(key, ""), new=after.get(key, ""))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _register_figures(register: Findings) -> Figures:
    found: Figures = {}
    for report in register["reports"]:
        for tally in report["decisions"]:
            found["register", f"{report['short']}: {tally['label']}", "number"] = str(tally["number"])
        for entry in report["entries"]:
            what = f"{report['short']} {entry['number']}"
            for one in entry["decided"]:
                found["register", f"{what}: {one['agency']}", "decision"] = one["label"]
                if one["words"]:
                    words = shorten(one["words"], SHOWN_WORDS, placeholder="…")
                    found["register", f"{what}: {one['agency']}", "response"] = words
            for one in entry["progress"]:
                if one.get("hidden"):
                    found["register", f"{what}: {one['name']}", "answers"] = HIDDEN
                for tally in one["by_grade"]:
                    key = ("register", f"{what}: {one['name']}: {tally['label']}", "answers")
                    found[key] = str(tally["number"])
    return found


def letter_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Changed]:
    """Letters to areas that a correction changes, brings or takes away; each given by area, as `letters` of an edition.

    Nothing in a letter is a figure: the beginnings of the snapshots that they print stand for them.
    """
    found = []
    for area in sorted({*old, *new}):
        then, now = (AreaLetter.model_validate(each[area]["en"], extra="ignore") if area in each else None
                     for each in (old, new))  # fmt: skip
        if then and now and then.said == now.said:
            continue
        said, says = (one.snapshot_id[:8] if one else "" for one in (then, now))
        name = (now or then).area  # type: ignore[union-attr]
        field = "versions" if then and now else "listed"
        found.append(Changed(chapter="letters", what=name, field=field, old=said, new=says))
    return found


def figures_of(findings: Findings) -> Figures:
    """Every figure that the findings print, under the chapter, what it is of, and its field."""
    found: Figures = {}

    def add(chapter: str, what: str, row: Mapping[str, Any], fields: Sequence[str]) -> None:
        if row.get("hidden"):  # all of it is, so one says it
            found[chapter, what, fields[0]] = HIDDEN
            return
        for field in fields:
            if row.get(field) is not None:
                found[chapter, what, field] = str(row[field])

    composition = findings.get("composition")
    for message in composition["messages"] if composition else findings["key_messages"]:
        add("messages", message["heading"]["text"], message, ("figure",))
    _add_composition(found, composition)
    for row in findings["response"]:
        add("response", row["label"], row, _RESPONSE)
    add("response", "", findings["response_total"], _RESPONSE)
    for theme in findings["themes"]:
        add("themes", theme["title"], theme["figure"], _FIGURE)
        for part in theme["by_type"]:
            add("themes", f"{theme['title']}: {part['label']}", part["figure"], _FIGURE)
    criteria = [criterion for theme in findings["themes"] for criterion in theme["criteria"]]
    for criterion in [*criteria, *findings["optional"]]:
        what = f"{criterion['reference']}: {criterion['label']}"
        add("criteria", what, criterion["figure"], _FIGURE)
    for milestone in findings["milestones"]:
        for row in milestone["rows"]:
            add("milestones", f"{milestone['label']}: {row['label']} ({row['reference']})", row, _MILESTONE)
    for row in findings["assurance"]["rows"]:
        add("assurance", row["label"], row, ("answers", "met", "checked_met", "on_paper_met"))
    for fact in findings.get("facts", ()):
        _add_fact(found, fact)
    for line in (findings.get("staff") or {}).get("lines", ()):
        add("staff", f"{line['agency_type']}#{line['id']}: {line['label']}", line, _STAFF)
    for twin in findings["twins"]:
        add("twins", f"{twin['a']['reference']} / {twin['b']['reference']}", twin, _TWIN)
    _add_checks(found, findings.get("checks"))
    _add_judgements(found, findings.get("judgements"))
    for missing in findings["not_responding"]:
        found["not_responding", missing["name"], "listed"] = missing["stage"]
    return found


def _add_composition(found: Figures, report: Mapping[str, Any] | None) -> None:
    """What inspectors wrote, chapter by chapter, and what they recommend."""
    if not report:
        return
    for place, chapter in enumerate(report["chapters"], start=1):
        found["composition", chapter["title"], "place"] = str(place)
        for side, field in (("before", "before"), ("after", "behind")):
            parts = chapter[side]
            if parts:
                said = "\n\n".join(part["text"] or part["key"] for part in parts)
                found["composition", chapter["title"], field] = _in_a_row(said)
    for message in report["messages"]:
        found["composition", message["heading"]["text"], "body"] = _in_a_row(message["sentence"]["text"])
    for one in report["recommendations"]:
        for field, given in (("body", _in_a_row(one["text"])), ("addressee", one["addressee"]), ("due", one["due"])):
            if given:
                found[RECOMMENDED, str(one["number"]), field] = given


def _in_a_row(text: str) -> str:
    """A narrative as one line: paragraphs apart by “¶”, and without the signs before what would be markup."""
    plain = re.sub(r"\\([\\`*_\[\]<>#|~.)])", r"\1", text)
    return " ".join(re.sub(r"\n\s*\n", " ¶ ", plain).split())


def _add_fact(found: Figures, fact: Mapping[str, Any]) -> None:
    labels = {one["key"]: one["label"] for one in fact["choices"]}
    kinds = "/".join(row["agency_type"] for row in fact["rows"])
    rows = [(row["label"], row["counted"], row.get("hidden")) for row in fact["rows"]]
    for label, counted, is_hidden in [*rows, ("", fact["counted"], fact.get("hidden"))]:
        what = f"{kinds}#{fact['id']}: {fact['label']}" + (f": {label}" if label else "")
        if is_hidden:
            found["facts", what, "answers"] = HIDDEN
            continue
        found["facts", what, "answers"] = str(counted["answers"])
        for key, number in counted["chosen"].items():
            found["facts", f"{what}: {labels[key]}", "chosen"] = str(number)
        for name, value in [*(counted["spread"] or {}).items(), *(counted["days"] or {}).items()]:
            if name != "number" and value is not None:
                found["facts", what, name] = str(value)


def _add_checks(found: Figures, checks: Mapping[str, Any] | None) -> None:
    if not checks:
        return

    def compared(what: str, row: Mapping[str, Any]) -> None:
        if row.get("hidden"):
            found["checks", what, "answers_checked"] = HIDDEN
            return
        found["checks", what, "answers_checked"] = str(row["compared"]["answers"])
        for field in ("own_met", "found_met", "adjusted"):
            found["checks", what, field] = str(row["compared"][field])

    for row in [*checks["types"], checks["total"]]:
        found["checks", row["label"], "checked"] = HIDDEN if row.get("hidden") else str(row["checked"])
        for field in ("returns", "answers"):
            if rate := row[field]:
                share = f"{in_tenths(rate['tenths'])}%"
                if rate["low"] is not None:
                    share += f" ({in_tenths(rate['low'])}–{in_tenths(rate['high'])}%)"
                found["checks", row["label"], f"{field}_rate"] = share
        compared(row["label"], row)
    for row in [*checks["themes"], *checks["risks"]]:
        compared(row["title"], row)
    for row in checks["criteria"]:
        compared(f"{row['reference']}: {row['label']}", row)
    for row in checks["named"]:
        compared(row["name"], row)
    found["checks", "", "agreed"] = f"{checks['agreed']}/{checks['twice']}"


def _add_judgements(found: Figures, judgements: Mapping[str, Any] | None) -> None:
    if not judgements:
        return
    titles = {(row["agency_type"], row["key"]): row["title"] for row in judgements["spreads"]}
    for row in judgements["spreads"]:
        if row.get("hidden"):
            found["judgements", f"{row['label']}: {row['title']}", "number"] = HIDDEN
        for grade in row["grades"]:
            found["judgements", f"{row['label']}: {row['title']}: {grade['label']}", "number"] = str(grade["number"])
    for agency in judgements["agencies"]:
        for cell in agency["cells"]:
            what = f"{agency['name']}: {titles[agency['agency_type'], cell['key']]}"
            found["judgements", what, "grade"] = cell["grade"]
