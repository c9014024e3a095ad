"""The exact matcher: pairs, prices and the certificate that no better matching exists.

The assignment itself is `scipy.optimize.linear_sum_assignment` (D. F. Crouse, «On implementing 2D
rectangular assignment algorithms», IEEE Trans. Aerospace and Electronic Systems 52(4), 2016) on columns
repeated by headcount. The prices are the least dual solution (G. Demange, D. Gale, M. Sotomayor,
«Multi-item auctions», J. Political Economy 94(4), 1986), found as longest paths between positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

Objective = Literal["score", "placements"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SETTLED = 1e-12
"""Prices that rise by less than this share of the largest weight in a sweep have settled."""


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
    """Match students to seats so that no other matching is better.

    score: (n, m) float, NaN for an ineligible pair, otherwise finite; capacity: (m,) whole, 0 or more.
    objective «score» maximises the total (staying free scores 0, so that nothing negative is matched);
    «placements» places as many people as possible and, among those matchings, maximises the total.

    Raises ValueError naming the argument and the first bad index.
    """
    scores, seats = _checked(score, capacity)
    if objective not in ("score", "placements"):
        raise ValueError(f"objective must be 'score' or 'placements', not {objective!r}")
    bonus = _bonus(scores, seats) if objective == "placements" else 0.0
    weight = np.where(np.isnan(scores), -np.inf, scores + bonus)

    position = _solve(weight, seats)
    filled = np.bincount(position[position >= 0], minlength=len(seats)).astype(np.int64)
    price = _least_prices(weight, seats, position, filled)
    surplus = np.maximum(0.0, (weight - price).max(axis=1, initial=-np.inf))
    matched = np.flatnonzero(position >= 0)
    return Assignment(
        position=position,
        total=float(scores[matched, position[matched]].sum()),
        price=price,
        surplus=surplus,
        certificate=_certificate(weight, seats, position, price, surplus),
        bonus=bonus,
        filled=filled,
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
        if not np.isfinite(seats) or seats != int(seats) or seats < 0:
            raise ValueError(f"capacity[{j}] is {seats}: seats are whole numbers, 0 or more")
    return scores, given.astype(np.int64)


def _bonus(scores: Floats, seats: Ints) -> float:
    """A reward per person that no gain in score can outweigh.

    Totals of two matchings differ by less than 2·K·max|s| with K = min(n, seats), so one more person
    with bonus 1 + 2·K·max|s| always counts for more.
    """
    if not np.isfinite(scores).any():
        return 1.0
    most = min(len(scores), int(seats.sum()))
    return 1.0 + 2.0 * most * float(np.nanmax(np.abs(scores)))


def _solve(weight: Floats, seats: Ints) -> Ints:
    """The best matching; pairs of weight 0 or below are worth no more than staying free and are left out."""
    position = np.full(len(weight), -1, dtype=np.int64)
    column_of = np.repeat(np.arange(len(seats)), np.minimum(seats, len(weight)))
    useful = np.maximum(weight, 0.0)
    rows, columns = linear_sum_assignment(useful[:, column_of], maximize=True)
    chosen = column_of[columns]
    gains = weight[rows, chosen] > 0
    position[rows[gains]] = chosen[gains]
    return position


def _least_prices(weight: Floats, seats: Ints, position: Ints, filled: Ints) -> Floats:
    """The smallest prices that support the matching, (m,).

    A full position's price covers what its best unmatched student would bring, and, for whoever sits at
    k but would bring more at j, p_j ≥ p_k + s_ij − s_ik: longest paths over the positions. Positions with
    free seats cost nothing. Sweeps repeat until nothing rises; there are at most m, as no path is longer.
    """
    m = len(seats)
    full = filled == seats
    price = np.maximum(0.0, weight[position < 0].max(axis=0, initial=0.0)) * full
    step = np.full((m, m), -np.inf)
    for k in np.flatnonzero(filled):
        sitting = weight[position == k]
        step[k] = (sitting - sitting[:, [k]]).max(axis=0)
    tolerance = SETTLED * max(1.0, float(np.max(weight, initial=0.0)))
    for _ in range(m):
        raised = np.maximum(price, (price[:, None] + step).max(axis=0, initial=0.0) * full)
        settled = bool((raised - price <= tolerance).all())
        price = raised
        if settled:
            break
    return np.asarray(price)


def _certificate(weight: Floats, seats: Ints, position: Ints, price: Floats, surplus: Floats) -> float:
    """The largest violation of DESIGN.md's optimality conditions; any violation of the seats is infinite."""
    matched = np.flatnonzero(position >= 0)
    at = position[matched]
    filled = np.bincount(at, minlength=len(seats))
    if (filled > seats).any() or np.isneginf(weight[matched, at]).any():
        return float("inf")
    violations = (
        weight - price - surplus[:, None],
        np.abs(surplus[matched] + price[at] - weight[matched, at]),
        price[filled < seats],
        np.delete(surplus, matched),
        -price,
        -surplus,
    )
    return max(float(np.max(violation, initial=0.0)) for violation in violations)
