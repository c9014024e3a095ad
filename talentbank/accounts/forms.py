"""Forms of the accounts room. They parse; the service judges."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField, TextAreaField

from talentbank.accounts.models import Standing
from talentbank.accounts.service import ORGANISED, Registration
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import choices
from talentbank.permissions import Role

ROLE_LABELS = {
    Role.STUDENT: _l("Student"),
    Role.ENTERPRISE: _l("Enterprise"),
    Role.UNIVERSITY: _l("University"),
    Role.CHAMBER: _l("Chamber of commerce"),
    Role.ZONE: _l("Zone"),
    Role.GOVERNMENT: _l("Government"),
    Role.ADMINISTRATOR: _l("Administrator"),
    Role.STRANGER: _l("Visitor"),
    Role.SYSTEM: _l("System"),
}

STANDING_LABELS = {
    Standing.PENDING: _l("Waiting for approval"),
    Standing.APPROVED: _l("Approved"),
    Standing.REFUSED: _l("Refused"),
}


_LICENCE = {"maxlength": 40, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
_CONTACT = _l("Contact for the chamber: a person's name, telephone or e-mail")


class SignInForm(FlaskForm):
    """E-mail and password."""

    email = EmailField(_l("E-mail"), render_kw={"autocomplete": "username", "autofocus": True, "required": True})
    password = PasswordField(_l("Password"), render_kw={"autocomplete": "current-password", "required": True})
    next = HiddenField()


class RegistrationForm(FlaskForm):
    """A new enterprise and its first person."""

    name_zh = StringField(_l("Enterprise, in Chinese"), render_kw={"required": True, "maxlength": 120})
    name_en = StringField(_l("Enterprise, in English (if it has a name)"), render_kw={"maxlength": 120})
    licence = StringField(_l("Unified social credit code"), render_kw={**_LICENCE, "required": True})
    contact = StringField(_CONTACT, render_kw={"required": True, "maxlength": 120})
    person = StringField(_l("Your name"), render_kw={"autocomplete": "name", "required": True, "maxlength": 120})
    email = EmailField(_l("Your e-mail"), render_kw={"autocomplete": "username", "required": True})
    password = PasswordField(
        _l("Password (at least 10 characters)"),
        render_kw={"autocomplete": "new-password", "required": True, "minlength": 10},
    )

    def registration(self) -> Registration:
        """The form's values as the service takes them."""
        fields = ("name_zh", "name_en", "licence", "contact", "person", "email", "password")
        return Registration(**{name: self[name].data or "" for name in fields})


class PasswordForm(FlaskForm):
    """Change one's own password."""

    current = PasswordField(_l("Current password"), render_kw={"autocomplete": "current-password", "required": True})
    new = PasswordField(
        _l("New password (at least 10 characters)"),
        render_kw={"autocomplete": "new-password", "required": True, "minlength": 10},
    )


class InvitationForm(FlaskForm):
    """Whom to invite, as what, into which organisation."""

    email = EmailField(_l("E-mail"), render_kw={"required": True})
    name = StringField(_l("Name"), render_kw={"required": True, "maxlength": 120})
    role = SelectField(_l("Role"))
    organisation = SelectField(_l("Organisation"), coerce=int)

    def offer(self, roles: list[Role], organisations: list[tuple[int, str]]) -> InvitationForm:
        """Fill the drop-downs with what the actor may choose."""
        self.role.choices = choices((role.value, ROLE_LABELS[role]) for role in roles)
        none = [(0, _l("none (administrators only)"))] if Role.ADMINISTRATOR in roles else []
        self.organisation.choices = choices([*organisations, *none])
        return self


class AcceptForm(FlaskForm):
    """Open the account that an invitation promises."""

    name = StringField(_l("Your name"), render_kw={"autocomplete": "name", "required": True, "maxlength": 120})
    password = PasswordField(
        _l("Password (at least 10 characters)"),
        render_kw={"autocomplete": "new-password", "required": True, "minlength": 10},
    )


class OrganisationForm(FlaskForm):
    """An organisation that the administrator vouches for."""

    kind = SelectField(
        _l("Kind"), choices=choices((role.value, ROLE_LABELS[role]) for role in ORGANISED if role is not Role.STUDENT)
    )
    name_zh = StringField(_l("Name in Chinese"), render_kw={"required": True, "maxlength": 120})
    name_en = StringField(_l("Name in English (if there is one)"), render_kw={"maxlength": 120})


class OwnOrganisationForm(FlaskForm):
    """What an enterprise can change of itself."""

    licence = StringField(_l("Unified social credit code"), render_kw=_LICENCE)
    contact = StringField(_CONTACT, render_kw={"required": True, "maxlength": 120})


class DecisionForm(FlaskForm):
    """The chamber's decision on an enterprise; before and licence: how the page showed it."""

    standing = HiddenField()
    before = HiddenField()
    licence = HiddenField()
    reason = TextAreaField(_l("Reason (the enterprise reads it)"), render_kw={"rows": 2, "maxlength": 500})
