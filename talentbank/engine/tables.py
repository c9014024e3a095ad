"""A problem under a policy as the compiled sweeps read it: one table of what each level is worth a requirement.

Positions stand in groups of one category and city, so that pairs which those rule out are never looked at.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from talentbank.engine.compiled import compiled
from talentbank.engine.nudges import Nudges
from talentbank.engine.policy import Pair, Policy
from talentbank.engine.problem import Ints, Problem
from talentbank.engine.scoring import CODES, NANO, Terms, rounded

NEVER = -1
"""The weight of a pair that can't be matched; that of any other is 0 or more."""

LOW = -(2**61)


class Tables(NamedTuple):
    """Positions in the order of their groups, their internal places; weights in 1/UNIT.

    code (n, K), takes (n, G), floor (n,): students; takes is False throughout for whoever is not available. group
    (m,), group_start (G + 1,), value (m, R, CODES) in 1/NANO and NEVER where a must-have isn't reached, column (m,
    R), asked (m,), top (m,), capacity (m,): positions. What is special about single pairs, a wish, a nudge, a ban, a
    pin, is listed by student with the weight that the pair has; held (n,) marks the pinned students, of whom nothing
    else counts. fewest: the lowest score that is eligible, least: that is matched; bonus: what each person placed
    counts beside the score.
    """

    code: Any
    takes: Any
    floor: Any
    held: Any
    likeness: Any
    group: Any
    group_start: Any
    value: Any
    column: Any
    asked: Any
    top: Any
    capacity: Any
    special_start: Any
    special_position: Any
    special_weight: Any
    fewest: int
    least: int
    bonus: int


class Special(NamedTuple):
    """Pairs about which something is said: by student and internal place, both (s,) ascending, with their weights."""

    student: Ints
    place: Ints
    weight: Ints
    held: Ints
    """The pinned students."""
    eligible: Ints
    """By how much each place (m,) has more eligible students than levels, salary and must-haves alone tell."""


def tables(problem: Problem, policy: Policy, terms: Terms, order: Ints, bonus: int, special: Special) -> Tables:
    """Everything that the sweeps read. order (m,): the position at each internal place, sorted by group."""
    count = np.bincount(terms.position, minlength=problem.positions)
    slot = np.arange(len(terms.position)) - np.repeat(np.cumsum(count) - count, count)
    value = np.zeros((problem.positions, int(count.max(initial=0)), CODES), np.int32)
    value[terms.position, slot] = np.where(terms.reached, terms.value, NEVER)
    column = np.zeros(value.shape[:2], np.int16)
    column[terms.position, slot] = terms.competency
    takes = (problem.takes_category[:, :, None] & problem.takes_city[:, None, :]).reshape(
        problem.students, problem.takes_category.shape[1] * problem.takes_city.shape[1]
    )
    group = (problem.category * problem.takes_city.shape[1] + problem.city)[order]
    held = np.zeros(problem.students, np.bool_)
    held[special.held] = True
    said = np.zeros(problem.students, np.bool_)
    said[special.student] = True
    said |= said[problem.likeness]
    return Tables(
        code=problem.level_code.copy(),  # of arrays that can't be written numba makes functions of their own
        takes=takes & problem.available[:, None],
        floor=problem.min_salary.copy(),
        held=held,
        likeness=np.where(said, np.arange(problem.students), problem.likeness),
        group=group,
        group_start=np.searchsorted(group, np.arange(takes.shape[1] + 1)),
        value=value[order],
        column=column[order],
        asked=count[order],
        top=problem.max_salary[order],
        capacity=problem.headcount[order],
        special_start=np.searchsorted(special.student, np.arange(problem.students + 1)),
        special_position=special.place.astype(np.int32),
        special_weight=special.weight,
        fewest=policy.least_units,
        least=least_of(policy),
        bonus=bonus,
    )


def least_of(policy: Policy) -> int:
    """The lowest score that is matched: under objective «score» staying free is as good as 0."""
    return max(policy.least_units, 1 if policy.objective == "score" else 0)


def lightest_of(policy: Policy) -> int:
    """The lowest score with its nudge that is matched: under objective «placements» the bonus outweighs any."""
    return 1 if policy.objective == "score" else LOW


def grouped(problem: Problem) -> Ints:
    """Positions in the order of their category and city."""
    return np.lexsort((problem.city, problem.category)).astype(np.int64)


def part(whole: Tables, rows: Ints, places: Ints) -> Tables:
    """The tables of some students and some positions (both ascending), without what is special about pairs."""
    group = whole.group[places]
    return whole._replace(
        code=whole.code[rows],
        takes=whole.takes[rows],
        floor=whole.floor[rows],
        held=np.zeros(len(rows), np.bool_),
        likeness=np.arange(len(rows)),
        group=group,
        group_start=np.searchsorted(group, np.arange(len(whole.group_start))),
        value=whole.value[places],
        column=whole.column[places],
        asked=whole.asked[places],
        top=whole.top[places],
        capacity=whole.capacity[places],
        special_start=np.zeros(len(rows) + 1, np.int64),
        special_position=np.zeros(0, np.int32),
        special_weight=np.zeros(0, np.int64),
    )


