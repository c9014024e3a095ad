"""Enrolments: the list of each role, and one with everything that belongs to it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_wtf import FlaskForm

from talentbank.errors import Invalid
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action
from talentbank.practice import queries as practice
from talentbank.practice.enrolments import agreements, queries, service, statements, wording
from talentbank.practice.enrolments.forms import AnswerForm, DecisionForm, StatementForm, TermsForm
from talentbank.practice.enrolments.queries import EnrolmentFilter
from talentbank.practice.enrolments.steps import PARTIES, missing, parts, what_now
from talentbank.practice.models import Enrolment, EnrolmentState
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number

bp = Blueprint("enrolments", __name__)

bp.app_template_global("enrolment_state_label")(lambda state: wording.STATE_LABELS[state])
bp.app_template_global("enrolment_state_tone")(lambda state: wording.STATE_TONES[state])
bp.app_template_global("part_label")(lambda part: wording.PART_LABELS[part])
bp.app_template_global("statement_answer_label")(lambda given: wording.ANSWER_LABELS[given])
bp.app_template_global("step_text")(wording.step_text)


@bp.get("/enrolments")
@asks(Action.READ_ENROLMENTS)
def enrolments() -> Page:
    wanted = EnrolmentFilter(
        state=request.args.get("state", ""),
        resource=id_asked("resource"),
        student=id_asked("student"),
        text=request.args.get("q", "").strip(),
    )
    page, rows = queries.enrolments(actor(), wanted, page_number())
    return answer(
        "enrolments/enrolments.html",
        page=page,
        rows=[(standing, what_now(actor(), standing)) for standing in rows],
        counts=queries.count_by_state(actor()),
        turns=queries.count_waiting_for(actor()),
        states=list(EnrolmentState),
    )


@bp.get("/enrolments/<int:enrolment_id>")
@asks(Action.READ_ENROLMENTS)
def enrolment(enrolment_id: int) -> Page:
    return _show(enrolment_id)


def _show(enrolment_id: int, refused: FlaskForm | None = None) -> Page:
    """The page of an enrolment; refused: the form that was sent and could not be stored."""
    found = practice.enrolment(actor(), enrolment_id)
    standing = queries.standing(actor(), found)
    mine = parts(actor(), found)
    return answer(
        "enrolments/enrolment.html",
        refused,
        standing=standing,
        enrolment=found,
        following=what_now(actor(), standing),
        mine=mine,
        levels=queries.levels_taught(found),
        held=queries.seats_held(found.resource_id),
        rules=practice.rules_of(found.student.university_id),
        **_agreement(found),
        **_forms(found, refused),
    )


def _agreement(found: Enrolment) -> dict[str, Any]:
    """What the page says of the agreement: who signed, and who has not."""
    agreement = found.agreement
    if agreement is None:
        return {"signatures": [], "unsigned": frozenset()}
    signers = queries.signers(agreement)
    signatures = []
    for party in PARTIES:
        signer = signers.get(getattr(agreement, f"{party.value}_signer_id"))
        signatures.append((party, getattr(agreement, f"{party.value}_signed_at"), signer))
    return {"signatures": signatures, "unsigned": missing(agreement)}


def _forms(found: Enrolment, refused: FlaskForm | None) -> dict[str, Any]:
    """The page's forms, filled with what is stored; the refused one as it was sent."""
    agreement, statement = found.agreement, found.statement
    rules = practice.rules_of(found.student.university_id)
    terms = agreement.terms if agreement else agreements.usual_terms(found, rules)
    forms = {
        "decision": DecisionForm(formdata=None),
        "terms": TermsForm(formdata=None, data={"terms": terms}),
        "statement": StatementForm(formdata=None, data={"words": statement.words if statement else ""}),
        "reply": AnswerForm(formdata=None),
    }
    sent = {name: refused for name, form in forms.items() if type(form) is type(refused)}
    seen = {
        "terms_seen": agreement.digest if agreement else "",
        "words_seen": agreements.digest(statement.words) if statement else "",
    }
    return {**forms, **sent, **seen}


