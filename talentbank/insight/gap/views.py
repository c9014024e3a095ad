"""The talent gap: its figures, and the lists that they open."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, request

from talentbank.errors import Invalid
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import today
from talentbank.insight import downloads
from talentbank.insight.gap import figures, queries
from talentbank.insight.gap.cases import LEAVERS, Stage
from talentbank.permissions import Action, Actor
from talentbank.placements.models import EndReason
from talentbank.web import Page, actor, answer, asks, page_number

bp = Blueprint("gap", __name__)

bp.app_template_global("stage_label")(lambda stage: figures.STAGE_LABELS[stage])


@bp.get("/gap")
@asks(Action.READ_GAP)
def gap() -> Page:
    sees = queries.sees_people(actor())
    made = figures.tables(queries.cases(), queries.seats_on_show(), today(), sees=sees)
    return downloads.page("gap/gap.html", made)


@bp.get("/gap/outcomes")
@asks(Action.READ_GAP)
def outcomes() -> Page:
    args = request.args
    stage = Stage(args["stage"]) if args.get("stage") in set(Stage) else Stage.ACCEPTED
    reason = EndReason(args["reason"]) if args.get("reason") in set(EndReason) else None
    category = args.get("category", "")
    found = queries.outcomes(actor(), stage, queries.group(category), _day(), reason, page_number())
    return answer(
        "gap/outcomes.html",
        found=found,
        stage=stage,
        stages=[s for s in Stage if queries.sees_people(actor()) or s not in LEAVERS],
        groups=figures.group_labels(),
        reasons=list(EndReason),
        day=_day(),
        sees=queries.sees_people(actor()),
    )


def _day() -> date:
    """The day asked for, at whose end people are counted; today unless another one is."""
    text = request.args.get("on", "")
    try:
        day = date.fromisoformat(text) if text else today()
    except ValueError:
        raise Invalid(_l("The day in this address is none: go back, and use the page's own links.")) from None
    return min(day, today())


def home(asking: Actor) -> dict[str, Any]:
    """What the zone and the government see first: how far the gap has closed."""
    cases, day, sees = queries.cases(), today(), queries.sees_people(asking)
    missing = figures.shortage().values()
    return {
        "remaining": figures.remaining(cases, day),
        "missing": sum(missing),
        "goal": sum(figures.goal(n) for n in missing),
        "months": figures.by_month(cases, day, sees=sees),
        "turnover": figures.core_turnover(cases, day),
        "turnover_goal": figures.percent("turnover_goal"),
        "stayed": {days: figures.share_stayed(cases, days, day, sees=sees) for days in (90, 365)},
    }
