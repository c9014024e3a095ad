"""Form fields that several rooms share; each says in a sentence what it could not read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from wtforms import DateField, Field, FloatField, IntegerField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import TextInput

from talentbank.extensions import gettext as _
from talentbank.extensions import lazy_gettext as _l


def choices(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """What a drop-down or boxes offer, out of (value, text) pairs."""
    return [SelectChoice(str(value), text) for value, text in pairs]


class _Optional:
    """What is left blank is None: whether something must be written is the service's to say."""

    data: Any
    refusal: object

    def process_formdata(self, valuelist: list[str]) -> None:
        if not any(value.strip() for value in valuelist):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)  # type: ignore[misc]
        except ValueError:
            raise ValueError(str(self.refusal)) from None


class WholeField(_Optional, IntegerField):
    """A whole number, or nothing."""

    data: int | None
    refusal = _l("Write a whole number, such as 3.")

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and abs(self.data) > 10**9:
            raise ValueError(_("That number is too large."))


class NumberField(_Optional, FloatField):
    """A finite number, with decimals or without, or nothing."""

    data: float | None
    refusal = _l("Write a number, such as 1.5.")

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not math.isfinite(self.data):
            self.data = None
            raise ValueError(str(self.refusal))


class DayField(_Optional, DateField):
    """A day, or nothing."""

    data: date | None
    refusal = _l("Write a date as year-month-day, such as 2026-09-01.")

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not 2000 <= self.data.year <= 2100:
            raise ValueError(_("The year must be between 2000 and 2100."))


class ScaledField(Field):
    """A number with decimals on the page, a whole number of its smallest unit as data, or nothing."""

    widget = TextInput()
    data: int | None
    scale: int
    most: int
    """The largest amount, in the smallest unit, that is still read; whether it is meant is the service's to say."""
    refusal: object

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.shown(Decimal(self.data) / self.scale)

    def shown(self, amount: Decimal) -> str:
        """An amount that was there before anybody wrote, as the page shows it."""
        return f"{amount:f}"

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            amount = Decimal(text) * self.scale
        except ArithmeticError:  # no number, or one beyond all measure
            amount = Decimal("NaN")
        if not amount.is_finite() or abs(amount) > self.most or amount != amount.to_integral_value():
            raise ValueError(str(self.refusal))
        self.data = int(amount)


class SalaryField(ScaledField):
    """A salary in 10k RMB a year on the page, in whole RMB a year as data."""

    scale, most = 10_000, 10**8
    refusal = _l("Write 10k RMB a year, such as 8.5 for 85,000 RMB.")


class CreditsField(ScaledField):
    """Credits with two decimals at most on the page, in hundredths as data."""

    scale, most = 100, 10**11
    refusal = _l("Write credits with at most two decimals, such as 40 or 12.50.")

    def shown(self, amount: Decimal) -> str:
        return f"{amount:.2f}"
