"""The rules of practice as a form."""

from __future__ import annotations

from decimal import Decimal

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField

from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import CreditsField, WholeField
from talentbank.practice.models import PracticeRules
from talentbank.practice.rules.service import Rules

_HOURS = {"required": True, "inputmode": "numeric"}


class CapField(CreditsField):
    """Shows what is stored without needless zeros, and nothing for no cap."""

    def shown(self, amount: Decimal) -> str:
        return f"{amount.normalize():f}"


class RulesForm(FlaskForm):
    """Everything that a university sets for practice."""

    version = HiddenField(default="0")
    hours_per_credit = WholeField(_l("Hours that make one credit"), render_kw=_HOURS)
    cap_a_term = CapField(_l("Most credits a term"), render_kw={"inputmode": "decimal"})
    hours_a_day = WholeField(_l("Most hours a day"), render_kw=_HOURS)
    hours_a_week = WholeField(_l("Most hours a week"), render_kw=_HOURS)
    night_work = BooleanField(_l("Night work between 22:00 and 6:00 may be logged"))
    fees = BooleanField(_l("Our students may ask for training that costs them a fee"))
    recognised = BooleanField(_l("We recognise practice credits as credits of our own"))

    def show(self, rules: PracticeRules) -> RulesForm:
        """Fill a form that was not yet sent with the rules that hold."""
        for name in (
            "hours_per_credit",
            "cap_a_term",
            "hours_a_day",
            "hours_a_week",
            "night_work",
            "fees",
            "recognised",
        ):
            self[name].data = getattr(rules, name)
        self.version.data = str(rules.version)
        return self

    def values(self) -> Rules:
        """The form's values as the service takes them."""
        return Rules(
            hours_per_credit=self.hours_per_credit.data,
            cap_a_term=self.cap_a_term.data,
            hours_a_day=self.hours_a_day.data,
            hours_a_week=self.hours_a_week.data,
            night_work=self.night_work.data,
            fees=self.fees.data,
            recognised=self.recognised.data,
        )
