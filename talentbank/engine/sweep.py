"""Sweeps over every eligible pair, in compiled code: each is scored exactly, and nothing but the few that matter is
kept.

The first sweep scores every pair once and keeps, for every student, the pairs that are best at guessed prices, and a
bound on what all others are worth there. From then on a pair is looked at again only where that bound does not
already say that today's prices pay for it: where its position became cheaper by more than the student's bound leaves.
A block of students goes through the positions of a group one after the other, so that a position's table stays in the
cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from talentbank.engine.compiled import compiled
from talentbank.engine.problem import Ints
from talentbank.engine.tables import NEVER, Tables, is_special, units_of, weight_of

BLOCK = 256
"""Students that go through a group together, and CHECKED where most pairs need no second look."""
CHECKED = 2048

NEAR = 4095
"""Pairs whose values differ by less than this many 1/UNIT may change places among those kept at first, so that people
who are all alike don't all keep the same few positions."""

LOW = -(2**61)

Tick = Callable[[float], None]
"""Hears the share that is done; stops the sweep by raising."""


@dataclass(frozen=True, slots=True)
class Arcs:
    """Pairs by student: those of student i are start[i] to start[i + 1] of position and weight."""

    start: Ints
    position: Any
    weight: Ints

    def __len__(self) -> int:
        return len(self.position)

    @property
    def student(self) -> Ints:
        """The student of each pair."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def kept(self, which: Any) -> Arcs:
        """Those for which `which` is True."""
        return Arcs(np.append(0, np.cumsum(which))[self.start], self.position[which], self.weight[which])

    def joined(self, more: Arcs) -> Arcs:
        """These and more, which none of these is."""
        order = np.argsort(np.concatenate([self.student, more.student]), kind="stable")
        return Arcs(
            self.start + more.start,
            np.concatenate([self.position, more.position])[order],
            np.concatenate([self.weight, more.weight])[order],
        )


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Pairs by what levels, salary and must-haves make of them, whatever is said about single pairs.

    arcs: those worth having. Every other pair of student i and place j weighs at most bound[i] + reference[j].
    eligible (m,): how many students each place could take.
    """

    arcs: Arcs
    bound: Ints
    reference: Ints
    eligible: Ints

    def raised(self, by: int) -> Shortlist:
        """What still holds where every weight is higher by as much."""
        return Shortlist(self.arcs, np.where(self.bound > LOW, self.bound + by, LOW), self.reference, self.eligible)

    def scaled(self, by: float) -> Shortlist:
        """What still holds where every score is multiplied by a factor and what scored 0 still does.

        A unit each for the old rounding, the new one and that of the references.
        """
        bound = np.where(self.bound > LOW, np.ceil(self.bound * by).astype(np.int64) + 4 + ceil(by), LOW)
        return Shortlist(self.arcs, bound, np.rint(self.reference * by).astype(np.int64), self.eligible)


@compiled
def _mixed(i: int, j: int) -> int:
    """A number from 0 to 2^31 that looks drawn, the same for the same pair."""
    z = np.uint64(i) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(j) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
    return np.int64(z >> np.uint64(33))  # type: ignore[return-value]


@compiled
def _keep(rank: Any, place: Any, weight: Any, x: int, r: int, j: int, w: int) -> None:
    """Replace the least of row x's heap by a better one."""
    size = rank.shape[1]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and rank[x, child + 1] < rank[x, child]:
            child += 1
        if rank[x, child] >= r:
            break
        rank[x, at], place[x, at], weight[x, at] = rank[x, child], place[x, child], weight[x, child]
        at = child
    rank[x, at], place[x, at], weight[x, at] = r, j, w


@compiled
def _packed(place: Any, weight: Any, rows: int) -> Any:
    """How many pairs each row of the heaps holds, and the pairs row by row."""
    count = np.zeros(rows, np.int64)
    for x in range(rows):
        for y in range(place.shape[1]):
            count[x] += place[x, y] >= 0
    places, weights = np.empty(count.sum(), np.int32), np.empty(count.sum(), np.int64)
    at = 0
    for x in range(rows):
        for y in range(place.shape[1]):
            if place[x, y] >= 0:
                places[at], weights[at] = place[x, y], weight[x, y]
                at += 1
    return count, places, weights


