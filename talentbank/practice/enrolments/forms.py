"""What is written on an enrolment's page: a decision, terms, a statement, and its answer."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, TextAreaField

from talentbank.extensions import lazy_gettext as _l


class DecisionForm(FlaskForm):
    """Why somebody is refused."""

    reason = TextAreaField(_l("Reason, if you refuse"), render_kw={"rows": 2, "maxlength": 500})


class TermsForm(FlaskForm):
    """The terms of a three-party agreement."""

    terms = TextAreaField(_l("Terms"), render_kw={"rows": 14, "maxlength": 8000, "required": True})


class StatementForm(FlaskForm):
    """What the supervisor says was done."""

    words = TextAreaField(_l("What was really done"), render_kw={"rows": 5, "maxlength": 2000, "required": True})
    end_now = BooleanField(_l("It ends now, although the last day or the last hour is still to come"))


class AnswerForm(FlaskForm):
    """What the student says to it."""

    comment = TextAreaField(_l("Comment (needed if you disagree)"), render_kw={"rows": 3, "maxlength": 1000})
