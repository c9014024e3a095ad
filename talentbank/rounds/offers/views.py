"""Offers for everybody whom they concern, and the reasons for them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.engine.scoring import Fit
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import limiter, ngettext
from talentbank.permissions import Action, Role
from talentbank.rounds import explaining, proof
from talentbank.rounds import queries as rounds
from talentbank.rounds.explaining import EmptySeat
from talentbank.rounds.models import Round
from talentbank.rounds.offers import queries, results, service
from talentbank.rounds.offers.forms import DECLINE_LABELS, OFFER_LABELS, AnswerForm
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.proof import Proof
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs.models import MatchedPair, Method, PositionOutcome, Run
from talentbank.rounds.snapshot import Snapshot
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, whole

bp = Blueprint("offers", __name__)

bp.app_template_global("offer_state_label")(lambda state: OFFER_LABELS[state])
bp.app_template_global("decline_label")(lambda reason: DECLINE_LABELS[reason])

ALTERNATIVES = 3
CHECKS = "6 per minute"
"""Solving again takes a while."""
LONGEST_CHECK = 20.0
"""Seconds that somebody waits for it."""

EMPTY_LABELS = {
    EmptySeat.NOBODY_ELIGIBLE: _l("Nobody of the round was eligible."),
    EmptySeat.ALL_HERE: _l("Everybody who was eligible was matched with this position: there was nobody more."),
    EmptySeat.ALL_PLACED: _l("Everybody who was eligible was matched, here or with a position that suited better."),
    EmptySeat.HELD_BACK: _l("Somebody eligible stayed free: a quota or a hint of the chamber held the seat back."),
}

CONDITION_LABELS = {
    "unavailable": _l("Looking for a position"),
    "category": _l("Category"),
    "city": _l("City"),
    "salary": _l("Salary"),
    "must_have": _l("Must-have"),
    "min_score": _l("Lowest score"),
    "student": _l("Ruled out by the student"),
    "enterprise": _l("Ruled out by the enterprise"),
}

bp.app_template_global("empty_seat_label")(lambda why: EMPTY_LABELS[why])
bp.app_template_global("condition_label")(lambda name: CONDITION_LABELS[name])


@bp.app_template_global()
def known_name(offer: Offer) -> tuple[str, str]:
    """A student's name and university as the reader may know them: a blind round's enterprise sees a number."""
    if actor().role is Role.ENTERPRISE and not offer.names_student:
        return _("Candidate %(number)s", number=offer.number or offer.id), ""
    return offer.student.user.shown_name, offer.student.university.name


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
    score: float
    price: float
    surplus: float
    bonus: float
    """What each person placed counts beside the score: 0 unless the round puts placements first."""
    beside: float
    """What hints and quotas add to or take from the surplus."""
    by_prices: bool
    """Deferred acceptance has no prices, and no total that it maximises."""
    alternatives: list[Alternative] | None
    """None where they are none of the reader's business: an enterprise sees no other enterprise's prices."""


def reason(run: Run, pair: MatchedPair | Offer) -> Reason:
    snapshot, policy = Snapshot(runs.snapshot_text(run.snapshot_id)), RunPolicy.load(run.policy)
    outcomes = runs.prices(run.id)
    fits = snapshot.fits(pair.student_id, policy)
    scores = explaining.scores_of(snapshot, policy, pair.student_id)
    price = outcomes[pair.position_id].price
    surplus = runs.pair(run, pair.student_id).surplus
    others = [
        Alternative(outcomes[p], score, score + run.bonus - outcomes[p].price)
        for p, score in scores.items()
        if p != pair.position_id
    ]
    others.sort(key=lambda other: (-other.left, other.outcome.position_id))
    beside = surplus - (pair.score + run.bonus - price)
    return Reason(
        fits[pair.position_id],
        pair.score,
        price,
        surplus,
        run.bonus,
        beside if abs(beside) > 1e-9 else 0.0,
        run.method is Method.OPTIMUM,
        None if actor().role is Role.ENTERPRISE else others[:ALTERNATIVES],
    )


@bp.get("/offers")
@asks(Action.READ_OFFERS)
def offers() -> Page:
    page = queries.offers(
        actor(),
        request.args.get("state", ""),
        id_asked("position"),
        id_asked("round"),
        page_number(),
        request.args.get("category", ""),
    )
    return answer("offers/offers.html", page=page, states=list(OfferState), categories=list(Category))


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
        lambda: service.answer_offer(
            actor(),
            offer_id,
            _accepts(form.answer.data),
            form.declined_for.data or "",
            form.reason.data or "",
        ),
    )
    if answered is None:
        return _offer_page(offer_id, form)
    accepted = answered.state is OfferState.ACCEPTED
    flash(
        _("You have accepted. The enterprise will get in touch.") if accepted else _("You have declined."), "success"
    )
    return redirect(url_for("offers.offer", offer_id=offer_id))


@bp.post("/rounds/<int:round_id>/tell")
@asks(Action.PUBLISH_ROUND)
def tell(round_id: int) -> Page:
    told = service.tell_unmatched(actor(), round_id, whole("version"))
    flash(
        ngettext("%(num)d person without an offer is told.", "%(num)d people without an offer are told.", told),
        "success",
    )
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/untell")
@asks(Action.PUBLISH_ROUND)
def untell(round_id: int) -> Page:
    service.untell(actor(), round_id, whole("version"))
    flash(_("The round can be run again. Choose a run, then tell those without an offer anew."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.post("/rounds/<int:round_id>/publish")
@asks(Action.PUBLISH_ROUND)
def publish(round_id: int) -> Page:
    service.publish(actor(), round_id, whole("version"))
    flash(_("The round is published and the offers are out."), "success")
    return redirect(url_for("rounds.round_", round_id=round_id))


@bp.get("/market/<int:round_id>/result")
@asks(Action.READ_OWN_ROUNDS)
def result(round_id: int) -> Page:
    asking = actor()
    found = results.concerned(asking, round_id)
    if asking.role is Role.STUDENT:
        own = results.for_student(asking, found)
        why = reason(own.run, own.offer) if own.run and own.offer else None
        return answer("offers/result_student.html", round=found, result=own, why=why, names=catalogue.names())
    if asking.role is Role.ENTERPRISE:
        run, rows = results.for_enterprise(asking, found)
        return answer("offers/result_enterprise.html", round=found, run=run, rows=rows, names=catalogue.names())
    counted = results.for_university(asking, found)
    return answer("offers/result_university.html", round=found, result=counted)


@bp.get("/market/<int:round_id>/check")
@asks(Action.READ_OFFERS)
def check(round_id: int) -> Page:
    return _check_page(results.concerned(actor(), round_id))


@bp.get("/market/<int:round_id>/check/again")
@limiter.limit(CHECKS)
@asks(Action.READ_OFFERS)
def check_again(round_id: int) -> Page:
    found = results.concerned(actor(), round_id)
    if found.state not in results.PUBLIC:
        raise Conflict(_("Only a published result can be checked here."))
    return _check_page(found, proof.verify(round_id, LONGEST_CHECK))


def _check_page(found: Round, checked: Proof | None = None) -> Page:
    public = found.state in results.PUBLIC or actor().role is Role.CHAMBER
    shown = runs.shown_run(found) if public else None
    return answer(
        "offers/check.html",
        round=found,
        runs=runs.runs(found.id),
        snapshot=runs.snapshot(found.id),
        shown=shown,
        checked=checked,
        public=found.state in results.PUBLIC,
        policy=RunPolicy.load(shown.policy) if shown else None,
    )


@bp.get("/rounds/<int:round_id>/scarcity")
@asks(Action.READ_ROUNDS)
def scarcity(round_id: int) -> Page:
    found = rounds.round_(round_id)
    run = runs.run_of(found)
    rows = explaining.scarce(Snapshot(runs.snapshot_text(run.snapshot_id)), run.scarcity)
    priced = run.method is Method.OPTIMUM
    return answer("offers/scarcity.html", round=found, run=run, rows=rows, priced=priced, names=catalogue.names())


def _offer_page(offer_id: int, form: AnswerForm) -> Page:
    found = queries.offer(actor(), offer_id)
    return answer("offers/offer.html", form, offer=found, why=reason(found.run, found), names=catalogue.names())


def _accepts(text: str | None) -> bool:
    if text not in ("accept", "decline"):
        raise Invalid(_l("Answer with accept or decline."))
    return text == "accept"