def special_pairs(
    problem: Problem, policy: Policy, terms: Terms, order: Ints, bonus: int, pin: int, nudges: Nudges
) -> Special:
    """Pairs that were wished for, nudged, ruled out, banned or pinned, with the weights that they have.

    bonus and pin: what a placed and a pinned person count beside the score. Raises ValueError for a pin or a ban that
    does not go with the problem.
    """
    pins, banned = indices(problem, policy.pinned, "pinned"), indices(problem, policy.banned, "banned")
    _check_pins(problem, policy, pins, set(map(tuple, np.concatenate([problem.ruled_out, banned]).tolist())))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    width = max(problem.positions, 1)

    def key(student: Ints, position: Ints) -> Ints:
        return student * width + place[position]

    never = np.concatenate([key(*problem.ruled_out.T), key(*banned.T)])
    wished = [key(wishes.student, wishes.position) for wishes in (problem.by_student, problem.by_enterprise)]
    nudged = key(nudges.student, nudges.position)
    keys = np.unique(np.concatenate([never, key(*pins.T), nudged, *wished]))
    student, at = keys // width, keys % width
    plain, units, allowed = special_units(problem, policy, terms, student, order[at])
    barred = np.isin(keys, never)
    eligible = np.zeros(problem.positions, np.int64)
    np.add.at(eligible, at, (allowed & ~barred & (units >= policy.least_units)).astype(np.int64))
    np.subtract.at(eligible, at, (allowed & (plain >= policy.least_units)).astype(np.int64))
    is_pin = np.isin(keys, key(*pins.T))
    weight = units + nudges.at(student, order[at])
    allowed &= (units >= policy.least_units) & (is_pin | (weight >= lightest_of(policy))) & ~barred
    weight = np.where(allowed, weight + bonus, NEVER)
    ineligible = set(keys[is_pin & ~allowed].tolist())
    for n, pair in enumerate(key(*pins.T).tolist()):
        if pair in ineligible:
            raise ValueError(f"pinned[{n}] is {policy.pinned[n]}: that pair is not eligible")
    held = np.unique(pins[:, 0])
    weight = np.where(is_pin, weight + pin, np.where(np.isin(student, held), NEVER, weight))
    return Special(student, at, weight, held, eligible)


def indices(problem: Problem, pairs: tuple[Pair, ...], name: str) -> Ints:
    """Pairs as indices of students and positions, (p, 2). Raises ValueError for an id that nobody has."""
    found = []
    for at, (student, position) in enumerate(pairs):
        if student not in problem.student_index or position not in problem.position_index:
            raise ValueError(f"{name}[{at}] is {(student, position)}: there is no such student or position")
        found.append((problem.student_index[student], problem.position_index[position]))
    return np.array(found, np.int64).reshape(-1, 2)


def _check_pins(problem: Problem, policy: Policy, pins: Ints, never: set[tuple[int, int]]) -> None:
    taken: dict[int, int] = {}
    seen: set[int] = set()
    for at, (i, j) in enumerate(pins.tolist()):
        taken[j] = taken.get(j, 0) + 1
        if i in seen or (i, j) in never or taken[j] > problem.headcount[j]:
            raise ValueError(f"pinned[{at}] is {policy.pinned[at]}: pinned twice, banned as well, or no seat is left")
        seen.add(i)


def special_units(
    problem: Problem, policy: Policy, terms: Terms, rows: Ints, columns: Ints
) -> tuple[Ints, Ints, Any]:
    """Scores in 1/UNIT of single pairs, without wishes and with them, and whether levels, category, city, salary and
    availability allow them."""
    nano = np.zeros(len(rows), np.int64)
    allowed = (
        problem.takes_category[rows, problem.category[columns]]
        & problem.takes_city[rows, problem.city[columns]]
        & (problem.min_salary[rows] <= problem.max_salary[columns])
        & problem.available[rows]
    )
    first = np.searchsorted(terms.position, columns)
    end = np.searchsorted(terms.position, columns, side="right")
    for r in range(int((end - first).max(initial=0))):
        here = np.flatnonzero(first + r < end)
        at = first[here] + r
        code = problem.level_code[rows[here], terms.competency[at]]
        nano[here] += terms.value[at, code]
        allowed[here] &= terms.reached[at, code]
    plain = rounded(nano)
    key = rows * problem.positions + columns
    order = np.argsort(key, kind="stable")
    for weight, wishes in zip(policy.weights[1:], (problem.by_student, problem.by_enterprise), strict=True):
        wished = wishes.student * problem.positions + wishes.position
        found = np.searchsorted(key[order], wished)
        there = found < len(key)
        there[there] &= key[order][found[there]] == wished[there]
        np.add.at(nano, order[found[there]], np.rint(NANO * weight * wishes.value[there]).astype(np.int64))
    return plain, rounded(nano), allowed


@compiled
def units_of(t: Tables, i: int, j: int) -> int:
    """The score of student i at place j by levels alone, NEVER if salary or a must-have rules the pair out.

    Category, city and availability are not looked at: that is what groups are for.
    """
    if t.floor[i] > t.top[j]:
        return NEVER
    nano = 0
    for r in range(t.asked[j]):
        value = t.value[j, r, t.code[i, t.column[j, r]]]
        if value < 0:
            return NEVER
        nano += value
    return (nano + 500) // 1000


@compiled
def weight_of(t: Tables, i: int, j: int) -> int:
    """The weight of student i at place j as units_of has it, NEVER for a score too low to be matched."""
    units = units_of(t, i, j)
    return units + t.bonus if units >= t.least and units >= 0 else NEVER


@compiled
def is_special(t: Tables, i: int, j: int) -> bool:
    """Whether something is said about this pair, so that weight_of does not tell its weight."""
    low, high = t.special_start[i], t.special_start[i + 1]
    if low == high:
        return False
    while low < high:
        middle = (low + high) >> 1
        if t.special_position[middle] < j:
            low = middle + 1
        else:
            high = middle
    return bool(low < t.special_start[i + 1] and t.special_position[low] == j)
