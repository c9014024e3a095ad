"""A small market to act in: people of each kind, positions and students, made without passwords."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import select

from talentbank.accounts.models import Organisation, Standing, User
from talentbank.competencies.models import Competency, Student, StudentLevel
from talentbank.deposits.models import Contract, Position, PositionRequirement, PositionState
from talentbank.extensions import db, now, today, transaction
from talentbank.permissions import Actor, Role

_number = count(1)


def organisation(kind: Role, standing: Standing = Standing.APPROVED, name: str = "") -> int:
    """An organisation's id."""
    made = Organisation(
        kind=kind, name_zh=name or f"示例{kind}{next(_number)}", name_en="", standing=standing, created_at=now()
    )
    with transaction():
        db.session.add(made)
    return made.id


def person(role: Role, organisation_id: int | None = None, name: str = "示例") -> Actor:
    """Somebody without a password."""
    user = User(
        email=f"{role}-{next(_number)}@firm.example",
        name=name,
        role=role,
        organisation_id=organisation_id,
        created_at=now(),
    )
    with transaction():
        db.session.add(user)
    return user.actor


def position(enterprise_id: int, asks: dict[str, int], *, must: tuple[str, ...] = (), **values: object) -> int:
    """An open position's id; asks: levels by competency code, each of weight 1."""
    ids = {c.code: c.id for c in db.session.scalars(select(Competency))}
    standard: dict[str, object] = {
        "title": f"示例岗位{next(_number)}",
        "category": "operations",
        "city_code": "meishan",
        "contract": Contract.EMPLOYMENT,
        "headcount": 1,
        "min_salary": 80_000,
        "max_salary": 120_000,
        "opens_on": today(),
        "state": PositionState.OPEN,
        "created_at": now(),
        "changed_at": now(),
    }
    made = Position(enterprise_id=enterprise_id, **{**standard, **values})
    made.requirements = [
        PositionRequirement(competency_id=ids[code], level=level, weight=1.0, must_have=code in must, place=place)
        for place, (code, level) in enumerate(asks.items())
    ]
    with transaction():
        db.session.add(made)
    return made.id


def student(
    university_id: int, claimed: dict[str, int], verified: dict[str, int] | None = None, **values: object
) -> tuple[Actor, int]:
    """A student with a profile: who acts, and the profile's id."""
    actor = person(Role.STUDENT, university_id)
    ids = {c.code: c.id for c in db.session.scalars(select(Competency))}
    proven = verified or {}
    standard: dict[str, object] = {"categories": [], "cities": [], "min_salary": 0, "cohort": 2027}
    made = Student(user_id=actor.user_id, university_id=university_id, **{**standard, **values})
    made.levels = [
        StudentLevel(competency_id=ids[code], claimed=claimed.get(code, 0), verified=proven.get(code, 0))
        for code in claimed.keys() | proven.keys()
    ]
    with transaction():
        db.session.add(made)
    return actor, made.id


@dataclass
class Market:
    """One enterprise with two positions (two seats and one), three students, and those who look on."""

    enterprise_id: int = field(default_factory=lambda: organisation(Role.ENTERPRISE))
    university_id: int = field(default_factory=lambda: organisation(Role.UNIVERSITY))

    def __post_init__(self) -> None:
        self.enterprise = person(Role.ENTERPRISE, self.enterprise_id, "企示")
        self.university = person(Role.UNIVERSITY, self.university_id, "校示")
        self.chamber = person(Role.CHAMBER, organisation(Role.CHAMBER), "商示")
        self.shop = position(self.enterprise_id, {"platform_ops": 4, "data_analysis": 2}, headcount=2)
        self.studio = position(self.enterprise_id, {"visual_design": 3}, category="design", must=("visual_design",))
        self.strong, self.strong_id = student(self.university_id, {"platform_ops": 4, "data_analysis": 3})
        self.weak, self.weak_id = student(self.university_id, {"platform_ops": 2})
        self.artist, self.artist_id = student(
            self.university_id, {"visual_design": 4}, {"visual_design": 3}, categories=["design"]
        )
