"""Packs: what is read, what is refused and where the message points."""

import json
import shutil
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from app.catalogue import (
    MAX_BYTES,
    SCHEMA_FOLDER,
    CatalogueErrors,
    check,
    json_schemas,
    load_all,
    load_pack,
    pack_hash,
)
from app.domain.integrity import canonical_json
from app.domain.templates import Milestone, Pack, Template
from app.domain.text import localise
from config import ROOT

PACK = """\
format: 1
pack: small
version: 1
title: {en: Small pack, cy: Pecyn bach}
summary: Two agency types.
source: Nobody.
agency_types:
  shop:
    name: Shop
    plural: Shops
    signatory: manager
    oversight_body: watch
    subtypes:
      corner: {name: Corner shop, plural: Corner shops}
      market: {name: Market, plural: Markets}
  depot: {name: Depot, plural: Depots, signatory: head, oversight_body: watch}
oversight_bodies:
  watch: {name: The Watch, short: TW, kind: inspectorate}
grading_schemes:
  light:
    title: Lights
    grades:
      - key: green
        label: Green
        meaning: Good.
        colour: "#00ff00"
        counts_as: met
        needs: []
      - key: red
        label: Red
        meaning: Bad.
        colour: "#ff0000"
        counts_as: not_met
        needs: [commentary, date_expected]
    bases:
      - {key: paper, label: Paper, meaning: Written down., asks: []}
milestones:
  soon: {label: soon, months: 3}
themes:
  zeal: {title: Zeal}
  care: {title: Care}
recommendation_reports:
  report-one: {title: Report one, short: One}
quantifiers:
  - {at_least: 0.9, word: nearly all}
  - {above: 0, word: some}
  - {at_least: 0, word: none}
"""

SHOP = """\
format: 1
agency_type: shop
title: Shop audit
introduction: Hello.
grading: light
declaration: I sign as {signatory}, {post}, for {agency} in {round}.
standards:
  - id: doors
    title: Doors
    criteria:
      - id: door-shut
        question: Is the door shut?
        why: Draught.
        evidence: A closed door.
        recommendations: [report-one/1]
        milestone: soon
        theme: care
        twins: [depot#gate-shut]
      - id: door-locked
        question: Is it locked?
        why: Thieves.
        evidence: A key.
        recommendations: [report-one/2a]
        milestone: soon
        theme: zeal
        subtypes: [corner]
        shown_if: {criterion: door-shut, grades: [green]}
  - id: more
    title: More
    optional: true
    criteria:
      - id: extra
        question: What more?
        why: Pride.
        evidence: Anything.
        theme: care
        required_if: {criterion: door-shut, grades: [red]}
      - id: cellar
        question: Is the cellar dry?
        why: Damp.
        evidence: A dry cellar.
        theme: care
        not_applicable_if: {criterion: door-locked, grades: [green]}
"""

DEPOT = """\
format: 1
agency_type: depot
title: Depot audit
introduction: Hello.
grading: light
declaration: I sign.
standards:
  - id: gates
    title: Gates
    criteria:
      - id: gate-shut
        question: Is the gate shut?
        why: Wolves.
        evidence: A closed gate.
        recommendations: [report-one/1]
        milestone: soon
        theme: care
        twins: [shop#door-shut]
"""

FILES = {"pack.yaml": PACK, "shop.yaml": SHOP, "depot.yaml": DEPOT}


def write(root: Path, files: dict[str, str | bytes], name: str = "small") -> Path:
    folder = root / name
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


@pytest.fixture
def pack(folder: Path) -> Pack:
    return load_pack(folder)


@pytest.fixture
def shop(pack: Pack) -> Template:
    return pack.templates["shop"]


