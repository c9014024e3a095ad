"""Students with where they stand; placements from the first day over their check-ins to the last."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.extensions import gettext as _
from talentbank.extensions import today
from talentbank.permissions import Action
from talentbank.placements import queries, service
from talentbank.placements.forms import (
    REASON_LABELS,
    SIDE_LABELS,
    STATE_LABELS,
    WHEREABOUTS_LABELS,
    CheckInForm,
    EndForm,
    StartForm,
)
from talentbank.placements.queries import PlacementState, Whereabouts
from talentbank.rounds.offers import queries as offers
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number

bp = Blueprint("placements", __name__)

bp.app_template_global("whereabouts_label")(lambda where: WHEREABOUTS_LABELS[where])
bp.app_template_global("placement_state_label")(lambda state: STATE_LABELS[state])
bp.app_template_global("end_reason_label")(lambda reason: REASON_LABELS[reason])
bp.app_template_global("side_label")(lambda side: SIDE_LABELS[side])
bp.app_template_global("placement_of")(queries.placement_of)


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


@bp.get("/placements")
@asks(Action.READ_PLACEMENTS)
def placements() -> Page:
    args = request.args
    page = queries.placements(
        actor(),
        args.get("state", ""),
        args.get("q", "").strip(),
        page_number(),
        id_asked("round"),
        args.get("category", ""),
    )
    return answer(
        "placements/placements.html",
        page=page,
        words=queries.check_ins([row.id for row in page.items]),
        counts=queries.count_placements(actor()),
        states=list(PlacementState),
        categories=list(Category),
        today=today(),
    )


@bp.get("/placements/<int:placement_id>")
@asks(Action.READ_PLACEMENTS)
def placement(placement_id: int) -> Page:
    return _page(placement_id)


@bp.post("/placements/<int:placement_id>/confirm")
@asks(Action.CONFIRM_PLACEMENT)
def confirm(placement_id: int) -> Page:
    service.confirm(actor(), placement_id)
    flash(_("You have confirmed the first day."), "success")
    return redirect(url_for("placements.placement", placement_id=placement_id))


@bp.post("/placements/<int:placement_id>/check-in")
@asks(Action.CHECK_IN)
def check_in(placement_id: int) -> Page:
    form = CheckInForm()
    word = attempt(
        form,
        lambda: service.check_in(
            actor(),
            placement_id,
            form.asked,
            form.word,
            form.left_on.data,
            form.reason.data or "",
            form.note.data or "",
        ),
    )
    if word is None:
        return _page(placement_id, check_in_form=form)
    flash(_("Thank you: your answer is recorded."), "success")
    return redirect(url_for("placements.placement", placement_id=placement_id))


@bp.post("/placements/<int:placement_id>/end")
@asks(Action.END_PLACEMENT)
def end(placement_id: int) -> Page:
    form = EndForm()
    ended = attempt(
        form,
        lambda: service.end(
            actor(), placement_id, form.ended_on.data, form.end_reason.data or "", form.end_note.data or ""
        ),
    )
    if ended is None:
        return _page(placement_id, end_form=form)
    flash(_("The end of the placement is recorded."), "success")
    return redirect(url_for("placements.placement", placement_id=placement_id))


def _page(placement_id: int, check_in_form: CheckInForm | None = None, end_form: EndForm | None = None) -> Page:
    """The placement with its forms; at most one of them was sent, and the other starts blank."""
    found = queries.placement(actor(), placement_id)
    words = queries.check_ins([placement_id]).get(placement_id, [])
    return answer(
        "placements/placement.html",
        check_in_form or end_form,
        placement=found,
        words=words,
        asked=queries.day_asked(actor(), found, words),
        days=queries.days(found, words),
        check_in_form=check_in_form or CheckInForm(formdata=None),
        end_form=end_form or EndForm(formdata=None),
    )
