"""The student's week, the form of a log, one log with its steps, and the list of each role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for

from talentbank.competencies import queries as catalogue
from talentbank.errors import Invalid
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.extensions import ngettext, today
from talentbank.permissions import Action, Role
from talentbank.practice import queries as practice
from talentbank.practice.evidence import Store, download_headers
from talentbank.practice.logs import checks, files, queries, service, wording
from talentbank.practice.logs.files import MOST_FILES, MOST_UPLOAD
from talentbank.practice.logs.forms import LogForm
from talentbank.practice.logs.queries import LogFilter, Sum
from talentbank.practice.models import MENDABLE, PROVEN, Enrolment, EnrolmentState, LogState, PracticeLog
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number, place, takes_files, whole

bp = Blueprint("logs", __name__)

FIELD_LABELS = {
    "enrolment": _l("Training"),
    "day": _l("Day"),
    "starts": _l("Starts at"),
    "ends": _l("Ends at"),
    "hours": _l("Hours"),
    "done": _l("What was done"),
    "competencies": _l("Practised"),
    "files": _l("Files as evidence"),
    "late_reason": _l("Why it comes late"),
}
"""What the form calls the fields that a refusal names."""

bp.app_template_global("log_state_label")(lambda state: wording.STATE_LABELS[LogState(state)])
bp.app_template_global("log_state_tone")(lambda state: wording.STATE_TONES[LogState(state)])
bp.app_template_global("file_size")(wording.file_size)
bp.app_template_global("weekday")(lambda day: wording.WEEKDAYS[day.weekday()])
bp.app_template_global("log_field_label")(lambda name: FIELD_LABELS[name])
bp.app_template_global("log_holder")(lambda log: wording.holder(actor(), log))
bp.app_template_global("log_can_change")(lambda log: actor().role is Role.STUDENT and log.state in MENDABLE)


def _store() -> Store:
    return Store(current_app.config["BANK_EVIDENCE"])


def _week_name(day: date) -> str:
    """A day's week as ISO 8601 writes it, as 2026-W48."""
    iso = day.isocalendar()
    return f"{iso.year}-W{iso.week:02d}"


def _week_asked(text: str) -> date:
    """The Monday of a week that is asked for by its name; of this one where there is no such week."""
    year, _dash, number = text.partition("-W")
    try:
        monday = date.fromisocalendar(int(year), int(number), 1)
    except (ValueError, OverflowError):
        monday = today()
    return monday if 2000 <= monday.year <= 2100 else today()


