"""The CBEC Talent Bank."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

ROOMS = (
    "accounts",
    "notices",
    "competencies",
    "ledger",
    "deposits",
    "deposits.flags",
    "deposits.resources",
    "practice.rules",
    "practice.enrolments",
    "practice.logs",
    "practice.verification",
    "credentials",
    "rounds",
    "rounds.preferences",
    "rounds.runs",
    "rounds.offers",
    "rounds.appeals",
    "messages",
    "placements",
    "placements.destinations",
    "insight",
    "insight.gap",
    "insight.market",
    "insight.cohorts",
    "insight.enterprises",
)
"""Where there are views."""


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Wire the application: settings, extensions, rooms, commands. Nobody imports from here but wsgi.py and tests."""
    from talentbank import cli, config, web
    from talentbank.demo import service as demo
    from talentbank.extensions import babel, background, configure_logs, csrf, db, limiter, login, mail, migrate

    app = Flask("talentbank", static_folder=config.ROOT / "static", template_folder=config.ROOT / "templates")
    app.config.from_mapping(config.settings(os.environ))
    app.config.from_mapping(overrides or {})
    app.testing = bool(app.config.get("TESTING"))
    if app.config["PROXIES"]:
        hops = app.config["PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    configure_logs()
    db.init_app(app)
    migrate.init_app(app, db, directory=str(config.ROOT / "talentbank" / "migrations"))
    csrf.init_app(app)
    limiter.init_app(app)
    babel.init_app(app, locale_selector=web.choose_locale)
    login.init_app(app)
    mail.init_app(app)
    background.init_app(app)
    web.init_app(app)
    for room in ROOMS:
        app.register_blueprint(import_module(f"talentbank.{room}.views").bp)
    app.context_processor(lambda: {"demo": demo})
    cli.register(app)

    if app.config["BANK_MODE"] is config.Mode.PRODUCTION and _serves():
        with app.app_context():
            try:
                demo.refuse_in_production()
            finally:
                db.session.remove()
                db.engine.dispose()  # a connection must not be shared by the processes that are forked later
    return app


def _serves() -> bool:
    """Whether the app is made to answer requests, rather than for one of its commands."""
    context = click.get_current_context(silent=True)
    return context is None or context.info_name == "run"
