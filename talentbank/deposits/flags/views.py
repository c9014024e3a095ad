"""Reports about positions, and the chamber's decisions."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.deposits import queries as deposits
from talentbank.deposits.flags import queries, service
from talentbank.deposits.flags.forms import KIND_LABELS, STATE_LABELS, DecisionForm, FlagForm, UnblockForm
from talentbank.deposits.flags.models import FlagState
from talentbank.extensions import gettext as _
from talentbank.permissions import Action
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number

bp = Blueprint("flags", __name__)

bp.app_template_global("flag_kind_label")(lambda kind: KIND_LABELS[kind])
bp.app_template_global("flag_state_label")(lambda state: STATE_LABELS[state])
bp.app_template_global("why_blocked")(queries.why_blocked)
bp.app_template_global("unblock_form")(UnblockForm)


@bp.route("/positions/<int:position_id>/report", methods=["GET", "POST"])
@asks(Action.FLAG_POSITION)
def make(position_id: int) -> Page:
    form = FlagForm()
    made = attempt(form, lambda: service.make(actor(), position_id, form.kind.data or "", form.words.data or ""))
    if made is not None:
        flash(_("Your report is with the chamber. You will be told what it decides."), "success")
        return redirect(url_for("flags.make", position_id=position_id))
    own = queries.own(actor(), position_id)
    found = queries.reported(position_id) if own else queries.position(actor(), position_id)
    return answer("flags/make.html", form, position=found, own=own)


@bp.get("/reports")
@asks(Action.READ_FLAGS)
def flags() -> Page:
    page = queries.flags(request.args.get("state", ""), id_asked("position"), page_number())
    return answer("flags/flags.html", page=page, states=list(FlagState), decision=DecisionForm())


@bp.post("/reports/<int:flag_id>/decide")
@asks(Action.DECIDE_FLAG)
def decide(flag_id: int) -> Page:
    form = DecisionForm()
    decided = attempt(
        form, lambda: service.decide(actor(), flag_id, form.decision.data or "", form.answer.data or "")
    )
    if decided is None:
        return answer("flags/flag.html", form, flag=queries.flag(flag_id))
    flash(
        _("The position is blocked, and those whom it concerns are told.")
        if decided.upheld
        else _("The report is dismissed, and who made it is told."),
        "success",
    )
    return redirect(url_for("flags.flags"))


@bp.post("/positions/<int:position_id>/unblock")
@asks(Action.DECIDE_FLAG)
def unblock(position_id: int) -> Page:
    form = UnblockForm()
    given_back = attempt(form, lambda: service.unblock(actor(), position_id, form.reason.data or ""))
    if given_back is None:
        return answer("flags/unblock.html", form, position=deposits.position(actor(), position_id))
    flash(_("The position is unblocked: closed, until its enterprise opens it again."), "success")
    return redirect(url_for("deposits.position", position_id=position_id))
