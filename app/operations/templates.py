"""Publishing packs: freezing a version with its hash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.integrity import canonical_json, hash_of, sha256_hex
from app.domain.life import NotPossible
from app.domain.message import N_
from app.domain.templates import Pack
from app.domain.text import localise
from app.models import CriterionRow, OversightBody, PackVersion, TemplateVersion
from app.operations import events
from app.policy import Actor, require


def publish(session: Session, pack: Pack, *, by: Actor, now: datetime) -> PackVersion:
    """Publish a pack, or return the version that is published already with the same content.

    Raises NotPossible where that version was published with other content (a published version never changes), where
    a higher one is published, and where an earlier one is and the pack does not say what is new. How a demonstration is
    made and worked examples are no part of what is published.
    """
    require(by, "service.administer")
    return freeze(session, pack, by=by, now=now)


def freeze(session: Session, pack: Pack, *, by: Actor, now: datetime) -> PackVersion:
    """Publish a pack as `publish` does, for whoever was found to be allowed to."""
    content = canonical_json(pack.as_published().to_frozen())
    sha256 = sha256_hex(content)
    known = session.scalar(
        select(PackVersion).where(PackVersion.pack == pack.pack, PackVersion.version == pack.version)
    )
    if known:
        if known.sha256 == sha256:
            return known
        raise NotPossible(
            N_(
                "%(pack)s version %(version)s was published with other content (SHA-256 %(published)s…;"
                " on disk %(on_disk)s…). A published version never changes: raise `version` in"
                " pack.yaml to %(next)s."
            ),
            pack=pack.pack,
            version=pack.version,
            published=known.sha256[:12],
            on_disk=sha256[:12],
            next=pack.version + 1,
        )
    latest = session.scalar(select(func.max(PackVersion.version)).where(PackVersion.pack == pack.pack))
    if latest is not None and latest > pack.version:
        raise NotPossible(
            N_(
                "%(pack)s version %(latest)s is published, so version %(version)s comes too late:"
                " raise `version` in pack.yaml to %(next)s."
            ),
            pack=pack.pack,
            latest=latest,
            version=pack.version,
            next=latest + 1,
        )
    if latest is not None and pack.changes is None:
        raise NotPossible(
            N_(
                "%(pack)s version %(latest)s is published: say what is new in version %(version)s."
                " Add a line to pack.yaml, such as `changes: Two questions on supervision were added.`"
            ),
            pack=pack.pack,
            latest=latest,
            version=pack.version,
        )
    version = PackVersion(
        pack=pack.pack,
        version=pack.version,
        title=pack.title if isinstance(pack.title, dict) else {"en": pack.title},
        content=content.decode(),
        sha256=sha256,
        published_at=now,
        published_by=by.label,
    )
    for agency_type, template in pack.templates.items():
        row = TemplateVersion(agency_type=agency_type, sha256=hash_of(template.model_dump(mode="json")))
        row.criteria = [
            CriterionRow(
                key=placed.criterion.id,
                version=placed.criterion.version,
                position=placed.position,
                number=placed.number,
                standard=placed.standard.id,
                optional=placed.standard.optional,
                theme=placed.criterion.theme,
                milestone=placed.criterion.milestone or "",
                answer_type=placed.criterion.answer.type,
                twins=list(placed.criterion.twins),
            )
            for placed in template.criteria()
        ]
        version.templates.append(row)
    session.add(version)
    events.append(
        session,
        f"pack:{pack.pack}",
        "pack.published",
        by=by,
        now=now,
        data={"pack": pack.pack, "version": pack.version, "sha256": sha256},
    )
    if len(pack.oversight_bodies) > 1:
        # a pack of several bodies names real ones; a pack of one is owned by whoever opens the round
        for code, body in pack.oversight_bodies.items():
            if session.scalar(select(OversightBody.id).where(OversightBody.code == code)) is None:
                session.add(
                    OversightBody(
                        code=code,
                        name=localise(body.name),
                        short=localise(body.short),
                        kind=localise(body.kind),
                    )
                )
    session.flush()
    return version
