"""Rounds for the chamber: what stands, what comes next, and what a run found."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.extensions import gettext as _
from talentbank.extensions import now
from talentbank.permissions import Action
from talentbank.rounds import entries as entries_
from talentbank.rounds import queries, service
from talentbank.rounds.forms import (
    MUST_HAVE_LABELS,
    OBJECTIVE_LABELS,
    STATE_LABELS,
    DeadlineForm,
    PolicyForm,
)
from talentbank.rounds.models import Round, RoundState
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers import service as publication
from talentbank.rounds.offers.views import reason
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.snapshot import Snapshot
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, whole

bp = Blueprint("rounds", __name__)

bp.app_template_global("round_state_label")(lambda state: STATE_LABELS[state])
bp.app_template_global("round_steps")(lambda: [state for state in STATE_LABELS if state is not RoundState.CANCELLED])
bp.app_template_global("objective_label")(lambda objective: OBJECTIVE_LABELS[objective])
bp.app_template_global("must_have_on_label")(lambda level: MUST_HAVE_LABELS[level])


@bp.get("/rounds")
@asks(Action.READ_ROUNDS)
def rounds() -> Page:
    return answer("rounds/rounds.html", rounds=queries.rounds(), runs=runs.shown_runs())


@bp.route("/rounds/new", methods=["GET", "POST"])
@asks(Action.MAKE_ROUND)
def make() -> Page:
    form = PolicyForm().offer(entries_.officers())
    made = attempt(form, lambda: service.make_round(actor(), form.policy()))
    if made is None:
        return answer("rounds/policy.html", form, round=None)
    flash(_("The round is a draft. Look what would be in it, then open it."), "success")
    return redirect(url_for("rounds.round_", round_id=made.id))


@bp.route("/rounds/<int:round_id>/policy", methods=["GET", "POST"])
@asks(Action.MAKE_ROUND)
def policy(round_id: int) -> Page:
    found = queries.round_(round_id)
    form = PolicyForm().offer(entries_.officers())
    if request.method == "GET":
        form.show(found)
    changed = attempt(form, lambda: service.change_policy(actor(), round_id, form.policy(), whole("version")))
    if changed is None:
        return answer("rounds/policy.html", form, round=found)
    flash(_("The policy is changed."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.get("/rounds/<int:round_id>")
@asks(Action.READ_ROUNDS)
def round_(round_id: int) -> Page:
    found = queries.round_(round_id)
    form = DeadlineForm().show(found.closes_at or now() + service.USUALLY_OPEN)
    return _round_page(found, form)


def _round_page(found: Round, form: DeadlineForm) -> Page:
    """The round as it stands: what would be in it, who is in it, or what its run found."""
    run = runs.shown_run(found)
    if found.state in (RoundState.DRAFT, RoundState.CANCELLED):
        return answer("rounds/draft.html", form, round=found, contents=queries.contents())
    if run is None:
        counts = entries_.counts(found.id)
        return answer("rounds/open.html", form, round=found, counts=counts, snapshot=runs.snapshot(found.id))
    category = request.args.get("category", "")
    return answer(
        "rounds/result.html",
        round=found,
        run=run,
        snapshot=runs.snapshot(found.id),
        totals=runs.by_category(run),
        offers=offers.count_offers(actor(), found.id),
        after=entries_.round_after(found.id),
        page=runs.pairs(
            run,
            category,
            id_asked("position"),
            request.args.get("q", "").strip(),
            page_number(),
        ),
        categories=list(Category),
    )


@bp.post("/rounds/<int:round_id>/open")
@asks(Action.OPEN_ROUND)
def open_round(round_id: int) -> Page:
    found, form = queries.round_(round_id), DeadlineForm()
    opened = attempt(form, lambda: service.open_round(actor(), round_id, whole("version"), form.closes_at.data))
    if opened is None:
        return _round_page(found, form)
    flash(_("The round is open: students and enterprises can say what they prefer."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/deadline")
@asks(Action.OPEN_ROUND)
def deadline(round_id: int) -> Page:
    found, form = queries.round_(round_id), DeadlineForm()
    moved = attempt(form, lambda: service.change_deadline(actor(), round_id, whole("version"), form.closes_at.data))
    if moved is None:
        return _round_page(found, form)
    flash(_("The deadline is moved."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/freeze")
@asks(Action.FREEZE_ROUND)
def freeze(round_id: int) -> Page:
    service.freeze(actor(), round_id, whole("version"))
    flash(_("The round is frozen: what people change from now on does not reach it."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/close")
@asks(Action.CLOSE_ROUND)
def close(round_id: int) -> Page:
    publication.close(actor(), round_id, whole("version"))
    flash(_("The round is closed."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/next")
@asks(Action.MAKE_ROUND)
def next_round(round_id: int) -> Page:
    made = service.next_round(actor(), round_id, whole("version"))
    flash(_("The next round is open, with everybody who is free and every seat that is left."), "success")
    return redirect(url_for("rounds.round_", round_id=made.id))


@bp.get("/rounds/<int:round_id>/entries")
@asks(Action.READ_ROUNDS)
def entries(round_id: int) -> Page:
    found = queries.round_(round_id)
    said = request.args.get("said", "")
    if request.args.get("side") == "positions":
        page = entries_.positions(round_id, said, page_number())
        ranked = entries_.ranked_for_positions(round_id, [entry.position_id for entry in page.items])
    else:
        page = entries_.students(round_id, said, page_number())
        ranked = entries_.ranked_by_students(round_id, [entry.student_id for entry in page.items])
    return answer("rounds/entries.html", round=found, page=page, ranked=ranked, counts=entries_.counts(round_id))


@bp.get("/rounds/<int:round_id>/positions")
@asks(Action.READ_ROUNDS)
def outcomes(round_id: int) -> Page:
    found = queries.round_(round_id)
    run = runs.run_of(found)
    page = runs.outcomes(run, request.args.get("category", ""), bool(request.args.get("unfilled")), page_number())
    return answer("rounds/outcomes.html", round=found, run=run, page=page, categories=list(Category))


@bp.get("/rounds/<int:round_id>/students")
@asks(Action.READ_ROUNDS)
def students(round_id: int) -> Page:
    found = queries.round_(round_id)
    run = runs.run_of(found)
    frozen = Snapshot(runs.snapshot_text(run.snapshot_id))
    position_id = id_asked("position")
    outcome = runs.prices(run.id).get(position_id) if position_id else None
    scores = (
        frozen.scores(outcome.position_id, RunPolicy.load(run.policy))
        if outcome
        else dict.fromkeys(frozen.student_ids, 0.0)
    )
    page = runs.taking_part(run, scores, request.args.get("matched", ""), page_number())
    return answer("rounds/students.html", round=found, page=page, position=outcome.position if outcome else None)


@bp.get("/rounds/<int:round_id>/snapshot.json")
@asks(Action.READ_ROUNDS)
def snapshot(round_id: int) -> Page:
    run = runs.run_of(queries.round_(round_id))
    return Response(runs.snapshot_text(run.snapshot_id), mimetype="application/json")


@bp.get("/rounds/<int:round_id>/pairs/<int:student_id>")
@asks(Action.READ_ROUNDS)
def pair(round_id: int, student_id: int) -> Page:
    found = queries.round_(round_id)
    run = runs.run_of(found)
    matched = runs.pair(run, student_id)
    return answer(
        "rounds/pair.html", round=found, run=run, pair=matched, why=reason(run, matched), names=catalogue.names()
    )


@bp.post("/rounds/<int:round_id>/cancel")
@asks(Action.CANCEL_ROUND)
def cancel(round_id: int) -> Page:
    service.cancel(actor(), round_id, whole("version"))
    flash(_("The round is cancelled."), "success")
    return redirect(url_for("rounds.rounds"))
