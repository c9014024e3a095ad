"""Organisations, people, students and positions for tests, each in a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import func, select
from stdnum.cn import uscc

from talentbank.accounts import passwords
from talentbank.accounts import service as accounts
from talentbank.accounts.models import Organisation, Standing, User
from talentbank.accounts.service import Registration
from talentbank.audit import AuditEntry
from talentbank.competencies import queries as catalogue
from talentbank.competencies.models import Student, StudentLevel
from talentbank.deposits import service as deposits
from talentbank.deposits.models import Position
from talentbank.deposits.service import PositionDeposit, RequirementDeposit
from talentbank.extensions import db, now, transaction
from talentbank.permissions import SYSTEM, Actor, Role

PASSWORD = "correct horse battery"

CONTACT = "韦某 028-3812 3456"
"""Whom the chamber can reach at an enterprise."""

_numbers = count(1)


def licence() -> str:
    """A unified social credit code that is well-formed, and another one each time."""
    body = f"91511400{next(_numbers):09d}"
    return body + uscc.calc_check_digit(body)


def organisation(kind: Role, standing: Standing = Standing.APPROVED, name: str = "") -> Organisation:
    """An organisation; approved unless told otherwise, as the administrator adds them: without a licence."""
    if standing is Standing.APPROVED:
        return accounts.add_organisation(SYSTEM, kind, name or f"机构{next(_numbers)}", "")
    with transaction():
        made = Organisation(
            kind=kind,
            name_zh=name or f"机构{next(_numbers)}",
            name_en="",
            standing=standing,
            licence=licence(),
            contact=CONTACT,
            created_at=now(),
        )
        db.session.add(made)
    return made


def registration(**changes: str) -> Registration:
    """A registration that is in order, of another enterprise each time, but for what the test changes."""
    number = next(_numbers)
    good = {
        "name_zh": f"眉山跨境{number}",
        "name_en": "",
        "licence": licence(),
        "contact": CONTACT,
        "person": "韦某",
        "email": f"wei-{number}@firm.example",
        "password": PASSWORD,
    }
    return Registration(**{**good, **changes})


def person(role: Role, member_of: Organisation | None = None, email: str = "", *, active: bool = True) -> Actor:
    """Somebody who can sign in with PASSWORD, in a new organisation where the role needs one and none is given."""
    if member_of is None and role in accounts.ORGANISED:
        member_of = organisation(Role.UNIVERSITY if role is Role.STUDENT else role)
    number = next(_numbers)
    with transaction():
        user = User(
            email=email or f"{role.value}-{number}@bank.example",
            name=f"某人{number}",
            role=role,
            organisation_id=member_of.id if member_of else None,
            password_hash=passwords.hashed(PASSWORD),
            active=active,
            created_at=now(),
        )
        db.session.add(user)
    return user.actor


def user(actor: Actor) -> User:
    """The account of an actor as it is stored now."""
    db.session.expire_all()
    return db.session.get_one(User, actor.user_id)


def student(
    actor: Actor | None = None,
    levels: Mapping[str, int] | None = None,
    verified: Mapping[str, int] | None = None,
    **values: Any,
) -> Student:
    """A profile, of a new person unless told whose; levels and verified by the competency's code."""
    actor = actor or person(Role.STUDENT)
    claimed, verified = levels or {}, verified or {}
    ids = {entry.code: entry.id for entry in catalogue.competencies()}
    with transaction():
        made = Student(
            user_id=actor.user_id,
            university_id=actor.organisation_id,
            **{"categories": [], "cities": [], **values},
            levels=[
                StudentLevel(
                    competency_id=ids[code],
                    claimed=claimed.get(code, 0),
                    verified=verified.get(code, 0),
                    assessed=verified.get(code, 0),
                )
                for code in sorted({*claimed, *verified})
            ],
        )
        db.session.add(made)
    return made


def wanted(**changes: Any) -> PositionDeposit:
    """What an enterprise may well deposit, but for what the test changes."""
    good: dict[str, Any] = {
        "title": "运营专员",
        "category": "operations",
        "city": "meishan",
        "headcount": 2,
        "min_salary": 80_000,
        "max_salary": 120_000,
        "requirements": (RequirementDeposit("platform_ops", 3),),
    }
    return PositionDeposit(**{**good, **changes})


def position(actor: Actor | None = None, **changes: Any) -> Position:
    """A deposited position, of a new approved enterprise unless told whose."""
    return deposits.deposit(actor or person(Role.ENTERPRISE), wanted(**changes))


def stored(*models: type[Any]) -> Sequence[int]:
    """How many rows each of the models has, and the audit trail last: to see that nothing was stored."""
    db.session.rollback()
    return [db.session.scalar(select(func.count()).select_from(model)) or 0 for model in (*models, AuditEntry)]
