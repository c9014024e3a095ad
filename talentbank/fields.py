"""Form fields that several rooms share; each says in a sentence what it could not read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from wtforms import DateField, Field, FloatField, IntegerField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import TextInput

from talentbank.extensions import gettext as _


def choices(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """What a drop-down or boxes offer, out of (value, text) pairs."""
    return [SelectChoice(str(value), text) for value, text in pairs]


def _blank(values: list[str]) -> bool:
    """Whether nothing was written; whether something must be is the service's to say."""
    return not any(value.strip() for value in values)


class WholeField(IntegerField):
    """A whole number, or nothing."""

    data: int | None

    def process_formdata(self, valuelist: list[str]) -> None:
        if _blank(valuelist):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write a whole number, such as 3.")) from None
        if self.data is not None and abs(self.data) > 10**9:
            raise ValueError(_("That number is too large."))


class NumberField(FloatField):
    """A finite number, with decimals or without, or nothing."""

    data: float | None

    def process_formdata(self, valuelist: list[str]) -> None:
        if _blank(valuelist):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write a number, such as 1.5.")) from None
        if isinstance(self.data, float) and not math.isfinite(self.data):
            self.data = None
            raise ValueError(_("Write a number, such as 1.5."))


class DayField(DateField):
    """A day, or nothing."""

    data: date | None

    def process_formdata(self, valuelist: list[str]) -> None:
        if _blank(valuelist):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("Write a date as year-month-day, such as 2026-09-01.")) from None
        if isinstance(self.data, date) and not 2000 <= self.data.year <= 2100:
            raise ValueError(_("The year must be between 2000 and 2100."))


class SalaryField(Field):
    """A salary in 10k RMB a year on the page, in whole RMB a year as data."""

    widget = TextInput()
    data: int | None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{Decimal(self.data) / 10_000:f}"

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            amount = Decimal(text) * 10_000
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or abs(amount) > 10**8 or amount != amount.to_integral_value():
            raise ValueError(_("Write 10k RMB a year, such as 8.5 for 85,000 RMB."))
        self.data = int(amount)
