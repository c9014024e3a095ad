"""Threads about positions: the list, and one with what was said and a form."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.accounts.models import Standing
from talentbank.extensions import gettext as _
from talentbank.extensions import ngettext
from talentbank.messages import queries, service
from talentbank.messages.forms import MessageForm
from talentbank.messages.queries import Row, Thread
from talentbank.permissions import Action, Role
from talentbank.web import Page, actor, answer, asks, attempt, id_asked, page_number

bp = Blueprint("messages", __name__)


@bp.app_template_global()
def own_thread(position_id: int) -> str:
    """Where a student writes about a position; "" for who has no profile."""
    student_id = queries.own_student_id(actor())
    return url_for("messages.thread", position_id=position_id, student_id=student_id) if student_id else ""


@bp.app_template_global()
def unread_messages(count: int) -> str:
    return str(ngettext("%(num)d unread message", "%(num)d unread messages", count))


@bp.app_template_global()
def other_side(thread: Thread | Row) -> tuple[str, str]:
    """Whom the reader of a thread writes with, and where that person belongs: a number while it is not named."""
    held = thread if isinstance(thread, Thread) else thread.last
    if actor().role is Role.STUDENT:
        return held.position.enterprise.name, ""
    if not thread.named:
        return _("Candidate %(number)s", number=thread.number or "–"), ""
    return held.student.user.shown_name, held.student.university.name


@bp.get("/messages")
@asks(Action.READ_MESSAGES)
def threads() -> Page:
    page, rows = queries.threads(actor(), request.args.get("state", ""), id_asked("position"), page_number())
    return answer("messages/threads.html", page=page, rows=rows, unread=queries.unread(actor()))


@bp.route("/messages/<int:position_id>/<int:student_id>", methods=["GET", "POST"])
@asks(Action.READ_MESSAGES)
def thread(position_id: int, student_id: int) -> Page:
    """A thread. To open it marks what it shows as read, as opening a notice does, by the same action."""
    form, asking = MessageForm(), actor()
    words = form.words.data or ""
    if attempt(form, lambda: service.write(asking, position_id, student_id, words)) is not None:
        flash(_("Your message is sent."), "success")
        return redirect(url_for("messages.thread", position_id=position_id, student_id=student_id))
    new: list[int] = []
    if request.method == "GET" and queries.unread_in(asking, position_id, student_id):
        new = service.mark_read(asking, position_id, student_id)
    found = queries.thread(asking, position_id, student_id)
    discloses = asking.role is Role.STUDENT and not found.named
    return answer(
        "messages/thread.html",
        form,
        thread=found,
        page=queries.messages(found, page_number()),
        new=new,
        why_not=queries.why_not(asking, found),
        discloses=discloses,
        reads_position=found.shown or asking.role is Role.ENTERPRISE,
        reads_enterprise=asking.role is Role.ENTERPRISE or found.position.enterprise.standing is Standing.APPROVED,
        blind_round=queries.blind_round(position_id, student_id) if discloses else None,
    )
