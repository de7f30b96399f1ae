"""Bundles: what a return puts into one, and which of a bundle's answers have a question here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.bundle import Manifest, Value
from app.domain.answers import question_id
from app.domain.message import N_, Message
from app.domain.sites import key_of
from app.models import AuditReturn
from app.policy import Actor, require
from app.queries.forms import every_item
from app.queries.imports import SITE_NOT_HERE, message_to_json
from app.queries.returns import checklist, return_facts, sees_drafts
from app.queries.rounds import NotFound
from app.queries.sites import offered_sites
from app.sheets.cells import Unreadable
from app.sheets.layout import as_raw


def bundle_content(session: Session, audit_return: AuditReturn, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """What a bundle of a return as it stands holds, for `bundle.write_bundle`. Infected files stay out.

    Raises NotFound unless the actor may read drafts.
    """
    if not (actor.system or sees_drafts(actor, audit_return)):
        raise NotFound
    require(actor, "return.read", return_facts(session, audit_return, now=now))
    work = checklist(session, audit_return)
    version = audit_return.template_version
    agency = audit_return.agency
    items = [item for item in work.items if item.started]
    return {
        "exported_at": now.isoformat(),
        "round": {"key": audit_return.audit_round.key, "name": audit_return.audit_round.name},
        "agency": {
            "code": agency.code,
            "name": agency.name,
            "type": audit_return.agency_type,
            "subtype": audit_return.subtype,
        },
        "template": {
            "pack": version.pack_version.pack,
            "version": version.pack_version.version,
            "sha256": version.sha256,
        },
        "criteria": [
            {"id": placed.criterion.id, "version": placed.criterion.version} for placed in work.template.criteria()
        ],
        "areas": [place.signed() for place in work.areas],
        # left out where nothing is asked per site: such bundles can be read by installations that know no sites
        **({"sites": [place.signed() for place in work.sites]} if work.template.asks_sites else {}),
        "answers": [
            {
                "criterion": item.criterion.id,
                "scope": item.scope,
                "type": item.criterion.answer.type,
                "value": dict(item.answer.value),
            }
            for item in items
        ],
        "actions": [
            {
                "criterion": action.criterion,
                "scope": action.scope,
                "what": action.what,
                "owner": action.owner,
                "due": action.due.isoformat() if action.due else None,
                "state": action.state,
            }
            for item in work.items
            for action in item.actions
        ],
        "evidence": [
            {
                "id": piece.id,
                "criterion": piece.criterion,
                "scope": piece.scope,
                "title": piece.title,
                "description": piece.description,
                "name": piece.name,
                "sha256": piece.sha256,
                "size": piece.size,
            }
            for item in work.items
            for piece in item.evidence
            if piece.scan != "infected"
        ],
    }


def matched(session: Session, audit_return: AuditReturn, manifest: Manifest) -> dict[str, Any]:
    """A bundle as an upload keeps it: its answers by question here, and those without one with the reason.

    A criterion matches where its id and its version are the same, and an area or a site where its code is. A site that
    the return never listed matches too: it can be listed when its answers are taken. The caller got the return through
    `get_return`. Raises Unreadable for a bundle of another checklist or another type of agency.
    """
    pack = audit_return.template_version.pack_version.pack
    if manifest.template.pack != pack:
        raise Unreadable(
            N_("This bundle is of another checklist (%(theirs)s), and this audit is of %(ours)s."),
            theirs=manifest.template.pack,
            ours=pack,
        )
    if manifest.agency.type != audit_return.agency_type:
        raise Unreadable(N_("This bundle is of another type of agency, so its questions are not those asked here."))
    finder = _Finder(session, audit_return, manifest)
    found: dict[str, Any] = {
        "answers": [],
        "notes": finder.notes(),
        "passed_over": [],
        "more_passed_over": 0,
        "unmatched": [],
        "actions": [],
        "evidence": [],
        "sites": [{"code": site.code, "name": site.name} for site in finder.offered],
    }
    for answer in manifest.answers:
        question = finder.question(answer.criterion, answer.scope, answer.type)
        if isinstance(question, Message):
            value = {name: _as_text(what) for name, what in answer.value.items() if what is not None}
            found["unmatched"].append(
                {"criterion": answer.criterion, "reason": message_to_json(question), "value": value}
            )
        elif value := as_raw(answer.value, finder.items[question].criterion.answer):
            found["answers"].append(
                {"id": question, "sheet": "", "raw": value, "cells": {}, "errors": {}, "based_on": 0, "state": "open"}
            )
    for action in manifest.actions:
        question = finder.question(action.criterion, action.scope)
        if isinstance(question, Message):
            value = {"what": action.what, "owner": action.owner}
            found["unmatched"].append(
                {"criterion": action.criterion, "reason": message_to_json(question), "value": value}
            )
        else:
            kept = action.model_dump(mode="json", include={"what", "owner", "due"})
            found["actions"].append({"question": question, **kept, "action": action.state, "state": "open"})
    pieces: dict[str, dict[str, Any]] = {}
    for piece in manifest.evidence:
        question = finder.question(piece.criterion, piece.scope)
        kept = piece.model_dump(mode="json", include={"title", "description", "name", "sha256", "size"})
        one = pieces.setdefault(piece.id, {**kept, "questions": [], "state": "open", "problem": None})
        if not isinstance(question, Message):
            one["questions"].append(question)
    for one in pieces.values():
        if not one["questions"]:
            one["state"] = "left"
            one["problem"] = message_to_json(Message(N_("None of the questions that it supports is asked here.")))
    found["evidence"] = list(pieces.values())
    return found


def _as_text(what: Value) -> str:
    """One field of an answer for reading: several choices with commas between, each row of a table on a line."""
    if not isinstance(what, tuple):
        return str(what)
    rows = (", ".join(one.values()) if isinstance(one, Mapping) else one for one in what)
    return ("\n" if any(isinstance(one, Mapping) for one in what) else ", ").join(rows)


class _Finder:
    """The questions of a return, by what a bundle calls them."""

    def __init__(self, session: Session, audit_return: AuditReturn, manifest: Manifest) -> None:
        work = checklist(session, audit_return)
        self.audit_return, self.manifest = audit_return, manifest
        told = [{"code": site.code, "name": site.name} for site in manifest.sites]
        self.offered = offered_sites(session, work, told)
        self.items = {item.id: item for item in every_item(session, audit_return, work, self.offered)}
        self.criteria = {placed.criterion.id: placed.criterion for placed in work.template.criteria()}
        self.versions = {one.id: one.version for one in manifest.criteria}
        areas = {place.code: place.scope for place in work.areas}
        sites = {place.scope for place in (*work.sites, *self.offered)}
        self.areas = {area.scope: areas.get(area.code) for area in manifest.areas}
        self.sites = {site.scope: key if (key := key_of(site.code)) in sites else None for site in manifest.sites}

    def notes(self) -> list[dict[str, Any]]:
        """What somebody should know before deciding."""
        theirs, ours = self.manifest.agency, self.audit_return.agency
        if theirs.code == ours.code:
            return []
        words = Message(
            N_("The bundle is of %(theirs)s (%(code)s), and this audit is of %(ours)s. Check that they are the same."),
            {"theirs": theirs.name, "code": theirs.code, "ours": ours.name},
        )
        return [message_to_json(words)]

    def question(self, criterion: str, scope: str, kind: str = "") -> str | Message:
        """The id of the question here, or why there is none."""
        known = self.criteria.get(criterion)
        if known is None:
            return Message(N_("There is no question of this id in this audit."))
        if self.versions.get(criterion) != known.version:
            return Message(N_("The question has another version here: its meaning changed."))
        if kind and kind != known.answer.type:
            return Message(N_("The question asks for another kind of answer here."))
        by_site = known.scope == "site"
        here = (self.sites if by_site else self.areas).get(scope) if scope else ""
        if here is None:
            return SITE_NOT_HERE if by_site else Message(N_("The agency does not work in this area here."))
        found = question_id(criterion, here)
        if found in self.items:
            return found
        if by_site and not here:
            return Message(N_("The question is asked per site here, and once on the other side."))
        if bool(here) != bool(known.scope and self.areas):
            return Message(N_("The question is asked per area on one side and once on the other."))
        return Message(N_("The question is not asked of this agency."))
