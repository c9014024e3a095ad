"""What somebody was told."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask_login import current_user
from werkzeug.routing import BuildError

from talentbank.extensions import ngettext
from talentbank.notices import queries, service, wording
from talentbank.permissions import Action
from talentbank.web import Page, actor, answer, asks, page_number

bp = Blueprint("notices", __name__)


@bp.app_template_global("unread_notices")
def unread_notices() -> int:
    """How many notices the reader of the page has not read."""
    return queries.unread(current_user.id) if current_user.is_authenticated else 0


@bp.app_template_global("unread_label")
def unread_label(count: int) -> str:
    return str(ngettext("%(num)d unread notice", "%(num)d unread notices", count))


@bp.get("/notices")
@asks(Action.READ_NOTICES)
def notices() -> Page:
    page = queries.notices(actor(), page_number())
    rows = [(notice, wording.said(notice.kind, notice.data)) for notice in page.items]
    return answer("notices/notices.html", page=page, rows=rows)


@bp.get("/notices/<int:notice_id>")
@asks(Action.MARK_NOTICES)
def open(notice_id: int) -> Page:
    notice = service.read(actor(), notice_id)
    said = wording.said(notice.kind, notice.data)
    try:
        return redirect(url_for(said.endpoint or "notices.notices", **said.values))
    except BuildError:  # it speaks of a page that this release has not
        return redirect(url_for("notices.notices"))


@bp.post("/notices/read")
@asks(Action.MARK_NOTICES)
def read_all() -> Page:
    service.read_all(actor())
    return redirect(url_for("notices.notices"))