# Each defect: the file, what to replace, what to put there (§ stands where the message must point),
# and a part of the message.
DEFECTS = [
    # the YAML itself
    ("shop.yaml", "title: Shop audit", "title: Shop§: audit", "quotes or after `>-`"),
    ("shop.yaml", "title: Shop audit", "title: §@audit", "starts with this character"),
    ("shop.yaml", "    title: Doors", "§\ttitle: Doors", "use spaces, not tabs"),
    ("shop.yaml", "introduction: Hello.", "introduction: §'Hello.", "close the quote"),
    ("depot.yaml", "[shop#door-shut]", "§[shop#door-shut", "close the bracket"),
    ("shop.yaml", "format: 1", "format: 1\n§---\nformat: 1", "one document"),
    ("shop.yaml", "title: Shop audit", "title: Shop §\x07", "YAML does not allow"),
    ("shop.yaml", "title: Shop audit", 'title: "Shop \\u§d800"', "invalid Unicode character"),
    ("shop.yaml", "title: Shop audit", 'title: §"Shop \\0"', "control character"),
    ("shop.yaml", "title: Shop audit", "title: Shop audit\n§title: Again", "here twice, first in line 3"),
    ("shop.yaml", "title: Shop audit", "title: §&a Shop audit", "anchors and aliases"),
    ("shop.yaml", "title: Shop audit", "title: §*a", "anchors and aliases"),
    ("shop.yaml", "title: Shop audit", "title: §!!python/name:os.system", "tag"),
    ("shop.yaml", "title: Shop audit", "title: Shop audit\n§2003: x", "put it in quotes"),
    ("shop.yaml", "title: Shop audit", "title: Shop audit\n? §[a]\n: x", "plain text"),
    ("shop.yaml", "title: Shop audit", "title: §.inf", "no finite value"),
    ("shop.yaml", "title: Shop audit", "title: §" + "9" * 5000, "too large"),
    ("shop.yaml", "title: Shop audit", "title: " + "[" * 40 + "§" + "[" + "]" * 41, "deep"),
    ("shop.yaml", SHOP, "§[1, 2]", "expected a mapping of keys to values, but this is a list"),
    ("shop.yaml", SHOP, "§", "the file is empty"),
    ("shop.yaml", SHOP, "§# nothing\n", "the file is empty"),
    # shapes
    ("shop.yaml", "format: 1", "format: §2", "use one of `1`"),
    (
        "shop.yaml",
        "        evidence: A key.",
        "        §evidnce: A key.",
        "`evidnce`; did you mean `evidence`?",
    ),
    ("shop.yaml", "        evidence: A key.\n", "", "`evidence` is missing; add it"),
    ("shop.yaml", "title: Shop audit\n", "", "`title` is missing"),
    ("shop.yaml", "title: Shop audit", "title: §true", "read as true or false; put it in quotes"),
    ("shop.yaml", "title: Shop audit", "title: §2003", "this is a number; put it in quotes"),
    ("shop.yaml", "title: Shop audit", "title: §[a]", "expected text, but this is a list"),
    ("shop.yaml", "title: Shop audit", 'title: §"  "', "empty; fill it in"),
    ("shop.yaml", "title: Shop audit", "§title:", "expected text, but nothing is here"),
    ("shop.yaml", "title: Shop audit", "title: {en: Shop, cy: §1}", "expected text"),
    ("shop.yaml", "title: Shop audit", "title: {§English: Shop}", "a language is a code"),
    ("shop.yaml", "    title: Doors", "    title: Doors\n    §introduction:", "nothing is here"),
    ("shop.yaml", "    optional: true", "    optional: §1", "expected true or false, but this is a number"),
    ("shop.yaml", "id: door-locked", "id: §Door_locked", "lower-case words, digits and hyphens"),
    ("shop.yaml", "milestone: soon\n        theme: zeal", "milestone: §[soon]\n        theme: zeal", "text"),
    ("shop.yaml", "subtypes: [corner]", "subtypes: §corner", "expected a list, but this is text"),
    ("shop.yaml", "        required_if:", "        §required: true\n        required_if:", "either `required` or"),
    ("shop.yaml", "        not_applicable_if:", "        required: §yes\n        not_applicable_if:", "true or false"),
    (
        "shop.yaml",
        "shown_if: {criterion: door-shut, grades: [green]}",
        "shown_if: §yes",
        "expected a mapping",
    ),
    ("shop.yaml", "grades: [green]}\n  - id", "grades: §[]}\n  - id", "empty; fill it in"),
    ("shop.yaml", "subtypes: [corner]", "version: §0", "greater than or equal to 1"),
    ("pack.yaml", "signatory: manager", "§signatry: manager", "did you mean `signatory`?"),
    (
        "pack.yaml",
        "plural: Shops\n",
        "plural: Shops\n    §wings: 2\n",
        "unknown key `wings`; use one of `name`",
    ),
    ("pack.yaml", "  market: {name", "  §Market: {name", "`Market` is ill-formed"),
    ("pack.yaml", "    plural: Shops\n", "", "`plural` is missing"),
    ("pack.yaml", 'colour: "#ff0000"', "colour: §red", "six hexadecimal digits"),
    ("pack.yaml", 'colour: "#ff0000"', 'colour: §"#f00"', "six hexadecimal digits"),
    ("pack.yaml", 'colour: "#ff0000"', "§colour: #ff0000", "nothing is here"),
    ("pack.yaml", "counts_as: not_met", "counts_as: §notmet", "did you mean `not_met`?"),
    ("pack.yaml", "needs: [commentary, date", "needs: [commentary, §comentary, date", "`commentary`?"),
    ("pack.yaml", "months: 3", "months: §three", "expected a whole number, but this is text"),
    ("pack.yaml", "asks: []", "asks: [§dates]", "use one of `files`, `files_date`"),
    # references in pack.yaml
    ("pack.yaml", "pack: small", "pack: §tiny", "its folder is `small`"),
    ("pack.yaml", "    oversight_body: watch", "    oversight_body: §wach", "did you mean `watch`?"),
    ("pack.yaml", "key: red", "key: §green", "the grade `green` is here twice, first in line 23"),
    ("pack.yaml", "    bases:", "    bases:\n      - {key: paper, label: P, meaning: M, asks: []}", "basis"),
    ("pack.yaml", "  - {above: 0, word: some}", "  - §{at_least: 0.9, word: some}", "must descend"),
    (
        "pack.yaml",
        "  - {above: 0, word: some}",
        "  - §{at_least: 0.5, above: 0, word: x}",
        "give one of them",
    ),
    ("pack.yaml", "  - {above: 0, word: some}", "  - §{word: some}", "either `at_least` or `above`"),
    ("pack.yaml", "  - {at_least: 0, word: none}\n", "", "end with a quantifier `at_least: 0`"),
    ("pack.yaml", "  - {above: 0, word", "  - {above: §1.5, word", "less than or equal to 1"),
    (
        "pack.yaml",
        "oversight_bodies:",
        "  §ship: {name: S, plural: S, signatory: s, oversight_body: watch}\noversight_bodies:",
        "the agency type `ship` has no template; add a file `ship.yaml`",
    ),
    (
        "pack.yaml",
        "oversight_bodies:",
        "  §findings: {name: S, plural: S, signatory: s, oversight_body: watch}\noversight_bodies:",
        "cannot be called `findings`",
    ),
    # references in a template
    ("shop.yaml", "agency_type: shop", "agency_type: §depot", "named for `shop`"),
    ("shop.yaml", "grading: light", "grading: §lihgt", "no grading scheme `lihgt`; did you mean `light`?"),
    ("shop.yaml", "for {agency} in", "for {agencey} in", "did you mean `agency`?"),
    ("shop.yaml", "for {agency} in", "for agency} in", "a single brace"),
    ("shop.yaml", "question: Is it locked?", "question: §Is {agency} locked?", "in the declaration only"),
    ("shop.yaml", "id: more", "id: §doors", "the standard `doors` is here twice, first in line 8"),
    ("shop.yaml", "id: extra", "id: §door-locked", "the criterion `door-locked` is here twice"),
    (
        "shop.yaml",
        "milestone: soon\n        theme: zeal",
        "milestone: §sooon\n        theme: zeal",
        "`soon`?",
    ),
    ("shop.yaml", "theme: zeal", "theme: §joy", "there is no theme `joy`; use one of `zeal`, `care`"),
    ("shop.yaml", "subtypes: [corner]", "subtypes: [corner, §stall]", "there is no subtype `stall`"),
    ("depot.yaml", "twins:", "subtypes: [§big]\n        twins:", "there is no subtype `big`; there are none"),
    ("shop.yaml", "subtypes: [corner]", "grading: §dark", "there is no grading scheme `dark`"),
    (
        "shop.yaml",
        "subtypes: [corner]",
        "answer: {type: §smell}",
        "`smell` is not allowed here; use one of `grade`, `yes_no`",
    ),
    ("shop.yaml", "subtypes: [corner]", "answer: {type: grade, §unit: km}", "unknown key `unit`"),
    ("shop.yaml", "report-one/2a", "§report-two/2a", "did you mean `report-one`?"),
    ("shop.yaml", "[report-one/2a]", "[§report-one]", "as `report/number`"),
    ("shop.yaml", "recommendations: [report-one/2a]", "§recommendations: []", "needs `recommendations`"),
    (
        "shop.yaml",
        "criterion: door-shut, grades: [green]",
        "criterion: §door-shot, grades: [green]",
        "`door-shut`?",
    ),
    (
        "shop.yaml",
        "criterion: door-shut, grades: [green]",
        "criterion: door-shut, grades: [§gren]",
        "`green`?",
    ),
    (
        "shop.yaml",
        "criterion: door-shut, grades: [green]",
        "criterion: §door-locked, grades: [red]",
        "its own",
    ),
    ("shop.yaml", "twins: [depot#gate-shut]", "twins: [§depot/gate-shut]", "`agency-type#criterion`"),
    ("shop.yaml", "subtypes: [corner]", "twins: [§dopot#gate-shut]", "did you mean `depot`?"),
    ("shop.yaml", "subtypes: [corner]", "twins: [§depot#gate-shot]", "did you mean `gate-shut`?"),
    ("shop.yaml", "subtypes: [corner]", "twins: [§shop#door-locked]", "its own twin"),
    ("shop.yaml", "subtypes: [corner]", "twins: [§depot#gate-shut]", "add `shop#door-locked` to its `twins`"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), DEFECTS, ids=[d[3][:40] for d in DEFECTS])
