"""The exact matcher: pairs, prices and the certificate that no better matching exists.

A market's optimum comes out of the few pairs that matter (`optimum`), or, for scores that are at hand and in small
rounds, from `scipy.optimize.linear_sum_assignment` (`dense`). Either way everything is exact in whole numbers, prices
are the least ones, which are unique, and among the equally good matchings one is drawn (`draw`), so that the pairs do
not hang on how the optimum was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talentbank.engine import dense, draw
from talentbank.engine.optimum import Optimum, Solver, Tell, assignment_solver, market_optimum, similar_optimum
from talentbank.engine.policy import UNIT, Objective, Policy
from talentbank.engine.problem import MOST_SEATS, Ints, Problem
from talentbank.engine.scoring import Terms
from talentbank.engine.sweep import Shortlist
from talentbank.engine.tables import NEVER, Tables, grouped, special_pairs, tables

Floats = NDArray[np.float64]
Progress = Callable[[str, float], bool | None]
"""Hears a phase («prices», «pairs», «seats», «check», «draw») and the share of it that is done; False stops."""

HEAVIEST = 2**60
"""Weights stay below, so that no sum of four of them leaves 63 bits."""

SMALL = 20_000
"""Up to so many pairs of a student and a seat, one matrix holds them all."""

FINEST = 2000
"""In 1/NANO: where no requirement adds less, only a score of nothing at all is rounded to 0."""


class Stopped(Exception):  # noqa: N818  (what was asked for is no error)
    """The caller's progress function wanted no more; there is no result."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A matching of n students to m positions with its proof; everything in whole numbers of 1/UNIT.

    position (n,): the position of each student, -1 for unmatched; score (n,): the score of that pair, 0 for
    unmatched; total: their sum. price (m,) and surplus (n,): the least dual prices, in units of the objective, in
    which a placed person counts `bonus` on top of the score (0 under objective «score»), and a pinned one `pin` more.
    certificate: the largest violation of the optimality conditions. filled (m,): seats taken; eligible (m,): students
    who could be matched there, pins aside. shortlist: what a solve of nearly the same problem begins with, where the
    market is not small.
    """

    policy: Policy
    position: Ints
    score: Ints
    total: int
    price: Ints
    surplus: Ints
    certificate: int
    bonus: int
    pin: int
    filled: Ints
    eligible: Ints
    shortlist: Shortlist | None

    @property
    def matched(self) -> int:
        """How many students were matched."""
        return int((self.position >= 0).sum())


def solve(
    problem: Problem, policy: Policy | None = None, progress: Progress | None = None, *, near: Result | None = None
) -> Result:
    """Match students to seats so that no other matching is better, and prove it.

    near: a result of the same problem under another policy, from which this one begins; it changes nothing but the
    time that is taken. Raises ValueError for a policy that does not go with the problem, and Stopped if progress
    returns False.
    """
    policy = policy or Policy()
    tell = _teller(progress)
    bonus, pin = _bonuses(problem.students, problem.headcount, UNIT, policy)
    order = grouped(problem)
    terms = Terms.of(problem, policy)
    special = special_pairs(problem, policy, terms, order, bonus, pin)
    capacity = np.minimum(problem.headcount, problem.students)[order]
    if problem.students * min(problem.students, int(capacity.sum())) <= SMALL:
        weight, eligible = dense.weights(problem, policy, bonus, pin)
        found = dense.optimum(weight[:, order], capacity)
    else:
        t = tables(problem, policy, terms, order, bonus, special)
        found = _optimum(t, assignment_solver(capacity), order, policy, near, tell)
        eligible = np.empty_like(capacity)
        eligible[order] = special.eligible + (found.shortlist.eligible if found.shortlist else 0)
    tell("draw", 0)
    turn = draw.lottery(policy.seed, "student", problem.student_ids)
    place = _drawn(found, capacity, turn, draw.lottery(policy.seed, "position", problem.position_ids)[order])
    tell("draw", 1)
    seating, matched = found.seating, place >= 0
    extra = np.full(problem.students, bonus)
    extra[special.held] += pin
    score = np.where(matched, seating.surplus + np.append(seating.price, 0)[place] - extra, 0)
    price, filled = np.empty_like(capacity), np.empty_like(capacity)
    price[order], filled[order] = seating.price, np.bincount(place[matched], minlength=problem.positions)
    return Result(
        policy=policy,
        position=np.where(matched, np.append(order, NEVER)[place], NEVER),
        score=score,
        total=int(score.sum()),
        price=price,
        surplus=seating.surplus,
        certificate=_violation(found, place, capacity),
        bonus=bonus,
        pin=pin,
        filled=filled,
        eligible=eligible,
        shortlist=found.shortlist,
    )


def _optimum(t: Tables, solver: Solver, order: Ints, policy: Policy, near: Result | None, tell: Tell) -> Optimum:
    """The optimum, from the shortlist of a result near to it if its bounds still tell something."""
    if near is None or near.shortlist is None:
        return market_optimum(t, solver, tell)
    old = near.policy
    place = np.append(np.argsort(order), NEVER)
    seat, price = place[near.position], near.price[order]
    same = (policy.objective, policy.trust, policy.must_have_verified, policy.least_units) == (
        old.objective,
        old.trust,
        old.must_have_verified,
        old.least_units,
    )
    if same and policy.weights[0] == old.weights[0]:
        return similar_optimum(t, solver, near.shortlist, price, seat, tell)
    if (
        same
        and policy.objective == "score"
        and policy.least_units <= 0
        and min(old.weights[0], policy.weights[0]) > 0
    ):
        by = policy.weights[0] / old.weights[0]
        if t.value[t.value > 0].min(initial=FINEST) >= FINEST * max(1.0, by):
            scaled = np.rint(price * by).astype(np.int64)
            return similar_optimum(t, solver, near.shortlist.scaled(by), scaled, seat, tell)
    return market_optimum(t, solver, tell)


def _teller(progress: Progress | None) -> Tell:
    def tell(phase: str, share: float) -> None:
        if progress is not None and progress(phase, share) is False:
            raise Stopped

    return tell


def _bonuses(students: int, headcount: Ints, largest: int, policy: Policy) -> tuple[int, int]:
    """What a placed and a pinned person count beside the score, so that no gain in score outweighs one of them.

    Totals of two matchings differ by at most 2·K·S with K = min(n, seats) and S the largest score, so one more person
    with 1 + 2·K·S counts for more than any total; the same again for pins over placed people. Every sum that the
    solver forms is of at most four weights, each below HEAVIEST = 2^60, so that none leaves 63 bits; what can't be
    kept below that is refused.
    """
    most = min(students, int(headcount.sum()))
    bonus = 1 + 2 * most * largest if policy.objective == "placements" else 0
    pin = 1 + 2 * most * (bonus + largest) if policy.pinned else 0
    if bonus + pin + largest >= HEAVIEST:
        raise ValueError(f"score is too large: {largest} units among {most} people do not stay below 2^60")
    return bonus, pin


def _drawn(found: Optimum, capacity: Ints, turn: Ints, rank: Ints) -> Ints:
    seating = found.seating
    options = draw.Options(found.likeness, found.student, found.place)
    return draw.settle(options, seating.seat, seating.price, seating.surplus, capacity, turn, rank)


def _violation(found: Optimum, place: Ints, capacity: Ints) -> int:
    """The largest violation of the optimality conditions: 0, or the solver is wrong."""
    price, surplus = found.seating.price, found.seating.surplus
    filled = np.bincount(place[place >= 0], minlength=len(capacity))
    violations = (
        price[filled < capacity],
        surplus[place < 0],
        -price,
        -surplus,
        np.where(filled > capacity, HEAVIEST, 0),
    )
    return max(found.unpaid, *(int(violation.max(initial=0)) for violation in violations))


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """A matching of n students to m positions with its proof.

    position (n,) int: the position of each student, -1 for unmatched; total: sum of the matched scores;
    price (m,) and surplus (n,): the least dual prices, in units of the objective; certificate: the largest
    violation of the optimality conditions; bonus: what each placed person adds to the objective on top of
    the score (0 under objective «score»); filled (m,) int: seats taken.
    """

    position: Ints
    total: float
    price: Floats
    surplus: Floats
    certificate: float
    bonus: float
    filled: Ints

    @property
    def matched(self) -> int:
        """How many students were matched."""
        return int((self.position >= 0).sum())


def assign(score: ArrayLike, capacity: ArrayLike, *, objective: Objective = "score") -> Assignment:
    """Match students to seats so that no other matching is better: the small door, for scores that are at hand.

    score: (n, m) float, NaN for an ineligible pair, otherwise finite, and rounded to 1/UNIT; capacity: (m,) whole, 0
    or more. objective «score» maximises the total (staying free scores 0, so that nothing negative is matched);
    «placements» places as many people as possible and, among those matchings, maximises the total. Ties are broken by
    the order of rows and columns.

    Raises ValueError naming the argument and the first bad index.
    """
    scores, seats = _checked(score, capacity)
    n, m = scores.shape
    units = np.rint(np.nan_to_num(scores) * UNIT)
    largest = int(np.abs(units).max(initial=0))
    bonus, _ = _bonuses(n, seats, largest, Policy(objective=objective))
    weight = np.where(~np.isnan(scores) & (units + bonus > 0), units + bonus, NEVER).astype(np.int64)
    found = dense.optimum(weight, seats)
    place = _drawn(found, seats, np.arange(n), np.arange(m))
    matched = np.flatnonzero(place >= 0)
    return Assignment(
        position=place,
        total=int(units[matched, place[matched]].sum()) / UNIT,
        price=found.seating.price / UNIT,
        surplus=found.seating.surplus / UNIT,
        certificate=_violation(found, place, seats) / UNIT,
        bonus=bonus / UNIT,
        filled=np.bincount(place[matched], minlength=m).astype(np.int64),
    )


def _checked(score: ArrayLike, capacity: ArrayLike) -> tuple[Floats, Ints]:
    scores = np.asarray(score, dtype=np.float64)
    if scores.ndim != 2:
        raise ValueError(f"score must have shape (n, m), not {scores.shape}")
    infinite = np.argwhere(np.isinf(scores))
    if len(infinite):
        i, j = (int(x) for x in infinite[0])
        raise ValueError(f"score[{i}, {j}] is {scores[i, j]}: scores are finite, or NaN for ineligible")
    given = np.asarray(capacity)
    if given.shape != (scores.shape[1],):
        raise ValueError(f"capacity must have shape ({scores.shape[1]},), not {given.shape}")
    if given.size and given.dtype.kind not in "iuf":
        raise ValueError(f"capacity must be whole numbers, not {given.dtype}")
    for j, seats in enumerate(given.tolist()):
        if not np.isfinite(seats) or seats != int(seats) or not 0 <= seats <= MOST_SEATS:
            raise ValueError(f"capacity[{j}] is {seats}: seats are whole numbers, 0 or more")
    return scores, np.minimum(given, max(len(scores), 1)).astype(np.int64)
