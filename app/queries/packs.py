"""Published packs, parsed once per process: frozen content never changes, so it may be kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.templates import AgencyType, Pack, Template
from app.models import AuditReturn, PackVersion, TemplateVersion

_PARSED: dict[str, Pack] = {}


def pack_of(version: PackVersion) -> Pack:
    """The frozen pack of a published version. Kept by its hash, so that its content is read and parsed once."""
    pack = _PARSED.get(version.sha256)
    if pack is None:
        pack = _PARSED[version.sha256] = Pack.from_frozen(json.loads(version.content))
    return pack


def template_of(audit_return: AuditReturn) -> tuple[Pack, Template]:
    """The pack and the template that a return is pinned to."""
    pack = pack_of(audit_return.template_version.pack_version)
    return pack, pack.templates[audit_return.agency_type]


def latest_versions(session: Session) -> Sequence[PackVersion]:
    """The latest published version of each pack, by key. Their content is not loaded."""
    newest = select(PackVersion.pack, func.max(PackVersion.version).label("version")).group_by(
        PackVersion.pack
    )
    latest = newest.subquery()
    return session.scalars(
        select(PackVersion)
        .join(latest, (latest.c.pack == PackVersion.pack) & (latest.c.version == PackVersion.version))
        .order_by(PackVersion.pack)
    ).all()


def template_versions(session: Session, pack_version_id: int) -> dict[str, TemplateVersion]:
    """The template versions of a published pack, by agency type."""
    rows = session.scalars(select(TemplateVersion).where(TemplateVersion.pack_version_id == pack_version_id))
    return {row.agency_type: row for row in rows}


def latest_version(session: Session, pack: str) -> PackVersion | None:
    """The latest published version of a pack, if there is one."""
    return session.scalar(
        select(PackVersion).where(PackVersion.pack == pack).order_by(PackVersion.version.desc()).limit(1)
    )


def published_version(session: Session, pack: str, version: int) -> PackVersion | None:
    """One published version of a pack, if there is one of this number."""
    return session.scalar(select(PackVersion).where(PackVersion.pack == pack, PackVersion.version == version))


def anything_published(session: Session) -> bool:
    """Whether any pack is published: a new database has none."""
    return session.scalar(select(PackVersion.id).limit(1)) is not None


def agency_types(session: Session) -> dict[str, AgencyType]:
    """Every agency type of the latest published packs, by key; where two packs know one, their subtypes are joined."""
    types: dict[str, AgencyType] = {}
    for version in latest_versions(session):
        for key, kind in pack_of(version).agency_types.items():
            known = types.get(key)
            types[key] = (
                kind.model_copy(update={"subtypes": {**kind.subtypes, **known.subtypes}}) if known else kind
            )
    return types
