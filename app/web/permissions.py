"""Every route declares its permission for each method; a route that does not stops the program from starting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from flask_security import current_user

from app.policy import PERMISSIONS, could
from app.web.kept import page_to_send_again
from app.web.request import actor, wants_json

View = TypeVar("View", bound=Callable[..., Any])
DECLARED = "_candour_permissions"

# the routes of libraries, declared here
LIBRARY_ROUTES: dict[str, dict[str, str]] = {
    "static": {"GET": "public.read"},
    "security.login": {"GET": "public.read", "POST": "public.read"},
    "security.logout": {"GET": "public.read", "POST": "public.read"},
    "security.change_password": {"GET": "account.own", "POST": "account.own"},
    "security.static": {"GET": "public.read"},
    "security.verify": {"GET": "account.own", "POST": "account.own"},
}


def requires(**methods: str) -> Callable[[View], View]:
    """Declare the permissions of a view: `@requires(GET="return.read", POST="return.edit")`."""

    def declare(view: View) -> View:
        setattr(view, DECLARED, methods)
        return view

    return declare


def permissions_of(app: Flask, endpoint: str) -> dict[str, str]:
    """Method to permission of an endpoint; empty where it declares none."""
    return LIBRARY_ROUTES.get(endpoint) or getattr(app.view_functions[endpoint], DECLARED, {})


def gaps(app: Flask) -> list[str]:
    """Routes and methods that declare no permission, or one that does not exist."""
    found = []
    for rule in app.url_map.iter_rules():
        declared = permissions_of(app, rule.endpoint)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if declared.get(method) not in PERMISSIONS:
                found.append(f"{method} {rule.rule} ({rule.endpoint})")
    return sorted(found)


def init_app(app: Flask) -> None:
    """Refuse to start with gaps; check each request against its declaration. Objects are checked by queries."""
    if missing := gaps(app):
        raise RuntimeError("These routes declare no permission that exists: " + ", ".join(missing))

    @app.before_request
    def _check() -> Any:
        if request.endpoint is None:
            return None  # 404 or 405 follows
        method = "GET" if request.method in ("HEAD", "OPTIONS") else request.method
        permission = permissions_of(current_app._get_current_object(), request.endpoint).get(method)  # type: ignore[attr-defined]
        if permission is None:
            abort(405)
        if permission == "public.read":
            return None
        if not current_user.is_authenticated:
            if wants_json():
                return jsonify(why="session", message=_("You are signed out.")), 401
            if held := page_to_send_again(401):
                return held
            target = request.full_path if request.method == "GET" else request.path
            return redirect(url_for("security.login", next=target.rstrip("?")))
        if not could(actor(), permission):
            abort(403)
        return None