def _day_asked(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _to_day(log: PracticeLog) -> Page:
    """Back to the week, at the day of a log."""
    return redirect(url_for("logs.week", week=_week_name(log.day), _anchor=f"day-{log.day.isoformat()}"))


@bp.get("/practice")
@asks(Action.KEEP_LOG)
def week() -> Page:
    if catalogue.own_profile(actor()) is None:
        return answer("logs/week.html", week=None)
    monday = _week_asked(request.args.get("week", ""))
    found = queries.week(actor(), monday)
    forms = {
        (day.day, enrolment.id): LogForm(formdata=None)
        .begin(day.day)
        .offer(enrolment)
        .named(f"{day.day.isoformat()}-{enrolment.id}")
        for day in found.days
        for enrolment in day.open
    }
    sums = queries.sums(actor())
    return answer(
        "logs/week.html",
        week=found,
        forms=forms,
        today=today(),
        this=_week_name(monday),
        before=_week_name(monday - timedelta(days=7)),
        after=_week_name(monday + timedelta(days=7)),
        **_counts(sums),
        seats=[(enrolment, _why_not_yet(enrolment)) for enrolment in found.practising if _sits(enrolment)],
        most_files=MOST_FILES,
    )


def _counts(sums: Mapping[LogState, Sum]) -> dict[str, object]:
    """What stands above a week and a list: logs that came back, those in each state, and the minutes verified."""
    return {
        "sums": sums,
        "back": sum(sums[state].logs for state in checks.CAME_BACK),
        "proven": sum(sums[state].minutes for state in PROVEN),
    }


def _sits(enrolment: Enrolment) -> bool:
    return enrolment.state is EnrolmentState.ACCEPTED


def _why_not_yet(enrolment: Enrolment) -> object:
    """What keeps a seat from being used today, None where nothing does."""
    return checks.day_problem(enrolment, today()) or checks.agreement_problem(enrolment, today())


@bp.route("/practice/logs/new", methods=["GET", "POST"])
@asks(Action.KEEP_LOG)
@takes_files(MOST_UPLOAD)
def write() -> Page:
    asked = id_asked("enrolment")
    if asked is None:
        practising = queries.enrolments(actor())
        if request.method == "POST" or len(practising) != 1:
            return answer("logs/choose.html", enrolments=practising, day=request.args.get("day", ""))
        asked = practising[0].id
    enrolment = practice.enrolment(actor(), asked)
    form = LogForm()
    if request.method == "GET":
        form.begin(_day_asked(request.args.get("day", "")) or min(today(), enrolment.resource.last_day))
    return _write(form, enrolment, None)


@bp.route("/practice/logs/<int:log_id>/edit", methods=["GET", "POST"])
@asks(Action.KEEP_LOG)
@takes_files(MOST_UPLOAD)
def change(log_id: int) -> Page:
    found = practice.log(actor(), log_id)
    if request.method == "GET" and found.state not in MENDABLE:
        flash(_("This log is with somebody else: it can be changed only if it comes back."), "info")
        return redirect(url_for("logs.log", log_id=log_id))
    form = LogForm()
    if request.method == "GET":
        form.show(found)
    return _write(form, found.enrolment, found)


def _write(form: LogForm, enrolment: Enrolment, log: PracticeLog | None) -> Page:
    """The form of a new log or of a stored one; kept, or kept and sent, as the button says that was pressed."""
    form.offer(enrolment)
    sends = request.form.get("act") == "send"
    keep = service.save_and_send if sends else service.save_draft
    enrolment_id, log_id = enrolment.id, log.id if log else None
    stored = attempt(
        form,
        lambda: keep(actor(), log_id, form.entry(enrolment_id), form.uploads(), whole("version"), _store()),
    )
    if stored is None:
        if form.errors:  # what the service undid is read anew
            log = practice.log(actor(), log_id) if log_id else None
            enrolment = log.enrolment if log else practice.enrolment(actor(), enrolment_id)
        return _form(form, enrolment, log)
    flash(_sent() if sends else _("The log is kept, not sent yet."), "success")
    return _to_day(stored)


def _sent() -> str:
    return str(_("The log is sent: the supervisor has it now."))


def _form(form: LogForm, enrolment: Enrolment, log: PracticeLog | None) -> Page:
    late = form.day.data is not None and today() - form.day.data > checks.IN_TIME
    return answer(
        "logs/write.html",
        form,
        log=log,
        enrolment=enrolment,
        rules=practice.rules_of(enrolment.student.university_id),
        late=late or form.late_reason.data or form.late_reason.errors,
        lost=bool(form.errors and form.files.data),
        problems={} if log is None or form.errors else queries.problems_of(actor(), log),
        most_files=MOST_FILES,
    )


@bp.post("/practice/logs/<int:log_id>/send")
@asks(Action.KEEP_LOG)
def send(log_id: int) -> Page:
    try:
        stored = service.send(actor(), log_id, whole("version"))
    except Invalid as refusal:
        if not refusal.errors:
            raise
        return _refused(log_id, refusal)
    flash(_sent(), "success")
    return _to_day(stored)


def _refused(log_id: int, refusal: Invalid) -> Page:
    """The form of a log that could not be sent, with each sentence at its field."""
    found = practice.log(actor(), log_id)
    form = LogForm(formdata=None).show(found).offer(found.enrolment)
    place(form, refusal)
    return _form(form, found.enrolment, found)


@bp.post("/practice/send")
@asks(Action.KEEP_LOG)
def send_week() -> Page:
    monday = _week_asked(request.form.get("week", ""))
    outcome = service.send_week(actor(), monday)
    count = len(outcome.logs)
    flash(ngettext("%(num)d log is sent.", "%(num)d logs are sent.", count), "success")
    if outcome.left:
        flash(
            ngettext(
                "%(num)d draft can't be sent yet: it says what it needs.",
                "%(num)d drafts can't be sent yet: each says what it needs.",
                len(outcome.left),
            ),
            "warning",
        )
    return redirect(url_for("logs.week", week=_week_name(monday)))


@bp.post("/practice/logs/<int:log_id>/remove")
@asks(Action.KEEP_LOG)
def remove(log_id: int) -> Page:
    found = practice.log(actor(), log_id)
    service.remove(actor(), log_id, _store())
    flash(_("The draft is removed, with its files."), "success")
    return _to_day(found)


@bp.get("/practice/logs/<int:log_id>")
@asks(Action.READ_LOGS)
def log(log_id: int) -> Page:
    found = practice.log(actor(), log_id)
    own = actor().role is Role.STUDENT and found.state in MENDABLE
    return answer(
        "logs/log.html",
        log=found,
        steps=wording.steps(actor(), found),
        student=actor().role is Role.STUDENT,
        back=found.state in checks.CAME_BACK,
        problems=queries.problems_of(actor(), found) if own else {},
        week=_week_name(found.day),
    )


@bp.get("/practice/logs")
@asks(Action.READ_LOGS)
def logs() -> Page:
    args: Mapping[str, str] = request.args
    wanted = LogFilter(
        state=args.get("state", ""),
        enrolment=id_asked("enrolment"),
        resource=id_asked("resource"),
        student=id_asked("student"),
        competency=args.get("competency", ""),
        text=args.get("q", "").strip(),
    )
    page, total = queries.logs(actor(), wanted, page_number())
    sums = queries.sums(actor())
    return answer(
        "logs/logs.html",
        page=page,
        total=total,
        **_counts(sums),
        states=[state for state in LogState if actor().role is Role.STUDENT or state is not LogState.DRAFT],
        competencies=[(c.code, c.name) for c in catalogue.competencies()],
    )


@bp.get("/practice/evidence/<int:evidence_id>")
@asks(Action.READ_LOGS)
def evidence(evidence_id: int) -> Page:
    found = queries.evidence(actor(), evidence_id)
    return Response(files.read(_store(), found), headers=download_headers(found.name, found.kind))


@bp.post("/practice/evidence/<int:evidence_id>/remove")
@asks(Action.KEEP_LOG)
def remove_evidence(evidence_id: int) -> Page:
    stored = service.remove_evidence(actor(), evidence_id, _store())
    flash(_("The file is removed."), "success")
    return redirect(url_for("logs.change", log_id=stored.id))