@compiled
def _first(t: Tables, low: int, high: int, price: Any, keep: int) -> Any:
    """The block's pairs of the highest weight − price, the bound on all others, and who is eligible where."""
    rank = np.full((high - low, keep), np.int64(LOW))
    place = np.full((high - low, keep), np.int32(NEVER))
    weight = np.zeros((high - low, keep), np.int64)
    bound = np.full(high - low, np.int64(LOW))
    eligible = np.zeros(len(t.capacity), np.int64)
    members = np.empty(high - low, np.int64)
    for g in range(len(t.group_start) - 1):
        count = 0
        if t.group_start[g] < t.group_start[g + 1]:
            for i in range(low, high):
                if t.takes[i, g]:
                    members[count] = i
                    count += 1
        if count == 0:
            continue
        for j in range(t.group_start[g], t.group_start[g + 1]):
            for x in range(count):
                i = members[x]
                units = units_of(t, i, j)
                if units < 0 or units < t.fewest:
                    continue
                eligible[j] += 1
                if units < t.least:
                    continue
                row = i - low
                w = units + t.bonus
                value = w - price[j]
                least = rank[row, 0]
                if value + NEAR > least:
                    r = value + (_mixed(i, j) & NEAR)
                    if r > least:
                        if place[row, 0] >= 0:
                            bound[row] = max(bound[row], weight[row, 0] - price[place[row, 0]])
                        _keep(rank, place, weight, row, r, j, w)
                        continue
                bound[row] = max(bound[row], value)
    return *_packed(place, weight, high - low), bound, eligible


def first_sweep(t: Tables, price: Ints, keep: int, tick: Tick) -> Shortlist:
    """Score every pair once. Keeps up to `keep` pairs a student, the best at these prices."""
    n = len(t.floor)
    counts, places, weights, bounds = [np.zeros(1, np.int64)], [], [], []
    eligible = np.zeros(len(t.capacity), np.int64)
    for done, (count, place, weight, bound, here) in each_block(
        n, lambda low, high: _first(t, low, high, price, keep)
    ):
        counts.append(count)
        places.append(place)
        weights.append(weight)
        bounds.append(bound)
        eligible += here
        tick(done / n)
    arcs = Arcs(np.cumsum(np.concatenate(counts)), _all(places, np.int32), _all(weights, np.int64))
    return Shortlist(arcs, _all(bounds, np.int64), price.copy(), eligible)


def _all(arrays: list[Any], kind: type) -> Any:
    return np.concatenate([np.zeros(0, kind), *arrays])


@compiled
def _grown(array: Any, size: int) -> Any:
    if size < len(array):
        return array
    larger = np.empty(2 * len(array), array.dtype)
    larger[: len(array)] = array
    return larger


@compiled
def _check(  # noqa: PLR0912  (the innermost loop of all: every branch saves a look at a pair)
    t: Tables,
    order: Any,
    by_drop: Any,
    drop: Any,
    slack: Any,
    price: Any,
    surplus: Any,
    low: int,
    high: int,
    keep: int,
    equal: bool,
) -> Any:
    """Look at the block's pairs of which the bound does not tell: drop[j] > slack[i], or equal to it if asked.

    order: the block's students by slack; by_drop (m,): places, each group's by falling drop. Returns the pairs that
    the prices don't pay for, a few for each student (kept at random, the worse paid the likelier), or, if asked,
    those that they pay for exactly.
    """
    rank = np.full((high - low, keep), np.int64(LOW))
    place = np.full((high - low, keep), np.int32(NEVER))
    weight = np.zeros((high - low, keep), np.int64)
    equal_student, equal_place = np.empty(64, np.int32), np.empty(64, np.int32)
    members = np.empty(len(order), np.int64)
    most, found = 0 if equal else 1, 0
    for g in range(len(t.group_start) - 1):
        first, last = t.group_start[g], t.group_start[g + 1]
        count = 0
        if first < last:
            for x in range(len(order)):
                i = order[x]
                if drop[by_drop[first]] - slack[i] < most:
                    break
                if t.takes[i, g] and not t.held[i]:
                    members[count] = i
                    count += 1
        for y in range(first, last if count else first):
            j = by_drop[y]
            if drop[j] - slack[members[0]] < most:
                break
            for x in range(count):
                i = members[x]
                if drop[j] - slack[i] < most:
                    break
                w = weight_of(t, i, j)
                value = w - price[j] - surplus[i]
                if w < 0 or value < 0 or is_special(t, i, j):
                    continue
                if value > 0:
                    r = value * (1024 + (_mixed(i, j) & 1023))
                    if r > rank[i - low, 0]:
                        _keep(rank, place, weight, i - low, r, j, w)
                elif equal:
                    equal_student, equal_place = _grown(equal_student, found), _grown(equal_place, found)
                    equal_student[found], equal_place[found] = i, j
                    found += 1
    return *_packed(place, weight, high - low), equal_student[:found], equal_place[:found]


