"""The exact matcher: pairs, prices and the certificate that no better matching exists.

A market's optimum comes out of the few pairs that matter (`optimum`), or, for scores that are at hand and in small
rounds, from `scipy.optimize.linear_sum_assignment` (`dense`). Quotas make a flow of it (`flow`) or, where they cross,
a programme in whole numbers (`integer`). Everything is exact in whole numbers, prices are the least ones, which are
unique, and among the equally good matchings one is drawn (`draw`), so that the pairs do not hang on how the optimum
was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from talentbank.engine import dense, draw, integer, optimum
from talentbank.engine.flow import FlowSolver, Unplaceable
from talentbank.engine.forest import Forest, planted, seats_only
from talentbank.engine.market import HEAVIEST, Market, bonuses, market
from talentbank.engine.optimum import (
    Optimum,
    Seating,
    Solver,
    Tell,
    assignment_solver,
    graph_optimum,
    market_optimum,
    similar_optimum,
)
from talentbank.engine.policy import UNIT, Objective, Policy, Quota
from talentbank.engine.problem import MOST_SEATS, Ints, Problem
from talentbank.engine.promises import Infeasible, conflict
from talentbank.engine.sweep import Arcs, Shortlist, first_sweep
from talentbank.engine.tables import NEVER, Tables

Floats = NDArray[np.float64]
Progress = Callable[[str, float], bool | None]
"""Hears a phase and the share of it that is done; False stops.

The phases are «prices», «pairs», «seats», «check» and «draw», of which the middle ones repeat; «explain»; «proposals»
and «blocking».
"""

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
    unmatched; total: their sum. price (m,), surplus (n,) and levy (one for each quota of the policy): the least dual
    prices, in units of the objective, in which a placed person counts the pair's nudge and `bonus` on top of the
    score (0 under objective «score»), and a pinned one `pin` more. A levy is what every placement costs that the
    quota names: above 0 where its limit binds, below 0, a subsidy, where its promise does. certificate: the largest
    violation of the optimality conditions. filled (m,): seats taken; eligible (m,): students who could be matched
    there, pins aside. gap: by how much the objective is proven to miss the best at most, above 0 only where quotas
    cross; prices are then those of the relaxation without whole numbers. shortlist: what a solve of nearly the same
    problem begins with, where the market is not small.
    """

    policy: Policy
    position: Ints
    score: Ints
    total: int
    price: Ints
    surplus: Ints
    levy: tuple[int, ...]
    certificate: int
    gap: int
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
    time that is taken. Raises ValueError for a policy that does not go with the problem, Infeasible, which is one,
    for promises that can't be met, and Stopped if progress returns False.
    """
    policy = policy or Policy()
    tell = teller(progress)
    ready = market(problem, policy)
    if ready.forest is None:
        return _crossed(ready, tell)
    order, capacity = ready.order, ready.capacity
    _check_near(problem, near)
    if not policy.quotas and problem.students * min(problem.students, int(capacity.sum())) <= SMALL:
        weight, eligible = dense.weights(problem, policy, ready.bonus, ready.pin)
        found = dense.optimum(weight[:, order], capacity)
        node, potential = _placed(found.seating, ready.forest)
    else:
        t = ready.tables()
        if policy.quotas:
            found, node, potential = _under_quotas(ready, t, near, tell)
        else:
            found = _optimum(ready, t, assignment_solver(capacity), near, tell)
            node, potential = _placed(found.seating, ready.forest)
        eligible = np.empty_like(capacity)
        eligible[order] = ready.special.eligible + (found.shortlist.eligible if found.shortlist else 0)
    tell("draw", 0)
    node = _drawn(found, node, ready.forest, potential, ready.special.held, *_lots(ready))
    tell("draw", 1)
    return _result(ready, found, node, potential, eligible)


def _check_near(problem: Problem, near: Result | None) -> None:
    n, m = problem.students, problem.positions
    if near is not None and (len(near.position), len(near.price)) != (n, m):
        of = f"{len(near.position)} students and {len(near.price)} positions"
        raise ValueError(f"near is a result of {of}: it must be of the same {n} and {m}")


def _lots(ready: Market) -> tuple[Ints, Ints]:
    """The draw's order of students, and of positions in the order of their groups."""
    problem, seed = ready.problem, ready.policy.seed
    turn = draw.lottery(seed, "student", problem.student_ids)
    return turn, draw.lottery(seed, "position", problem.position_ids)[ready.order]


