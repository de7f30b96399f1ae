"""The list of drafts, and beginning one: from a pack, a workbook, a form or framework made elsewhere, or an example."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.authoring.ciso import import_ciso
from app.authoring.draft import Draft, Mistake, Refused, as_yaml, ill_named
from app.authoring.from_workbook import read_workbook
from app.authoring.imports import slug
from app.authoring.pieces import At, Put, checked, is_key, is_name, texts_of
from app.authoring.workbook import begin as plain_pack
from app.authoring.xlsform import import_xlsform
from app.catalogue import MAX_BYTES, PACK_FILE
from app.domain.life import NotPossible
from app.operations import drafts as operations
from app.operations.drafts import Beginning
from app.policy import allows
from app.queries.drafts import drafts as read_drafts
from app.queries.drafts import own_bodies
from app.queries.gallery import ON_DISK, exhibit, gallery, texts
from app.queries.rounds import NotFound
from app.web.drafts.blueprint import blueprint, crumbs, origin_words, state_words, templates_folder
from app.web.gallery import edition_words
from app.web.pages import message, text
from app.web.permissions import requires
from app.web.request import actor, begin, commit, now, session, takes_files
from app.web.typed import asked, page_asked, typed

LARGEST = 10  # megabytes of an uploaded file
MISTAKES_SHOWN = 100
UPLOADED = ("workbook", "xlsform", "ciso")


def ways() -> dict[str, tuple[str, str]]:
    """How a draft can begin: name to title and hint."""
    return {
        "pack": (_("From a pack"), _("A new version of one that there is, or one of your own like it.")),
        "workbook": (
            _("From a workbook"),
            _("A spreadsheet that was downloaded from a draft, or made by “candour templates new”."),
        ),
        "xlsform": (_("From an XLSForm"), _("A form made for ODK, KoboToolbox or another such program.")),
        "ciso": (_("From a framework library"), _("A YAML file of CISO Assistant with one framework.")),
        "empty": (_("From a plain example"), _("One checklist with two questions, to replace.")),
    }  # fmt: skip


@blueprint.route("")
@requires(GET="draft.use")
def index() -> str:
    """Every draft that one may read."""
    found = read_drafts(session(), actor=actor(), page=page_asked())
    return render_template(
        "drafts/index.html", found=found, state_words=state_words, origin_words=origin_words,
        breadcrumbs=crumbs()[:1],
    )  # fmt: skip


@blueprint.route("/new")
@requires(GET="draft.use")
def new() -> str:
    """How a draft can begin."""
    return render_template("drafts/new.html", ways=ways(), breadcrumbs=crumbs())


@blueprint.route("/new/<how>", methods=["GET", "POST"])
@requires(GET="draft.use", POST="draft.use")
@takes_files(LARGEST)
def start(how: str) -> str | tuple[str, int] | BaseResponse:
    """Begin a draft in one of the ways."""
    if how not in ways():
        raise NotFound
    if request.method == "GET":
        return _form(how, {"pack": asked("pack")})
    values = {name: typed(name) for name in ("pack", "key", "title", "body")}
    makers: dict[str, Callable[[dict[str, str]], Beginning]] = {
        "pack": _from_pack, "workbook": _from_workbook, "xlsform": _imported, "ciso": _imported, "empty": _plain,
    }  # fmt: skip
    body_id, wrong = _body(values["body"])
    if wrong:
        return _form(how, values, [{"text": wrong, "href": "#body"}])
    try:
        beginning = makers[how](values)
        checked(beginning.files, beginning.pack)  # kept, so that nobody's save waits for it
        begin()
        draft = operations.begin(session(), beginning, body_id=body_id, by=actor(), now=now())
    except Wrong as problem:
        return _form(how, values, problem.errors)
    except Refused as refused:
        return _form(how, values, mistake_rows(refused.mistakes))
    except NotPossible as reason:
        session().rollback()
        return _form(how, values, [{"text": message(reason.message), "href": "#key"}])
    commit()
    flash(
        _("The draft is begun. Nobody outside your oversight body sees it.")
        if draft.body_id
        else _("The draft is begun. Only administrators see it."),
        "success",
    )
    return redirect(url_for("drafts.page", did=draft.public_id), 303)


class Wrong(Exception):
    """What is wrong with a field."""

    def __init__(self, words: str, name: str) -> None:
        super().__init__(words)
        self.errors = [{"text": words, "href": f"#{name}"}]


def mistake_rows(mistakes: tuple[Mistake, ...]) -> list[dict[str, str]]:
    """What is wrong with a file, by its cells, for an error summary."""
    shown = [{"text": str(one), "href": "#file"} for one in mistakes[:MISTAKES_SHOWN]]
    if left := len(mistakes) - len(shown):
        shown.append({"text": _("And %(number)s more.", number=left), "href": "#file"})
    return shown


def _form(how: str, values: dict[str, str], errors: list[dict[str, str]] | None = None) -> tuple[str, int]:
    session().rollback()
    bodies = own_bodies(session(), actor=actor())
    packs = []
    if how == "pack":
        for one in gallery(session(), templates_folder(), actor=actor()).exhibits:
            words = f"{text(one.pack.title)} ({edition_words(one.edition, one.pack.version)})"
            packs.append({"value": f"{one.pack.pack}/{one.edition}", "text": words})
    page = render_template(
        "drafts/start.html",
        how=how,
        title=ways()[how][0],
        hint=ways()[how][1],
        values=values,
        packs=packs,
        bodies=[{"value": body.public_id, "text": body.name} for body in bodies],
        error_list=errors or [],
        at={error["href"][1:]: error["text"] for error in reversed(errors or [])},
        uploads=how in UPLOADED,
        largest=LARGEST,
        breadcrumbs=crumbs(None, (_("Begin a draft"), url_for("drafts.new"))),
    )
    return page, 422 if errors else 200


def _body(chosen: str) -> tuple[int | None, str]:
    """The oversight body that a draft is for, and what is wrong with the choice. An administrator's draft has none."""
    bodies = own_bodies(session(), actor=actor())
    if not bodies and allows(actor(), "service.administer"):
        return None, ""
    if len(bodies) == 1:
        return bodies[0].id, ""
    for body in bodies:
        if body.public_id == chosen:
            return body.id, ""
    return None, _("Choose the oversight body that this draft is for.")


