"""Positions: the list with the fit to each, one with its breakdown, and the deposit form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits import queries, service
from talentbank.deposits.forms import CONTRACT_LABELS, STATE_LABELS, PositionForm
from talentbank.deposits.models import Contract, Position, PositionState
from talentbank.deposits.queries import PositionFilter
from talentbank.engine.scoring import Fit, Obstacle, fit_of
from talentbank.errors import Invalid
from talentbank.extensions import ListPagination
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Role
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, whole

bp = Blueprint("deposits", __name__)

TRUST_SHOWN = 0.5
"""Trust in verification with which a student's list is scored; a round may choose another."""

OBSTACLE_LABELS = {
    Obstacle.UNAVAILABLE: _l("You are not looking for a position at present."),
    Obstacle.CATEGORY: _l("You don't accept this category."),
    Obstacle.CITY: _l("You don't accept this city."),
    Obstacle.SALARY: _l("Its top salary is below your floor."),
    Obstacle.MUST_HAVE: _l("You don't reach every must-have yet."),
    Obstacle.MIN_SCORE: _l("Your fit is below what the round asks for."),
}

bp.app_template_global("contract_label")(lambda contract: CONTRACT_LABELS[Contract(contract)])
bp.app_template_global("position_state_label")(lambda state: STATE_LABELS[PositionState(state)])
bp.app_template_global("obstacle_label")(lambda obstacle: OBSTACLE_LABELS[obstacle])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A position beside the reader's fit to it, where the reader is a student with a profile."""

    position: Position
    fit: Fit | None


def _wanted() -> PositionFilter:
    args = request.args
    return PositionFilter(
        category=args.get("category", ""),
        city=args.get("city", ""),
        text=args.get("q", "").strip(),
        state=args.get("state", ""),
        enterprise=id_asked("enterprise"),
        competency=args.get("competency", ""),
    )


def _fit(student: Student, position: Position) -> Fit:
    return fit_of(catalogue.candidate(student), position.opening(), trust=TRUST_SHOWN)


def fitted(student: Student, positions: Sequence[Position]) -> list[Fitted]:
    """Positions with a student's fit to each: those that can be taken first, the best fit before the others."""
    pairs = [(position, _fit(student, position)) for position in positions]
    pairs.sort(key=lambda pair: (not pair[1].eligible, -pair[1].value, pair[0].id))
    return [Fitted(position, fit) for position, fit in pairs]


@bp.get("/positions")
@asks(Action.READ_POSITIONS)
def positions() -> Page:
    cities = [(city.code, city.name) for city in catalogue.cities()]
    asked = [(c.code, c.name) for c in catalogue.competencies()]
    choices = {"cities": cities, "categories": list(Category), "competencies": asked}
    student = catalogue.own_profile(actor()) if actor().role is Role.STUDENT else None
    if student is None:
        page = queries.positions(actor(), _wanted(), page_number())
        rows = [Fitted(position, None) for position in page.items]
        return answer("deposits/positions.html", rows=rows, page=page, **choices)
    rows = fitted(student, queries.all_positions(actor(), _wanted()))
    if request.args.get("eligible"):
        rows = [row for row in rows if row.fit and row.fit.eligible]
    page = ListPagination(rows, page_number(), queries.PER_PAGE)
    lead = _("What you can be offered stands first, the best fit before the others.")
    return answer("deposits/positions.html", rows=page.items, page=page, student=student, lead=lead, **choices)


@bp.get("/positions/<int:position_id>")
@asks(Action.READ_POSITIONS)
def position(position_id: int) -> Page:
    found = queries.position(actor(), position_id)
    student = catalogue.own_profile(actor()) if actor().role is Role.STUDENT else None
    return answer(
        "deposits/position.html",
        position=found,
        fit=_fit(student, found) if student else None,
        names=catalogue.names(),
        promised=queries.promised_seats(found.id),
    )


@bp.route("/positions/new", methods=["GET", "POST"])
@asks(Action.DEPOSIT_POSITION)
def deposit() -> Page:
    form = PositionForm().offer(catalogue.cities(), catalogue.competencies())
    stored = None if "more" in request.form else attempt(form, lambda: service.deposit(actor(), form.deposit()))
    if stored is None:
        return answer("deposits/edit.html", form, position=None)
    flash(_("«%(title)s» is deposited.", title=stored.shown_title), "success")
    return redirect(url_for("deposits.position", position_id=stored.id))


@bp.route("/positions/<int:position_id>/edit", methods=["GET", "POST"])
@asks(Action.CHANGE_POSITION)
def change(position_id: int) -> Page:
    found = queries.position(actor(), position_id)
    service.refuse_blocked(found)
    form = PositionForm()
    if request.method == "GET":
        form.show(found)
    form.offer(catalogue.cities(), catalogue.competencies())
    stored = None
    if "more" not in request.form:
        stored = attempt(form, lambda: service.change(actor(), position_id, form.deposit(), whole("version")))
    if stored is None:
        return answer("deposits/edit.html", form, position=found)
    flash(_("«%(title)s» is changed.", title=stored.shown_title), "success")
    return redirect(url_for("deposits.position", position_id=stored.id))


@bp.post("/positions/<int:position_id>/state")
@asks(Action.CLOSE_POSITION)
def set_state(position_id: int) -> Page:
    state = request.form.get("state", "")
    if state not in set(PositionState):
        raise Invalid(_l("A position is opened or closed: use the page's own buttons."))
    stored = service.set_state(actor(), position_id, PositionState(state))
    closed = stored.state is PositionState.CLOSED
    flash(_("The position is closed.") if closed else _("The position is open again."), "success")
    return redirect(url_for("deposits.position", position_id=position_id))
