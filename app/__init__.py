"""Candour: self-audits for agencies that protect children. `create_app` wires the parts together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only where an application is made: a file's examination starts without them, in half the time
    from flask import Flask

    from config import Config


def create_app(config: Config | None = None) -> Flask:
    """The Flask application.

    Raises ConfigError for unusable settings, RuntimeError for a route without a permission.
    """
    from inspect import iscoroutinefunction

    from flask import Flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    from app import db, jobs, logs, migrate, web
    from config import ROOT, Config

    logs.configure()
    config = config or Config.load()
    app = Flask(
        "app", template_folder="web/templates", static_folder="web/static", instance_path=str(config.home),
        root_path=str(ROOT / "app"),
    )  # fmt: skip
    app.config.from_mapping(config.flask())
    app.config["CANDOUR"] = config
    if config.behind_https:
        # one proxy in front: without this the throttle would take its address for everybody's
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.config["SQLALCHEMY_ENGINES"] = {"default": db.engine_options(config.database_url)}
    db.db.init_app(app)
    # nothing here is asynchronous, and to close what there is not would start a thread for every request
    app.teardown_appcontext_funcs = [close for close in app.teardown_appcontext_funcs if not iscoroutinefunction(close)]
    with app.app_context():
        db.listen(db.db.engine)
    migrate.init_app(app)
    jobs.init_app(app)
    web.init_app(app)
    return app
