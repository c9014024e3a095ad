"""Reads for a university's figures: its graduates and their placements, what employers ask, and the lists of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from talentbank.accounts.models import Organisation, Standing
from talentbank.competencies import queries as catalogue
from talentbank.competencies.models import Competency, Student, StudentLevel
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Contract, Position, PositionRequirement, PositionState
from talentbank.deposits.resources import queries as resources
from talentbank.engine.indicators import YEAR, Outcome
from talentbank.errors import NotFound
from talentbank.extensions import ListPagination, Pagination, db, now, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.insight.cohorts.lack import Asked
from talentbank.insight.cohorts.records import Group, Person, Placed, Record, Step
from talentbank.insight.gap.cases import Case
from talentbank.permissions import Actor
from talentbank.placements.destinations import queries as destinations
from talentbank.placements.destinations.queries import Graduate
from talentbank.placements.models import EndReason, Placement
from talentbank.rounds.models import Round, RoundPosition, RoundState
from talentbank.rounds.offers import queries as offers
from talentbank.rounds.offers.models import Offer

PER_PAGE = 50


def record(actor: Actor) -> Record:
    """The actor's graduates with their placements, in three queries for any number; nobody for other roles."""
    graduates = [
        (graduate, graduate.cohort)
        for graduate in destinations.graduates(actor)
        if graduate.cohort is not None and graduate.opens_on is not None and graduate.opens_on <= today()
    ]
    sought = {graduate.placed.id: graduate.first_sought for graduate, _ in graduates if graduate.placed is not None}
    cohorts = {graduate.student_id: cohort for graduate, cohort in graduates}
    return Record(
        [Person(graduate.student_id, cohort, _group(graduate)) for graduate, cohort in graduates],
        [
            Placed(case, cohorts[case.student_id], sought.get(case.placement_id or 0))
            for case in _cases(actor)
            if case.student_id in cohorts
        ],
    )


def _group(graduate: Graduate) -> Group:
    if graduate.outcome is Outcome.CBEC:
        return Group.BANK if graduate.placed is not None else Group.ELSEWHERE
    if graduate.outcome is Outcome.UNKNOWN or graduate.kind is None:
        return Group.WAITING if graduate.waiting else Group.NOTHING
    return Group(graduate.kind.value)


def _cases(actor: Actor) -> list[Case]:
    """The employments that the bank placed the university's students in."""
    rows = db.session.execute(
        select(Offer.id, Placement.student_id, Position.category, Placement)
        .join(Offer.position)
        .join(Offer.student)
        .join(Placement, Placement.offer_id == Offer.id)
        .where(destinations.of_university(actor), Position.contract == Contract.EMPLOYMENT)
        .order_by(Offer.id)
    )
    return [
        Case(offer, student, category, True, one.started_on, one.ended_on, one.end_reason, one.id)
        for offer, student, category, one in rows
    ]


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a list of placements: what is counted, with its person and position loaded."""

    placed: Placed
    placement: Placement


def placed(
    actor: Actor, cohort: int | None, step: Step, reason: EndReason | None, band: int | None, day: date, page: int
) -> tuple[Pagination, list[Listed]]:
    """A page of the placements that a figure counts, the latest first day first."""
    found = ListPagination(record(actor).of(cohort).listed(step, day, reason, band), page, PER_PAGE)
    query = (
        select(Placement)
        .where(Placement.id.in_([one.case.placement_id for one in found.items]))
        .options(
            joinedload(Placement.offer).joinedload(Offer.position).joinedload(Position.enterprise),
            joinedload(Placement.offer).joinedload(Offer.student).joinedload(Student.user),
        )
    )
    placements = {one.id: one for one in db.session.scalars(query)}
    return found, [Listed(one, placements[one.case.placement_id or 0]) for one in found.items]


def _wanted() -> ColumnElement[bool]:
    """Positions that tell what employers ask: on show, or in a round that was opened in the last 365 days."""
    of_late = (
        exists()
        .where(RoundPosition.position_id == Position.id, RoundPosition.round_id == Round.id)
        .where(Round.opened_at > now() - YEAR, Round.state != RoundState.CANCELLED)
    )
    sincere = and_(
        Position.state != PositionState.BLOCKED, Position.enterprise.has(Organisation.standing == Standing.APPROVED)
    )
    return or_(deposits.on_show(), and_(of_late, sincere))


def _looking(actor: Actor) -> Select[int]:
    """The ids of the university's students who would take part in a round now."""
    free = offers.free_students().where(destinations.of_university(actor))
    return free.with_only_columns(Student.id).order_by(None)