def test_each_defect_is_reported_where_it_is(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    assert old in FILES[file]
    marked = FILES[file].replace(old, new, 1)
    folder = write(tmp_path, {**FILES, file: marked.replace("§", "")})
    errors = [error for error in check([folder]) if error.file.endswith("/" + file)]
    found = [error for error in errors if message in error.message]
    assert len(found) == 1, errors
    if "§" in marked:
        before = marked[: marked.index("§")]
        place = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        assert (found[0].line, found[0].column) == place, found[0]
    with pytest.raises(CatalogueErrors, match="small"):
        load_pack(folder)


def test_a_small_mistake_gives_one_message(tmp_path: Path) -> None:
    folder = write(tmp_path, {**FILES, "shop.yaml": SHOP.replace("evidence: A key.", "evidnce: A key.")})
    assert [str(error) for error in check([folder])] == [
        f"{folder}/shop.yaml:22:9: unknown key `evidnce`; did you mean `evidence`?"
    ]


def test_a_missing_key_points_at_its_owner(tmp_path: Path) -> None:
    files = {
        "pack.yaml": PACK.replace("    plural: Shops\n", "").replace("summary: Two agency types.\n", ""),
        "shop.yaml": SHOP.replace("        why: Thieves.\n", "").replace("        milestone: soon\n", ""),
        "depot.yaml": DEPOT,
    }
    places = {(Path(e.file).name, e.line, e.column) for e in check([write(tmp_path, files)])}
    assert places == {
        ("pack.yaml", 1, 1),
        ("pack.yaml", 7, 3),  # the key `shop`
        ("shop.yaml", 11, 9),  # the first key of a criterion, for its milestone
        ("shop.yaml", 18, 9),  # and for `why` and the milestone of the second
    }


def test_mistakes_in_several_files_are_reported_at_once_in_order(tmp_path: Path) -> None:
    files = {
        "pack.yaml": PACK.replace("months: 3", "months: x").replace("pack: small", "pack: big"),
        "shop.yaml": SHOP.replace("theme: zeal", "theme: joy").replace("title: Shop audit", "title: 1"),
        "depot.yaml": DEPOT.replace("title: Gates", "title: [Gates"),
    }
    errors = check([write(tmp_path, files)])
    assert [(Path(e.file).name, e.line) for e in errors] == [
        ("depot.yaml", 10),
        ("pack.yaml", 2),
        ("pack.yaml", 38),
        ("shop.yaml", 3),
        ("shop.yaml", 25),
    ]


def test_every_circle_of_conditions_is_reported_once(tmp_path: Path) -> None:
    shop = SHOP.replace(
        "        twins: [depot#gate-shut]\n",
        "        twins: [depot#gate-shut]\n        required_if: {criterion: cellar, grades: [red]}\n",
    )
    errors = check([write(tmp_path, {**FILES, "shop.yaml": shop})])
    assert [(e.line, e.column, e.message) for e in errors] == [
        (
            19,
            34,
            "conditions go round in a circle: `door-shut` → `cellar` → `door-locked` → `door-shut`; "
            "remove one of them",
        )
    ]


def test_no_condition_looks_at_a_question_that_is_asked_per_area(tmp_path: Path) -> None:
    shop = SHOP.replace(
        "        twins: [depot#gate-shut]\n", "        twins: [depot#gate-shut]\n        scope: area\n"
    )
    errors = check([write(tmp_path, {**FILES, "shop.yaml": shop})])
    message = "`door-shut` is asked per area, so it has no one answer to look at; name another"
    assert [(e.line, e.message) for e in errors] == [(28, message), (38, message)]


def test_a_question_that_is_asked_per_site_has_no_twins_and_no_condition_looks_at_it(tmp_path: Path) -> None:
    shop = SHOP.replace(
        "        twins: [depot#gate-shut]\n", "        twins: [depot#gate-shut]\n        scope: site\n"
    )
    errors = check([write(tmp_path, {**FILES, "shop.yaml": shop})])
    twins = "a criterion that is asked per site has no twins; remove them, or ask it per area"
    message = "`door-shut` is asked per site, so it has no one answer to look at; name another"
    line = shop[: shop.index("twins: [depot#gate-shut]")].count("\n") + 1
    assert sorted((e.line, e.message) for e in errors) == sorted([(line, twins), (28, message), (38, message)])


def test_a_pack_without_questions_per_area_is_frozen_as_before(pack: Pack) -> None:
    assert "scope" not in str(pack.to_frozen())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shopp.yaml", "`shopp` is not an agency type of the pack; did you mean `shop`?"),
        ("finding.yaml", "`finding` is not an agency type of the pack"),
        ("notes.yml", "must end in `.yaml`; rename it to `notes.yaml`"),
    ],
)
def test_other_yaml_files_are_refused(tmp_path: Path, name: str, message: str) -> None:
    (error,) = check([write(tmp_path, {**FILES, name: "a: 1\n", "README.md": "x"})])
    assert error.file.endswith(name)
    assert message in error.message


