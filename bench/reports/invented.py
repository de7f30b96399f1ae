"""Two reports with invented data that only the benchmark makes: a national annex and an agency's long feedback."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

from app.domain.findings import Body, Document, Frozen, PackInfo, RoundInfo
from reports import registry

FOLDER = Path(__file__).parent
COLUMNS = 12
WORDS = (
    "children", "staff", "record", "visit", "referral", "plan", "review", "area", "share", "check", "training", "board",
    "duty", "school", "nurse", "officer", "supervision", "threshold", "decision", "family", "history", "chronology",
    "agency", "lead", "named", "senior", "weekly", "monthly", "annual",
)  # fmt: skip


class Row(Frozen):
    """An agency and its numbers."""

    name: str
    numbers: tuple[int, ...]


class Chapter(Frozen):
    """A region and its agencies."""

    title: str
    rows: tuple[Row, ...]


class Annex(Document):
    """Figures of many agencies, by region."""

    columns: tuple[str, ...]
    chapters: tuple[Chapter, ...]


class Criterion(Frozen):
    """A criterion and how many peers met it."""

    label: str
    met: int
    partly: int
    not_met: int


class Part(Frozen):
    """A standard."""

    title: str
    texts: tuple[str, ...]
    rows: tuple[Criterion, ...]
    next: tuple[str, ...]


class Profile(Document):
    """What one agency is told, over many pages with a chart on every line of its tables."""

    agency: str
    parts: tuple[Part, ...]


def register() -> None:
    """Let the renderer find them."""
    registry.DATA_KINDS |= {"bench-annex": Annex, "bench-profile": Profile}
    registry.ABOUT |= {"bench-annex": "round", "bench-profile": "return"}
    if FOLDER not in registry.FOLDERS:
        registry.FOLDERS.append(FOLDER)
        registry.reports.cache_clear()


def _facts(number: int) -> dict[str, object]:
    day = date(2003, 5, 1)
    return {
        "format": "candour-bench/1",
        "snapshot_id": f"{number:064x}",
        "language": "en",
        "audit_round": RoundInfo(
            key="bench", name="Invented round", opens=day, due=day, closes=day, milestones_from=day,
            is_demonstration=True, is_closed=True, as_at=datetime(2003, 6, 1, 9, tzinfo=UTC),
        ),
        "pack": PackInfo(key="bench", version=1, title="Invented", source="", sha256="0" * 64),
        "bodies": (Body(name="An inspectorate", short="AI", kind="inspectorate"),),
    }  # fmt: skip


def _words(rng: Random, least: int, most: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, most))).capitalize()


def annex(cells: int, chapters: int) -> Annex:
    """An annex with about so many cells."""
    rng = Random(chapters)
    per = cells // COLUMNS // chapters
    return Annex(
        **_facts(chapters),  # type: ignore[arg-type]
        columns=("Agency", *(f"No. {place}" for place in range(1, COLUMNS))),
        chapters=tuple(
            Chapter(
                title=f"Region {place}: {_words(rng, 1, 2)}",
                rows=tuple(
                    Row(
                        name=f"{_words(rng, 4, 6)} agency {place}.{line}",
                        numbers=tuple(rng.randint(0, 400) for _ in range(COLUMNS - 1)),
                    )
                    for line in range(1, per + 1)
                ),
            )
            for place in range(1, chapters + 1)
        ),
    )


def profile(number: int) -> Profile:
    """The feedback to an agency; another for each number."""
    rng = Random(number)
    return Profile(
        **_facts(number),  # type: ignore[arg-type]
        agency=f"Agency {number}",
        parts=tuple(
            Part(
                title=f"Standard {place}: {_words(rng, 2, 4)}",
                texts=tuple(f"{_words(rng, 30, 60)}." for _ in range(3)),
                rows=tuple(
                    Criterion(
                        label=f"{place}.{line} {_words(rng, 8, 16)}", met=rng.randint(0, 60),
                        partly=rng.randint(0, 40), not_met=rng.randint(1, 30),
                    )
                    for line in range(1, 10)
                ),
                next=tuple(f"{_words(rng, 12, 25)}." for _ in range(4)),
            )
            for place in range(1, 10)
        ),
    )  # fmt: skip
