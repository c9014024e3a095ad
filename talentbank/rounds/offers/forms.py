"""The answer to an offer."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, TextAreaField

from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import choices
from talentbank.rounds.offers.models import DeclineReason, OfferState

OFFER_LABELS = {
    OfferState.OPEN: _l("Waiting for an answer"),
    OfferState.ACCEPTED: _l("Accepted"),
    OfferState.DECLINED: _l("Declined"),
    OfferState.LAPSED: _l("Lapsed"),
}

DECLINE_LABELS = {
    DeclineReason.PAY: _l("The pay"),
    DeclineReason.HOUSING: _l("Housing, or the way to work"),
    DeclineReason.CITY: _l("The city"),
    DeclineReason.WORK: _l("The work itself"),
    DeclineReason.PROSPECTS: _l("No prospect of promotion"),
    DeclineReason.OTHER_OFFER: _l("Another offer"),
    DeclineReason.STUDY: _l("Further study"),
    DeclineReason.OTHER: _l("Something else"),
}


class AnswerForm(FlaskForm):
    """Accept or decline."""

    answer = HiddenField()
    declined_for = SelectField(
        _l("Why do you decline?"),
        choices=choices([("", _l("Choose a reason")), *((r.value, label) for r, label in DECLINE_LABELS.items())]),
        validate_choice=False,
        default="",
    )
    reason = TextAreaField(
        _l("More about it (if you like; the chamber reads it)"), render_kw={"rows": 2, "maxlength": 500}
    )
