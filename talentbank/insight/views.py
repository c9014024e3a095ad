"""The front page, a home for each role, and the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, request, url_for

from talentbank.accounts.service import ORGANISED
from talentbank.competencies import queries as catalogue
from talentbank.deposits import queries as deposits
from talentbank.deposits.flags import queries as flags
from talentbank.deposits.views import fitted
from talentbank.insight import figures, practice, queries
from talentbank.insight.gap.views import home as gap_home
from talentbank.insight.wording import ACTION_LABELS
from talentbank.permissions import STRANGER, Action, Actor, Role
from talentbank.placements import queries as placements
from talentbank.placements.queries import Whereabouts
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
    return answer(TEMPLATES[asking.role], practice=practice.practice(asking), **values)


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
        "reports": flags.count_waiting(),
        "free": placements.count_students(asking)[Whereabouts.FREE],
        "seats": deposits.free_seats(),
        "rounds": rounds.rounds()[:BEST_SHOWN],
        "runs": runs.shown_runs(),
        "offers": offers.count_offers(asking),
    }


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
    Role.ZONE: gap_home,
    Role.GOVERNMENT: gap_home,
    Role.ADMINISTRATOR: _administrator,
}

TEMPLATES = {role: f"insight/home_{role.value}.html" for role in HOMES}
TEMPLATES[Role.ZONE] = TEMPLATES[Role.GOVERNMENT] = "gap/home_watcher.html"


@bp.get("/audit")
@asks(Action.READ_AUDIT)
def audit() -> Page:
    args = request.args
    page = queries.trail(args.get("action", ""), args.get("role", ""), args.get("subject", "").strip(), page_number())
    return answer("insight/audit.html", page=page, actions=RECORDED, roles=[*ORGANISED, Role.ADMINISTRATOR])
