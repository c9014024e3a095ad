"""What is known of graduates, out of the bank's placements and of what students and universities recorded.

The rules, after NACE's «Standards and Protocols for the Collection and Dissemination of Graduating Student Initial
Career Outcomes Information» (2014) and narrower where students confirm their own record:

- An employment that the bank placed somebody in goes before every record, also once it has ended.
- An internship is never an outcome, whatever came of it.
- What the student recorded or confirmed is known: employed in cross-border e-commerce (CBEC), or something else: that
  they still seek, or do not, is known as well.
- What the university recorded is not known before the student has confirmed it. NACE would take it as a reasonable
  report; here it is shown as waiting, and counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, false, func, not_, or_, select
from sqlalchemy.orm import contains_eager

from talentbank.accounts.models import User
from talentbank.competencies.models import Student
from talentbank.deposits.models import Contract, Position
from talentbank.engine.indicators import Outcome
from talentbank.errors import NotFound
from talentbank.extensions import SHANGHAI, Pagination, db, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.placements.destinations.models import Destination, DestinationKind
from talentbank.placements.models import Placement
from talentbank.rounds.models import Round, RoundStudent
from talentbank.rounds.offers.models import Offer

PER_PAGE = 25

Source = Literal["bank", "student", "university"]


@dataclass(frozen=True, slots=True)
class Graduate:
    """A student with what is known of where it went.

    kind, employer, since: of the bank's placement where there is one, else of what is recorded, confirmed or not;
    None and "" without either. source: who says so. confirmed: whether it counts, which the bank's and the student's
    own word always do. placed: the first employment that the bank placed the student in, its offer, position and
    enterprise loaded. first_sought: the day in Meishan on which the first round with the student in it was opened;
    an enterprise may record a first day before that. user_id: the student's account. version: of what is recorded,
    0 for nothing.
    """

    student_id: int
    name: str
    cohort: int | None
    outcome: Outcome
    kind: DestinationKind | None
    source: Source | None
    confirmed: bool
    placed: Placement | None
    first_sought: date | None
    employer: str
    since: date | None
    user_id: int
    version: int

    @property
    def waiting(self) -> bool:
        """Whether what the university recorded waits for the student's confirmation."""
        return self.source is not None and not self.confirmed

    @property
    def opens_on(self) -> date | None:
        """From when on the destination can be recorded; None without a year of graduation."""
        return None if self.cohort is None else date(self.cohort - 1, LAST_YEAR_BEGINS, 1)


LAST_YEAR_BEGINS = 9
"""The month in which the last year of study begins, and with it the season in which employers sign graduates."""


class Known(StrEnum):
    """How much is known: each graduate is KNOWN or UNKNOWN, and those WAITING are part of the latter."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    WAITING = "waiting"


class Part(StrEnum):
    """Parts of what is listed as CBEC and as UNKNOWN, which figures tell apart: employed through the bank's placement
    or elsewhere; nothing recorded, so that there is nothing to wait for either."""

    BANK = "bank"
    ELSEWHERE = "elsewhere"
    NOTHING = "nothing"


def _employed() -> ColumnElement[bool]:
    """Whether the bank has placed a student in an employment, beside Student."""
    return (
        exists()
        .where(Placement.student_id == Student.id)
        .where(Placement.offer_id == Offer.id, Offer.position_id == Position.id)
        .where(Position.contract == Contract.EMPLOYMENT)
        .correlate(Student)
    )


def outcome() -> ColumnElement[str]:
    """What is known of a student, as a value of Outcome, in a query that joins Destination from outside."""
    return case(
        (_employed(), Outcome.CBEC.value),
        (Destination.confirmed_at.is_(None), Outcome.UNKNOWN.value),
        (Destination.kind == DestinationKind.CBEC, Outcome.CBEC.value),
        else_=Outcome.ELSEWHERE.value,
    )


def _waiting() -> ColumnElement[bool]:
    return and_(Destination.student_id.is_not(None), Destination.confirmed_at.is_(None), not_(_employed()))


def _how_known(known: Known) -> ColumnElement[bool]:
    if known is Known.WAITING:
        return _waiting()
    return outcome() == Outcome.UNKNOWN if known is Known.UNKNOWN else outcome() != Outcome.UNKNOWN


def _of_part(part: Part) -> ColumnElement[bool]:
    if part is Part.BANK:
        return _employed()
    if part is Part.ELSEWHERE:
        return and_(not_(_employed()), outcome() == Outcome.CBEC)
    return and_(not_(_employed()), Destination.student_id.is_(None))


def of_university(actor: Actor) -> ColumnElement[bool]:
    """The students of the actor's university; nobody for others."""
    return Student.university_id == actor.organisation_id if actor.role is Role.UNIVERSITY else false()


def _in_last_year() -> ColumnElement[bool]:
    """Those who graduate this summer or have graduated: of whom a destination can be recorded."""
    day = today()
    return Student.cohort <= day.year + (day.month >= LAST_YEAR_BEGINS)


def graduates(actor: Actor, cohort: int | None = None) -> list[Graduate]:
    """The students of the actor's university, one row each, in two queries; none for any other role.

    cohort: a year of graduation; None for all, those too who graduate later or have not said when.
    """
    where = [of_university(actor)]
    if cohort is not None:
        where.append(Student.cohort == cohort)
    return _graduates(*where)


