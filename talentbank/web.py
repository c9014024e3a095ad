"""What all views share: the action that a route asks for, who asks, forms, and refusals as pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    flash,
    has_request_context,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import format_date, format_datetime
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Field, FieldList, FormField

from talentbank import permissions
from talentbank.engine.units import clock, credits_text, hours_text
from talentbank.errors import Forbidden, Invalid, NotFound, Refusal
from talentbank.extensions import SHANGHAI, chinese, db, lazy_gettext
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import STRANGER, Action, Actor, Role

log = structlog.get_logger()
Page = str | tuple[str, int] | BaseResponse
View = TypeVar("View", bound=Callable[..., Page])
T = TypeVar("T")

LOCALES = {"zh": "中文", "en": "English"}

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation, shown to whoever may ask for its action; roles: to these of them only."""

    endpoint: str
    label: object
    icon: str
    action: Action
    roles: frozenset[Role] = frozenset(Role)


NAVIGATION = (
    Entry("insight.home", _l("Home"), "home", Action.READ_HOME),
    Entry("competencies.profile", _l("My profile"), "user", Action.CHANGE_PROFILE),
    Entry("placements.students", _l("Students"), "school", Action.READ_STUDENTS),
    Entry("deposits.positions", _l("Positions"), "briefcase", Action.READ_POSITIONS),
    Entry("resources.resources", _l("Training"), "certificate", Action.READ_RESOURCES),
    Entry("enrolments.enrolments", _l("Enrolments"), "clipboard-check", Action.READ_ENROLMENTS),
    Entry("logs.week", _l("My practice"), "clock", Action.KEEP_LOG),
    Entry("verification.waiting", _l("To verify"), "checklist", Action.VERIFY_LOG),
    Entry("verification.confirming", _l("To confirm"), "award", Action.CONFIRM_LOG),
    Entry("verification.overdue", _l("Overdue"), "clock", Action.READ_OVERDUE),
    Entry("credentials.statement", _l("My practice credits"), "coins", Action.WITHDRAW_CREDITS),
    Entry("credentials.record", _l("Practice credits"), "coins", Action.EXPORT_CREDITS),
    Entry("rounds.rounds", _l("Rounds"), "refresh", Action.READ_ROUNDS),
    Entry("preferences.market", _l("Matching round"), "refresh", Action.READ_OWN_ROUNDS),
    Entry("offers.offers", _l("Offers"), "mail", Action.READ_OFFERS),
    Entry("placements.placements", _l("Placements"), "user-check", Action.READ_PLACEMENTS),
    Entry("messages.threads", _l("Messages"), "message", Action.READ_MESSAGES),
    Entry("flags.flags", _l("Reports"), "flag", Action.READ_FLAGS),
    Entry("appeals.appeals", _l("Appeals"), "scale", Action.READ_APPEALS),
    Entry("cohorts.cohorts", _l("Cohorts"), "chart-bar", Action.READ_COHORTS),
    Entry("destinations.own", _l("Destinations"), "route", Action.READ_DESTINATIONS),
    Entry("gap.gap", _l("Talent gap"), "chart", Action.READ_GAP),
    Entry("market.market", _l("Market in figures"), "chart-bar", Action.READ_MARKET),
    Entry("ledger.entries", _l("Ledger"), "coins", Action.READ_LEDGER),
    Entry("accounts.organisations", _l("Organisations"), "building", Action.READ_ORGANISATIONS),
    Entry("accounts.own_organisation", _l("My enterprise"), "building", Action.CHANGE_ORGANISATION),
    Entry("accounts.people", _l("People"), "users", Action.READ_PEOPLE),
    Entry("insight.audit", _l("Audit trail"), "list", Action.READ_AUDIT),
    Entry("competencies.catalogue", _l("Competencies"), "books", Action.READ_CATALOGUE),
)


MOST_IN_A_ROW = 8
"""Entries that fit beside each other in either language; the others stand in a menu of their own."""


def entries_of(asking: Actor) -> list[Entry]:
    """The entries of somebody's navigation."""
    return [e for e in NAVIGATION if asking.role in e.roles and permissions.allowed(asking, e.action)]


