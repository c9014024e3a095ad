"""The student's profile as a form."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from talentbank.competencies.catalogue import CATEGORY_LABELS
from talentbank.competencies.models import City, Competency, Student
from talentbank.competencies.service import ClaimedLevel, Profile
from talentbank.engine.competency import MAX_LEVEL
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import SalaryField, WholeField, choices

LEVEL_LABELS = (
    _l("0 none"),
    _l("1 aware"),
    _l("2 assisted"),
    _l("3 independent"),
    _l("4 leads"),
    _l("5 expert"),
)

LEVEL_MEANINGS = (
    _l("I have not met it."),
    _l("I know what it is and can talk about it."),
    _l("I have done it with somebody's help."),
    _l("I do it on my own, and the result can be used."),
    _l("I lead others in it and answer for the result."),
    _l("Others come to me when it is difficult."),
)


class TickBoxes(SelectMultipleField):
    """Several choices as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Form) -> None:
        """Unknown choices are the service's to refuse, with its sentence."""


class LevelForm(Form):
    """One competency of the catalogue and the level claimed."""

    competency = HiddenField()
    level = WholeField(default=0)


class ProfileForm(FlaskForm):
    """Everything that a student says for matching."""

    version = HiddenField(default="0")
    available = BooleanField(_l("I am looking for a position: take me into the next rounds"), default=True)
    categories = TickBoxes(
        _l("Categories that I accept (none ticked: any)"),
        choices=choices((c.value, name) for c, name in CATEGORY_LABELS.items()),
    )
    cities = TickBoxes(_l("Cities that I accept (none ticked: any)"))
    min_salary = SalaryField(_l("Salary floor (10k RMB a year)"), render_kw={"inputmode": "decimal"})
    cohort = WholeField(_l("Year of graduation"), render_kw={"inputmode": "numeric"})
    major = StringField(_l("Major"), render_kw={"maxlength": 100})
    levels = FieldList(FormField(LevelForm))

    def offer(self, cities: list[City]) -> ProfileForm:
        """Fill the boxes with what can be chosen."""
        self.cities.choices = choices((city.code, city.name) for city in cities)
        return self

    def show(self, student: Student | None, catalogue: list[Competency]) -> ProfileForm:
        """Fill a form that was not yet sent: the whole catalogue, with the levels claimed so far."""
        claimed = {row.competency_id: row.claimed for row in student.levels} if student else {}
        for competency in catalogue:
            self.levels.append_entry({"competency": competency.code, "level": claimed.get(competency.id, 0)})
        if student:
            self.version.data = str(student.version)
            self.available.data = student.available
            self.categories.data, self.cities.data = student.categories, student.cities
            self.min_salary.data = student.min_salary or None
            self.cohort.data, self.major.data = student.cohort, student.major
        return self

    def profile(self) -> Profile:
        """The form's values as the service takes them."""
        return Profile(
            categories=self.categories.data or [],
            cities=self.cities.data or [],
            min_salary=self.min_salary.data or 0,
            available=self.available.data,
            cohort=self.cohort.data,
            major=self.major.data or "",
            levels=[ClaimedLevel(row.competency.data or "", row.level.data) for row in self.levels],
        )


LEVELS = range(MAX_LEVEL + 1)