def check(t: Tables, shortlist: Shortlist, price: Ints, surplus: Ints, keep: int, tick: Tick) -> Arcs:
    """Find pairs that are not on the shortlist and of weight > price + surplus, up to `keep` a student."""
    counts, places, weights = [np.zeros(1, np.int64)], [], []
    for count, place, weight, _, _ in _checked(t, shortlist, price, surplus, keep, tick, None):
        counts.append(count)
        places.append(place)
        weights.append(weight)
    return Arcs(np.cumsum(np.concatenate(counts)), _all(places, np.int32), _all(weights, np.int64))


def paid_exactly(t: Tables, shortlist: Shortlist, price: Ints, surplus: Ints, tick: Tick, students: Ints) -> Any:
    """Pairs of these students with weight = price + surplus that may be missing from the shortlist: students, places.

    There must be none that the prices don't pay for.
    """
    found = list(_checked(t, shortlist, price, surplus, 1, tick, students))
    return _all([rows for *_, rows, _ in found], np.int32), _all([places for *_, places in found], np.int32)


def _checked(
    t: Tables, shortlist: Shortlist, price: Ints, surplus: Ints, keep: int, tick: Tick, students: Ints | None
) -> Iterator[Any]:
    """What _check finds, block by block; of some students (ascending) only, and equal pairs too, if there are any."""
    n = len(t.floor)
    drop, slack = shortlist.reference - price, surplus - shortlist.bound
    rows = np.arange(n) if students is None else students
    order = rows[np.lexsort((slack[rows], rows // CHECKED))]
    by_drop = np.lexsort((-drop, t.group))

    def work(low: int, high: int) -> Any:
        of_block = order[np.searchsorted(rows, low) : np.searchsorted(rows, high)]
        return _check(t, of_block, by_drop, drop, slack, price, surplus, low, high, keep, students is not None)

    for done, found in each_block(n, work, CHECKED):
        yield found
        tick(done / n)


def each_block(count: int, work: Callable[[int, int], Any], size: int = BLOCK) -> Iterator[tuple[int, Any]]:
    """Results of work(low, high) block by block, several at a time, with the end of each."""
    starts = range(0, count, size)
    if len(starts) == 1:
        yield count, work(0, count)
        return
    with ThreadPoolExecutor() as workers:
        try:
            ends = [min(count, low + size) for low in starts]
            yield from zip(ends, workers.map(work, starts, ends), strict=True)
        finally:
            workers.shutdown(cancel_futures=True)


@compiled
def _reweigh(t: Tables, start: Any, place: Any) -> Any:
    weight = np.empty(len(place), np.int64)
    for i in range(len(start) - 1):
        for e in range(start[i], start[i + 1]):
            weight[e] = weight_of(t, i, place[e]) if t.takes[i, t.group[place[e]]] else NEVER
    return weight


def reweighed(t: Tables, arcs: Arcs) -> Arcs:
    """The same pairs with the weights that they have in these tables, without those that can't be matched."""
    weight = _reweigh(t, arcs.start, arcs.position)
    return Arcs(arcs.start, arcs.position, weight).kept(weight >= 0)


@compiled
def _unsaid(t: Tables, start: Any, place: Any) -> Any:
    found = np.ones(len(place), np.bool_)
    for i in range(len(start) - 1):
        if t.special_start[i] < t.special_start[i + 1]:
            for e in range(start[i], start[i + 1]):
                found[e] = not t.held[i] and not is_special(t, i, place[e])
    return found


def with_special(t: Tables, arcs: Arcs) -> Arcs:
    """These pairs as the policy has them: those about which something is said with the weight that they have so."""
    if not len(t.special_position):
        return arcs
    special = Arcs(t.special_start, t.special_position, t.special_weight)
    return arcs.kept(_unsaid(t, arcs.start, arcs.position)).joined(special.kept(special.weight >= 0))


@compiled
def _bids(t: Tables, low: int, high: int, rows: Any, surplus: Any, share: float) -> Any:
    found = np.zeros(high - low, np.int64)
    offers = np.empty(len(rows), np.int64)
    for j in range(low, high):
        count = 0
        for x in range(len(rows)):
            if t.takes[rows[x], t.group[j]]:
                value = weight_of(t, rows[x], j) - surplus[x]
                if value > 0:
                    offers[count] = value
                    count += 1
        seats = max(1, int(t.capacity[j] * share + 0.5))
        if count >= seats:
            found[j - low] = np.partition(offers[:count], count - seats)[count - seats]
    return found


def bid_prices(t: Tables, rows: Ints, surplus: Ints) -> Ints:
    """What each position would cost if its seats went to the highest of a sample's bids: weight − surplus, (m,).

    rows: the students of the sample; surplus: what each has elsewhere.
    """
    share = len(rows) / len(t.floor)
    work = each_block(len(t.capacity), lambda low, high: _bids(t, low, high, rows, surplus, share))
    prices: Ints = _all([found for _, found in work], np.int64)
    return prices
