"""Where graduates went: each student's own page, and the university's list."""

from __future__ import annotations

from enum import StrEnum

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.extensions import gettext as _
from talentbank.permissions import Action, Role
from talentbank.placements.destinations import queries, service
from talentbank.placements.destinations.forms import (
    KIND_LABELS,
    KNOWN_LABELS,
    PART_LABELS,
    SOURCE_LABELS,
    DestinationForm,
)
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, whole

bp = Blueprint("destinations", __name__)

CHOICES: list[tuple[StrEnum, object]] = [*KNOWN_LABELS.items(), *KIND_LABELS.items(), *PART_LABELS.items()]
"""What the list can be narrowed to."""

bp.app_template_global("destination_label")(lambda kind: KIND_LABELS[kind])
bp.app_template_global("known_label")(lambda known: KNOWN_LABELS[known])
bp.app_template_global("destination_source_label")(lambda source: SOURCE_LABELS[source])


@bp.route("/destination", methods=["GET", "POST"])
@asks(Action.RECORD_DESTINATION)
def own() -> Page:
    """The student's own; a university is led to its list."""
    if actor().role is not Role.STUDENT:
        return redirect(url_for("destinations.destinations"))
    form = DestinationForm()
    if form.validate_on_submit() and request.form.get("confirm"):
        service.confirm(actor(), whole("version"))
        flash(_("Thank you: what your university recorded is confirmed."), "success")
        return redirect(url_for("destinations.own"))
    if attempt(form, lambda: service.record_own(actor(), form.word, whole("version"))):
        flash(_("Thank you: your destination is recorded."), "success")
        return redirect(url_for("destinations.own"))
    graduate = queries.own(actor())
    if graduate is None:
        return answer("destinations/own.html", graduate=None)
    if request.method == "GET":
        form.show(graduate)
    return answer(
        "destinations/own.html",
        form,
        graduate=graduate,
        internships=queries.internships(graduate.student_id),
        hindrance=service.hindrance(actor(), graduate),
    )


@bp.get("/destinations")
@asks(Action.READ_DESTINATIONS)
def destinations() -> Page:
    """The university's graduates; a student is led to its own page."""
    if actor().role is not Role.UNIVERSITY:
        return redirect(url_for("destinations.own"))
    cohort = id_asked("cohort")
    page, rows = queries.destinations(
        actor(), request.args.get("kind", ""), request.args.get("q", "").strip(), cohort, page_number()
    )
    return answer(
        "destinations/destinations.html",
        page=page,
        rows=rows,
        counts=queries.count(actor(), cohort),
        cohort=cohort,
        cohorts=queries.cohorts(actor()),
        kinds=[(value.value, label) for value, label in CHOICES],
    )


@bp.route("/destinations/<int:student_id>", methods=["GET", "POST"])
@asks(Action.RECORD_DESTINATION)
def record(student_id: int) -> Page:
    form = DestinationForm()
    if attempt(form, lambda: service.record(actor(), student_id, form.word, whole("version"))):
        flash(_("It is recorded; the student is asked to confirm it."), "success")
        return redirect(url_for("destinations.record", student_id=student_id))
    graduate = queries.graduate(actor(), student_id)
    if request.method == "GET":
        form.show(graduate)
    return answer(
        "destinations/record.html",
        form,
        graduate=graduate,
        internships=queries.internships(student_id),
        hindrance=service.hindrance(actor(), graduate),
    )
