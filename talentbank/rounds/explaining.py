"""What a result says to those whom it concerns, from the snapshot and the run's rows; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from talentbank.engine.competency import Candidate
from talentbank.engine.scoring import Fit, Obstacle, fit_of
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.snapshot import Snapshot


class EmptySeat(StrEnum):
    """Why a seat stayed empty."""

    NOBODY_ELIGIBLE = "nobody_eligible"
    ALL_HERE = "all_here"
    ALL_PLACED = "all_placed"
    HELD_BACK = "held_back"


@dataclass(frozen=True, slots=True)
class Cost:
    """How many students would have been eligible for a position but for one thing: «everything else fits».

    obstacle: a condition of engine.scoring; competency: for must_have, which one, else "". ruled_out: instead of an
    obstacle, which side ruled the student out.
    """

    students: int
    obstacle: Obstacle | None = None
    competency: str = ""
    ruled_out: str = ""


def eligible_for(snapshot: Snapshot, policy: RunPolicy, position_id: int) -> set[int]:
    """The students whom a run could have matched with a position, by id: as many as its outcome counts."""
    banned = {student for student, position in policy.banned if position == position_id}
    return set(snapshot.scores(position_id, policy)) - set(policy.gone) - banned


def scores_of(snapshot: Snapshot, policy: RunPolicy, student_id: int) -> dict[int, float]:
    """A student's score, wishes of both sides included, at each position that a run could have given it, by id."""
    candidate = snapshot.candidate(student_id)
    banned = {position for student, position in policy.banned if student == student_id}
    if candidate is None or student_id in policy.gone:
        return {}
    a, b, c = policy.weights
    found = {}
    for opening in snapshot.openings:
        position = int(opening.id)
        fit = fit_of(candidate, opening, **policy.scoring)
        wishes = b * snapshot.said_by_student[student_id].wanted(position)
        wishes += c * snapshot.said_by_position[position].wanted(student_id)
        score = a * fit.value + wishes
        open_ = not set(fit.obstacles) - {Obstacle.MIN_SCORE} and score >= policy.min_score
        if open_ and position not in banned and not snapshot.ruled_out_by(student_id, position):
            found[position] = score
    return found


def why_empty(eligible: Collection[int], here: Collection[int], matched: Collection[int]) -> EmptySeat:
    """Why a position with a free seat got nobody more; here: whom it got, matched: who got anything in the run."""
    if not eligible:
        return EmptySeat.NOBODY_ELIGIBLE
    if set(eligible) <= set(here):
        return EmptySeat.ALL_HERE
    return EmptySeat.ALL_PLACED if set(eligible) <= set(matched) else EmptySeat.HELD_BACK


def costs(snapshot: Snapshot, policy: RunPolicy, position_id: int, eligible: Collection[int]) -> list[Cost]:
    """What stood between a position and students whom everything else fits, the most students first.

    eligible: what `eligible_for` says of the position.
    """
    opening = snapshot.opening(position_id)
    if opening is None:
        return []
    counts: Counter[tuple[Obstacle | None, str, str]] = Counter()
    for candidate in _present(snapshot, policy):
        if int(candidate.id) in eligible:
            continue
        only = _only_obstacle(fit_of(candidate, opening, **policy.scoring), policy)
        out = snapshot.ruled_out_by(int(candidate.id), position_id)
        if only is None or (out and only != _CLEAR):
            continue
        if out or only != _CLEAR:
            counts[only[0], only[1], out] += 1
    found = [Cost(students, *key) for key, students in counts.items()]
    return sorted(found, key=lambda cost: (-cost.students, cost.obstacle or "", cost.competency, cost.ruled_out))


_CLEAR: tuple[Obstacle | None, str] = (None, "")


def _only_obstacle(fit: Fit, policy: RunPolicy) -> tuple[Obstacle | None, str] | None:
    """The one thing that stands in the way, with the competency of a must-have; None if there is more than one."""
    if not fit.obstacles:
        return _CLEAR
    if len(fit.obstacles) > 1:
        return None
    if fit.obstacles[0] is not Obstacle.MUST_HAVE:
        return fit.obstacles[0], ""
    verified = policy.must_have_on == "verified"
    short = [p for p in fit.parts if p.must_have and (p.verified if verified else p.claimed) < p.required]
    return (Obstacle.MUST_HAVE, short[0].competency) if len(short) == 1 else None


def _present(snapshot: Snapshot, policy: RunPolicy) -> list[Candidate]:
    gone = set(policy.gone)
    return [candidate for candidate in snapshot.candidates if int(candidate.id) not in gone]


@dataclass(frozen=True, slots=True)
class Scarce:
    """A competency in a round: what it cost, its share of all costs, seats that asked for it, students who have it.

    able: students with at least the lowest level that any position asked for.
    """

    competency: str
    cost: float
    share: float
    seats: int
    level: int
    able: int


def scarce(snapshot: Snapshot, by_competency: dict[str, float]) -> list[Scarce]:
    """Competencies of a round, the dearest first; by_competency: a run's `scarcity`, in units of the objective."""
    total = sum(by_competency.values())
    seats: Counter[str] = Counter()
    lowest: dict[str, int] = {}
    for opening in snapshot.openings:
        for asked in opening.requirements:
            seats[asked.competency] += opening.headcount
            lowest[asked.competency] = min(asked.level, lowest.get(asked.competency, asked.level))
    found = [
        Scarce(
            code,
            by_competency.get(code, 0.0),
            by_competency.get(code, 0.0) / total if total else 0.0,
            seats[code],
            level,
            sum(candidate.level(code) >= level for candidate in snapshot.candidates),
        )
        for code, level in lowest.items()
    ]
    return sorted(found, key=lambda row: (-row.cost, -row.seats, row.competency))
