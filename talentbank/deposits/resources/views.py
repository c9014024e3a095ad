"""Training resources: the list, one with the student's own enrolment, and the deposit form."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.deposits.resources import queries, service
from talentbank.deposits.resources.forms import ADMISSION_LABELS, KIND_LABELS, TIER_LABELS, FundForm, ResourceForm
from talentbank.deposits.resources.models import Admission, ResourceKind, Tier, TrainingResource
from talentbank.deposits.resources.queries import ResourceFilter
from talentbank.engine.units import credits_text
from talentbank.extensions import gettext as _
from talentbank.extensions import today
from talentbank.permissions import Action, Role
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, whole

bp = Blueprint("resources", __name__)

bp.app_template_global("kind_label")(lambda kind: KIND_LABELS[ResourceKind(kind)])
bp.app_template_global("tier_label")(lambda tier: TIER_LABELS[Tier(tier)])
bp.app_template_global("admission_label")(lambda admission: ADMISSION_LABELS[Admission(admission)])


def _wanted() -> ResourceFilter:
    args = request.args
    return ResourceFilter(
        text=args.get("q", "").strip(),
        kind=args.get("kind", ""),
        category=args.get("category", ""),
        tier=args.get("tier", ""),
        city=args.get("city", ""),
        competency=args.get("competency", ""),
        state=args.get("state", ""),
        owner=id_asked("owner"),
        free=bool(args.get("free")),
    )


@bp.get("/training")
@asks(Action.READ_RESOURCES)
def resources() -> Page:
    page, rows = queries.resources(actor(), _wanted(), page_number())
    return answer(
        "resources/resources.html",
        page=page,
        rows=rows,
        today=today(),
        kinds=list(ResourceKind),
        categories=list(Category),
        tiers=list(Tier),
        cities=[(queries.ONLINE, _("Online")), *((city.code, city.name) for city in catalogue.cities())],
        competencies=[(c.code, c.name) for c in catalogue.competencies()],
    )


def _one(found: TrainingResource, form: FundForm | None) -> Page:
    shown = queries.shown(actor(), [found])[0]
    student = catalogue.own_profile(actor()) if actor().role is Role.STUDENT else None
    asking = student is not None and shown.takes_people and not (shown.own and shown.own.stands)
    return answer(
        "resources/resource.html",
        form,
        shown=shown,
        resource=found,
        today=today(),
        student=student,
        verified={level.competency_id: level.verified for level in student.levels} if student else {},
        asking=asking,
        why_not=queries.why_not(actor(), found) if asking else None,
    )


@bp.get("/training/<int:resource_id>")
@asks(Action.READ_RESOURCES)
def resource(resource_id: int) -> Page:
    found = queries.resource(actor(), resource_id)
    return _one(found, FundForm() if queries.owns(actor(), found) else None)


@bp.route("/training/new", methods=["GET", "POST"])
@asks(Action.DEPOSIT_RESOURCE)
def deposit() -> Page:
    form = ResourceForm()
    _offer(form, actor().user_id)
    stored = None if "more" in request.form else attempt(form, lambda: service.deposit(actor(), form.deposit()))
    if stored is None:
        return answer("resources/edit.html", form, resource=None)
    flash(_("«%(title)s» is deposited.", title=stored.shown_title), "success")
    return redirect(url_for("resources.resource", resource_id=stored.id))


def _offer(form: ResourceForm, supervisor: int | None) -> None:
    form.offer(catalogue.cities(), catalogue.competencies(), queries.supervisors(actor()), supervisor)


@bp.route("/training/<int:resource_id>/edit", methods=["GET", "POST"])
@asks(Action.CHANGE_RESOURCE)
def change(resource_id: int) -> Page:
    found = queries.own_resource(actor(), resource_id)
    form = ResourceForm().without_credits()
    if request.method == "GET":
        form.show(found)
    _offer(form, found.supervisor_id)
    stored = None
    if "more" not in request.form:
        stored = attempt(form, lambda: service.change(actor(), resource_id, form.deposit(), whole("version")))
    if stored is None:
        return answer("resources/edit.html", form, resource=found)
    flash(_("«%(title)s» is changed.", title=stored.shown_title), "success")
    return redirect(url_for("resources.resource", resource_id=stored.id))


@bp.post("/training/<int:resource_id>/fund")
@asks(Action.FUND_RESOURCE)
def fund(resource_id: int) -> Page:
    form = FundForm()
    if attempt(form, lambda: service.fund(actor(), resource_id, form.credits.data, whole("seen"))) is None:
        return _one(queries.own_resource(actor(), resource_id), form)
    added = credits_text(form.credits.data or 0)
    flash(_("%(credits)s practice credits are put on it.", credits=added), "success")
    return redirect(url_for("resources.resource", resource_id=resource_id))


@bp.post("/training/<int:resource_id>/withdraw")
@asks(Action.WITHDRAW_RESOURCE)
def withdraw(resource_id: int) -> Page:
    stored = service.withdraw(actor(), resource_id, whole("version"))
    flash(_("«%(title)s» is withdrawn. What was earned on it stays.", title=stored.shown_title), "success")
    return redirect(url_for("resources.resource", resource_id=resource_id))
