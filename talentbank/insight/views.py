"""The front page, a home for each role, the talent gap, and the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, request, url_for

from talentbank.accounts.service import ORGANISED
from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.deposits import queries as deposits
from talentbank.deposits.views import fitted
from talentbank.insight import figures, practice, queries
from talentbank.insight.wording import ACTION_LABELS
from talentbank.permissions import STRANGER, Action, Actor, Role
from talentbank.placements import queries as placements
from talentbank.rounds import queries as rounds
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import OfferState
from talentbank.rounds.runs import queries as runs
from talentbank.web import Page, actor, answer, asks, page_number

bp = Blueprint("insight", __name__)

bp.app_template_global("action_label")(lambda action: ACTION_LABELS[action])

BEST_SHOWN = 5
RECORDED = [action for action in Action if not action.endswith(":read")]
"""What can stand in the trail: reading changes nothing."""


@bp.get("/")
@asks(Action.READ_FRONT)
def front() -> Page:
    if actor() != STRANGER:
        return redirect(url_for("insight.home"))
    return answer("insight/front.html", demand=figures.demand(), baseline=figures.baseline(), source=figures.SOURCE)


@bp.get("/health")
@asks(Action.READ_FRONT)
def health() -> Page:
    return "ok"


@bp.get("/home")
@asks(Action.READ_HOME)
def home() -> Page:
    asking = actor()
    values = HOMES[asking.role](asking)
    return answer(f"insight/home_{TEMPLATES[asking.role]}.html", practice=practice.practice(asking), **values)


def _student(asking: Actor) -> dict[str, Any]:
    student = catalogue.own_profile(asking)
    best = fitted(student, deposits.all_positions(asking, deposits.PositionFilter())) if student else []
    eligible = [row for row in best if row.fit and row.fit.eligible]
    counts = offers.count_offers(asking)
    newest = offers.offers(asking, "", None, None, 1).items
    return {
        "student": student,
        "best": eligible[:BEST_SHOWN],
        "eligible": len(eligible),
        "positions": len(best),
        "offers": newest[:BEST_SHOWN],
        "open_offer": next((o for o in newest if o.state is OfferState.OPEN), None),
        "counts": counts,
        "holding": counts[OfferState.OPEN] + counts[OfferState.ACCEPTED],
    }


def _enterprise(asking: Actor) -> dict[str, Any]:
    return {"figures": queries.enterprise(asking)}


def _university(asking: Actor) -> dict[str, Any]:
    return {"counts": placements.count_students(asking), "cohorts": placements.count_by_cohort(asking)}


def _chamber(asking: Actor) -> dict[str, Any]:
    return {
        "pending": queries.pending_enterprises(),
        "contents": rounds.contents(),
        "rounds": rounds.rounds()[:BEST_SHOWN],
        "runs": runs.shown_runs(),
        "offers": offers.count_offers(asking),
    }


def _watcher(_asking: Actor) -> dict[str, Any]:
    return {"rows": queries.gap(), "baseline": figures.baseline(), "source": figures.SOURCE}


def _administrator(_asking: Actor) -> dict[str, Any]:
    return {
        "people": queries.people_by_role(),
        "organisations": queries.organisations_by_kind(),
        "entries": queries.trail("", "", "", 1).items[:10],
    }


HOMES: dict[Role, Callable[[Actor], dict[str, Any]]] = {
    Role.STUDENT: _student,
    Role.ENTERPRISE: _enterprise,
    Role.UNIVERSITY: _university,
    Role.CHAMBER: _chamber,
    Role.ZONE: _watcher,
    Role.GOVERNMENT: _watcher,
    Role.ADMINISTRATOR: _administrator,
}

TEMPLATES = {role: role.value for role in HOMES} | {Role.ZONE: "watcher", Role.GOVERNMENT: "watcher"}


@bp.get("/gap")
@asks(Action.READ_GAP)
def gap() -> Page:
    return answer("insight/gap.html", **_watcher(actor()))


@bp.get("/gap/outcomes")
@asks(Action.READ_GAP)
def outcomes() -> Page:
    category, placed = request.args.get("category", ""), bool(request.args.get("placed"))
    page, rows = queries.outcomes(category, placed, page_number())
    return answer("insight/outcomes.html", page=page, rows=rows, placed=placed, categories=list(Category))


@bp.get("/audit")
@asks(Action.READ_AUDIT)
def audit() -> Page:
    args = request.args
    page = queries.trail(args.get("action", ""), args.get("role", ""), args.get("subject", "").strip(), page_number())
    return answer("insight/audit.html", page=page, actions=RECORDED, roles=[*ORGANISED, Role.ADMINISTRATOR])
