"""Students with where they stand, and the start of a placement."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.extensions import gettext as _
from talentbank.permissions import Action
from talentbank.placements import queries, service
from talentbank.placements.forms import WHEREABOUTS_LABELS, StartForm
from talentbank.placements.queries import Whereabouts
from talentbank.rounds.offers import queries as offers
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number

bp = Blueprint("placements", __name__)

bp.app_template_global("whereabouts_label")(lambda where: WHEREABOUTS_LABELS[where])


@bp.get("/students")
@asks(Action.READ_STUDENTS)
def students() -> Page:
    page, rows = queries.students(
        actor(),
        where=request.args.get("where", ""),
        text=request.args.get("q", "").strip(),
        cohort=id_asked("cohort"),
        university=id_asked("university"),
        page=page_number(),
        ready=bool(request.args.get("ready")),
    )
    return answer(
        "placements/students.html",
        page=page,
        rows=rows,
        counts=queries.count_students(actor()),
        cohorts=queries.cohorts(actor()),
        places=list(Whereabouts),
    )


@bp.get("/students/<int:student_id>")
@asks(Action.READ_STUDENTS)
def student(student_id: int) -> Page:
    standing = queries.student(actor(), student_id)
    return answer(
        "placements/student.html",
        standing=standing,
        offers=queries.offers_of(student_id),
        cities={city.code: city.name for city in catalogue.cities()},
    )


@bp.route("/offers/<int:offer_id>/start", methods=["GET", "POST"])
@asks(Action.START_PLACEMENT)
def start(offer_id: int) -> Page:
    offer = offers.offer(actor(), offer_id)
    form = StartForm()
    placement = attempt(form, lambda: service.start(actor(), offer_id, form.started_on.data))
    if placement is None:
        return answer("placements/start.html", form, offer=offer, placement=queries.placement_of(offer_id))
    flash(_("The placement is recorded."), "success")
    return redirect(url_for("offers.offer", offer_id=offer_id))
