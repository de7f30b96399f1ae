"""The packs that there are, to look at before one is used: published versions, and folders not published yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authoring.pieces import files_of, is_name
from app.catalogue import PACK_FILE, CatalogueErrors, load_pack, pack_hash
from app.domain.gallery import Shown
from app.domain.templates import Pack
from app.models import PackVersion
from app.policy import Actor, require
from app.queries.packs import latest_versions, pack_of, published_version
from app.queries.rounds import NotFound

ON_DISK = "draft"  # the edition that is the folder on disk
README = "README.md"

# documents of exhibits stand in the data folder below `gallery/`, each content's in a folder of its own
FOLDER = "gallery"
FINDINGS = "findings.pdf"
SAMPLES = {"joint-findings": FINDINGS, "area-letter": "letter.pdf"}  # of an invented round, by report
ASKED, FAILED = "asked", "failed"  # files that say how the making of a folder's documents stands
LONGEST = timedelta(minutes=30)  # after which what was asked for is asked for again: its worker is gone


def blank_name(agency_type: str) -> str:
    """What the file of the blank form of an agency type is called."""
    return f"blank-{agency_type}.pdf"


@dataclass(frozen=True)
class Exhibit:
    """A pack in the gallery. `edition`: the number of the published version, or `draft` for the folder on disk, whose
    content is not published as it stands. `sha256`: of its content as it is, or would be, published."""

    shown: Shown
    edition: str
    sha256: str
    version: PackVersion | None = None

    @property
    def pack(self) -> Pack:
        """The pack itself."""
        return self.shown.pack

    @property
    def folder(self) -> str:
        """What the folder of its documents is called: the same content has the same."""
        return f"{self.pack.pack}-{self.sha256[:16]}"


@dataclass(frozen=True)
class Gallery:
    """All exhibits, by pack, what is published before what is not; and folders that cannot be read as a pack."""

    exhibits: tuple[Exhibit, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class _OnDisk:
    pack: Pack
    readme: str
    sha256: str


def gallery(session: Session, templates: Path, *, actor: Actor) -> Gallery:
    """Every pack: its latest published version, and the folder below `templates` where that is not what is published.

    Raises Denied.
    """
    require(actor, "gallery.read")
    published = {version.pack: version for version in latest_versions(session)}
    found: list[Exhibit] = []
    broken = []
    names = {path.parent.name for path in templates.glob(f"*/{PACK_FILE}")}
    for name in sorted(names | set(published)):
        on_disk = _on_disk(templates / name) if name in names else None
        if name in names and on_disk is None:
            broken.append(name)
        if version := published.get(name):
            found.append(_published(version, on_disk))
        if on_disk and not (version and on_disk.sha256 == version.sha256):
            found.append(_draft(on_disk))
    return Gallery(tuple(found), tuple(broken))


def exhibit(session: Session, templates: Path, pack: str, edition: str, *, actor: Actor) -> Exhibit:
    """One published version of a pack, or (`draft`) its folder. Raises Denied, and NotFound where there is none."""
    require(actor, "gallery.read")
    on_disk = _folder_of(templates, pack)
    if edition == ON_DISK:
        if on_disk is None:
            raise NotFound
        return _draft(on_disk)
    if not (edition.isascii() and edition.isdigit() and len(edition) < 6):
        raise NotFound
    version = published_version(session, pack, int(edition))
    if version is None:
        raise NotFound
    return _published(version, on_disk)


def texts(session: Session, templates: Path, pack: str, edition: str, *, actor: Actor) -> dict[str, str]:
    """The files of an exhibit as text: those of the folder where that is what is shown, else as it was published.

    Raises Denied and NotFound.
    """
    found = exhibit(session, templates, pack, edition, actor=actor)
    on_disk = _folder_of(templates, pack)
    if on_disk is None or on_disk.sha256 != found.sha256:
        return files_of(found.pack)
    folder = templates / pack
    return {
        path.name: path.read_text(encoding="utf-8-sig", errors="replace")
        for path in sorted(folder.iterdir())
        if path.is_file() and is_name(path.name)
    }


def _published(version: PackVersion, on_disk: _OnDisk | None) -> Exhibit:
    edition = str(version.version)
    if on_disk and on_disk.sha256 == version.sha256:  # the folder has worked examples and a demonstration besides
        return Exhibit(Shown(on_disk.pack, on_disk.readme), edition, version.sha256, version)
    return Exhibit(Shown(pack_of(version)), edition, version.sha256, version)


def _draft(on_disk: _OnDisk) -> Exhibit:
    return Exhibit(Shown(on_disk.pack, on_disk.readme), ON_DISK, on_disk.sha256)


def _on_disk(folder: Path) -> _OnDisk | None:
    """The pack in a folder; None where it has mistakes. Read again only where a file has changed."""
    stats = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    return _read(folder, tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats))


@lru_cache(maxsize=64)
def _read(folder: Path, state: tuple[tuple[str, int, int], ...]) -> _OnDisk | None:
    try:
        pack = load_pack(folder)
    except CatalogueErrors:
        return None
    readme = folder / README
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    return _OnDisk(pack, text, pack_hash(pack.as_published()))


def editions(session: Session, templates: Path, pack: str, *, actor: Actor) -> list[tuple[str, int]]:
    """Every edition of a pack, newest first, with its version: the folder where it is not published, and all published.

    Raises Denied.
    """
    require(actor, "gallery.read")
    rows = session.execute(
        select(PackVersion.version, PackVersion.sha256)
        .where(PackVersion.pack == pack)
        .order_by(PackVersion.version.desc())
    ).all()
    found = [(str(row.version), row.version) for row in rows]
    on_disk = _folder_of(templates, pack)
    if on_disk and on_disk.sha256 not in {row.sha256 for row in rows}:
        found.insert(0, (ON_DISK, on_disk.pack.version))
    return found


def _folder_of(templates: Path, pack: str) -> _OnDisk | None:
    """The folder of a pack, among those that there are: a name from outside is never a path."""
    known = {path.parent.name for path in templates.glob(f"*/{PACK_FILE}")}
    return _on_disk(templates / pack) if pack in known else None
