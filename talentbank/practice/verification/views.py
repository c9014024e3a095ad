"""The supervisor's queue, the university's, the chamber's list of what waits too long, and taking back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm

from talentbank.engine.units import credits_text
from talentbank.errors import Conflict, Invalid
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import ngettext, now
from talentbank.permissions import Action
from talentbank.practice import queries as practice
from talentbank.practice.models import Chase, PracticeLog
from talentbank.practice.verification import levels, queries, service
from talentbank.practice.verification.forms import ReverseForm, TickedForm
from talentbank.practice.verification.paying import planned
from talentbank.practice.verification.service import Verdict
from talentbank.web import Page, actor, asks, attempt, id_asked, page_number, place, whole

T = TypeVar("T")

bp = Blueprint("verification", __name__)


@bp.app_template_global("days_waiting")
def days_waiting(log: PracticeLog) -> int:
    """Whole days since a log was sent to its supervisor."""
    return (now() - log.submitted_at).days if log.submitted_at else 0


@bp.app_template_global("chases_of")
def chases_of(log: PracticeLog) -> Sequence[Chase]:
    """The reminders since a log was last sent."""
    return [chase for chase in log.chases if log.submitted_at is None or chase.at >= log.submitted_at]


bp.app_template_global("practice_behind")(levels.behind)
bp.app_template_global("may_reverse")(lambda log: queries.may_reverse(actor(), log))


def _tried(form: FlaskForm, action: Callable[[], T]) -> tuple[T | None, int]:
    """What an action answers; or None, and the status of the page on which the form stands again with the refusal."""
    try:
        return attempt(form, action), 400
    except Conflict as refusal:
        place(form, Invalid(refusal.message))
        return None, refusal.status


def _ticked(form: TickedForm, logs: Sequence[PracticeLog]) -> set[int]:
    """The logs that are ticked: as the form came, or as a link asks: «all», an enrolment's, or one log."""
    wanted = request.args.get("tick", "")
    return {
        log.id
        for log in logs
        if form.log.data.get(log.id) == log.version or wanted in ("all", str(log.enrolment_id), f"log-{log.id}")
    }


@bp.get("/practice/waiting")
@asks(Action.VERIFY_LOG)
def waiting() -> Page:
    return _waiting(TickedForm(), 200)


def _waiting(form: TickedForm, status: int) -> Page:
    page = queries.waiting(actor(), page_number())
    return render_template(
        "verification/waiting.html",
        form=form,
        page=page,
        groups=queries.groups(page.items),
        ticked=_ticked(form, page.items),
        waits=queries.waits_for(actor()),
    ), status


@bp.post("/practice/waiting")
@asks(Action.VERIFY_LOG)
def decide() -> Page:
    asked, form = request.form.get("verdict", ""), TickedForm()
    if asked not in set(Verdict):
        raise Invalid(_l("Logs are verified, sent back or rejected: use the page's own buttons."))
    verdict, ticks = Verdict(asked), form.log.data
    logs, status = _tried(form, lambda: service.decide(actor(), ticks, verdict, form.reason.data or "", ticks))
    if logs is None:
        return _waiting(form, status)
    done = {
        Verdict.VERIFY: ngettext("%(num)d log is verified.", "%(num)d logs are verified.", len(logs)),
        Verdict.SEND_BACK: ngettext("%(num)d log is sent back.", "%(num)d logs are sent back.", len(logs)),
        Verdict.REJECT: ngettext("%(num)d log is rejected.", "%(num)d logs are rejected.", len(logs)),
    }
    flash(done[verdict], "success")
    return redirect(url_for("verification.waiting"))


@bp.get("/practice/confirming")
@asks(Action.CONFIRM_LOG)
def confirming() -> Page:
    return _confirming(TickedForm(), 200)


def _confirming(form: TickedForm, status: int) -> Page:
    page = queries.confirming(actor(), page_number())
    ticked = _ticked(form, page.items)
    rules = practice.rules_of(actor().organisation_id or 0)
    payments = planned([log for log in page.items if log.id in ticked] or page.items, rules)
    return render_template(
        "verification/confirming.html",
        form=form,
        page=page,
        groups=queries.groups(page.items),
        ticked=ticked,
        rules=rules,
        payments={payment.log.id: payment for payment in payments},
        minutes=sum(payment.log.minutes for payment in payments),
        credit=sum(payment.credit for payment in payments),
        cut=sum(payment.cut for payment in payments),
        accounts=queries.accounts_asked(payments),
    ), status


@bp.post("/practice/confirming")
@asks(Action.CONFIRM_LOG)
def confirm() -> Page:
    form = TickedForm()
    match request.form.get("verdict"):
        case "preview":
            return _confirming(form, 200 if form.validate() else 400)
        case "confirm":
            return _confirm(form)
        case "decline":
            return _decline(form)
    raise Invalid(_l("Logs are confirmed or declined: use the page's own buttons."))


def _confirm(form: TickedForm) -> Page:
    ticks = form.log.data
    payments, status = _tried(form, lambda: service.confirm(actor(), ticks, ticks))
    if payments is None:
        return _confirming(form, status)
    sentence = ngettext(
        "%(num)d log is confirmed and has paid %(credits)s.",
        "%(num)d logs are confirmed and have paid %(credits)s.",
        len(payments),
        credits=credits_text(sum(payment.credit for payment in payments)),
    )
    flash(sentence, "success")
    return redirect(url_for("verification.confirming"))


def _decline(form: TickedForm) -> Page:
    ticks = form.log.data
    logs, status = _tried(form, lambda: service.decline(actor(), ticks, ticks, form.reason.data or ""))
    if logs is None:
        return _confirming(form, status)
    flash(ngettext("%(num)d log is declined.", "%(num)d logs are declined.", len(logs)), "success")
    return redirect(url_for("verification.confirming"))


@bp.post("/practice/logs/<int:log_id>/reverse")
@asks(Action.REVERSE_LOG)
def reverse(log_id: int) -> Page:
    form = ReverseForm()
    version = whole("version")
    reversed_, status = _tried(form, lambda: service.reverse(actor(), log_id, form.reason.data or "", version))
    if reversed_ is None:
        log = practice.log(actor(), log_id)
        return render_template("verification/reverse.html", reverse_form=form, log=log), status
    flash(_("The verification is taken back, with what rested on it. The log is with the student again."), "success")
    return redirect(url_for("logs.log", log_id=log_id))


@bp.get("/practice/overdue")
@asks(Action.READ_OVERDUE)
def overdue() -> Page:
    page = queries.overdue_logs(page_number(), id_asked("host"))
    return render_template(
        "verification/overdue.html", page=page, hosts=queries.overdue_by_host(), days=queries.OVERDUE.days
    )
