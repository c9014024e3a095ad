"""A university's rules of practice: set by the university, read by everybody who practises or looks after it."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, request, url_for

from talentbank.extensions import gettext as _
from talentbank.permissions import Action
from talentbank.practice.queries import rules_of
from talentbank.practice.rules import queries, service
from talentbank.practice.rules.forms import RulesForm
from talentbank.web import Page, actor, answer, asks, attempt, whole

bp = Blueprint("rules", __name__)


@bp.route("/practice/rules", methods=["GET", "POST"])
@asks(Action.SET_RULES)
def rules() -> Page:
    university = queries.university(actor().organisation_id)
    form = RulesForm()
    if request.method == "GET":
        form.show(rules_of(university.id))
    stored = attempt(form, lambda: service.set_rules(actor(), form.values(), whole("version")))
    if stored is None:
        return answer("rules/rules.html", form, university=university, rules=rules_of(university.id))
    flash(_("The rules of practice are set."), "success")
    return redirect(url_for("rules.rules"))


@bp.get("/practice/rules/<int:university_id>")
@asks(Action.READ_ENROLMENTS)
def read(university_id: int) -> Page:
    university = queries.university(university_id)
    return answer("rules/read.html", university=university, rules=rules_of(university.id))


@bp.app_template_global()
def credit_word(university_id: int | None) -> str:
    """What a university's credits from practice are called: its own only once it recognises them."""
    if "recognising" not in g:
        g.recognising = queries.recognising()
    return str(_("credits") if university_id in g.recognising else _("practice credits"))