def graduate(actor: Actor, student_id: int) -> Graduate:
    """One student of the actor's university. Raises NotFound unless it is there."""
    found = _graduates(of_university(actor), Student.id == student_id)
    if not found:
        raise NotFound(_l("There is no such student, or not at your university."))
    return found[0]


def own(actor: Actor) -> Graduate | None:
    """The student who asks; None before the profile was first saved."""
    found = _graduates(Student.user_id == actor.user_id)
    return found[0] if found else None


def destinations(
    actor: Actor, kind: str, text: str, cohort: int | None, page: int
) -> tuple[Pagination, list[Graduate]]:
    """A page of the actor's graduates, the latest cohort first, in four queries.

    kind: a value of DestinationKind, of what is known, or of Known, or of Part.
    """
    query = (
        select(Student.id)
        .join(Student.user)
        .outerjoin(Destination, Destination.student_id == Student.id)
        .where(of_university(actor), _in_last_year())
        .order_by(Student.cohort.desc(), Student.id)
    )
    if kind in set(Known):
        query = query.where(_how_known(Known(kind)))
    elif kind in set(Part):
        query = query.where(_of_part(Part(kind)))
    elif kind == DestinationKind.CBEC:
        query = query.where(outcome() == Outcome.CBEC)
    elif kind in set(DestinationKind):
        query = query.where(Destination.kind == DestinationKind(kind), outcome() == Outcome.ELSEWHERE)
    if cohort is not None:
        query = query.where(Student.cohort == cohort)
    if text:
        columns = (User.name, User.name_latin)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    return found, _graduates(Student.id.in_(found.items))


def count(actor: Actor, cohort: int | None) -> dict[Known, int]:
    """How many of the actor's graduates are known, unknown and, of the latter, waiting."""
    query = (
        select(*(func.count().filter(_how_known(known)) for known in Known))
        .select_from(Student)
        .outerjoin(Destination, Destination.student_id == Student.id)
        .where(of_university(actor), _in_last_year())
    )
    if cohort is not None:
        query = query.where(Student.cohort == cohort)
    return dict(zip(Known, db.session.execute(query).one(), strict=True))


def cohorts(actor: Actor) -> list[int]:
    """The years of graduation of the actor's graduates, the latest first."""
    query = select(Student.cohort).where(of_university(actor), _in_last_year()).distinct()
    return sorted((year for year in db.session.scalars(query) if year is not None), reverse=True)


def count_waiting(actor: Actor) -> int:
    """How many records wait for a student's confirmation: the university's own, or the student's (0 or 1)."""
    seen = Student.user_id == actor.user_id if actor.role is Role.STUDENT else of_university(actor)
    query = (
        select(func.count())
        .select_from(Student)
        .join(Destination, Destination.student_id == Student.id)
        .where(seen, _waiting())
    )
    return db.session.scalar(query) or 0


def internships(student_id: int) -> list[Placement]:
    """The internships that the bank placed a student in: shown, never counted."""
    return list(db.session.scalars(_placed(Contract.INTERNSHIP).where(Placement.student_id == student_id)))


def _placed(contract: Contract) -> Select[Placement]:
    """Placements of a kind of contract, the earliest first."""
    return (
        select(Placement)
        .join(Placement.offer)
        .join(Offer.position)
        .where(Position.contract == contract)
        .order_by(Placement.started_on, Placement.id)
        .options(contains_eager(Placement.offer).contains_eager(Offer.position).joinedload(Position.enterprise))
    )


def _graduates(*where: ColumnElement[bool]) -> list[Graduate]:
    """The students of a condition on Student, in two queries for any number of them."""
    sought = (
        select(RoundStudent.student_id, func.min(Round.opened_at).label("first"))
        .join(Round, Round.id == RoundStudent.round_id)
        .where(Round.opened_at.is_not(None))
        .group_by(RoundStudent.student_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Student, Destination, outcome(), sought.c.first)
        .join(Student.user)
        .outerjoin(Destination, Destination.student_id == Student.id)
        .outerjoin(sought, sought.c.student_id == Student.id)
        .where(*where)
        .options(contains_eager(Student.user))
        .order_by(Student.cohort.desc(), Student.id)
    ).all()
    placed: dict[int, Placement] = {}
    if rows:
        of_them = select(Student.id).where(*where)
        for placement in db.session.scalars(_placed(Contract.EMPLOYMENT).where(Placement.student_id.in_(of_them))):
            placed.setdefault(placement.student_id, placement)
    return [_made(row, placed.get(row[0].id)) for row in rows]


def _made(row: Row[Student, Destination | None, str, datetime | None], placed: Placement | None) -> Graduate:
    student, recorded, known, first = row
    facts: dict[str, Any] = {"kind": None, "source": None, "employer": "", "since": None}
    if placed is not None:
        facts = {
            "kind": DestinationKind.CBEC,
            "source": "bank",
            "employer": placed.offer.position.enterprise.name,
            "since": placed.started_on,
        }
    elif recorded is not None:
        facts = {
            "kind": recorded.kind,
            "source": recorded.source.value,
            "employer": recorded.employer,
            "since": recorded.since,
        }
    return Graduate(
        student_id=student.id,
        name=student.user.shown_name,
        cohort=student.cohort,
        outcome=Outcome(known),
        confirmed=placed is not None or (recorded is not None and recorded.confirmed_at is not None),
        placed=placed,
        first_sought=first.astimezone(SHANGHAI).date() if first else None,
        user_id=student.user_id,
        version=recorded.version if recorded else 0,
        **facts,
    )