def test_other_encodings_and_large_files_are_refused(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        **FILES,
        "shop.yaml": SHOP.replace("Doors", "Doörs").encode("latin-1"),
        "depot.yaml": DEPOT + "#" * MAX_BYTES,
    }
    errors = [(e.line, e.column, e.message) for e in check([write(tmp_path, files)])]
    assert errors == [
        (1, 1, "larger than 2,000,000 bytes; split it or shorten it"),
        (9, 14, "not UTF-8; save the file in UTF-8"),
    ]


def test_hostile_yaml_ends_quickly(tmp_path: Path) -> None:
    laughs = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
    )
    files = {**FILES, "findings.yaml": laughs, "demonstration.yaml": "[" * 100_000}
    messages = {e.message for e in check([write(tmp_path, files)])}
    assert len(messages) == 2
    assert any("anchors" in message for message in messages)
    assert any("deep" in message for message in messages)


def test_a_question_may_be_required_whatever_its_standard_says(tmp_path: Path) -> None:
    shop = SHOP.replace("        not_applicable_if:", "        required: true\n        not_applicable_if:")
    shop = shop.replace("        twins: [depot#gate-shut]", "        required: false\n        twins: [depot#gate-shut]")
    pack = load_pack(write(tmp_path, {**FILES, "shop.yaml": shop}))
    assert pack.templates["shop"].shown("corner", {}).required == {"cellar"}
    assert Pack.from_frozen(json.loads(json.dumps(pack.to_frozen()))) == pack
    # a criterion without it is frozen as it was before there was such a key
    criteria = [one for each in pack.to_frozen()["templates"] for s in each["standards"] for one in s["criteria"]]
    assert {one["id"]: one["required"] for one in criteria if "required" in one} == {"door-shut": False, "cellar": True}


