"""Rounds for the chamber, offers for everybody whom they concern."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.engine.scoring import Fit
from talentbank.errors import Invalid
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Role
from talentbank.rounds import queries, service
from talentbank.rounds.forms import (
    MUST_HAVE_LABELS,
    OBJECTIVE_LABELS,
    OFFER_LABELS,
    STATE_LABELS,
    AnswerForm,
    PolicyForm,
)
from talentbank.rounds.models import MatchedPair, Offer, OfferState, PositionOutcome, RoundState, Run
from talentbank.rounds.snapshot import Snapshot
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, whole

bp = Blueprint("rounds", __name__)

bp.app_template_global("round_state_label")(lambda state: STATE_LABELS[state])
bp.app_template_global("offer_state_label")(lambda state: OFFER_LABELS[state])
bp.app_template_global("objective_label")(lambda objective: OBJECTIVE_LABELS[objective])
bp.app_template_global("must_have_on_label")(lambda level: MUST_HAVE_LABELS[level])

ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another position that a student was eligible for: the score there, and what its seats went at."""

    outcome: PositionOutcome
    score: float
    left: float
    """Score (and bonus) minus price: what the student would have had left there; never more than the surplus."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a pair was matched: its fit as the snapshot had it, its price, and the best alternatives."""

    fit: Fit
    price: float
    surplus: float
    bonus: float
    """What each person placed counts beside the score: 0 unless the round puts placements first."""
    alternatives: list[Alternative] | None
    """None where they are none of the reader's business: an enterprise sees no other enterprise's prices."""


def _reason(run: Run, pair: MatchedPair | Offer) -> Reason:
    snapshot = Snapshot(queries.snapshot_text(run.id))
    outcomes = queries.prices(run.id)
    fits = snapshot.fits(pair.student_id)
    others = [
        Alternative(outcomes[p], fit.value, fit.value + run.bonus - outcomes[p].price)
        for p, fit in fits.items()
        if fit.eligible and p != pair.position_id
    ]
    others.sort(key=lambda other: (-other.left, other.outcome.position_id))
    fit = fits[pair.position_id]
    price = outcomes[pair.position_id].price
    shown = None if actor().role is Role.ENTERPRISE else others[:ALTERNATIVES]
    return Reason(fit, price, fit.value + run.bonus - price, run.bonus, shown)


def _names() -> dict[str, str]:
    return {c.code: c.name for c in catalogue.competencies()}


@bp.get("/rounds")
@asks(Action.READ_ROUNDS)
def rounds() -> Page:
    return answer("rounds/rounds.html", rounds=queries.rounds(), runs=queries.latest_runs())


@bp.route("/rounds/new", methods=["GET", "POST"])
@asks(Action.MAKE_ROUND)
def make() -> Page:
    form = PolicyForm()
    made = attempt(form, lambda: service.make_round(actor(), form.policy()))
    if made is None:
        return answer("rounds/policy.html", form, round=None)
    flash(_("The round is a draft. Look what is in it, then run it."), "success")
    return redirect(url_for("rounds.round_", round_id=made.id))


