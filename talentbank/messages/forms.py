"""A message."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import TextAreaField

from talentbank.extensions import lazy_gettext as _l
from talentbank.messages.service import LONGEST


class MessageForm(FlaskForm):
    """What somebody writes to the other side."""

    words = TextAreaField(_l("Your message"), render_kw={"rows": 5, "maxlength": LONGEST, "required": True})
