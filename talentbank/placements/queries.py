"""Students with where they stand, placements and what both sides said of them, within what the actor may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, true
from sqlalchemy.orm import contains_eager, joinedload

from talentbank.accounts.models import User
from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.errors import NotFound
from talentbank.extensions import Pagination, db, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.placements.models import CHECK_IN_DAYS, CheckIn, Placement
from talentbank.rounds import queries as rounds
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.runs.models import Run

PER_PAGE = 25


class Whereabouts(StrEnum):
    """Where a student stands: each stands in exactly one; who has left a placement is free again."""

    PLACED = "placed"
    ACCEPTED = "accepted"
    OFFERED = "offered"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Standing:
    """A student beside where the student stands."""

    student: Student
    whereabouts: Whereabouts


def whereabouts() -> ColumnElement[str]:
    """Where a student stands at this moment, as a column beside Student."""
    own = Offer.student_id == Student.id
    return case(
        (exists().where(Placement.student_id == Student.id, Placement.ended_on.is_(None)), Whereabouts.PLACED.value),
        (
            exists().where(own, Offer.stored_state == OfferState.ACCEPTED, Offer.released_at.is_(None)),
            Whereabouts.ACCEPTED.value,
        ),
        (exists().where(own, offers.in_state(OfferState.OPEN)), Whereabouts.OFFERED.value),
        else_=Whereabouts.FREE.value,
    )


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    return Student.university_id == actor.organisation_id if actor.role is Role.UNIVERSITY else true()


def count_students(actor: Actor) -> dict[Whereabouts, int]:
    """How many of the actor's students stand where."""
    stands = whereabouts()
    rows = db.session.execute(
        select(stands, func.count()).select_from(Student).where(_seen_by(actor)).group_by(stands)
    )
    counts = dict(rows.all())
    return {where: counts.get(where.value, 0) for where in Whereabouts}


def count_by_cohort(actor: Actor) -> dict[int | None, dict[Whereabouts, int]]:
    """How many of the actor's students stand where, a year of graduation each, the latest first."""
    stands = whereabouts()
    rows = db.session.execute(
        select(Student.cohort, stands, func.count())
        .select_from(Student)
        .where(_seen_by(actor))
        .group_by(Student.cohort, stands)
    )
    counts: dict[int | None, dict[Whereabouts, int]] = {}
    for cohort, where, count in rows:
        counts.setdefault(cohort, dict.fromkeys(Whereabouts, 0))[Whereabouts(where)] = count
    return dict(sorted(counts.items(), key=lambda item: -(item[0] or 0)))


def students(
    actor: Actor, *, where: str, text: str, cohort: int | None, university: int | None, page: int, ready: bool = False
) -> tuple[Pagination, list[Standing]]:
    """A page of the actor's students, each with where it stands.

    cohort: 0 for those who did not say; ready: only those who would take part in a round now.
    """
    query = (
        select(Student)
        .join(Student.user)
        .where(_seen_by(actor))
        .options(joinedload(Student.user), joinedload(Student.university))
        .order_by(Student.id)
    )
    if where in set(Whereabouts):
        query = query.where(whereabouts() == where)
    if ready:
        query = query.where(Student.id.in_(rounds.joining_students().with_only_columns(Student.id).order_by(None)))
    if cohort is not None:
        query = query.where(Student.cohort == cohort if cohort else Student.cohort.is_(None))
    if university is not None:
        query = query.where(Student.university_id == university)
    if text:
        query = query.where(
            or_(User.name.icontains(text, autoescape=True), User.name_latin.icontains(text, autoescape=True))
        )
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    ids = [student.id for student in found.items]
    stands = dict(db.session.execute(select(Student.id, whereabouts()).where(Student.id.in_(ids))).all())
    return found, [Standing(student, Whereabouts(stands[student.id])) for student in found.items]


def cohorts(actor: Actor) -> list[int]:
    """The cohorts of the actor's students, the latest first."""
    query = select(Student.cohort).where(_seen_by(actor), Student.cohort.is_not(None)).distinct()
    return sorted((c for c in db.session.scalars(query) if c is not None), reverse=True)


def student(actor: Actor, student_id: int) -> Standing:
    """One student, with levels. Raises NotFound unless it is there and the actor may see it."""
    row = db.session.execute(
        select(Student, whereabouts())
        .where(Student.id == student_id, _seen_by(actor))
        .options(catalogue.with_levels(), joinedload(Student.user), joinedload(Student.university))
    ).one_or_none()
    if row is None:
        raise NotFound(_l("There is no such student, or not at your university."))
    return Standing(row[0], Whereabouts(row[1]))


def offers_of(student_id: int) -> list[Offer]:
    """A student's offers, the newest first."""
    query = (
        select(Offer)
        .where(Offer.student_id == student_id)
        .options(joinedload(Offer.position).joinedload(Position.enterprise))
        .order_by(Offer.id.desc())
    )
    return list(db.session.scalars(query))


def placement_of(offer_id: int) -> Placement | None:
    """The placement that an offer became."""
    return db.session.scalar(select(Placement).where(Placement.offer_id == offer_id))


SIDES = (Role.STUDENT, Role.ENTERPRISE)
"""Who is asked at a check-in."""


class PlacementState(StrEnum):
    """What a list of placements is narrowed to; due and differs are parts of going_on."""

    GOING_ON = "going_on"
    DUE = "due"
    DIFFERS = "differs"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Due:
    """A check-in that waits for one side's word."""

    placement: Placement
    day: int
    by: Role