def _placed(seating: Seating, forest: Forest) -> tuple[Ints, Ints]:
    """Nodes and potentials of a seating without quotas."""
    return np.where(seating.seat >= 0, seating.seat, forest.nowhere), np.append(seating.price, [0, 0])


def _drawn(found: Optimum, node: Ints, forest: Forest, potential: Ints, held: Ints, turn: Ints, rank: Ints) -> Ints:
    options = draw.Options(found.likeness, found.student, found.place, held)
    return draw.settle(options, node, forest, potential, found.seating.surplus, turn, rank)


def _result(ready: Market, found: Optimum, node: Ints, potential: Ints, eligible: Ints) -> Result:
    """A drawn seating as the caller knows positions, with prices and levies each by itself."""
    problem, policy, forest, order = ready.problem, ready.policy, ready.forest, ready.order
    assert forest is not None  # noqa: S101  (crossed quotas have gone another way)
    m, surplus = problem.positions, found.seating.surplus
    matched, pinned = node < m, np.zeros(problem.students, np.int64)
    pinned[ready.special.held] = ready.pin
    extra = ready.bonus + (0 if policy.quotas else pinned)
    own = potential - potential[forest.parent]
    price, filled = np.empty(m, np.int64), np.empty(m, np.int64)
    price[order], filled[order] = own[:m], np.bincount(node[matched], minlength=m)
    position = np.where(matched, np.append(order, np.full(len(potential) - m, NEVER))[node], NEVER)
    nudge = ready.nudges.at(np.arange(problem.students), position)
    score = np.where(matched, surplus + potential[node] - extra - nudge, 0)
    levy = [0] * len(policy.quotas)
    for v in range(m, forest.root):
        sign = -1 if v < forest.groups else 1
        at = int(forest.at_most[v] if own[v] > 0 else forest.at_least[v])
        if own[v]:
            levy[at] = sign * int(own[v])
    return Result(
        policy=policy,
        position=position,
        score=score,
        total=int(score.sum()),
        price=price,
        surplus=surplus + potential[forest.nowhere] + (pinned if policy.quotas else 0),
        levy=tuple(levy),
        certificate=_violation(found, node, forest, potential, ready.special.held),
        gap=0,
        bonus=ready.bonus,
        pin=ready.pin,
        filled=filled,
        eligible=eligible,
        shortlist=found.shortlist,
    )


def _violation(found: Optimum, node: Ints, forest: Forest, potential: Ints, held: Ints) -> int:
    """The largest violation of the optimality conditions: 0, or the solver is wrong."""
    filled, own = forest.filled(node), potential - potential[forest.parent]
    free = np.ones(len(node), np.bool_)
    free[held] = False
    idle = found.seating.surplus + potential[forest.nowhere]
    violations = (
        own[~(forest.limit & (filled == forest.upper))],
        -own[~(forest.promise & (filled == forest.lower))],
        np.where((filled > forest.upper) | (filled < forest.lower), HEAVIEST, 0),
        np.where(node[held] == forest.nowhere[held], HEAVIEST, 0),
        np.abs(idle[(node == forest.nowhere) & free]),
        -idle[free],
    )
    return max(found.unpaid, *(int(violation.max(initial=0)) for violation in violations))


def _under_quotas(ready: Market, t: Tables, near: Result | None, tell: Tell) -> tuple[Optimum, Ints, Ints]:
    """The optimum under laminar quotas, with nodes and potentials. Raises Infeasible."""

    def attempt(quotas: tuple[Quota, ...], near: Result | None) -> tuple[Optimum, FlowSolver]:
        forest = planted(ready.problem.students, ready.capacity, quotas, ready.whom)
        solver = FlowSolver(forest, t.held, ready.heaviest)
        return _optimum(ready, t, solver, near, tell), solver

    quotas = ready.policy.quotas
    try:
        found, solver = attempt(quotas, near)
    except Unplaceable:
        raise Infeasible((), quotas) from None
    if len(solver.shortfall()):
        promised = [at for at, quota in enumerate(quotas) if quota.at_least > 0]
        raise Infeasible(conflict(quotas, promised, lambda some: not len(attempt(some, None)[1].shortfall())), quotas)
    return found, solver.node, solver.potential


