"""Where a graduate went, as a form."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField

from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import DayField, choices
from talentbank.placements.destinations.models import DestinationKind
from talentbank.placements.destinations.queries import Graduate, Known, Part
from talentbank.placements.destinations.service import LONGEST_NAME, Word

KIND_LABELS = {
    DestinationKind.CBEC: _l("Employed in cross-border e-commerce"),
    DestinationKind.OTHER_WORK: _l("Employed in another field"),
    DestinationKind.OWN_BUSINESS: _l("A business of one's own"),
    DestinationKind.SERVICE: _l("Military or volunteer service"),
    DestinationKind.STUDY: _l("Further study"),
    DestinationKind.SEEKING: _l("Still looking for work"),
    DestinationKind.NOT_SEEKING: _l("Not looking for work"),
}

KNOWN_LABELS = {
    Known.KNOWN: _l("Destination known"),
    Known.UNKNOWN: _l("Not known yet"),
    Known.WAITING: _l("Waiting for the student"),
}

PART_LABELS = {
    Part.BANK: _l("CBEC through the bank"),
    Part.ELSEWHERE: _l("CBEC elsewhere"),
    Part.NOTHING: _l("Nothing recorded"),
}

SOURCE_LABELS = {
    "bank": _l("the talent bank"),
    "student": _l("the student"),
    "university": _l("the university"),
}


class DestinationForm(FlaskForm):
    """What a graduate does, where, and since when."""

    version = HiddenField(default="0")
    kind = SelectField(
        _l("What fits best?"),
        choices=choices([("", _l("choose …")), *((kind.value, label) for kind, label in KIND_LABELS.items())]),
        validate_choice=False,
        default="",
    )
    employer = StringField(_l("Employer, business or school"), render_kw={"maxlength": LONGEST_NAME})
    since = DayField(_l("Since when"))

    def show(self, graduate: Graduate) -> DestinationForm:
        """Fill a form that was not yet sent with what is recorded."""
        self.version.data = str(graduate.version)
        self.kind.data = graduate.kind.value if graduate.kind else ""
        self.employer.data, self.since.data = graduate.employer, graduate.since
        return self

    @property
    def word(self) -> Word:
        """The form's values as the service takes them."""
        return Word(self.kind.data or "", self.employer.data or "", self.since.data)