def _asked_of(side: Role) -> ColumnElement[bool]:
    """Placements going on whose latest check-in day has passed without this side's word.

    An earlier day that nobody spoke of is not asked for any more: the later answer covers it.
    """
    bounds = [today() - timedelta(days=day) for day in CHECK_IN_DAYS]
    windows = []
    for place, day in enumerate(CHECK_IN_DAYS):
        said = exists().where(CheckIn.placement_id == Placement.id, CheckIn.day == day, CheckIn.by == side)
        inside = [Placement.started_on <= bounds[place], ~said]
        if place + 1 < len(bounds):
            inside.append(Placement.started_on > bounds[place + 1])
        windows.append(and_(*inside))
    return and_(Placement.ended_on.is_(None), or_(*windows))


def _asked(actor: Actor) -> list[Role]:
    return [actor.role] if actor.role in SIDES else list(SIDES)


def in_state(actor: Actor, state: PlacementState) -> ColumnElement[bool]:
    """Placements that stand so today; due: for the actor, or for either side where the actor is neither."""
    if state is PlacementState.ENDED:
        return Placement.ended_on.is_not(None)
    if state is PlacementState.DUE:
        return or_(*(_asked_of(side) for side in _asked(actor)))
    if state is PlacementState.DIFFERS:
        return and_(Placement.ended_on.is_(None), Placement.ended_by.is_not(None))
    return Placement.ended_on.is_(None)


_JOINS = (
    select(Placement)
    .join(Placement.offer)
    .join(Offer.position)
    .join(Offer.student)
    .join(Student.user)
    .options(
        contains_eager(Placement.offer).contains_eager(Offer.position).joinedload(Position.enterprise),
        contains_eager(Placement.offer).contains_eager(Offer.student).contains_eager(Student.user),
        contains_eager(Placement.offer).contains_eager(Offer.student).joinedload(Student.university),
    )
)


def placement(actor: Actor, placement_id: int) -> Placement:
    """One placement. Raises NotFound unless it is there and the actor may see it."""
    found = db.session.scalar(_JOINS.where(Placement.id == placement_id, offers.seen_by(actor)))
    if found is None:
        raise NotFound(_l("There is no such placement, or it is not yours."))
    return found


def placements(
    actor: Actor, state: str, text: str, page: int, round_id: int | None = None, category: str = ""
) -> Pagination:
    """A page of the placements that the actor may see, the latest first day first."""
    query = _JOINS.where(offers.seen_by(actor)).order_by(Placement.started_on.desc(), Placement.id.desc())
    if state in set(PlacementState):
        query = query.where(in_state(actor, PlacementState(state)))
    if round_id is not None:
        query = query.where(Offer.run.has(Run.round_id == round_id))
    if category in set(Category):
        query = query.where(Position.category == Category(category))
    if text:
        columns = (User.name, User.name_latin, Position.title, Position.title_en)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    return db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)


def count_placements(actor: Actor) -> dict[PlacementState, int]:
    """How many placements the actor may see in each state."""
    columns = [func.count().filter(in_state(actor, state)) for state in PlacementState]
    query = select(*columns).select_from(Placement).join(Placement.offer).join(Offer.position).join(Offer.student)
    row = db.session.execute(query.where(offers.seen_by(actor))).one()
    return dict(zip(PlacementState, row, strict=True))


def check_ins(placement_ids: Collection[int]) -> dict[int, list[CheckIn]]:
    """What both sides said of placements, by the placement's id; by day, the student's first."""
    query = (
        select(CheckIn)
        .where(CheckIn.placement_id.in_(placement_ids))
        .order_by(CheckIn.placement_id, CheckIn.day, CheckIn.by.desc())
    )
    words: dict[int, list[CheckIn]] = {}
    for word in db.session.scalars(query):
        words.setdefault(word.placement_id, []).append(word)
    return words


def due(actor: Actor) -> list[Due]:
    """The check-ins that wait today, the oldest placement first: the actor's own, or all that the actor may see."""
    found = []
    for side in _asked(actor):
        query = _JOINS.where(offers.seen_by(actor), _asked_of(side)).order_by(Placement.started_on, Placement.id)
        for one in db.session.scalars(query):
            day = one.day_due(today())
            if day is not None:
                found.append(Due(one, day, side))
    return sorted(found, key=lambda row: (row.placement.started_on, row.placement.id, row.day))


@dataclass(frozen=True, slots=True)
class CheckInDay:
    """A check-in of a placement: the date from which it is asked, and what was said."""

    day: int
    on: date
    words: list[CheckIn]

    @property
    def differs(self) -> bool:
        """Whether one side says «still there» and the other «left»."""
        return len({word.still_there for word in self.words}) > 1


def days(placement: Placement, words: Collection[CheckIn]) -> list[CheckInDay]:
    """The placement's check-ins in order; those after its end only where somebody spoke."""
    found = []
    for day in CHECK_IN_DAYS:
        said = [word for word in words if word.day == day]
        on = placement.started_on + timedelta(days=day)
        if said or placement.ended_on is None or on <= placement.ended_on:
            found.append(CheckInDay(day, on, said))
    return found


def day_asked(actor: Actor, placement: Placement, words: Collection[CheckIn]) -> int | None:
    """The check-in that the actor's side can answer now: the latest that has come, unless it has.

    After the other side has recorded the end, too: so that this one can agree or speak against it.
    """
    day = placement.day_due(today())
    if actor.role not in SIDES or any(word.day == day and word.by is actor.role for word in words):
        return None
    return None if placement.ended_on is not None and placement.ended_by is actor.role else day
