"""Writes the demo bank's organisations, people, positions and profiles into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import insert, select
from stdnum.cn import uscc

from talentbank.accounts.models import Organisation, Standing, User, Vetting
from talentbank.competencies.models import Competency, Student, StudentLevel
from talentbank.demo.recipe import DemoPosition, DemoStudent
from talentbank.deposits.models import Contract, Position, PositionRequirement, PositionState
from talentbank.extensions import Model, db
from talentbank.permissions import Role

M = TypeVar("M", bound=Model)

DOMAIN = "demo.example"
"""Reserved for examples (RFC 2606): no mail can ever reach these addresses."""

STAFF = {
    Role.CHAMBER: (("示例进出口商会", "Import-Export Chamber (example)"), ("商示会", "Shang Shihui")),
    Role.ZONE: (("示例跨境电商产业园", "Cross-border Zone (example)"), ("袁示园", "Yuan Shiyuan")),
    Role.GOVERNMENT: (("示例新区管委会", "New Area Government (example)"), ("郑示府", "Zheng Shifu")),
}
"""The one organisation of each other kind, and its person."""

NEWCOMERS = (
    ("示例初来跨境电商有限公司", "Chulai Crossborder Commerce (example)"),
    ("示例再来国际贸易有限公司", "Zailai International Trade (example)"),
)
"""Enterprises beyond the park's: one waits for the chamber's decision, and one is refused."""
REFUSED = "示例：营业执照已注销，请更换后重新提交。(Example: the licence is no longer in force.)"


def licence(place: int) -> str:
    """A code that is well-formed and plainly made up: of Meishan (511400), with DEM and a number from 0 on."""
    body = f"91511400DEM{place:06d}"
    return body + uscc.calc_check_digit(body)


def address(role: Role) -> str:
    """Where a role's demo account signs in."""
    return f"{role.value}@{DOMAIN}"


class Builder:
    """Writes a recipe into the tables; only the sign-in accounts get a password."""

    def __init__(self, at: datetime, password_hash: str) -> None:
        self.at = at
        self._password_hash = password_hash
        self.competency = {c.code: c.id for c in db.session.scalars(select(Competency))}

    def organisations(self, kind: Role, names: Sequence[tuple[str, str]]) -> list[Organisation]:
        """Approved organisations of a kind; enterprises with a licence and a contact."""
        made = [
            Organisation(
                kind=kind,
                name_zh=name_zh,
                name_en=name_en,
                standing=Standing.APPROVED,
                created_at=self.at,
                decided_at=self.at,
                **({"licence": licence(place), "contact": _contact(place)} if kind is Role.ENTERPRISE else {}),
            )
            for place, (name_zh, name_en) in enumerate(names)
        ]
        return self.add(made)

    def vet(self, enterprises: Sequence[Organisation]) -> None:
        """Let the chamber have decided on enterprises; the last two are the newcomers."""
        *approved, waiting, refused = enterprises
        waiting.standing, waiting.decided_at = Standing.PENDING, None
        refused.standing, refused.reason = Standing.REFUSED, REFUSED
        chamber = db.session.scalars(select(User.id).where(User.email == address(Role.CHAMBER))).one()
        self.add(
            [
                Vetting(
                    organisation_id=enterprise.id,
                    standing=enterprise.standing,
                    reason=enterprise.reason,
                    licence=enterprise.licence,
                    user_id=chamber,
                    at=self.at,
                )
                for enterprise in (*approved, refused)
            ]
        )

    def people(self, enterprises: list[Organisation], universities: list[Organisation]) -> dict[Role, Organisation]:
        """Somebody to sign in as for each role but the student, and a person for every other organisation.

        Returns the one organisation of each other kind.
        """
        others = {role: self.organisations(role, (names,))[0] for role, (names, _) in STAFF.items()}
        staff: list[User] = [
            self._user(Role.ADMINISTRATOR, ("管示理", "Guan Shili"), None, address(Role.ADMINISTRATOR))
        ]
        staff.extend(self._user(role, person, others[role], address(role)) for role, (_, person) in STAFF.items())
        for role, group, person in (
            (Role.ENTERPRISE, enterprises, ("人示事", "Ren Shishi")),
            (Role.UNIVERSITY, universities, ("校示办", "Xiao Shiban")),
        ):
            staff.append(self._user(role, person, group[0], address(role)))
            staff.extend(
                self._user(role, person, organisation, f"{role.value}-{place}@{DOMAIN}")
                for place, organisation in enumerate(group[1:], start=2)
            )
        self.add(staff)
        return others

    def deposit(
        self,
        positions: Sequence[DemoPosition],
        enterprises: Sequence[int],
        opens_on: date,
        closes_on: date | None = None,
    ) -> list[Position]:
        """Open positions with their requirements; enterprises: the ids behind the plan's indices."""
        made = self.add(
            [
                Position(
                    enterprise_id=enterprises[p.enterprise],
                    title=p.title_zh,
                    title_en=p.title_en,
                    description=p.description,
                    category=p.category,
                    city_code=p.city,
                    contract=Contract.EMPLOYMENT,
                    headcount=p.headcount,
                    min_salary=p.min_salary,
                    max_salary=p.max_salary,
                    opens_on=opens_on,
                    closes_on=closes_on,
                    state=PositionState.OPEN,
                    created_at=self.at,
                    changed_at=self.at,
                )
                for p in positions
            ]
        )
        rows = [
            {
                "position_id": stored.id,
                "competency_id": self.competency[code],
                "level": level,
                "weight": weight,
                "must_have": must_have,
                "place": place,
            }
            for stored, planned in zip(made, positions, strict=True)
            for place, (code, level, weight, must_have) in enumerate(planned.requirements)
        ]
        db.session.execute(insert(PositionRequirement), rows)
        return made

    def students(self, students: tuple[DemoStudent, ...], universities: list[Organisation]) -> list[Student]:
        """Students with their accounts and levels; the first is the one to sign in as."""
        users = self.add(
            [
                self._user(
                    Role.STUDENT,
                    (planned.name, planned.name_latin),
                    universities[planned.university],
                    f"student-{place}@{DOMAIN}" if place else address(Role.STUDENT),
                )
                for place, planned in enumerate(students)
            ]
        )
        made = self.add(
            [
                Student(
                    user_id=user.id,
                    university_id=user.organisation_id,
                    cohort=planned.cohort,
                    major_zh=planned.major_zh,
                    major_en=planned.major_en,
                    categories=list(planned.categories),
                    cities=list(planned.cities),
                    min_salary=planned.min_salary,
                )
                for user, planned in zip(users, students, strict=True)
            ]
        )
        rows = [
            {
                "student_id": stored.id,
                "competency_id": self.competency[code],
                "claimed": claimed,
                "verified": verified,
                "assessed": verified,
            }
            for stored, planned in zip(made, students, strict=True)
            for code, claimed, verified in planned.levels
        ]
        db.session.execute(insert(StudentLevel), rows)
        return made

    def _user(self, role: Role, names: tuple[str, str], organisation: Organisation | None, email: str) -> User:
        return User(
            email=email,
            name=names[0],
            name_latin=names[1],
            role=role,
            organisation_id=organisation.id if organisation else None,
            password_hash=self._password_hash if email == address(role) else None,
            created_at=self.at,
        )

    @staticmethod
    def add(rows: list[M]) -> list[M]:
        """Store rows, so that they have their ids."""
        db.session.add_all(rows)
        db.session.flush()
        return rows


def _contact(place: int) -> str:
    """Made up, as no telephone number in China begins so."""
    return f"人示事 000-0000 {place:04d}"
