"""Ticked logs, each with the version that was shown, and a reason."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, TextAreaField

from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.practice.verification.service import LONGEST_REASON
from talentbank.web import MOST_ID

_REASON = {"rows": 2, "maxlength": LONGEST_REASON}


class TicksField(Field):
    """Logs that are ticked, as «id:version» each; data is the version by id."""

    data: dict[int, int]

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = {}
        for value in valuelist:
            id_, _colon, version = value.partition(":")
            if not all(
                number.isdecimal() and len(number) <= 10 and int(number) <= MOST_ID for number in (id_, version)
            ):
                raise ValueError(_("A tick could not be read: load the page again."))
            self.data[int(id_)] = int(version)


class TickedForm(FlaskForm):
    """What is decided about many logs at once."""

    log = TicksField(default=dict)
    reason = TextAreaField(_l("Reason (the student reads it)"), render_kw=_REASON)


class ReverseForm(FlaskForm):
    """Taking a verification back."""

    version = HiddenField(default="0")
    reason = TextAreaField(_l("Reason (the student reads it)"), render_kw={**_REASON, "required": True})