def _back(enrolment_id: int, sentence: str) -> Page:
    flash(sentence, "success")
    return redirect(url_for("enrolments.enrolment", enrolment_id=enrolment_id))


@bp.post("/training/<int:resource_id>/ask")
@asks(Action.ASK_ENROLMENT)
def ask(resource_id: int) -> Page:
    stored = service.ask(actor(), resource_id, request.form.get("message", ""))
    if stored.state is EnrolmentState.ACCEPTED:
        return _back(stored.id, _("You have a seat."))
    if stored.state is EnrolmentState.ASKED:
        return _back(stored.id, _("You have asked for a seat: the host decides."))
    place, length = queries.places([stored.id])[stored.id]
    return _back(stored.id, _waits(place, length))


def _waits(place: int, length: int) -> str:
    sentence = _("All seats are held: place %(place)s of %(length)s on the waiting list.", place=place, length=length)
    return str(sentence)


@bp.post("/enrolments/<int:enrolment_id>/leave")
@asks(Action.ASK_ENROLMENT)
def leave(enrolment_id: int) -> Page:
    service.leave(actor(), enrolment_id)
    return _back(enrolment_id, _("You have left; what you earned stays yours."))


@bp.post("/enrolments/<int:enrolment_id>/decide")
@asks(Action.DECIDE_ENROLMENT)
def decide(enrolment_id: int) -> Page:
    decision, seen = request.form.get("decision", ""), request.form.get("seen", "")
    if decision not in ("accept", "refuse"):
        raise Invalid(_l("Accept or refuse: use the page's own buttons."))
    form = DecisionForm()
    stored = attempt(
        form,
        lambda: service.decide(
            actor(), enrolment_id, seen, accepted=decision == "accept", reason=form.reason.data or ""
        ),
    )
    if stored is None:
        return _show(enrolment_id, form)
    if stored.state is EnrolmentState.WAITING:
        return _back(enrolment_id, _waits(*queries.places([stored.id])[stored.id]))
    accepted = stored.state is EnrolmentState.ACCEPTED
    return _back(enrolment_id, _("Accepted: a seat is given.") if accepted else _("Refused; the reason is shown."))


@bp.post("/enrolments/<int:enrolment_id>/agreement")
@asks(Action.SIGN_AGREEMENT)
def propose(enrolment_id: int) -> Page:
    form, seen = TermsForm(), request.form.get("seen", "")
    stored = attempt(form, lambda: agreements.propose(actor(), enrolment_id, form.terms.data or "", seen))
    if stored is None:
        return _show(enrolment_id, form)
    return _back(enrolment_id, _("The terms are stored: now all three sign them."))


@bp.post("/enrolments/<int:enrolment_id>/agreement/sign")
@asks(Action.SIGN_AGREEMENT)
def sign(enrolment_id: int) -> Page:
    stored = agreements.sign(actor(), enrolment_id, request.form.get("party", ""), request.form.get("seen", ""))
    if stored.in_force_since is not None:
        return _back(enrolment_id, _("Signed: the agreement is in force, and practice can begin."))
    return _back(enrolment_id, _("Signed: it is in force once all three have signed."))


@bp.post("/enrolments/<int:enrolment_id>/statement")
@asks(Action.WRITE_STATEMENT)
def write_statement(enrolment_id: int) -> Page:
    form, seen = StatementForm(), request.form.get("seen", "")
    stored = attempt(
        form,
        lambda: statements.write(actor(), enrolment_id, form.words.data or "", seen, end_now=bool(form.end_now.data)),
    )
    if stored is None:
        return _show(enrolment_id, form)
    return _back(enrolment_id, _("The statement is stored: the student answers it."))


@bp.post("/enrolments/<int:enrolment_id>/statement/answer")
@asks(Action.COUNTERSIGN_STATEMENT)
def countersign(enrolment_id: int) -> Page:
    form = AnswerForm()
    given, seen = request.form.get("answer", ""), request.form.get("seen", "")
    stored = attempt(
        form, lambda: statements.countersign(actor(), enrolment_id, given, form.comment.data or "", seen)
    )
    if stored is None:
        return _show(enrolment_id, form)
    return _back(enrolment_id, _("Your answer is stored."))
