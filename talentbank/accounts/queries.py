"""Reads of people and organisations, within what the actor may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from talentbank.accounts.models import Organisation, Standing, User, Vetting
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role

PER_PAGE = 25


def person(session_id: str) -> User | None:
    """The person whom Flask-Login's session speaks of, if the session is still of the account's version."""
    user_id, _, version = session_id.partition(".")
    if not (user_id.isdecimal() and version.isdecimal()):
        return None
    user = db.session.get(User, int(user_id))
    return user if user and user.active and user.session_version == int(version) else None


def sees_vetting(actor: Actor) -> bool:
    """Whether the actor sees organisations however they stand, their contacts, and how they were decided on."""
    return actor.role in (Role.CHAMBER, Role.ADMINISTRATOR)


def organisation(actor: Actor, organisation_id: int) -> Organisation:
    """One organisation. Raises NotFound unless it is there and the actor may see it."""
    found = db.session.get(Organisation, organisation_id)
    if found is None or not (found.standing is Standing.APPROVED or sees_vetting(actor)):
        raise NotFound(_l("There is no such organisation."))
    return found


def own_organisation(actor: Actor) -> Organisation:
    """The actor's organisation, however it stands. Raises NotFound for somebody who belongs to none."""
    found = db.session.get(Organisation, actor.organisation_id or 0)
    if found is None:
        raise NotFound(_l("There is no such organisation."))
    return found


def decisions(organisation_id: int) -> Sequence[Vetting]:
    """The chamber's decisions on an enterprise with who took each, the newest first."""
    query = select(Vetting).where(Vetting.organisation_id == organisation_id).order_by(Vetting.id.desc())
    return db.session.scalars(query.options(joinedload(Vetting.user))).all()


def people_of(organisation_id: int) -> Sequence[int]:
    """The ids of the people who may sign in for an organisation."""
    return people_of_each([organisation_id]).get(organisation_id, [])


def people_of_each(organisation_ids: Collection[int]) -> dict[int, list[int]]:
    """The ids of the people who may sign in for organisations, by the organisation's id."""
    people: dict[int, list[int]] = {}
    query = select(User.organisation_id, User.id).where(User.organisation_id.in_(organisation_ids), User.active)
    for organisation_id, user_id in db.session.execute(query.order_by(User.id)):
        if organisation_id is not None:
            people.setdefault(organisation_id, []).append(user_id)
    return people


def people_with(role: Role) -> Sequence[User]:
    """The people with a role who may sign in."""
    return db.session.scalars(select(User).where(User.role == role, User.active).order_by(User.id)).all()


def organisations(actor: Actor, kind: str, standing: str, text: str, page: int) -> Pagination:
    """Organisations by kind, standing and part of a name; those that wait for a decision first."""
    query = select(Organisation).order_by(
        Organisation.standing != Standing.PENDING, Organisation.kind, Organisation.id
    )
    if not sees_vetting(actor):
        query = query.where(Organisation.standing == Standing.APPROVED)
    if kind in set(Role):
        query = query.where(Organisation.kind == Role(kind))
    if standing in set(Standing):
        query = query.where(Organisation.standing == Standing(standing))
    if text:
        query = query.where(
            or_(
                Organisation.name_zh.icontains(text, autoescape=True),
                Organisation.name_en.icontains(text, autoescape=True),
            )
        )
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def people(role: str, text: str, organisation_id: int | None, page: int) -> Pagination:
    """Accounts by role, organisation and part of a name or address."""
    query = select(User).options(joinedload(User.organisation)).order_by(User.id)
    if role in set(Role):
        query = query.where(User.role == Role(role))
    if organisation_id is not None:
        query = query.where(User.organisation_id == organisation_id)
    if text:
        query = query.where(
            or_(User.name.icontains(text, autoescape=True), User.email.icontains(text, autoescape=True))
        )
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def choices_of_organisations(actor: Actor) -> list[tuple[int, str]]:
    """Organisations that a person can be invited into, for a form."""
    query = (
        select(Organisation)
        .where(Organisation.standing == Standing.APPROVED)
        .order_by(Organisation.kind, Organisation.id)
    )
    if actor.role is not Role.ADMINISTRATOR:
        query = query.where(Organisation.id == actor.organisation_id)
    return [(o.id, o.name) for o in db.session.scalars(query)]