def test_what_comes_to_no_grade_needs_no_milestone(tmp_path: Path) -> None:
    start, end = SHOP.index("      - id: door-locked"), SHOP.index("        subtypes: [corner]")
    fact = SHOP[start:end].replace("        recommendations: [report-one/2a]\n        milestone: soon\n", "")
    shop = SHOP.replace(SHOP[start:end], fact + "        answer: {type: date}\n")
    shop = shop.replace("        not_applicable_if: {criterion: door-locked, grades: [green]}\n", "")
    assert check([write(tmp_path, {**FILES, "shop.yaml": shop})]) == []
    (tmp_path / "graded").mkdir()
    graded = shop.replace("{type: date}", "{type: yes_no, grades: {yes: green, no: red}}")
    found = [error.message for error in check([write(tmp_path / "graded", {**FILES, "shop.yaml": graded})])]
    assert found == [
        f"a criterion of a standard that is not optional needs `{key}`; add it"
        for key in ("milestone", "recommendations")
    ]


def test_folders_without_a_pack(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "x.json").write_text("{}")
    assert [e.message for e in check([tmp_path])] == ["no pack is here; a pack is a folder with pack.yaml"]
    write(tmp_path, {"shop.yaml": SHOP}, "half")
    (error,) = check([tmp_path])
    assert error.file.endswith("half/pack.yaml")
    assert "no such file" in error.message
    assert check([tmp_path / "nowhere"])
    with pytest.raises(CatalogueErrors):
        load_pack(tmp_path / "nowhere")
    with pytest.raises(CatalogueErrors):
        load_all(tmp_path)


