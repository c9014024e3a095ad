"""A report, its decision, and the reason to unblock."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, TextAreaField

from talentbank.deposits.flags.models import FlagKind, FlagState
from talentbank.deposits.flags.service import LONGEST
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import choices

KIND_LABELS = {
    FlagKind.FALSE: _l("What it says is false"),
    FlagKind.FEES: _l("Somebody asks for money"),
    FlagKind.OTHER: _l("Something else is wrong"),
}

STATE_LABELS = {
    FlagState.WAITING: _l("Waits for a decision"),
    FlagState.UPHELD: _l("Upheld: blocked"),
    FlagState.DISMISSED: _l("Dismissed"),
}


class FlagForm(FlaskForm):
    """What is wrong with a position."""

    kind = SelectField(
        _l("What is wrong?"),
        choices=choices([("", _l("choose …")), *((kind.value, label) for kind, label in KIND_LABELS.items())]),
        validate_choice=False,
        default="",
    )
    words = TextAreaField(
        _l("What happened, when, and who said it"), render_kw={"rows": 6, "maxlength": LONGEST, "required": True}
    )


class DecisionForm(FlaskForm):
    """What the chamber decides about a report, by the button that is pressed, and why."""

    decision = HiddenField()
    answer = TextAreaField(_l("Answer"), render_kw={"rows": 3, "maxlength": LONGEST, "required": True})


class UnblockForm(FlaskForm):
    """Why a position is given back."""

    reason = TextAreaField(_l("Why it is unblocked"), render_kw={"rows": 2, "maxlength": LONGEST, "required": True})
