"""An amount of credits to withdraw, and what the pages call things."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import IntegerField
from wtforms.widgets import HiddenInput

from talentbank.credentials.service import REPLACED, TAKEN_BACK
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import CreditsField

REASONS = {REPLACED: _l("replaced by one that attests more"), TAKEN_BACK: _l("taken back by the student")}


def reason_text(reason: str) -> str:
    """Why a credential was revoked, in the reader's language where the bank itself gave the reason."""
    return str(REASONS.get(reason, reason))


class WithdrawalForm(FlaskForm):
    """How many credits go into the university's record, out of the balance that the page showed."""

    seen = IntegerField(widget=HiddenInput())
    amount = CreditsField(_l("How much"), render_kw={"required": True, "inputmode": "decimal"})
