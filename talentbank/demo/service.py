"""The demo bank: built from its recipe, taken out whole, and kept away from production."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete, exists, func, insert, inspect, or_, select
from sqlalchemy.engine import CursorResult

from talentbank import audit
from talentbank.accounts import passwords
from talentbank.accounts.models import Organisation, Standing, User
from talentbank.audit import command
from talentbank.competencies.models import City, Competency, Student, StudentLevel
from talentbank.config import SettingError
from talentbank.demo import recipe
from talentbank.demo.models import DemoBank
from talentbank.demo.recipe import DemoPosition, DemoStudent
from talentbank.deposits.models import Contract, Position, PositionRequirement, PositionState
from talentbank.errors import Conflict
from talentbank.extensions import Model, db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action, Actor, Role

M = TypeVar("M", bound=Model)

PASSWORD = "show-me-the-bank"  # noqa: S105  (known to everybody: it opens made-up data only)
DOMAIN = "demo.example"
"""Reserved for examples (RFC 2606): no mail can ever reach these addresses."""

STAFF = {
    Role.CHAMBER: (("示例进出口商会", "Import-Export Chamber (example)"), ("商示会", "Shang Shihui")),
    Role.ZONE: (("示例跨境电商产业园", "Cross-border Zone (example)"), ("袁示园", "Yuan Shiyuan")),
    Role.GOVERNMENT: (("示例新区管委会", "New Area Government (example)"), ("郑示府", "Zheng Shifu")),
}
"""The one organisation of each other kind, and its person."""

KEPT = (Competency, City)
"""The catalogue, which is no demo."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A demo account that anybody may try."""

    email: str
    role: Role


def present() -> bool:
    """Whether the bank holds demo data."""
    return bool(db.session.scalar(select(exists().where(DemoBank.id.is_not(None)))))


def vacant() -> bool:
    """Whether there is nobody and nothing in the bank yet but the catalogue."""
    return not db.session.scalar(select(or_(exists().where(User.id > 0), exists().where(Organisation.id > 0))))


def sign_ins() -> list[SignIn]:
    """The demo accounts that are in the bank, a role each."""
    order = list(Role)
    query = select(User.email, User.role).where(User.email.in_([_address(role) for role in order]))
    found = [SignIn(email, role) for email, role in db.session.execute(query)]
    return sorted(found, key=lambda person: order.index(person.role))


def refuse_in_production() -> None:
    """Raise SettingError if the database holds the demo bank, whose sign-ins everybody knows."""
    if inspect(db.engine).has_table(DemoBank.__tablename__) and present():
        raise SettingError(
            "The database holds the demo bank, whose sign-ins are public: take it out with "
            "`flask --app wsgi demo remove`, or give production a database of its own (DATABASE_URL)."
        )


@command(Action.KEEP_DEMO)
def build(actor: Actor) -> None:
    """Build the demo bank in a bank that is vacant."""
    if not vacant():
        raise Conflict(_l("The bank is not empty: the demo is built only where nothing else is."))
    contents = recipe.compose()
    made = _Builder(now(), passwords.hashed(PASSWORD))
    enterprises = made.organisations(Role.ENTERPRISE, contents.enterprises)
    universities = made.organisations(Role.UNIVERSITY, contents.universities)
    made.people(enterprises, universities)
    made.positions(contents.positions, enterprises)
    made.students(contents.students, universities)
    mark = DemoBank(seed=recipe.SEED, digest=contents.digest, built_at=made.at)
    db.session.add(mark)
    db.session.flush()
    audit.record(actor, Action.KEEP_DEMO, mark, built=True, digest=contents.digest)


@command(Action.KEEP_DEMO)
def remove(actor: Actor, *, everything: bool = False) -> int:
    """Empty the bank of all but its catalogue; returns the number of rows that went.

    What people of the demo did with it goes too. Where somebody who is not of the demo has joined,
    Conflict says so, unless everything is to go.
    """
    built_at = db.session.scalar(select(DemoBank.built_at))
    if built_at is None:
        raise Conflict(_l("The demo bank is not in this database: there is nothing to take out."))
    strangers = _strangers(built_at)
    if strangers and not everything:
        raise Conflict(
            _l(
                "%(count)s accounts and organisations are in the bank that are not of the demo. "
                "To take them out too, say --everything.",
                count=strangers,
            )
        )
    kept = {model.__table__ for model in KEPT}
    mark = DemoBank.__table__
    # The mark goes last: while it stands the database lets append-only rows be deleted.
    tables = [t for t in reversed(db.metadata.sorted_tables) if t not in kept and t is not mark]
    removed = 0
    for table in [*tables, mark]:
        result = db.session.execute(delete(table))
        removed += result.rowcount if isinstance(result, CursorResult) else 0
    audit.record(actor, Action.KEEP_DEMO, "demobank", built=False, rows=removed)
    return removed


