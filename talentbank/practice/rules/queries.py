"""Reads of rules: whose they are, and which universities recognise practice credits as their own."""

from __future__ import annotations

from sqlalchemy import select

from talentbank.accounts.models import Organisation
from talentbank.errors import NotFound
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Role
from talentbank.practice.models import PracticeRules


def university(university_id: int | None) -> Organisation:
    """A university; what it asks of practice is no secret. Raises NotFound."""
    found = db.session.get(Organisation, university_id) if university_id else None
    if found is None or found.kind is not Role.UNIVERSITY:
        raise NotFound(_l("There is no such university."))
    return found


def recognising() -> frozenset[int]:
    """The universities that count practice credits as their own."""
    return frozenset(db.session.scalars(select(PracticeRules.university_id).where(PracticeRules.recognised)))
