"""The CBEC Talent Bank."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Wire the application: settings, extensions, rooms, commands. Nobody imports from here but wsgi.py and tests."""
    from talentbank import cli, config, web
    from talentbank.accounts import views as accounts
    from talentbank.competencies import views as competencies
    from talentbank.credentials import views as credentials
    from talentbank.demo import service as demo
    from talentbank.deposits import views as deposits
    from talentbank.deposits.resources import views as resources
    from talentbank.extensions import babel, configure_logs, csrf, db, limiter, login, migrate
    from talentbank.insight import views as insight
    from talentbank.ledger import views as ledger
    from talentbank.placements import views as placements
    from talentbank.practice.enrolments import views as enrolments
    from talentbank.practice.logs import views as logs
    from talentbank.practice.rules import views as rules
    from talentbank.practice.verification import views as verification
    from talentbank.rounds import views as rounds

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
    web.init_app(app)
    practice = (rules, enrolments, logs, verification)
    for room in (
        accounts,
        competencies,
        ledger,
        deposits,
        resources,
        *practice,
        credentials,
        rounds,
        placements,
        insight,
    ):
        app.register_blueprint(room.bp)
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