def _address(role: Role) -> str:
    return f"{role.value}@{DOMAIN}"


def _strangers(built_at: datetime) -> int:
    """How many organisations and accounts are in the bank that are not of the demo built at this moment.

    The demo's organisations are those that came with its mark, to the microsecond, and not those of today's
    word lists: a bank built by an earlier version is the demo as well. Whoever joined one of them is of the demo.
    """
    organisations = select(func.count()).select_from(Organisation).where(Organisation.created_at != built_at)
    people = (
        select(func.count())
        .select_from(User)
        .outerjoin(User.organisation)
        .where(
            User.email.not_like(f"%@{DOMAIN}"),
            or_(Organisation.id.is_(None), Organisation.created_at != built_at),
        )
    )
    return (db.session.scalar(organisations) or 0) + (db.session.scalar(people) or 0)


class _Builder:
    """Writes a recipe into the tables; only the sign-in accounts get a password."""

    def __init__(self, at: datetime, password_hash: str) -> None:
        self.at = at
        self._password_hash = password_hash
        self._competency = {c.code: c.id for c in db.session.scalars(select(Competency))}

    def organisations(self, kind: Role, names: tuple[tuple[str, str], ...]) -> list[Organisation]:
        """Approved organisations of a kind."""
        made = [
            Organisation(
                kind=kind,
                name_zh=name_zh,
                name_en=name_en,
                standing=Standing.APPROVED,
                created_at=self.at,
                decided_at=self.at,
            )
            for name_zh, name_en in names
        ]
        return self._add(made)

    def people(self, enterprises: list[Organisation], universities: list[Organisation]) -> None:
        """Somebody to sign in as for each role but the student, and a person for every other organisation."""
        staff: list[User] = [
            self._user(Role.ADMINISTRATOR, ("管示理", "Guan Shili"), None, _address(Role.ADMINISTRATOR))
        ]
        for role, (names, person) in STAFF.items():
            staff.append(self._user(role, person, self.organisations(role, (names,))[0], _address(role)))
        for role, group, person in (
            (Role.ENTERPRISE, enterprises, ("人示事", "Ren Shishi")),
            (Role.UNIVERSITY, universities, ("校示办", "Xiao Shiban")),
        ):
            staff.append(self._user(role, person, group[0], _address(role)))
            staff.extend(
                self._user(role, person, organisation, f"{role.value}-{place}@{DOMAIN}")
                for place, organisation in enumerate(group[1:], start=2)
            )
        self._add(staff)

    def positions(self, positions: tuple[DemoPosition, ...], enterprises: list[Organisation]) -> None:
        """Open positions with their requirements."""
        made = self._add(
            [
                Position(
                    enterprise_id=enterprises[p.enterprise].id,
                    title=p.title_zh,
                    title_en=p.title_en,
                    description=p.description,
                    category=p.category,
                    city_code=p.city,
                    contract=Contract.EMPLOYMENT,
                    headcount=p.headcount,
                    min_salary=p.min_salary,
                    max_salary=p.max_salary,
                    opens_on=today(),
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
                "competency_id": self._competency[code],
                "level": level,
                "weight": weight,
                "must_have": must_have,
                "place": place,
            }
            for stored, planned in zip(made, positions, strict=True)
            for place, (code, level, weight, must_have) in enumerate(planned.requirements)
        ]
        db.session.execute(insert(PositionRequirement), rows)

    def students(self, students: tuple[DemoStudent, ...], universities: list[Organisation]) -> None:
        """Students with their accounts and levels; the first is the one to sign in as."""
        users = self._add(
            [
                self._user(
                    Role.STUDENT,
                    (planned.name, planned.name_latin),
                    universities[planned.university],
                    f"student-{place}@{DOMAIN}" if place else _address(Role.STUDENT),
                )
                for place, planned in enumerate(students)
            ]
        )
        made = self._add(
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
                "competency_id": self._competency[code],
                "claimed": claimed,
                "verified": verified,
            }
            for stored, planned in zip(made, students, strict=True)
            for code, claimed, verified in planned.levels
        ]
        db.session.execute(insert(StudentLevel), rows)

    def _user(self, role: Role, names: tuple[str, str], organisation: Organisation | None, email: str) -> User:
        return User(
            email=email,
            name=names[0],
            name_latin=names[1],
            role=role,
            organisation_id=organisation.id if organisation else None,
            password_hash=self._password_hash if email == _address(role) else None,
            created_at=self.at,
        )

    @staticmethod
    def _add(rows: list[M]) -> list[M]:
        db.session.add_all(rows)
        db.session.flush()
        return rows
