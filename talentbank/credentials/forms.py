"""An amount of credits to withdraw, and what the pages call things."""

from __future__ import annotations

from decimal import Decimal

from flask_wtf import FlaskForm
from wtforms import IntegerField
from wtforms.widgets import HiddenInput

from talentbank.credentials.service import REPLACED, TAKEN_BACK
from talentbank.deposits.resources.forms import CreditsField
from talentbank.extensions import lazy_gettext as _l

REASONS = {REPLACED: _l("replaced by one that attests more"), TAKEN_BACK: _l("taken back by the student")}


def reason_text(reason: str) -> str:
    """Why a credential was revoked, in the reader's language where the bank itself gave the reason."""
    return str(REASONS.get(reason, reason))


class AmountField(CreditsField):
    """Credits that are there before anybody writes."""

    def _value(self) -> str:
        return super()._value() or ("" if self.data is None else f"{Decimal(self.data) / 100:.2f}")


class WithdrawalForm(FlaskForm):
    """How many credits go into the university's record, out of the balance that the page showed."""

    seen = IntegerField(widget=HiddenInput())
    amount = AmountField(_l("How much"), render_kw={"required": True, "inputmode": "decimal"})