def asks(action: Action) -> Callable[[View], View]:
    """Declare the action that a route asks for; `guard` asks permissions.py before the view runs."""

    def mark(view: View) -> View:
        view.action = action  # type: ignore[attr-defined]
        return view

    return mark


def takes_files(most_bytes: int) -> Callable[[View], View]:
    """Declare that a route takes uploads up to so many bytes in all, where other routes take 2 MB."""

    def mark(view: View) -> View:
        view.most_bytes = most_bytes  # type: ignore[attr-defined]
        return view

    return mark


def _measure() -> None:
    """Set the request's limit before anybody, such as the form's token check, reads its body.

    Only who may use the route may send it more than others take.
    """
    view: Any = current_app.view_functions.get(request.endpoint or "")
    if hasattr(view, "most_bytes") and permissions.allowed(actor(), view.action):
        request.max_content_length = view.most_bytes


def actor() -> Actor:
    """Who asks in this request."""
    return current_user.actor if current_user.is_authenticated else STRANGER


def guard() -> BaseResponse | None:
    """Ask for the route's declared action; a route without one is closed to everybody."""
    if request.endpoint in (None, "static"):
        return None
    if any("\0" in text for text in (request.path, *request.values.values())):
        raise Invalid(_l("This holds a character that can't be stored: take it out and send it again."))
    # WTForms takes «²» in a field's name for a number, and fails
    if any(sign.isdigit() and not sign.isascii() for name in request.form for sign in name):
        raise Invalid(_l("This form is not one of the bank's: load the page again."))
    action = getattr(current_app.view_functions[request.endpoint], "action", None)
    if action is None:
        raise Forbidden(_l("This page is not open to anybody."))
    if actor() == STRANGER and not permissions.allowed(STRANGER, action):
        if request.method != "GET":
            raise Forbidden(_l("You are signed out. Sign in, then do it again."))
        flash(_("Please sign in to go there."), "info")
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    permissions.require(actor(), action)
    return None


def safe_next(target: str | None) -> str:
    """Where to go after signing in: a path of this site, or home."""
    parts = urlsplit(target or "")
    local = target and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if target and local and not parts.scheme and not parts.netloc else url_for("insight.home")


def attempt(form: FlaskForm, action: Callable[[], T]) -> T | None:
    """Do what a submitted form asks for; what is refused stands at its fields, and None comes back."""
    if not form.validate_on_submit():
        return None
    try:
        return action()
    except Invalid as refusal:
        place(form, refusal)
        return None


def place(form: FlaskForm, refusal: Invalid) -> None:
    """Put each sentence of a refusal at the field that it speaks of, else above the form."""
    for name, message in refusal.errors.items():
        sentence = str(message)
        field = next((field for field in _fields(form) if field.name == name), None)
        if field is None or not isinstance(field.errors, list | tuple):
            form.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
    if not refusal.errors:
        form.form_errors.append(refusal.message)
    for outer in form:
        if isinstance(outer, FieldList):  # its errors are those of its rows, but it collects them only once
            outer.errors = [*outer.errors, *(row.errors for row in outer if row.errors)]


def _fields(form: Iterable[Field]) -> Iterator[Field]:
    """A form's fields and those inside of its lists and inner forms."""
    for field in form:
        yield field
        if isinstance(field, FieldList | FormField):
            yield from _fields(field)


def answer(template: str, form: FlaskForm | None = None, **values: Any) -> Page:
    """Render a page; 400 if its form was refused."""
    return render_template(template, form=form, **values), 400 if form is not None and form.errors else 200


def whole(name: str, source: Any = None) -> int:
    """A whole number out of a form's hidden field; a forged one is refused with the field's name."""
    text = (request.form if source is None else source).get(name, "")
    if not text.isdecimal() or len(text) > 15:
        raise Invalid(_l("The field %(name)s must be a whole number: load the page again.", name=name))
    return int(text)


MOST_ID = 2**31 - 1
"""The largest id that every database takes."""


