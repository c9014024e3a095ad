"""The catalogue, and the student's own profile."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for

from talentbank.competencies import queries, service
from talentbank.competencies.catalogue import CATEGORY_LABELS, Category
from talentbank.competencies.forms import LEVEL_LABELS, LEVEL_MEANINGS, ProfileForm
from talentbank.extensions import gettext as _
from talentbank.permissions import Action
from talentbank.web import Page, actor, answer, asks, attempt, whole

bp = Blueprint("competencies", __name__)

bp.app_template_global("category_label")(lambda category: CATEGORY_LABELS[Category(category)])
bp.app_template_global("level_labels")(lambda: LEVEL_LABELS)
bp.app_template_global("level_meanings")(lambda: LEVEL_MEANINGS)


@bp.get("/competencies")
@asks(Action.READ_CATALOGUE)
def catalogue() -> Page:
    return answer("competencies/catalogue.html", competencies=queries.competencies(), categories=list(Category))


@bp.route("/profile", methods=["GET", "POST"])
@asks(Action.CHANGE_PROFILE)
def profile() -> Page:
    form = ProfileForm().offer(queries.cities())
    saved = attempt(form, lambda: service.save_profile(actor(), form.profile(), whole("version")))
    if saved is None:
        student, entries = queries.own_profile(actor()), queries.competencies()
        if request.method == "GET":
            form.show(student, entries)
        return answer("competencies/profile.html", form, student=student, competencies={c.code: c for c in entries})
    flash(_("Your profile is saved. Look which positions it fits now."), "success")
    return redirect(url_for("deposits.positions"))
