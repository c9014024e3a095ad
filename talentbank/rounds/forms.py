"""A round's policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateTimeLocalField, HiddenField, RadioField, SelectField, StringField

from talentbank.accounts.models import User
from talentbank.extensions import SHANGHAI
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import NumberField, WholeField, choices
from talentbank.rounds.models import MustHaveOn, Objective, Round, RoundState
from talentbank.rounds.service import Policy

STATE_LABELS = {
    RoundState.DRAFT: _l("Draft"),
    RoundState.OPEN: _l("Open for preferences"),
    RoundState.FROZEN: _l("Frozen"),
    RoundState.SOLVED: _l("Solved"),
    RoundState.PUBLISHED: _l("Published"),
    RoundState.CLOSED: _l("Closed"),
    RoundState.CANCELLED: _l("Cancelled"),
}

OBJECTIVE_LABELS = {
    Objective.SCORE: _l("The best total score"),
    Objective.PLACEMENTS: _l("As many people as possible, then the best total score"),
}

MUST_HAVE_LABELS = {
    MustHaveOn.CLAIMED: _l("the claimed or verified level, whichever is higher"),
    MustHaveOn.VERIFIED: _l("the verified level only"),
}


WEIGHTS = ("weight_fit", "weight_student", "weight_enterprise")


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
    weight_fit = NumberField(_l("Weight of the fit (a)"), default=1.0, render_kw={"inputmode": "decimal"})
    weight_student = NumberField(
        _l("Weight of what the student wants (b)"), default=0.0, render_kw={"inputmode": "decimal"}
    )
    weight_enterprise = NumberField(
        _l("Weight of what the enterprise wants (c)"), default=0.0, render_kw={"inputmode": "decimal"}
    )
    most_ranked = WholeField(_l("Positions that a student may rank"), default=10, render_kw={"inputmode": "numeric"})
    blind = BooleanField(_l("Enterprises see no name and no contact until an offer is accepted"), default=True)
    officer = SelectField(_l("Who answers appeals"), validate_choice=False)
    offer_days = WholeField(_l("Days to answer an offer"), default=7, render_kw={"inputmode": "numeric"})

    def offer(self, officers: Sequence[User]) -> PolicyForm:
        """Name those who can answer appeals; who makes the round does, unless somebody is chosen."""
        yourself = [("", _l("whoever makes the round"))]
        self.officer.choices = choices([*yourself, *((str(user.id), user.shown_name) for user in officers)])
        return self

    def show(self, round_: Round) -> PolicyForm:
        """Fill a form that was not yet sent with a stored policy."""
        self.version.data = str(round_.version)
        for name in (*WEIGHTS, "name", "trust", "min_score", "most_ranked", "blind", "offer_days"):
            self[name].data = getattr(round_, name)
        self.officer.data = str(round_.officer_id or "")
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
            weights=(self.weight_fit.data, self.weight_student.data, self.weight_enterprise.data),
            most_ranked=self.most_ranked.data,
            blind=bool(self.blind.data),
            offer_days=self.offer_days.data,
            officer_id=_id(self.officer.data),
        )


def _id(text: str | None) -> int | None:
    """An id that was chosen: None where none was, 0, which nobody has, for one that can't be."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


class MeishanField(DateTimeLocalField):
    """A moment in Meishan's time; None for what is none, which the service refuses with its sentence."""

    data: datetime | None

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
        if self.data is not None:
            self.data = self.data.replace(tzinfo=SHANGHAI) if 2000 <= self.data.year <= 9000 else None


class DeadlineForm(FlaskForm):
    """Until when both sides of a round may say what they prefer."""

    version = HiddenField()
    closes_at = MeishanField(_l("Until when people may say what they prefer (time in Meishan)"))

    def show(self, closes_at: datetime) -> DeadlineForm:
        """Fill a form that was not yet sent."""
        self.closes_at.data = closes_at.astimezone(SHANGHAI)
        return self