@bp.route("/rounds/<int:round_id>/policy", methods=["GET", "POST"])
@asks(Action.MAKE_ROUND)
def policy(round_id: int) -> Page:
    found = queries.round_(round_id)
    form = PolicyForm()
    if request.method == "GET":
        form.show(found)
    changed = attempt(form, lambda: service.change_policy(actor(), round_id, form.policy(), whole("version")))
    if changed is None:
        return answer("rounds/policy.html", form, round=found)
    flash(_("The policy is changed. Run the round under it."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.get("/rounds/<int:round_id>")
@asks(Action.READ_ROUNDS)
def round_(round_id: int) -> Page:
    found = queries.round_(round_id)
    run = queries.latest_run(round_id)
    if run is None or found.state in (RoundState.DRAFT, RoundState.CANCELLED):
        return answer("rounds/draft.html", round=found, contents=queries.contents())
    category = request.args.get("category", "")
    return answer(
        "rounds/result.html",
        round=found,
        run=run,
        totals=queries.by_category(run),
        offers=queries.count_offers(actor(), round_id),
        page=queries.pairs(
            run,
            category,
            id_asked("position"),
            request.args.get("q", "").strip(),
            page_number(),
        ),
        categories=list(Category),
    )


@bp.get("/rounds/<int:round_id>/positions")
@asks(Action.READ_ROUNDS)
def outcomes(round_id: int) -> Page:
    found, run = queries.round_(round_id), queries.run_of(round_id)
    page = queries.outcomes(run, request.args.get("category", ""), bool(request.args.get("unfilled")), page_number())
    return answer("rounds/outcomes.html", round=found, run=run, page=page, categories=list(Category))


@bp.get("/rounds/<int:round_id>/students")
@asks(Action.READ_ROUNDS)
def students(round_id: int) -> Page:
    found, run = queries.round_(round_id), queries.run_of(round_id)
    frozen = Snapshot(queries.snapshot_text(run.id))
    position_id = id_asked("position")
    outcome = queries.prices(run.id).get(position_id) if position_id else None
    scores = frozen.scores(outcome.position_id) if outcome else dict.fromkeys(frozen.student_ids, 0.0)
    page = queries.taking_part(run, scores, request.args.get("matched", ""), page_number())
    return answer("rounds/students.html", round=found, page=page, position=outcome.position if outcome else None)


@bp.get("/rounds/<int:round_id>/snapshot.json")
@asks(Action.READ_ROUNDS)
def snapshot(round_id: int) -> Page:
    run = queries.run_of(round_id)
    return Response(queries.snapshot_text(run.id), mimetype="application/json")


@bp.get("/rounds/<int:round_id>/pairs/<int:student_id>")
@asks(Action.READ_ROUNDS)
def pair(round_id: int, student_id: int) -> Page:
    found, run = queries.round_(round_id), queries.run_of(round_id)
    matched = queries.pair(run, student_id)
    return answer("rounds/pair.html", round=found, run=run, pair=matched, why=_reason(run, matched), names=_names())


@bp.post("/rounds/<int:round_id>/run")
@asks(Action.RUN_ROUND)
def run(round_id: int) -> Page:
    service.run_round(actor(), round_id, whole("version"))
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/publish")
@asks(Action.PUBLISH_ROUND)
def publish(round_id: int) -> Page:
    service.publish(actor(), round_id, whole("version"))
    flash(_("The round is published and the offers are out."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/cancel")
@asks(Action.CANCEL_ROUND)
def cancel(round_id: int) -> Page:
    service.cancel(actor(), round_id, whole("version"))
    flash(_("The round is cancelled."), "success")
    return redirect(url_for("rounds.rounds"))


@bp.get("/offers")
@asks(Action.READ_OFFERS)
def offers() -> Page:
    page = queries.offers(
        actor(),
        request.args.get("state", ""),
        id_asked("position"),
        id_asked("round"),
        page_number(),
    )
    return answer("rounds/offers.html", page=page, states=list(OfferState))


@bp.get("/offers/<int:offer_id>")
@asks(Action.READ_OFFERS)
def offer(offer_id: int) -> Page:
    return _offer_page(offer_id, AnswerForm())


@bp.post("/offers/<int:offer_id>/answer")
@asks(Action.ANSWER_OFFER)
def answer_offer(offer_id: int) -> Page:
    form = AnswerForm()
    answered = attempt(
        form,
        lambda: service.answer_offer(actor(), offer_id, _accepts(form.answer.data), form.reason.data or ""),
    )
    if answered is None:
        return _offer_page(offer_id, form)
    accepted = answered.state is OfferState.ACCEPTED
    flash(
        _("You have accepted. The enterprise will get in touch.") if accepted else _("You have declined."), "success"
    )
    return redirect(url_for("rounds.offer", offer_id=offer_id))


def _offer_page(offer_id: int, form: AnswerForm) -> Page:
    found = queries.offer(actor(), offer_id)
    return answer("rounds/offer.html", form, offer=found, why=_reason(found.run, found), names=_names())


def _accepts(text: str | None) -> bool:
    if text not in ("accept", "decline"):
        raise Invalid(_l("Answer with accept or decline."))
    return text == "accept"