def _crossed(ready: Market, tell: Tell) -> Result:
    """The best matching under quotas that cross each other, with the gap that its solver leaves."""
    turn, rank = _lots(ready)
    inverse = np.empty_like(rank)
    inverse[ready.order] = rank
    tell("seats", 0)
    found = integer.solve(ready, turn, inverse)
    tell("seats", 1)
    position = found.position
    matched = position >= 0
    return Result(
        policy=ready.policy,
        position=position,
        score=found.score,
        total=int(found.score.sum()),
        price=found.price,
        surplus=found.surplus,
        levy=found.levy,
        certificate=0,
        gap=found.gap,
        bonus=ready.bonus,
        pin=ready.pin,
        filled=np.bincount(position[matched], minlength=ready.problem.positions).astype(np.int64),
        eligible=found.eligible,
        shortlist=None,
    )


def entry_prices(problem: Problem, result: Result) -> Ints:
    """What an outsider has to beat for a seat at each position, (m,): the greatest dual prices.

    Never below the result's own prices, which are the least ones, and NO_SEAT where there are no seats. Two seats and
    scores of 0.9, 0.7 and 0.6: one more seat would add 0.6, but whoever wants one of the two has to bring more than
    0.7. Under quotas the result's own prices are all that is told.
    """
    if result.policy.quotas:
        return result.price
    ready = market(problem, result.policy)
    place = np.append(np.argsort(ready.order), NEVER)
    seating = Seating(place[result.position], result.price[ready.order], result.surplus)
    t = ready.tables()
    shortlist = result.shortlist or first_sweep(t, seating.price, max(1, problem.positions), lambda _: None)
    price = np.empty_like(seating.price)
    price[ready.order] = optimum.entry_prices(t, shortlist, seating)
    return price


def _optimum(ready: Market, t: Tables, solver: Solver, near: Result | None, tell: Tell) -> Optimum:
    """The optimum, from the shortlist of a result near to it if its bounds still tell something."""
    order, policy = ready.order, ready.policy
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
        more = ready.bonus - near.bonus  # larger nudges are outweighed by a larger bonus
        price = np.maximum(price + more * (price > near.bonus // 2), 0)
        return similar_optimum(t, solver, near.shortlist.raised(more), price, seat, tell)
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


def teller(progress: Progress | None) -> Tell:
    """What the phases call: it passes their word on, and raises Stopped where the answer is False."""

    def tell(phase: str, share: float) -> None:
        if progress is not None and progress(phase, share) is False:
            raise Stopped

    return tell


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
    bonus, _ = bonuses(n, seats, largest, Policy(objective=objective))
    weight = np.where(~np.isnan(scores) & (units + bonus > 0), units + bonus, NEVER).astype(np.int64)
    if n * min(n, int(seats.sum())) <= SMALL:
        found = dense.optimum(weight, seats)
    else:
        rows, columns = np.nonzero(weight >= 0)
        start = np.searchsorted(rows, np.arange(n + 1))
        found = graph_optimum(Arcs(start, columns, weight[rows, columns]), seats, teller(None))
    forest = seats_only(n, seats)
    node, potential = _placed(found.seating, forest)
    nobody = np.zeros(0, np.int64)
    node = _drawn(found, node, forest, potential, nobody, np.arange(n), np.arange(m))
    place = np.where(node < m, node, NEVER)
    matched = np.flatnonzero(place >= 0)
    return Assignment(
        position=place,
        total=int(units[matched, place[matched]].sum()) / UNIT,
        price=found.seating.price / UNIT,
        surplus=found.seating.surplus / UNIT,
        certificate=_violation(found, node, forest, potential, nobody) / UNIT,
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
    return scores, np.minimum(given, len(scores) + 1).astype(np.int64)