def test_a_pack_loads_with_all_that_it_holds(pack: Pack, folder: Path) -> None:
    assert check([folder]) == check([folder.parent]) == []
    assert load_all(folder.parent) == {"small": pack}
    assert list(pack.templates) == ["shop", "depot"]
    assert localise(pack.title, "cy") == "Pecyn bach"
    assert localise(pack.title, "cy_GB") == "Pecyn bach"
    assert localise(pack.title, "fr") == localise(pack.title) == "Small pack"
    assert localise({"fr": "x", "de": "y"}) == "y"
    assert pack.findings is None


def test_raw_files_are_kept_as_they_are(tmp_path: Path) -> None:
    findings = "title: {en: no}\nsmall_number: 5\ncapitals: [2003-01-31]\nabout: []\n"
    pack = load_pack(write(tmp_path, {**FILES, "findings.yaml": findings}))
    assert pack.findings == {"title": {"en": "no"}, "small_number": 5, "capitals": ["2003-01-31"], "about": []}
    again = Pack.from_frozen(json.loads(canonical_json(pack.to_frozen())))
    assert again == pack
    assert list(again.findings or ()) == ["title", "small_number", "capitals", "about"]


def test_a_frozen_pack_comes_back_whole_and_in_order(pack: Pack, folder: Path) -> None:
    frozen = pack.to_frozen()
    again = Pack.from_frozen(json.loads(canonical_json(frozen)))  # sorts all keys
    assert again == pack
    assert list(again.themes) == ["zeal", "care"]
    assert list(again.agency_types["shop"].subtypes) == ["corner", "market"]
    assert again.to_frozen() == frozen
    assert pack_hash(again) == pack_hash(pack)
    text = (folder / "shop.yaml").read_text().replace("Is it locked?", "Is it barred?")
    (folder / "shop.yaml").write_text(text)
    assert pack_hash(load_pack(folder)) != pack_hash(pack)


def test_places_in_a_template(pack: Pack, shop: Template) -> None:
    placed = shop.criteria()
    assert [(p.criterion.id, p.standard.id, p.position, p.number) for p in placed] == [
        ("door-shut", "doors", 1, "1.1"),
        ("door-locked", "doors", 2, "1.2"),
        ("extra", "more", 3, "2.1"),
        ("cellar", "more", 4, "2.2"),
    ]
    extra = shop.criterion("extra")
    assert shop.number_of(extra) == "2.1"
    assert shop.standard_of(extra).optional
    assert pack.scheme_of(shop, extra).rank("red") == 1
    assert pack.scheme_of(shop, extra).basis("paper").asks == ()
    assert [c.id for c in shop.asked_of("corner")] == ["door-shut", "door-locked", "extra", "cellar"]
    assert [c.id for c in shop.asked_of("market")] == [c.id for c in shop.asked_of(None)]
    assert "door-locked" not in [c.id for c in shop.asked_of(None)]
    for lookup in (shop.criterion, pack.scheme_of(shop, extra).grade, pack.scheme_of(shop, extra).basis):
        with pytest.raises(KeyError):
            lookup("absent")


