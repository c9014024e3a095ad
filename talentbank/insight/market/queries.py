"""Reads for the market's figures: published rounds with what became of their offers, need and training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from talentbank import permissions
from talentbank.competencies import queries as catalogue
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits import queries as deposits
from talentbank.deposits.models import Position
from talentbank.deposits.resources import queries as resources
from talentbank.engine.indicators import Spell
from talentbank.errors import NotFound
from talentbank.extensions import SHANGHAI, db
from talentbank.extensions import lazy_gettext as _l
from talentbank.insight import levels
from talentbank.permissions import Action, Actor
from talentbank.placements.models import Placement
from talentbank.rounds.models import Round, RoundState
from talentbank.rounds.offers.models import Offer, OfferState
from talentbank.rounds.offers.queries import free_students
from talentbank.rounds.offers.results import PUBLIC
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs.models import PositionOutcome, Run
from talentbank.rounds.snapshot import Snapshot


def sees_people(actor: Actor) -> bool:
    """Whether somebody who reads the market's figures may also see whom they count."""
    return permissions.allowed(actor, Action.READ_OFFERS)


@dataclass(frozen=True, slots=True)
class Held:
    """A round with the run that was chosen, or that it shows."""

    round: Round
    run: Run


def held(actor: Actor, *, unpublished: bool = False) -> list[Held]:
    """The published and closed rounds with their runs, the latest first.

    unpublished: those that are solved too, for who may read rounds.
    """
    states = [*PUBLIC]
    if unpublished and permissions.allowed(actor, Action.READ_ROUNDS):
        states.append(RoundState.SOLVED)
    rounds = db.session.scalars(select(Round).where(Round.state.in_(states)).order_by(Round.id.desc())).all()
    shown = runs.shown_runs()
    return [Held(round_, shown[round_.id]) for round_ in rounds if round_.id in shown]


def chosen(found: Sequence[Held], round_id: int | None) -> Held | None:
    """The round that is asked for, the latest published one unless told which; None where there is none at all.

    Raises NotFound for any other round.
    """
    if round_id is None:
        return next((one for one in found if one.round.state in PUBLIC), next(iter(found), None))
    for one in found:
        if one.round.id == round_id:
            return one
    raise NotFound(_l("There is no such round, or it has not been published."))


@dataclass(frozen=True, slots=True)
class Case:
    """An offer of a run with what became of it. answered_on: the day in Meishan; opens_on: the position's."""

    run_id: int
    category: Category
    accepted: bool
    opens_on: date
    answered_on: date | None
    started_on: date | None
    ended_on: date | None

    def there(self, day: date) -> bool:
        """Whether the person is in the position at the end of a day."""
        return self.started_on is not None and Spell(self.started_on, self.ended_on).goes_on(day)


def cases(run_ids: Sequence[int]) -> list[Case]:
    """Every offer of these runs, in one query."""
    rows = db.session.execute(
        select(
            Offer.run_id,
            Position.category,
            Offer.stored_state == OfferState.ACCEPTED,
            Position.opens_on,
            Offer.answered_at,
            Placement.started_on,
            Placement.ended_on,
        )
        .join(Offer.position)
        .outerjoin(Placement, Placement.offer_id == Offer.id)
        .where(Offer.run_id.in_(run_ids))
        .order_by(Offer.id)
    )
    return [
        Case(run_id, category, bool(accepted), opens, at.astimezone(SHANGHAI).date() if at else None, started, ended)
        for run_id, category, accepted, opens, at, started, ended in rows
    ]


def snapshot(run: Run) -> Snapshot:
    """What a run solved."""
    return Snapshot(runs.snapshot_text(run.snapshot_id))


@dataclass(frozen=True, slots=True)
class Need:
    """What positions on show ask of a competency, who is free, and what training is on show.

    level: the mean of the levels asked for, by seats, rounded to a whole one: what «have it» and «teach it» mean.
    able, lacking: free students at that level, and below it. resources: open ones that teach it, to whatever level;
    training: seats of those that teach it to that level or higher.
    """

    code: str
    seats: int
    mean: float
    level: int
    able: int
    lacking: int
    resources: int
    training: int

    @property
    def uncovered(self) -> int:
        """Seats for which there is neither a free student at the level nor a training seat."""
        return max(0, self.seats - self.able - self.training)


def needs() -> list[Need]:
    """A row a competency that positions on show ask for, those with most uncovered first."""
    free = free_students().with_only_columns(Student.id).order_by(None)
    able, _ = catalogue.levels_of(free)
    everybody = db.session.scalar(select(func.count()).select_from(free.subquery())) or 0
    teaching = resources.teaching()
    found = []
    for code, asked in deposits.seats_asked(deposits.on_show()).items():
        seats, mean = sum(asked.values()), levels.mean(asked)
        level = levels.whole(mean)
        have = levels.reaching(able.get(code, {}), level)
        taught = teaching.get(code, [])
        training = sum(n for at, n in taught if at >= level)
        found.append(Need(code, seats, mean, level, have, everybody - have, len(taught), training))
    return sorted(found, key=lambda need: (-need.uncovered, -need.seats, need.code))


def openings(run: Run) -> Sequence[PositionOutcome]:
    """A run's positions with their enterprises and cities, the dearest seat first."""
    return db.session.scalars(
        select(PositionOutcome)
        .where(PositionOutcome.run_id == run.id)
        .options(
            joinedload(PositionOutcome.position).joinedload(Position.enterprise),
            joinedload(PositionOutcome.position).joinedload(Position.city),
        )
        .order_by(PositionOutcome.price.desc(), PositionOutcome.position_id)
    ).all()


def seats(run_ids: Sequence[int]) -> dict[tuple[int, Category], tuple[int, int]]:
    """Seats and filled seats of runs, by run and category."""
    rows = db.session.execute(
        select(
            PositionOutcome.run_id,
            Position.category,
            func.sum(PositionOutcome.seats),
            func.sum(PositionOutcome.filled),
        )
        .join(PositionOutcome.position)
        .where(PositionOutcome.run_id.in_(run_ids))
        .group_by(PositionOutcome.run_id, Position.category)
    )
    return {(run_id, category): (int(seats), int(filled)) for run_id, category, seats, filled in rows}
