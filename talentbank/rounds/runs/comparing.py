"""Runs beside each other: seats by category and enterprise, limits broken, who gains and who loses."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select

from talentbank.accounts.models import Organisation
from talentbank.competencies.catalogue import Category
from talentbank.competencies.models import Student
from talentbank.deposits.models import Position
from talentbank.errors import Conflict
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs import queries
from talentbank.rounds.runs.models import MatchedPair, PositionOutcome, Run, RunState

NOTICEABLE = 1e-9
"""Scores and prices are whole multiples of 1e-9: what differs less does not differ."""


@dataclass(frozen=True, slots=True)
class Change:
    """What two runs do with a student: the pair of the first, and of the second."""

    student: Student
    before: MatchedPair | None
    after: MatchedPair | None

    @property
    def verdict(self) -> str:
        """«in», «out», «gains», «loses», «moves» or «stays», by the student's own choice, then by its score."""
        if self.before is None or self.after is None:
            return "in" if self.before is None else "out"
        if self.before.position_id == self.after.position_id:
            return "stays"
        never = 10**9
        by = (self.before.choice or never) - (self.after.choice or never) or self.after.score - self.before.score
        if abs(by) <= NOTICEABLE:
            return "moves"
        return "gains" if by > 0 else "loses"


@dataclass(slots=True)
class Comparison:
    """Changes by verdict, how many keep their position, and positions whose prices differ: (position, a, b)."""

    changes: dict[str, list[Change]] = field(default_factory=dict)
    same: int = 0
    prices: list[tuple[Position, float, float]] = field(default_factory=list)


def compare(first: Run, second: Run) -> Comparison:
    """What changes from one run to another. Raises Conflict unless both are done."""
    if first.state is not RunState.DONE or second.state is not RunState.DONE:
        raise Conflict(_l("Only runs that are done can be compared."))
    before, after = queries.all_pairs(first), queries.all_pairs(second)
    found = Comparison({verdict: [] for verdict in ("gains", "loses", "in", "out", "moves")})
    for student_id in sorted({*before, *after}):
        was, will = before.get(student_id), after.get(student_id)
        student = (was or will).student  # type: ignore[union-attr]  # at least one of them is there
        change = Change(student, was, will)
        if change.verdict == "stays":
            found.same += 1
        else:
            found.changes[change.verdict].append(change)
    one, other = queries.prices(first.id), queries.prices(second.id)
    found.prices = [
        (one[p].position, one[p].price, other[p].price)
        for p in one
        if p in other and abs(one[p].price - other[p].price) > NOTICEABLE
    ]
    found.prices.sort(key=lambda row: (-abs(row[2] - row[1]), row[0].id))
    return found


def filled_by_category(round_id: int) -> dict[int, dict[Category, tuple[int, int]]]:
    """(filled, seats) of each category with seats, for each run of a round, by run id: one query."""
    rows = db.session.execute(
        select(
            PositionOutcome.run_id,
            Position.category,
            func.sum(PositionOutcome.filled),
            func.sum(PositionOutcome.seats),
        )
        .join(PositionOutcome.position)
        .join(Run, Run.id == PositionOutcome.run_id)
        .where(Run.round_id == round_id)
        .group_by(PositionOutcome.run_id, Position.category)
    )
    found: dict[int, dict[Category, tuple[int, int]]] = {}
    for run_id, category, filled, seats in rows:
        found.setdefault(run_id, {})[category] = (filled, seats)
    return found


def filled_by_enterprise(run_id: int) -> list[tuple[Organisation, int, int]]:
    """(enterprise, filled, seats) of a run, by name."""
    rows = db.session.execute(
        select(Position.enterprise_id, func.sum(PositionOutcome.filled), func.sum(PositionOutcome.seats))
        .join(PositionOutcome.position)
        .where(PositionOutcome.run_id == run_id)
        .group_by(Position.enterprise_id)
    ).all()
    named = queries.organisations(enterprise_id for enterprise_id, _, _ in rows)
    found = [(named[enterprise_id], filled, seats) for enterprise_id, filled, seats in rows]
    return sorted(found, key=lambda row: row[0].name_zh)


def broken(run: Run) -> list[tuple[int, int]]:
    """Quotas of a run's policy that its pairs do not keep: (index, people placed under it)."""
    quotas = RunPolicy.load(run.policy).quotas
    if not quotas:
        return []
    rows = db.session.execute(
        select(Student.university_id, Position.enterprise_id, Position.category)
        .select_from(MatchedPair)
        .join(MatchedPair.student)
        .join(MatchedPair.position)
        .where(MatchedPair.run_id == run.id)
    ).all()
    placed = [(str(university), str(enterprise), category.value) for university, enterprise, category in rows]
    found = []
    for at, (*whom, least, most) in enumerate(quotas):
        count = sum(
            all(asked is None or asked == is_ for asked, is_ in zip(whom, row, strict=True)) for row in placed
        )
        if count < least or (most is not None and count > most):
            found.append((at, count))
    return found