@pytest.mark.parametrize(
    ("subtype", "grades", "asked", "required", "not_applicable"),
    [
        ("corner", {}, "door-shut extra cellar", "door-shut", ""),
        ("corner", {"door-shut": "green"}, "door-shut door-locked extra cellar", "door-shut door-locked", ""),
        ("corner", {"door-shut": "red"}, "door-shut extra cellar", "door-shut extra", ""),
        (
            "corner",
            {"door-shut": "green", "door-locked": "green"},
            "door-shut door-locked extra",
            "door-shut door-locked",
            "cellar",
        ),
        # the grade left behind by a question that is hidden now changes nothing
        (
            "corner",
            {"door-shut": "red", "door-locked": "green"},
            "door-shut extra cellar",
            "door-shut extra",
            "",
        ),
        # nor that of one which this subtype is not asked
        ("market", {"door-shut": "green", "door-locked": "green"}, "door-shut extra cellar", "door-shut", ""),
    ],
)
def test_conditions(
    shop: Template, subtype: str, grades: dict[str, str], asked: str, required: str, not_applicable: str
) -> None:
    shown = shop.shown(subtype, {key: {"grade": grade} for key, grade in grades.items()})
    assert [c.id for c in shown.asked] == asked.split()
    assert shown.required == set(required.split())
    assert [c.id for c in shown.not_applicable] == not_applicable.split()


@pytest.mark.parametrize(
    ("share", "word"),
    [
        (Fraction(9, 10), "nearly all"),  # the float 0.9 is a little more than this
        (0.9, "nearly all"),
        (Fraction(899, 1000), "some"),
        (1, "nearly all"),
        (Fraction(1, 10_000), "some"),
        (0, "none"),
    ],
)
def test_words_for_shares(pack: Pack, share: Fraction | float, word: str) -> None:
    assert pack.quantify(share) == word


def test_a_share_lies_between_0_and_1(pack: Pack) -> None:
    for share in (Fraction(-1, 3), 1.01):
        with pytest.raises(ValueError, match="between 0 and 1"):
            pack.quantify(share)


@pytest.mark.parametrize(
    ("months", "counts_from", "due"),
    [
        (3, date(2003, 11, 30), date(2004, 2, 29)),
        (3, date(2003, 1, 31), date(2003, 4, 30)),
        (12, date(2003, 12, 1), date(2004, 12, 1)),
        (24, date(2004, 2, 29), date(2006, 2, 28)),
        (0, date(2003, 5, 5), date(2003, 5, 5)),
    ],
)
def test_milestones_count_calendar_months(months: int, counts_from: date, due: date) -> None:
    assert Milestone(label="x", months=months).due(counts_from) == due


def test_the_schemas_for_editors_are_true() -> None:
    written = {file.name: json.loads(file.read_text("utf-8")) for file in SCHEMA_FOLDER.glob("*.json")}
    assert written == json_schemas(), "run: python -m app.catalogue schema"


@pytest.mark.parametrize(
    "folder",
    sorted(file.parent for file in SCHEMA_FOLDER.parent.glob("*/pack.yaml")),
    ids=lambda path: path.name,
)
def test_the_packs_of_the_project_load(folder: Path) -> None:
    assert [str(error) for error in check([folder])] == []
    pack = load_pack(folder)
    assert Pack.from_frozen(json.loads(canonical_json(pack.to_frozen()))) == pack


def test_a_published_version_survives_a_program_that_forgot_a_key() -> None:
    frozen = load_pack(ROOT / "audit_templates" / "section-11-2024").to_frozen()
    expected = Pack.from_frozen(frozen)
    frozen["retired"] = 1
    frozen["templates"][0]["standards"][0]["criteria"][0]["retired"] = {"a": 1}
    assert Pack.from_frozen(frozen) == expected


@pytest.mark.parametrize(
    ("file", "old", "new", "line_of", "message"),
    [
        ("findings.yaml", "met:", "mett:", "mett:", "did you mean `met`?"),
        (
            "findings.yaml",
            "themes:\n",
            "themes:\n  no-such-theme: {introduction: [Words.]}\n",
            "  no-such-theme",
            "`no-such-theme`",
        ),
        ("demonstration.yaml", "today: ", "todya: ", "todya: ", "did you mean `today`?"),
    ],
)
def test_the_texts_and_the_plan_of_a_pack_are_checked_too(
    tmp_path: Path, file: str, old: str, new: str, line_of: str, message: str
) -> None:
    folder = tmp_path / "climbie-2003"
    shutil.copytree(ROOT / "audit_templates" / "climbie-2003", folder)
    content = (folder / file).read_text()
    assert old in content
    content = content.replace(old, new, 1)
    (folder / file).write_text(content)
    line = next(number for number, text in enumerate(content.splitlines(), 1) if text.startswith(line_of))
    assert any(error.line == line and message in error.message for error in check([folder])), check([folder])
