"""What a page of choices sends: a number for each choice, a tick for what is ruled out."""

from __future__ import annotations

from collections.abc import Iterable

from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField

from talentbank.errors import Invalid
from talentbank.extensions import lazy_gettext as _l
from talentbank.fields import choices
from talentbank.rounds.models import Others

OTHERS_LABELS = {
    Others.ANY: _l("Any other is fine"),
    Others.ONLY: _l("Only these"),
}

MOST_DIGITS = 9


class ChoicesForm(FlaskForm):
    """Beside `version` come the fields `rank-<key>` (1 is the first choice) and `out-<key>` of each that is shown."""

    version = HiddenField(default="0")
    others = RadioField(
        _l("And the positions that you did not rank?"),
        choices=choices((o.value, label) for o, label in OTHERS_LABELS.items()),
        default=Others.ANY.value,
        validate_choice=False,
    )


def chosen(fields: Iterable[tuple[str, str]]) -> tuple[list[int], list[int]]:
    """The keys that were ranked, in order, and those that were ruled out; gaps between numbers don't matter.

    Raises Invalid for a number that is none, or that two choices share.
    """
    places: dict[int, int] = {}
    ruled_out = []
    for name, value in fields:
        kind, _, key = name.partition("-")
        if kind not in ("rank", "out") or not value.strip():
            continue
        if not _whole(key):
            raise Invalid(_l("This form is not one of the bank's: load the page again."))
        if kind == "out":
            ruled_out.append(int(key))
        elif not _whole(value.strip()) or int(value) < 1:
            raise Invalid(errors={"ranked": _l("Number your choices with whole numbers: 1 is the first.")})
        else:
            places[int(key)] = int(value)
    if len(set(places.values())) < len(places):
        raise Invalid(errors={"ranked": _l("Two choices have the same number: give each its own.")})
    return sorted(places, key=lambda key: places[key]), ruled_out


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