def _key(values: dict[str, str], fallback: str = "") -> str:
    key = values["key"] or fallback
    if not key:
        raise Wrong(_("Give the pack a key, such as joint-working."), "key")
    if not is_key(key):
        raise Wrong(
            _("A key has lower-case words, digits and hyphens, such as joint-working: up to 60 characters."), "key"
        )
    return key


def sent_file() -> tuple[str, bytes]:
    """The file that was sent, and its name. Raises Wrong where there is none."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Wrong(_("Choose a file to upload."), "file")
    return Path(file.filename.replace("\\", "/").replace("\x00", "")).name[:200], file.read()


def _from_pack(values: dict[str, str]) -> Beginning:
    pack, _slash, edition = values["pack"].partition("/")
    try:
        found = exhibit(session(), templates_folder(), pack, edition, actor=actor())
    except NotFound:
        raise Wrong(_("Choose the pack to begin with."), "pack") from None
    files = texts(session(), templates_folder(), pack, edition, actor=actor())
    key = _key(values, pack)
    origin = "gallery" if edition == ON_DISK else "published"
    name = f"{text(found.pack.title)} ({edition_words(edition, found.pack.version)})"
    if key == pack:
        return Beginning(key, files, origin, name, base=found.version)
    # of its own: a first version of another pack
    content = dict(checked(files, pack).content[PACK_FILE])
    content.pop("changes", None)
    at: At = (PACK_FILE,)
    return Beginning(key, Put(at, {**content, "pack": key, "version": 1}).apply(files, pack), origin, name)


def as_files(draft: Draft) -> dict[str, str]:
    """The files of what a workbook holds. Raises Refused where nothing can be kept under its names."""
    if unnamed := tuple(ill_named(draft)):
        raise Refused(*unnamed)
    files = texts_of(draft)
    if wrong := [name for name in files if not is_name(name)]:
        raise Refused(*(Mistake("", f"`{name}` is too long for the name of an agency type") for name in wrong))
    return files


def _from_workbook(values: dict[str, str]) -> Beginning:
    name, content = sent_file()
    draft = read_workbook(content)
    files = as_files(draft)
    if not is_key(draft.key):
        raise Refused(Mistake(draft.place_of((PACK_FILE, "pack")), "the pack’s key is too long; shorten it"))
    return Beginning(draft.key, files, "workbook", name)


def _imported(values: dict[str, str]) -> Beginning:
    key = _key(values)
    name, content = sent_file()
    how = request.view_args["how"] if request.view_args else ""
    if how == "xlsform":
        draft = import_xlsform(content, key, name)
    else:
        if len(content) > MAX_BYTES * 2:
            most = MAX_BYTES * 2 // 1_000_000
            raise Wrong(
                _("This library is larger than %(most)s MB. Import it with “candour templates import”.", most=most),
                "file",
            )
        with tempfile.TemporaryDirectory() as folder:
            # under a name of ours: its own could be any
            path = Path(folder) / "library.yaml"
            path.write_bytes(content)
            draft = import_ciso(path, key)
    return Beginning(key, as_files(draft), how, name, draft.left_out)


def _plain(values: dict[str, str]) -> Beginning:
    if not values["title"]:
        raise Wrong(_("Say what the audit is called."), "title")
    key = _key(values, slug(values["title"], fallback="audit"))
    draft = plain_pack(key)
    draft.files[PACK_FILE]["title"] = values["title"][:300]
    return Beginning(key, {name: as_yaml(content) for name, content in draft.files.items()}, "empty")