class IdConverter(IntegerConverter):
    """An id in an address; a larger one than there can be is not found, as any other that is not there."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=MOST_ID)


def id_asked(name: str) -> int | None:
    """An id in the address that a list is narrowed to: 0, which nothing has, for one that can't be."""
    text = request.args.get(name, "")
    if not text.isdecimal():
        return None
    return int(text) if len(text) <= 10 and int(text) <= MOST_ID else 0


def page_number() -> int:
    """The page of a list that is asked for, 1 or more."""
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


def choose_locale() -> str | None:
    """The person's language: chosen in this session, else kept in the account, else the browser's, else Chinese."""
    if not has_request_context():
        return None
    kept = current_user.locale if current_user and current_user.is_authenticated else None
    chosen = session.get("locale") or kept
    return chosen if chosen in LOCALES else request.accept_languages.best_match(LOCALES, default="zh")


def salary(rmb: int) -> str:
    """RMB a year as 10k RMB: 85000 → 8.5."""
    return f"{rmb / 10_000:.2f}".rstrip("0").rstrip(".")


def _refused(error: Refusal) -> Page:
    return _error_page(error.status, error.message)


def _csrf_refused(error: CSRFError) -> Page:
    message = _l("This form is older than your session. Go back, load the page again, and send it once more.")
    return _error_page(400, message)


STATUS_SENTENCES = {
    400: _l("The request could not be understood. Go back and try again."),
    404: _l("There is no such page, or it is not yours to see. Check the address, or start from the home page."),
    405: _l("This address does not take that kind of request. Go back and use the page's own buttons."),
    413: _l("That is too large: send at most 2 MB, or on a practice log 5 files of 10 MB."),
    429: _l("Too many attempts from your address. Wait a minute, then try again."),
    500: _l("Something went wrong on our side; nothing was changed. Please try again."),
}


def _http_error(error: HTTPException) -> Page:
    if error.code is not None and error.code < 400:
        return error.get_response()
    code = error.code or 500
    if code >= 500:
        db.session.rollback()
    return _error_page(code, STATUS_SENTENCES.get(code, error.description))


def _unexpected(error: Exception) -> Page:
    log.exception("unexpected error", path=request.path)
    db.session.rollback()  # what the database refused may have ended the transaction; the page still asks it
    return _error_page(500, STATUS_SENTENCES[500])


def _error_page(status: int, message: object) -> Page:
    return render_template("error.html", status=status, message=message, back=_came_from()), status


def _came_from() -> str | None:
    """The page of this site that led here, if one did."""
    parts = urlsplit(request.referrer or "")
    return parts._replace(scheme="", netloc="").geturl() if parts.netloc == request.host else None


def _secure(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static":
        headers.setdefault("Cache-Control", "no-store")  # pages hold personal data
    return response


def init_app(app: Flask) -> None:
    """Guard every route, show refusals as pages, and give templates what they all use."""
    app.before_request_funcs.setdefault(None, []).insert(0, _measure)
    app.url_map.converters["int"] = IdConverter
    app.before_request(guard)
    app.after_request(_secure)
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _csrf_refused)
    app.register_error_handler(HTTPException, _http_error)
    if not app.testing:
        app.register_error_handler(Exception, _unexpected)

    app.jinja_env.filters["salary"] = salary
    app.jinja_env.filters["date"] = lambda value: format_date(value, "yyyy-MM-dd")
    app.jinja_env.filters.update(credits=credits_text, hours=hours_text, clock=clock)
    app.jinja_env.filters["moment"] = lambda value: format_datetime(value, "yyyy-MM-dd HH:mm")
    app.jinja_env.globals.update(
        Action=Action,
        Role=Role,
        LOCALES=LOCALES,
        MOST_IN_A_ROW=MOST_IN_A_ROW,
        entries_of=entries_of,
        chinese=chinese,
        _l=lazy_gettext,
    )

    @app.context_processor
    def _person() -> dict[str, Any]:
        asking = actor()
        return {
            "actor": asking,
            "may": lambda action: permissions.allowed(asking, action),
            "html_lang": "zh-CN" if chinese() else "en",
            "locale": "zh" if chinese() else "en",
        }


__all__ = ["SHANGHAI", "NotFound", "Page", "actor", "answer", "asks", "attempt", "init_app", "place", "whole"]
