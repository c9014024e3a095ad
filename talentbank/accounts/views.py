"""Sign-in and -out, registration, one's account, organisations and people."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, session, url_for
from flask_login import current_user, login_user, logout_user

from talentbank.accounts import queries, service
from talentbank.accounts.forms import (
    ROLE_LABELS,
    STANDING_LABELS,
    AcceptForm,
    DecisionForm,
    InvitationForm,
    OrganisationForm,
    OwnOrganisationForm,
    PasswordForm,
    RegistrationForm,
    SignInForm,
)
from talentbank.accounts.models import Standing, User
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import limiter, login
from talentbank.permissions import Action, Role
from talentbank.web import LOCALES, Page, actor, answer, asks, attempt, id_asked, page_number, safe_next

bp = Blueprint("accounts", __name__)
login.user_loader(queries.person)

bp.app_template_global("role_label")(lambda role: ROLE_LABELS[role])
bp.app_template_global("standing_label")(lambda standing: STANDING_LABELS[standing])


@bp.route("/sign-in", methods=["GET", "POST"])
@asks(Action.SIGN_IN)
@limiter.limit("30/minute", methods=["POST"])
def sign_in() -> Page:
    if current_user.is_authenticated:
        return redirect(url_for("insight.home"))
    form = SignInForm(next=request.args.get("next", ""))
    if form.validate_on_submit():
        try:
            user = service.sign_in(form.email.data or "", form.password.data or "")
        except Conflict as locked:
            form.form_errors.append(locked.message)
            return answer("accounts/sign_in.html", form)
        if user is not None:
            _start_session(user)
            return redirect(safe_next(form.next.data))
        form.form_errors.append(_l("The e-mail address or the password is not right. Check both and try again."))
    return answer("accounts/sign_in.html", form)


@bp.post("/sign-out")
@asks(Action.SIGN_OUT)
def sign_out() -> Page:
    _end_session()
    flash(_("You are signed out."), "success")
    return redirect(url_for("accounts.sign_in"))


def _start_session(user: User) -> None:
    """A new session, so that nothing of the one before (its CSRF token above all) lives on."""
    _end_session()
    login_user(user)
    session.permanent = True


def _end_session() -> None:
    locale = session.get("locale")
    logout_user()
    session.clear()
    if locale:
        session["locale"] = locale


@bp.post("/language/<code>")
@asks(Action.CHOOSE_LANGUAGE)
def language(code: str) -> Page:
    if code not in LOCALES:
        raise Invalid(_l("The bank speaks Chinese (zh) and English (en)."))
    session["locale"] = code
    if current_user.is_authenticated and current_user.locale != code:
        service.keep_locale(actor(), code)
    return redirect(safe_next(request.form.get("next")))


@bp.route("/register", methods=["GET", "POST"])
@asks(Action.REGISTER_ENTERPRISE)
@limiter.limit("20/hour", methods=["POST"])
def register() -> Page:
    if current_user.is_authenticated:
        return redirect(url_for("insight.home"))
    form = RegistrationForm()
    user = attempt(form, lambda: service.register_enterprise(actor(), form.registration()))
    if user is None:
        return answer("accounts/register.html", form)
    _start_session(user)
    flash(_("Welcome. Deposit positions now; they show once the chamber has approved your enterprise."), "success")
    return redirect(url_for("insight.home"))


@bp.route("/invitation/<token>", methods=["GET", "POST"])
@asks(Action.ACCEPT_INVITATION)
@limiter.limit("30/minute")
def invitation(token: str) -> Page:
    invited = service.open_invitation(token)
    form = AcceptForm(name=invited.name)
    user = attempt(
        form, lambda: service.accept_invitation(actor(), token, form.name.data or "", form.password.data or "")
    )
    if user is None:
        return answer("accounts/invitation.html", form, invited=invited)
    _start_session(user)
    return redirect(url_for("insight.home"))


@bp.route("/account", methods=["GET", "POST"])
@asks(Action.CHANGE_ACCOUNT)
@limiter.limit("10/minute", methods=["POST"])
def account() -> Page:
    form = PasswordForm()
    user = attempt(form, lambda: service.change_password(actor(), form.current.data or "", form.new.data or ""))
    if user is None:
        return answer("accounts/account.html", form)
    _start_session(user)
    flash(_("Your password is changed; all your other sessions are ended."), "success")
    return redirect(url_for("accounts.account"))


@bp.get("/organisations")
@asks(Action.READ_ORGANISATIONS)
def organisations() -> Page:
    kind, standing = request.args.get("kind", ""), request.args.get("standing", "")
    text = request.args.get("q", "").strip()
    page = queries.organisations(actor(), kind, standing, text, page_number())
    kinds = [role for role in service.ORGANISED if role is not Role.STUDENT]
    return answer("accounts/organisations.html", page=page, kinds=kinds, standings=list(Standing))


@bp.get("/organisations/<int:organisation_id>")
@asks(Action.READ_ORGANISATIONS)
def organisation(organisation_id: int) -> Page:
    return _organisation(organisation_id, DecisionForm())


def _organisation(organisation_id: int, form: DecisionForm) -> Page:
    shown = queries.organisation(actor(), organisation_id)
    vetting = queries.sees_vetting(actor())
    decisions = queries.decisions(shown.id) if vetting else []
    return answer("accounts/organisation.html", form, organisation=shown, vetting=vetting, decisions=decisions)


@bp.route("/organisation", methods=["GET", "POST"])
@asks(Action.CHANGE_ORGANISATION)
def own_organisation() -> Page:
    own = queries.own_organisation(actor())
    form = OwnOrganisationForm(licence=own.licence, contact=own.contact)
    changed = attempt(
        form, lambda: service.change_organisation(actor(), form.licence.data or "", form.contact.data or "")
    )
    if changed is None:
        return answer("accounts/own.html", form, organisation=own, decisions=queries.decisions(own.id))
    waits = changed.standing is Standing.PENDING
    flash(_("It is stored; the chamber will look at it.") if waits else _("It is stored."), "success")
    return redirect(url_for("accounts.own_organisation"))


@bp.post("/organisations/<int:organisation_id>/decide")
@asks(Action.DECIDE_ORGANISATION)
def decide(organisation_id: int) -> Page:
    form = DecisionForm()
    decided = attempt(
        form,
        lambda: service.decide_organisation(
            actor(),
            organisation_id,
            _decision(form.standing.data),
            form.reason.data or "",
            (form.before.data or "", form.licence.data or ""),
        ),
    )
    if decided is None:
        return _organisation(organisation_id, form)
    flash(_("%(name)s: %(standing)s.", name=decided.name, standing=STANDING_LABELS[decided.standing]), "success")
    return redirect(url_for("accounts.organisation", organisation_id=organisation_id))


def _decision(text: str | None) -> Standing:
    if text not in (Standing.APPROVED, Standing.REFUSED):
        raise Invalid(_l("Choose to approve or to refuse."))
    return Standing(text)


@bp.route("/organisations/new", methods=["GET", "POST"])
@asks(Action.ADD_ORGANISATION)
def add_organisation() -> Page:
    form = OrganisationForm()
    made = attempt(
        form,
        lambda: service.add_organisation(
            actor(), Role(form.kind.data), form.name_zh.data or "", form.name_en.data or ""
        ),
    )
    if made is None:
        return answer("accounts/organisation_new.html", form)
    flash(_("%(name)s is in the bank. Now invite its people.", name=made.name), "success")
    return redirect(url_for("accounts.invite", organisation=made.id))


@bp.get("/people")
@asks(Action.READ_PEOPLE)
def people() -> Page:
    role, text = request.args.get("role", ""), request.args.get("q", "").strip()
    organisation_id = id_asked("organisation")
    page = queries.people(role, text, organisation_id, page_number())
    return answer("accounts/people.html", page=page, roles=[*service.ORGANISED, Role.ADMINISTRATOR])


@bp.post("/people/<int:user_id>/active")
@asks(Action.SUSPEND_PERSON)
def suspend(user_id: int) -> Page:
    user = service.suspend(actor(), user_id, request.form.get("active") == "1")
    done = _("%(name)s's account is open.") if user.active else _("%(name)s's account is closed.")
    flash(done % {"name": user.shown_name}, "success")
    return redirect(url_for("accounts.people", q=user.email))


@bp.route("/people/invite", methods=["GET", "POST"])
@asks(Action.INVITE_PERSON)
def invite() -> Page:
    asking = actor()
    everybody = [*service.ORGANISED, Role.ADMINISTRATOR]
    roles = everybody if asking.role is Role.ADMINISTRATOR else [Role.STUDENT, Role.UNIVERSITY]
    form = InvitationForm(organisation=id_asked("organisation"))
    form.offer(roles, queries.choices_of_organisations(asking))
    token = attempt(
        form,
        lambda: service.invite(
            asking, form.email.data or "", form.name.data or "", Role(form.role.data), form.organisation.data or None
        ),
    )
    link = url_for("accounts.invitation", token=token, _external=True) if token else None
    return answer("accounts/invite.html", form, link=link)
