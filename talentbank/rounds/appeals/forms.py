"""An appeal, and its answer."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import SelectField, TextAreaField

from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import choices
from talentbank.rounds.appeals.models import AppealKind, Outcome
from talentbank.rounds.appeals.service import LONGEST

KIND_LABELS = {
    AppealKind.QUESTION: _l("Explain or correct the result"),
    AppealKind.BY_A_PERSON: _l("A person is to decide, not a machine"),
}

OUTCOME_LABELS = {
    Outcome.UPHELD: _l("Upheld"),
    Outcome.EXPLAINED: _l("Explained"),
    Outcome.REFUSED: _l("Refused"),
}


class AppealForm(FlaskForm):
    """What somebody asks for, and why."""

    kind = SelectField(
        _l("What do you ask for?"),
        choices=choices((kind.value, label) for kind, label in KIND_LABELS.items()),
        validate_choice=False,
    )
    words = TextAreaField(_l("In your words"), render_kw={"rows": 6, "maxlength": LONGEST, "required": True})


class AnswerForm(FlaskForm):
    """What the officer decides, and why."""

    outcome = SelectField(
        _l("Decision"),
        choices=choices(
            [("", _l("Choose a decision")), *((outcome.value, label) for outcome, label in OUTCOME_LABELS.items())]
        ),
        validate_choice=False,
        default="",
    )
    answer = TextAreaField(_l("Answer"), render_kw={"rows": 6, "maxlength": LONGEST, "required": True})
