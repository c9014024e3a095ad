"""A training resource as a form, with rows of what it teaches; and the credits that are put on it."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import FieldList, Form, FormField, HiddenField, SelectField, StringField, TextAreaField

from talentbank.accounts.models import User
from talentbank.competencies.catalogue import CATEGORY_LABELS
from talentbank.competencies.forms import LEVEL_LABELS
from talentbank.competencies.models import City, Competency
from talentbank.deposits.resources.models import Admission, ResourceKind, Tier, TrainingResource
from talentbank.deposits.resources.service import ResourceDeposit, TaughtDeposit
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import CreditsField, DayField, WholeField, choices

KIND_LABELS = {
    ResourceKind.COURSE: _l("Course"),
    ResourceKind.PROJECT: _l("Real project"),
    ResourceKind.INTERNSHIP: _l("Internship"),
    ResourceKind.MENTORING: _l("Mentoring"),
}
TIER_LABELS = {
    Tier.FRONTLINE: _l("Frontline staff"),
    Tier.MIDDLE: _l("Middle management"),
    Tier.EXECUTIVE: _l("Executives"),
}
ADMISSION_LABELS = {
    Admission.OPEN: _l("First come, first served"),
    Admission.CHOSEN: _l("The host chooses among those who ask"),
}

MOST_ROWS = 20
BLANK_ROWS = 2


class TaughtForm(Form):
    """One competency that is taught; a row without a competency is not meant."""

    competency = SelectField(_l("Competency"), validate_choice=False)
    level = WholeField(_l("Up to level"), default=3)

    @property
    def level_choices(self) -> list[tuple[int, object]]:
        return list(enumerate(LEVEL_LABELS))[1:]


class FundForm(FlaskForm):
    """Credits that are put on a resource's account."""

    credits = CreditsField(_l("Practice credits to add"), render_kw={"required": True, "inputmode": "decimal"})


class ResourceForm(FlaskForm):
    """Everything that a host says of a training resource."""

    version = HiddenField(default="0")
    title = StringField(_l("Name of the training"), render_kw={"required": True, "maxlength": 120, "autofocus": True})
    title_en = StringField(_l("Title in English (if there is one)"), render_kw={"maxlength": 120})
    kind = SelectField(
        _l("Kind"), choices=choices((k.value, name) for k, name in KIND_LABELS.items()), validate_choice=False
    )
    category = SelectField(
        _l("Category"), choices=choices((c.value, n) for c, n in CATEGORY_LABELS.items()), validate_choice=False
    )
    tier = SelectField(
        _l("For whom"), choices=choices((t.value, name) for t, name in TIER_LABELS.items()), validate_choice=False
    )
    description = TextAreaField(_l("What people do here"), render_kw={"rows": 4, "maxlength": 4000})
    starts_on = DayField(_l("It begins on"), render_kw={"required": True})
    ends_on = DayField(_l("It ends on"), render_kw={"required": True})
    city = SelectField(_l("City"), validate_choice=False)
    place = StringField(_l("Place, or address of the online room"), render_kw={"maxlength": 120})
    hours = WholeField(_l("Hours of the whole programme"), render_kw={"required": True, "inputmode": "numeric"})
    seats = WholeField(_l("Seats"), default=10, render_kw={"required": True, "inputmode": "numeric"})
    fee = WholeField(_l("Fee asked of students (RMB)"), default=0, render_kw={"inputmode": "numeric"})
    admission = SelectField(
        _l("How seats are given"),
        choices=choices((a.value, name) for a, name in ADMISSION_LABELS.items()),
        validate_choice=False,
    )
    supervisor = SelectField(_l("Supervisor"), validate_choice=False)
    credits = CreditsField(
        _l("Practice credits that it can pay out"), render_kw={"required": True, "inputmode": "decimal"}
    )
    teaches = FieldList(FormField(TaughtForm), max_entries=MOST_ROWS)

    def offer(
        self, cities: list[City], competencies: list[Competency], supervisors: list[User], chosen: int | None
    ) -> ResourceForm:
        """Fill the drop-downs, with blank rows below what is taught; chosen: who supervises so far."""
        self.city.choices = choices([("", _l("Online")), *((city.code, city.name) for city in cities)])
        self.supervisor.choices = choices((user.id, user.shown_name) for user in supervisors)
        if self.supervisor.data is None:
            self.supervisor.data = str(chosen)
        for _row in range(min(BLANK_ROWS, MOST_ROWS - len(self.teaches))):
            self.teaches.append_entry()
        offered = choices([("", _l("choose …")), *((c.code, c.name) for c in competencies)])
        for row in self.teaches:
            row.competency.choices = offered
        return self

    def show(self, resource: TrainingResource) -> ResourceForm:
        """Fill a form that was not yet sent with a stored resource."""
        names = ("title", "title_en", "description", "place", "starts_on", "ends_on", "hours", "seats", "fee")
        for name in names:
            self[name].data = getattr(resource, name)
        for name in ("kind", "category", "tier", "admission"):
            self[name].data = getattr(resource, name).value
        self.version.data = str(resource.version)
        self.city.data = resource.city_code or ""
        for row in resource.teaches:
            self.teaches.append_entry({"competency": row.competency.code, "level": row.level})
        return self

    def without_credits(self) -> ResourceForm:
        """The form of a change: the account is added to on the resource's page."""
        del self.credits
        return self

    def deposit(self) -> ResourceDeposit:
        """The form's values as the service takes them; a forged supervisor is nobody's id."""
        supervisor = self.supervisor.data or ""
        return ResourceDeposit(
            title=self.title.data or "",
            title_en=self.title_en.data or "",
            description=self.description.data or "",
            kind=self.kind.data or "",
            category=self.category.data or "",
            tier=self.tier.data or "",
            admission=self.admission.data or "",
            starts_on=self.starts_on.data,
            ends_on=self.ends_on.data,
            city=self.city.data or "",
            place=self.place.data or "",
            hours=self.hours.data,
            seats=self.seats.data,
            fee=self.fee.data,
            supervisor=int(supervisor) if supervisor.isdecimal() and len(supervisor) < 10 else 0,
            credits=self.credits.data if self.credits else None,
            teaches=[TaughtDeposit(row.competency.data or "", row.level.data) for row in self.teaches],
        )
