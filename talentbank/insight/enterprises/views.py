"""An enterprise's page, for everybody who signs in."""

from __future__ import annotations

from flask import Blueprint

from talentbank.insight.enterprises import queries
from talentbank.permissions import Action
from talentbank.web import Page, actor, answer, asks

bp = Blueprint("enterprises", __name__)


@bp.get("/enterprises/<int:enterprise_id>")
@asks(Action.READ_POSITIONS)
def enterprise(enterprise_id: int) -> Page:
    shown = queries.enterprise(actor(), enterprise_id)
    return answer("enterprises/enterprise.html", shown=shown, own=queries.own(actor(), enterprise_id))
