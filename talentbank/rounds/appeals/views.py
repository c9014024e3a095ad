"""Appeals and their answers."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.errors import Conflict
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action
from talentbank.rounds.appeals import queries, service
from talentbank.rounds.appeals.forms import KIND_LABELS, OUTCOME_LABELS, AnswerForm, AppealForm
from talentbank.web import Page, actor, asks, attempt, page_number
from talentbank.web import answer as rendered

bp = Blueprint("appeals", __name__)

bp.app_template_global("appeal_kind_label")(lambda kind: KIND_LABELS[kind])
bp.app_template_global("appeal_outcome_label")(lambda outcome: OUTCOME_LABELS[outcome])


@bp.get("/appeals")
@asks(Action.READ_APPEALS)
def appeals() -> Page:
    return rendered("appeals/appeals.html", page=queries.appeals(actor(), page_number()))


@bp.route("/market/<int:round_id>/appeal", methods=["GET", "POST"])
@asks(Action.MAKE_APPEAL)
def make(round_id: int) -> Page:
    form = AppealForm()
    made = attempt(form, lambda: service.make(actor(), round_id, form.kind.data or "", form.words.data or ""))
    if made is not None:
        flash(_("Your appeal is with the officer named below. You will be told when it is answered."), "success")
        return redirect(url_for("appeals.appeal", appeal_id=made.id))
    round_ = queries.concerned(actor(), round_id)
    if request.method == "GET":
        if not queries.knows_result(actor(), round_):
            raise Conflict(_l("This round has no result yet that could be questioned."))
        if waits := queries.waiting(actor(), round_id):
            return redirect(url_for("appeals.appeal", appeal_id=waits.id))
    return rendered("appeals/make.html", form, round=round_)


@bp.get("/appeals/<int:appeal_id>")
@asks(Action.READ_APPEALS)
def appeal(appeal_id: int) -> Page:
    return _appeal_page(appeal_id, AnswerForm())


@bp.post("/appeals/<int:appeal_id>/answer")
@asks(Action.ANSWER_APPEAL)
def answer(appeal_id: int) -> Page:
    form = AnswerForm()
    answered = attempt(
        form, lambda: service.answer(actor(), appeal_id, form.outcome.data or "", form.answer.data or "")
    )
    if answered is None:
        return _appeal_page(appeal_id, form)
    flash(_("The answer is on record, and who made the appeal is told."), "success")
    return redirect(url_for("appeals.appeal", appeal_id=appeal_id))


def _appeal_page(appeal_id: int, form: AnswerForm) -> Page:
    return rendered("appeals/appeal.html", form, appeal=queries.appeal(actor(), appeal_id))
