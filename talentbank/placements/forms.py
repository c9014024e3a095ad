"""The first day of a placement, its check-ins and its end."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, TextAreaField

from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import DayField, choices
from talentbank.permissions import Role
from talentbank.placements.models import EndReason
from talentbank.placements.queries import PlacementState, Whereabouts

WHEREABOUTS_LABELS = {
    Whereabouts.PLACED: _l("Placed"),
    Whereabouts.ACCEPTED: _l("Offer accepted"),
    Whereabouts.OFFERED: _l("Offer open"),
    Whereabouts.FREE: _l("Still free"),
}

STATE_LABELS = {
    PlacementState.GOING_ON: _l("Going on"),
    PlacementState.DUE: _l("Check-in due"),
    PlacementState.DIFFERS: _l("The two sides differ"),
    PlacementState.ENDED: _l("Ended"),
}

REASON_LABELS = {
    EndReason.PROMOTION: _l("No prospect of promotion"),
    EndReason.PAY: _l("The pay"),
    EndReason.HOUSING: _l("Housing, or the way to work"),
    EndReason.WORK: _l("The work itself"),
    EndReason.TRAINING: _l("Too little training"),
    EndReason.FAMILY: _l("Family"),
    EndReason.STUDY: _l("Further study"),
    EndReason.OTHER_OFFER: _l("Another offer"),
    EndReason.CONTRACT_ENDED: _l("The contract ended as agreed"),
    EndReason.DISMISSED: _l("Dismissed by the enterprise"),
    EndReason.OTHER: _l("Something else"),
}

SIDE_LABELS = {Role.STUDENT: _l("the student"), Role.ENTERPRISE: _l("the enterprise")}

_REASONS = [("", _l("Choose a reason")), *((reason.value, label) for reason, label in REASON_LABELS.items())]


class StartForm(FlaskForm):
    """When a person started."""

    started_on = DayField(_l("First day"))


class CheckInForm(FlaskForm):
    """Whether the person is still there; if not, since when and why."""

    day = HiddenField()
    still_there = RadioField(
        _l("Still in this position?"),
        choices=choices([("yes", _l("Yes, still there")), ("no", _l("No, left"))]),
        validate_choice=False,
    )
    left_on = DayField(_l("Last day"))
    reason = SelectField(_l("Why?"), choices=choices(_REASONS), validate_choice=False, default="")
    note = TextAreaField(_l("A note for the other side and the chamber"), render_kw={"rows": 2, "maxlength": 500})

    @property
    def word(self) -> bool | None:
        """What was ticked; None for nothing."""
        return {"yes": True, "no": False}.get(self.still_there.data or "")

    @property
    def asked(self) -> int | None:
        """The check-in's day; None for what is no number."""
        text = self.day.data or ""
        return int(text) if text.isdecimal() and len(text) < 5 else None


class EndForm(FlaskForm):
    """The last day, and why."""

    ended_on = DayField(_l("Last day"))
    end_reason = SelectField(_l("Why?"), choices=choices(_REASONS), validate_choice=False, default="")
    end_note = TextAreaField(_l("A note for the other side and the chamber"), render_kw={"rows": 2, "maxlength": 500})
