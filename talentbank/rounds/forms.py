"""A round's policy, and the answer to an offer."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField

from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import NumberField, WholeField, choices
from talentbank.rounds.models import MustHaveOn, Objective, OfferState, Round, RoundState
from talentbank.rounds.service import Policy

STATE_LABELS = {
    RoundState.DRAFT: _l("Draft"),
    RoundState.SOLVED: _l("Solved"),
    RoundState.PUBLISHED: _l("Published"),
    RoundState.CANCELLED: _l("Cancelled"),
}

OFFER_LABELS = {
    OfferState.OPEN: _l("Waiting for an answer"),
    OfferState.ACCEPTED: _l("Accepted"),
    OfferState.DECLINED: _l("Declined"),
    OfferState.LAPSED: _l("Lapsed"),
}

OBJECTIVE_LABELS = {
    Objective.SCORE: _l("The best total score"),
    Objective.PLACEMENTS: _l("As many people as possible, then the best total score"),
}

MUST_HAVE_LABELS = {
    MustHaveOn.CLAIMED: _l("the claimed or verified level, whichever is higher"),
    MustHaveOn.VERIFIED: _l("the verified level only"),
}


class PolicyForm(FlaskForm):
    """What the chamber decides about a round."""

    version = HiddenField(default="0")
    name = StringField(_l("Name of the round"), render_kw={"required": True, "maxlength": 120})
    objective = RadioField(
        _l("What it maximises"),
        choices=choices((o.value, label) for o, label in OBJECTIVE_LABELS.items()),
        default=Objective.SCORE.value,
        validate_choice=False,
    )
    trust = NumberField(_l("Trust in verification, 0 to 1"), default=0.5, render_kw={"inputmode": "decimal"})
    min_score = NumberField(_l("Lowest score of a pair, 0 to 1"), default=0.0, render_kw={"inputmode": "decimal"})
    must_have_on = SelectField(
        _l("Must-haves are tested on"),
        choices=choices((m.value, label) for m, label in MUST_HAVE_LABELS.items()),
        validate_choice=False,
    )
    offer_days = WholeField(_l("Days to answer an offer"), default=7, render_kw={"inputmode": "numeric"})

    def show(self, round_: Round) -> PolicyForm:
        """Fill a form that was not yet sent with a stored policy."""
        self.version.data = str(round_.version)
        for name in ("name", "trust", "min_score", "offer_days"):
            self[name].data = getattr(round_, name)
        self.objective.data, self.must_have_on.data = round_.objective.value, round_.must_have_on.value
        return self

    def policy(self) -> Policy:
        """The form's values as the service takes them."""
        return Policy(
            name=self.name.data or "",
            objective=self.objective.data or "",
            trust=self.trust.data,
            min_score=self.min_score.data,
            must_have_on=self.must_have_on.data or "",
            offer_days=self.offer_days.data,
        )


class AnswerForm(FlaskForm):
    """Accept or decline."""

    answer = HiddenField()
    reason = TextAreaField(_l("Why? (if you like; the chamber reads it)"), render_kw={"rows": 2, "maxlength": 500})
