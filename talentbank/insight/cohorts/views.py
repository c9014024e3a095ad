"""A university's cohorts in figures, and the lists that they open."""

from __future__ import annotations

from flask import Blueprint, request

from talentbank.engine.competency import MAX_LEVEL
from talentbank.extensions import today
from talentbank.insight import downloads
from talentbank.insight.cohorts import figures, lack, queries
from talentbank.insight.cohorts.records import LAST_BAND, Step
from talentbank.permissions import Action
from talentbank.placements.destinations import queries as destinations
from talentbank.placements.models import EndReason
from talentbank.web import Page, actor, answer, asks, id_asked, page_number

bp = Blueprint("cohorts", __name__)

bp.app_template_global("step_label")(lambda step: figures.STEP_LABELS[step])


@bp.get("/cohorts")
@asks(Action.READ_COHORTS)
def cohorts() -> Page:
    record, asked, day = queries.record(actor()), id_asked("cohort"), today()
    cohort = figures.chosen(record, asked, day)
    made = figures.tables(record, cohort, day) if cohort is not None else []
    return downloads.page(
        "cohorts/cohorts.html",
        [*made, lack.table(queries.asked(actor()))],
        summary=figures.summary(record, cohort, day) if cohort is not None else None,
        cohorts=record.cohorts,
        unsound=figures.unsound(record, day),
        goal=figures.GOAL,
        missed=asked if asked != cohort else None,
    )


@bp.get("/cohorts/placements")
@asks(Action.READ_COHORTS)
def placed() -> Page:
    args = request.args
    step = Step(args["step"]) if args.get("step") in set(Step) else Step.STARTED
    reason = EndReason(args["reason"]) if args.get("reason") in set(EndReason) else None
    band = id_asked("band")
    page, rows = queries.placed(actor(), id_asked("cohort"), step, reason, band, today(), page_number())
    return answer(
        "cohorts/placed.html",
        page=page,
        rows=rows,
        step=step,
        steps=list(Step),
        reasons=list(EndReason),
        cohorts=destinations.cohorts(actor()),
        band=figures.band_label(band) if step is Step.TIMED and band is not None and band <= LAST_BAND else None,
    )


@bp.get("/cohorts/asked")
@asks(Action.READ_COHORTS)
def asked() -> Page:
    competency = queries.competency(request.args.get("competency", ""))
    page, rows, seats = queries.wanted(competency, page_number())
    return answer("cohorts/asked.html", page=page, rows=rows, seats=seats, competency=competency)


@bp.get("/cohorts/reaching")
@asks(Action.READ_COHORTS)
def reaching() -> Page:
    competency = queries.competency(request.args.get("competency", ""))
    level = min(max(id_asked("level") or 1, 1), MAX_LEVEL)
    verified = request.args.get("on") == "verified"
    page, rows = queries.reaching(actor(), competency, level, verified=verified, page=page_number())
    return answer(
        "cohorts/reaching.html",
        page=page,
        rows=rows,
        competency=competency,
        level=level,
        levels=range(1, MAX_LEVEL + 1),
        verified=verified,
    )


@bp.app_template_global("latest_cohort")
def latest_cohort() -> figures.Summary | None:
    """The latest cohort of the university that asks, in short; None without graduates."""
    record, day = queries.record(actor()), today()
    cohort = figures.chosen(record, None, day)
    return figures.summary(record, cohort, day) if cohort is not None else None
