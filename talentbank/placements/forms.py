"""The first day of a placement."""

from __future__ import annotations

from flask_wtf import FlaskForm

from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import DayField
from talentbank.placements.queries import Whereabouts

WHEREABOUTS_LABELS = {
    Whereabouts.PLACED: _l("Placed"),
    Whereabouts.ACCEPTED: _l("Offer accepted"),
    Whereabouts.OFFERED: _l("Offer open"),
    Whereabouts.FREE: _l("Still free"),
}


class StartForm(FlaskForm):
    """When a person started."""

    started_on = DayField(_l("First day"))
