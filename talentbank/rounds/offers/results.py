"""Reads of a round's result, for each of those whom it concerns, and of who is concerned at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from talentbank.competencies.models import Competency, Student
from talentbank.deposits.models import Position
from talentbank.deposits.resources import queries as resources
from talentbank.deposits.resources.models import TaughtCompetency, TrainingResource
from talentbank.errors import NotFound
from talentbank.extensions import db, today
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Actor, Role
from talentbank.rounds import explaining
from talentbank.rounds import queries as rounds
from talentbank.rounds.entries import takes_part
from talentbank.rounds.explaining import Cost, EmptySeat
from talentbank.rounds.models import Round, RoundState, RoundStudent
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.offers.queries import count_offers, offer_parts, seen_by
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs.models import Explained, MatchedPair, Method, PositionOutcome, Run
from talentbank.rounds.snapshot import Snapshot

PUBLIC = (RoundState.PUBLISHED, RoundState.CLOSED)
MOST_RESOURCES = 5


def concerned(actor: Actor, round_id: int) -> Round:
    """A round in which the actor, its students or positions take part; any for the chamber. Raises NotFound."""
    found = rounds.round_(round_id)
    if actor.role is Role.CHAMBER:
        return found
    if not takes_part(actor, round_id):
        raise NotFound(_l("There is no such round, or you take no part in it."))
    return found


@dataclass(frozen=True, slots=True)
class StudentResult:
    """A student's result. offer: None if there is none; told: what the prices say, None without prices.

    there: outcomes by position id, of the positions that told names. teaching: resources that teach the next step.
    pinned: placed by the chamber's word. out: whether the student may know anything yet.
    """

    out: bool
    run: Run | None = None
    offer: Offer | None = None
    told: Explained | None = None
    there: dict[int, PositionOutcome] | None = None
    teaching: Sequence[TrainingResource] = ()
    eligible: int | None = None
    pinned: bool = False

    @property
    def by_prices(self) -> bool:
        return self.run is not None and self.run.method is Method.OPTIMUM


def for_student(actor: Actor, round_: Round) -> StudentResult:
    """What a student may know: who gets no offer, once told; who gets one, once it is published."""
    student_id = db.session.scalar(select(Student.id).where(Student.user_id == actor.user_id))
    run = runs.shown_run(round_) if round_.selected_run_id is not None else None
    if run is None or student_id is None or (round_.told_at is None and round_.state not in PUBLIC):
        return StudentResult(out=False)
    of_pair = select(MatchedPair).where(MatchedPair.run_id == run.id, MatchedPair.student_id == student_id)
    if db.session.scalar(of_pair) is not None and round_.state not in PUBLIC:
        return StudentResult(out=False)
    offer = db.session.scalar(
        select(Offer).where(Offer.run_id == run.id, Offer.student_id == student_id).options(*offer_parts())
    )
    told = runs.explained(run.id, student_id)
    policy = RunPolicy.load(run.policy)
    if told is None:
        fits = Snapshot(runs.snapshot_text(run.snapshot_id)).fits(student_id, policy)
        eligible = sum(fit.eligible for fit in fits.values())
        return StudentResult(out=True, run=run, offer=offer, eligible=eligible)
    ids = {told.alternative_id, told.condition_position_id, told.step_position_id} - {None}
    rows = db.session.scalars(
        select(PositionOutcome)
        .where(PositionOutcome.run_id == run.id, PositionOutcome.position_id.in_(ids))
        .options(joinedload(PositionOutcome.position).joinedload(Position.enterprise))
    )
    return StudentResult(
        out=True,
        run=run,
        offer=offer,
        told=told,
        there={row.position_id: row for row in rows},
        teaching=teaching(told.step) if told.step is not None else (),
        eligible=told.eligible,
        pinned=any(student == student_id for student, _ in policy.pinned),
    )


def teaching(competency: Competency) -> Sequence[TrainingResource]:
    """Training resources on show and not over that teach a competency, those that begin first ahead."""
    return db.session.scalars(
        select(TrainingResource)
        .where(
            resources.on_show(),
            TrainingResource.ends_on >= today(),
            TrainingResource.teaches.any(TaughtCompetency.competency_id == competency.id),
        )
        .options(joinedload(TrainingResource.owner))
        .order_by(TrainingResource.starts_on, TrainingResource.id)
        .limit(MOST_RESOURCES)
    ).all()


@dataclass(frozen=True, slots=True)
class PositionResult:
    """What became of one of an enterprise's positions; empty: why a seat stayed so, None where none did."""

    outcome: PositionOutcome
    offers: list[Offer]
    empty: EmptySeat | None
    costs: list[Cost]


def for_enterprise(actor: Actor, round_: Round) -> tuple[Run | None, list[PositionResult]]:
    """An enterprise's positions in a published round, in the order of their ids; nothing before it is published."""
    run = runs.shown_run(round_) if round_.state in PUBLIC else None
    if run is None:
        return None, []
    snapshot, policy = Snapshot(runs.snapshot_text(run.snapshot_id)), RunPolicy.load(run.policy)
    outcomes = db.session.scalars(
        select(PositionOutcome)
        .join(PositionOutcome.position)
        .where(PositionOutcome.run_id == run.id, Position.enterprise_id == actor.organisation_id)
        .options(joinedload(PositionOutcome.position))
        .order_by(PositionOutcome.position_id)
    ).all()
    pairs = dict(
        db.session.execute(
            select(MatchedPair.student_id, MatchedPair.position_id).where(MatchedPair.run_id == run.id)
        ).all()
    )
    offers: dict[int, list[Offer]] = {}
    mine = select(Offer).where(seen_by(actor), Offer.run_id == run.id).options(*offer_parts()).order_by(Offer.id)
    for offer in db.session.scalars(mine):
        offers.setdefault(offer.position_id, []).append(offer)
    found = []
    for outcome in outcomes:
        at = outcome.position_id
        here = [student for student, position in pairs.items() if position == at]
        eligible = explaining.eligible_for(snapshot, policy, at)
        empty = explaining.why_empty(eligible, here, pairs) if outcome.filled < outcome.seats else None
        costs = explaining.costs(snapshot, policy, at, eligible)
        found.append(PositionResult(outcome, offers.get(at, []), empty, costs))
    return run, found


@dataclass(frozen=True, slots=True)
class UniversityResult:
    """How many of a university's students took part, and how their offers stand."""

    students: int
    offers: dict[OfferState, int]


def for_university(actor: Actor, round_: Round) -> UniversityResult | None:
    """A university's students in a published round; None before it is published."""
    if round_.state not in PUBLIC:
        return None
    took_part = (
        select(func.count())
        .select_from(RoundStudent)
        .join(RoundStudent.student)
        .where(RoundStudent.round_id == round_.id, Student.university_id == actor.organisation_id)
    )
    return UniversityResult(db.session.scalar(took_part) or 0, count_offers(actor, round_.id))
