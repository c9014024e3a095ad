"""A position as a form, with its requirement rows."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, FieldList, Form, FormField, HiddenField, SelectField, StringField, TextAreaField

from talentbank.competencies.catalogue import CATEGORY_LABELS
from talentbank.competencies.forms import LEVEL_LABELS
from talentbank.competencies.models import City, Competency
from talentbank.deposits.models import Contract, Position, PositionState
from talentbank.deposits.service import PositionDeposit, RequirementDeposit
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import DayField, NumberField, SalaryField, WholeField, choices

CONTRACT_LABELS = {Contract.EMPLOYMENT: _l("Employment"), Contract.INTERNSHIP: _l("Internship")}
STATE_LABELS = {
    PositionState.OPEN: _l("open"),
    PositionState.CLOSED: _l("closed"),
    PositionState.BLOCKED: _l("blocked"),
}

MOST_ROWS = 30
BLANK_ROWS = 3


class RequirementForm(Form):
    """One requirement; a row without a competency is not meant."""

    competency = SelectField(_l("Competency"), validate_choice=False)
    level = WholeField(_l("Level"), default=3)
    weight = NumberField(_l("Weight"), default=1.0)
    must_have = BooleanField(_l("Must-have"))

    @property
    def level_choices(self) -> list[tuple[int, object]]:
        return list(enumerate(LEVEL_LABELS))[1:]


class PositionForm(FlaskForm):
    """Everything that an enterprise says of a position."""

    version = HiddenField(default="0")
    title = StringField(_l("Title"), render_kw={"required": True, "maxlength": 120, "autofocus": True})
    title_en = StringField(_l("Title in English (if there is one)"), render_kw={"maxlength": 120})
    category = SelectField(
        _l("Category"), choices=choices((c.value, n) for c, n in CATEGORY_LABELS.items()), validate_choice=False
    )
    city = SelectField(_l("City"), validate_choice=False)
    contract = SelectField(
        _l("Contract"), choices=choices((c.value, name) for c, name in CONTRACT_LABELS.items()), validate_choice=False
    )
    headcount = WholeField(_l("Headcount (seats)"), default=1, render_kw={"required": True, "inputmode": "numeric"})
    min_salary = SalaryField(_l("Salary from (10k RMB a year)"), render_kw={"required": True, "inputmode": "decimal"})
    max_salary = SalaryField(_l("Salary to (10k RMB a year)"), render_kw={"required": True, "inputmode": "decimal"})
    opens_on = DayField(_l("Open from (empty: today)"))
    closes_on = DayField(_l("Open to (empty: until closed)"))
    description = TextAreaField(_l("What the person will do"), render_kw={"rows": 4, "maxlength": 4000})
    requirements = FieldList(FormField(RequirementForm), max_entries=MOST_ROWS)

    def offer(self, cities: list[City], competencies: list[Competency]) -> PositionForm:
        """Fill the drop-downs, with blank rows below the requirements, as many as fit."""
        self.city.choices = choices((city.code, city.name) for city in cities)
        for _ in range(min(BLANK_ROWS, MOST_ROWS - len(self.requirements))):
            self.requirements.append_entry()
        offered = choices([("", _l("choose …")), *((c.code, c.name) for c in competencies)])
        for row in self.requirements:
            row.competency.choices = offered
        return self

    def show(self, position: Position) -> PositionForm:
        """Fill a form that was not yet sent with a stored position."""
        for name in (
            "title",
            "title_en",
            "headcount",
            "min_salary",
            "max_salary",
            "opens_on",
            "closes_on",
            "description",
        ):
            self[name].data = getattr(position, name)
        self.version.data = str(position.version)
        self.category.data, self.contract.data = position.category.value, position.contract.value
        self.city.data = position.city_code
        for row in position.requirements:
            self.requirements.append_entry(
                {
                    "competency": row.competency.code,
                    "level": row.level,
                    "weight": row.weight,
                    "must_have": row.must_have,
                }
            )
        return self

    def deposit(self) -> PositionDeposit:
        """The form's values as the service takes them."""
        return PositionDeposit(
            title=self.title.data or "",
            title_en=self.title_en.data or "",
            description=self.description.data or "",
            category=self.category.data or "",
            city=self.city.data or "",
            contract=self.contract.data or "",
            headcount=self.headcount.data,
            min_salary=self.min_salary.data,
            max_salary=self.max_salary.data,
            opens_on=self.opens_on.data,
            closes_on=self.closes_on.data,
            requirements=[
                RequirementDeposit(row.competency.data or "", row.level.data, row.weight.data, row.must_have.data)
                for row in self.requirements
            ],
        )
