"""A log as a form."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import Field, HiddenField, TextAreaField
from wtforms.widgets import TextInput

from talentbank.competencies.forms import TickBoxes
from talentbank.engine.units import clock, hours_text
from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import DayField, choices
from talentbank.practice.evidence import MOST_BYTES
from talentbank.practice.logs.files import Upload
from talentbank.practice.logs.service import LONGEST_DONE, LONGEST_LATE_REASON, LogEntry
from talentbank.practice.models import Enrolment, PracticeLog

CLOCK = re.compile(r"(\d{1,2})[:：]([0-5]\d)(?::00)?")
MOST_HOURS = 1000
"""Beyond any that the service could speak of."""
ACCEPTED = ".pdf,.png,.jpg,.jpeg,.docx,.xlsx,.zip,application/pdf,image/png,image/jpeg"


class ClockField(Field):
    """A time of day on the page, minutes after midnight as data, None where nothing is written."""

    widget = TextInput(input_type="time")
    data: int | None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else clock(self.data % (24 * 60))

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        found = CLOCK.fullmatch(text)
        if found is None or int(found[1]) > 24 or (int(found[1]) == 24 and int(found[2])):
            raise ValueError(_("Write a time of day, such as 09:30."))
        self.data = 60 * int(found[1]) + int(found[2])


class HoursField(Field):
    """Hours on the page, as 1.5 or 1:30; whole minutes as data, None where nothing is written."""

    widget = TextInput()
    data: int | None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else hours_text(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        found = CLOCK.fullmatch(text)
        try:
            amount = Decimal(60 * int(found[1]) + int(found[2])) if found else 60 * Decimal(text)
        except ArithmeticError:  # no number, or one beyond all measure
            amount = Decimal("NaN")
        if not amount.is_finite() or abs(amount) > 60 * MOST_HOURS:
            raise ValueError(_("Write hours, such as 1.5 or 1:30."))
        self.data = round(amount)


class LogForm(FlaskForm):
    """What a student says of one stretch of practice."""

    version = HiddenField(default="0")
    day = DayField(_l("Day"), render_kw={"required": True})
    starts = ClockField(_l("Starts at"))
    ends = ClockField(_l("Ends at"))
    hours = HoursField(_l("Or only hours"), render_kw={"inputmode": "decimal", "placeholder": "1.5"})
    done = TextAreaField(_l("What was done"), render_kw={"rows": 3, "maxlength": LONGEST_DONE})
    competencies = TickBoxes(_l("Practised"))
    files = MultipleFileField(_l("Files as evidence"), render_kw={"accept": ACCEPTED})
    late_reason = TextAreaField(
        _l("Why it comes late"),
        render_kw={"rows": 2, "maxlength": LONGEST_LATE_REASON},
    )

    def offer(self, enrolment: Enrolment) -> LogForm:
        """Fill the boxes with what an enrolment's training teaches; the only one is ticked."""
        taught = [row.competency for row in enrolment.resource.teaches]
        self.competencies.choices = choices((competency.code, competency.name) for competency in taught)
        if not self.is_submitted() and self.competencies.data is None and len(taught) == 1:
            self.competencies.data = [taught[0].code]
        return self

    def begin(self, day: date) -> LogForm:
        """Fill a form that was not yet sent for a new log of a day."""
        self.day.data = day
        return self

    def show(self, log: PracticeLog) -> LogForm:
        """Fill a form that was not yet sent with a stored log, whose competencies must be loaded."""
        self.version.data = str(log.version)
        self.day.data, self.starts.data, self.ends.data = log.day, log.starts, log.ends
        self.hours.data = log.minutes if log.starts is None else None
        self.done.data, self.late_reason.data = log.done, log.late_reason
        self.competencies.data = [competency.code for competency in log.competencies]
        return self

    def named(self, key: str) -> LogForm:
        """Give the fields ids of their own, as several forms stand on one page."""
        for field in self:
            field.id = field.label.field_id = f"{field.name}-{key}"
        return self

    def entry(self, enrolment_id: int) -> LogEntry:
        """The form's values as the service takes them."""
        return LogEntry(
            enrolment_id=enrolment_id,
            day=self.day.data,
            starts=self.starts.data,
            ends=self.ends.data,
            minutes=self.hours.data,
            done=self.done.data or "",
            competencies=self.competencies.data or [],
            late_reason=self.late_reason.data or "",
        )

    def uploads(self) -> list[Upload]:
        """The files that were sent, each read no further than it takes to see that it is too large."""
        return [Upload(file.filename or "", file.read(MOST_BYTES + 1)) for file in self.files.data or []]