def asked(actor: Actor) -> list[Asked]:
    """Every competency with what employers ask and the actor's students have, in five queries."""
    seats, taught = deposits.seats_asked(_wanted()), resources.teaching()
    claimed, verified = catalogue.levels_of(_looking(actor))
    students = db.session.scalar(select(func.count()).select_from(_looking(actor).subquery())) or 0
    return [
        Asked(
            one.code,
            one.name,
            seats.get(one.code, {}),
            claimed.get(one.code, {}),
            verified.get(one.code, {}),
            students,
            len(taught.get(one.code, [])),
        )
        for one in catalogue.competencies()
    ]


def competency(code: str) -> Competency:
    """An entry of the catalogue. Raises NotFound unless it is there."""
    found = db.session.scalar(select(Competency).where(Competency.code == code))
    if found is None:
        raise NotFound(_l("There is no such competency in the catalogue."))
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """A position that asks for a competency. shown: on show now, so that it can be read."""

    position: Position
    level: int
    must_have: bool
    shown: bool


def wanted(asked_for: Competency, page: int) -> tuple[Pagination, list[Wanted], int]:
    """A page of the positions that ask for a competency, the highest level first, and the seats of all of them."""
    query = (
        select(Position.id)
        .join(PositionRequirement, PositionRequirement.position_id == Position.id)
        .where(PositionRequirement.competency_id == asked_for.id, _wanted())
    )
    seats = db.session.scalar(select(func.coalesce(func.sum(Position.headcount), 0)).where(Position.id.in_(query)))
    found = db.paginate(
        query.order_by(PositionRequirement.level.desc(), Position.id.desc()),
        page=page,
        per_page=PER_PAGE,
        error_out=False,
    )
    rows = db.session.execute(
        select(Position, PositionRequirement.level, PositionRequirement.must_have, deposits.on_show())
        .join(PositionRequirement, PositionRequirement.position_id == Position.id)
        .where(PositionRequirement.competency_id == asked_for.id, Position.id.in_(found.items))
        .options(joinedload(Position.enterprise), joinedload(Position.city))
        .order_by(PositionRequirement.level.desc(), Position.id.desc())
    )
    return found, [Wanted(position, level, must, bool(shown)) for position, level, must, shown in rows], seats or 0


@dataclass(frozen=True, slots=True)
class Reaching:
    """A student with the levels of a competency."""

    student: Student
    claimed: int
    verified: int


def reaching(
    actor: Actor, asked_for: Competency, level: int, *, verified: bool, page: int
) -> tuple[Pagination, list[Reaching]]:
    """A page of the students who have a competency at a level or above, the highest first.

    verified: only what is verified counts; else what is claimed, too.
    """
    reached = StudentLevel.verified >= level
    having = (
        StudentLevel.competency_id == asked_for.id,
        reached if verified else or_(StudentLevel.claimed >= level, reached),
    )
    order = (StudentLevel.verified.desc(), StudentLevel.claimed.desc(), Student.id)
    query = select(Student.id).join(Student.levels).where(*having, Student.id.in_(_looking(actor))).order_by(*order)
    found = db.paginate(query, page=page, per_page=PER_PAGE, error_out=False)
    rows = db.session.execute(
        select(Student, StudentLevel.claimed, StudentLevel.verified)
        .join(Student.user)
        .join(Student.levels)
        .where(*having, Student.id.in_(found.items))
        .options(contains_eager(Student.user))
        .order_by(*order)
    )
    return found, [Reaching(*row) for row in rows]
