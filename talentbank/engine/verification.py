"""A matching's proof, checked from its pairs and prices alone (DESIGN.md, section 4).

Whatever prices p ≥ 0, surpluses u ≥ 0 and levies pay for the weight of every eligible pair, no matching weighs more
than Σ u + Σ p · headcount + Σ levy · limit: that is weak duality (L. S. Shapley, M. Shubik, «The assignment game I:
the core», Int. J. Game Theory 1, 1971). A feasible matching that weighs as much as that is therefore an optimum, and
nobody has to know how it was found: nothing here is shared with the solver, not even its compiler. Pairs are scored
as `scoring.columns` scores them, by the same table of terms, many students at a time.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from talentbank.engine.policy import UNIT, Policy, Quota
from talentbank.engine.problem import Bools, Ints, Problem
from talentbank.engine.reading import Listed, Pairs, known

if TYPE_CHECKING:
    from talentbank.engine.assignment import Result

MOST = 100
"""Faults that a verdict lists; it counts them all."""

LARGEST = 2**62
"""What surplus, price, levies and bonuses of a pair stay below together, so that no sum leaves 63 bits."""


class Kind(StrEnum):
    """What can be wrong with a result."""

    LENGTH = "length"
    TOO_LARGE = "too_large"
    NOWHERE = "nowhere"
    INELIGIBLE = "ineligible"
    WORTHLESS = "worthless"
    SCORE = "score"
    TOTAL = "total"
    HEADCOUNT = "headcount"
    FILLED = "filled"
    ELIGIBLE = "eligible"
    UNPINNED = "unpinned"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BONUS = "bonus"
    STRAY = "stray"
    NEGATIVE = "negative"
    LEVY = "levy"
    UNPAID = "unpaid"
    CERTIFICATE = "certificate"
    GAP = "gap"


SENTENCES = {
    Kind.LENGTH: "{argument} must be {amount:,} whole numbers of up to 63 bits",
    Kind.TOO_LARGE: "{argument} brings sums about a pair to {amount:,}: more than 62 bits hold",
    Kind.NOWHERE: "position[{0}] is {amount}: there is no such position",
    Kind.INELIGIBLE: "position[{0}] is {1}: that pair is not eligible",
    Kind.WORTHLESS: "position[{0}] is {1}: that pair weighs nothing, which objective «score» leaves unmatched",
    Kind.SCORE: "score[{0}] differs by {amount:,} from what the problem gives",
    Kind.TOTAL: "total differs by {amount:,} from the sum of the scores",
    Kind.HEADCOUNT: "headcount[{0}] is {amount:,} below the number of those who are matched there",
    Kind.FILLED: "filled[{0}] differs by {amount:,} from the number of those who are matched there",
    Kind.ELIGIBLE: "eligible[{0}] differs by {amount:,} from the number of those who are",
    Kind.UNPINNED: "pinned[{0}] is not matched",
    Kind.AT_LEAST: "quotas[{0}].at_least is missed by {amount:,}",
    Kind.AT_MOST: "quotas[{0}].at_most is exceeded by {amount:,}",
    Kind.BONUS: "{argument} is {amount:,} too small to outweigh all that it comes before",
    Kind.STRAY: "{argument} is {amount:,}, though the policy asks for none",
    Kind.NEGATIVE: "{argument}[{0}] is {amount:,}: it must be 0 or more",
    Kind.LEVY: "levy[{0}] is {amount:,}, but quotas[{0}] sets no bound on that side",
    Kind.UNPAID: "surplus[{0}] + price[{1}]{levies} is {amount:,} below the weight of that pair",
    Kind.CERTIFICATE: "certificate is {amount:,}: an optimum violates nothing",
    Kind.GAP: "gap is {amount:,}, which is not what prices, surpluses and levies leave open",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: in which argument, at which index or indices, and by how much.

    at: student, position, pin or quota, as the kind has it; of an unpaid pair the student, the position, and the
    quotas whose levies it pays. amount: people, or whole numbers of 1/UNIT.
    """

    kind: Kind
    argument: str
    at: tuple[int, ...] = ()
    amount: int = 0

    def __str__(self) -> str:
        levies = "".join(f" + levy[{q}]" for q in self.at[2:])
        return SENTENCES[self.kind].format(*self.at, argument=self.argument, amount=self.amount, levies=levies)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a result proves.

    faults: at most MOST of them, one of each kind first; count: how many there are. objective: what the matching
    weighs, its score with nudges, bonuses and pins; bound: what none can exceed if there are no faults; both in
    1/UNIT, and both 0 where faults in length or range leave nothing to be summed.
    """

    faults: tuple[Fault, ...]
    count: int
    bound: int
    objective: int

    @property
    def gap(self) -> int:
        """By how much a better matching could be better."""
        return self.bound - self.objective

    @property
    def proven(self) -> bool:
        """Whether the matching is feasible and no other is better."""
        return self.count == 0 and self.gap == 0


def verify(problem: Problem, result: Result) -> Verdict:
    """Check that a result is feasible and optimal under its policy, in one pass over the pairs, without solving.

    A gap that the result owns up to is no fault, and is never above the verdict's own: under quotas that cross,
    another proof than by prices may have closed it.
    """
    faults = _Faults()
    claim = _claimed(problem, result, faults)
    if faults.count:
        return faults.verdict(0, 0)
    quotas = _Quotas(problem, result.policy.quotas, claim.levy)
    pairs = Pairs(problem, claim.policy)
    seen = _looked_at(problem, claim, quotas, pairs)
    _check_pairs(problem, claim, seen, faults)
    _check_counts(problem, claim, seen, quotas, faults)
    _check_duals(problem, claim, pairs.largest_nudge, faults)
    faults.all(Kind.UNPAID, "surplus", seen.unpaid, seen.unpaid_count)
    if result.certificate:
        faults.add(Kind.CERTIFICATE, "certificate", (), result.certificate)
    matched = np.flatnonzero(claim.seat >= 0)
    objective = (
        sum(seen.weight[matched].tolist())
        + result.bonus * len(matched)
        + result.pin * int(np.count_nonzero(claim.seat[claim.pins[:, 0]] == claim.pins[:, 1]))
    )
    bound = _bound(problem, claim)
    if not faults.count and not 0 <= result.gap <= bound - objective:
        faults.add(Kind.GAP, "gap", (), result.gap)
    return faults.verdict(bound, objective)


class _Faults:
    """Faults as they are found, MOST of each kind."""

    def __init__(self) -> None:
        self.count = 0
        self._of_kind: Counter[Kind] = Counter()
        self._found: list[tuple[int, Fault]] = []

    def add(self, kind: Kind, argument: str, at: tuple[int, ...] = (), amount: int = 0) -> None:
        self.count += 1
        if self._of_kind[kind] < MOST:
            self._found.append((self._of_kind[kind], Fault(kind, argument, at, int(amount))))
        self._of_kind[kind] += 1

    def all(self, kind: Kind, argument: str, found: list[tuple[tuple[int, ...], int]], count: int) -> None:
        """Some of so many faults."""
        for at, amount in found:
            self.add(kind, argument, at, amount)
        self.count += count - len(found)

    def where(self, kind: Kind, argument: str, amounts: Ints) -> None:
        """One for every index (s,) at which there is an amount."""
        bad = np.flatnonzero(amounts)
        self.all(kind, argument, [((int(at),), int(amounts[at])) for at in bad[:MOST]], len(bad))

    def verdict(self, bound: int, objective: int) -> Verdict:
        ranked = sorted(self._found, key=lambda entry: entry[0])
        return Verdict(tuple(fault for _, fault in ranked[:MOST]), self.count, bound, objective)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A result's numbers, of the right lengths and small enough to be added up; pins (p, 2) as indices."""

    result: Result
    policy: Policy
    seat: Ints
    score: Ints
    price: Ints
    surplus: Ints
    filled: Ints
    eligible: Ints
    levy: tuple[int, ...]
    pins: Ints


def _claimed(problem: Problem, result: Result, faults: _Faults) -> _Claim:
    n, m, quotas = problem.students, problem.positions, len(result.policy.quotas)

    def whole(name: str, given: Any, length: int) -> Ints:
        array = np.asarray(given)
        if array.shape == (length,) and (array.dtype.kind == "i" or length == 0):
            return array.astype(np.int64)
        faults.add(Kind.LENGTH, name, (), length)
        return np.zeros(length, np.int64)

    claim = _Claim(
        result=result,
        policy=result.policy,
        seat=whole("position", result.position, n),
        score=whole("score", result.score, n),
        price=whole("price", result.price, m),
        surplus=whole("surplus", result.surplus, n),
        filled=whole("filled", result.filled, m),
        eligible=whole("eligible", result.eligible, m),
        levy=tuple(whole("levy", result.levy, quotas).tolist()),
        pins=np.unique(known(problem, result.policy.pinned), axis=0),
    )
    for i in np.flatnonzero((claim.seat < -1) | (claim.seat >= m)).tolist():
        faults.add(Kind.NOWHERE, "position", (i,), int(claim.seat[i]))
    reach = {
        "surplus": max(map(abs, claim.surplus.tolist()), default=0),
        "price": max(map(abs, claim.price.tolist()), default=0),
        "levy": sum(map(abs, claim.levy)),
        "bonus": abs(result.bonus),
        "pin": abs(result.pin),
    }
    if sum(reach.values()) >= LARGEST:
        faults.add(Kind.TOO_LARGE, max(reach, key=reach.__getitem__), (), sum(reach.values()))
    return claim


class _Names:
    """The names that some students, positions or categories have, as numbers; none if nobody has one."""

    def __init__(self, names: tuple[str, ...], length: int) -> None:
        self._number = {name: at for at, name in enumerate(dict.fromkeys(names))}
        self.numbers = np.array([self._number[name] for name in names] or [-1] * length, np.int64)

    def are(self, name: str | None) -> Bools:
        """Who has a name; None is everybody."""
        if name is None:
            return np.ones(len(self.numbers), np.bool_)
        return np.equal(self.numbers, self._number.get(name, -2))


class _Quotas:
    """Whom the quotas name, and what their levies add to the price of a seat.

    levies (m, U): by position and by column of who pays; payer (n,): the column of each student, as those of a
    university on which there are levies have one of their own.
    """

    def __init__(self, problem: Problem, quotas: tuple[Quota, ...], levy: tuple[int, ...]) -> None:
        self.quotas, self.levied = quotas, [q for q, amount in enumerate(levy) if amount]
        self._university = _Names(problem.university, problem.students)
        self._enterprise = _Names(problem.enterprise, problem.positions)
        self._category = _Names(problem.categories, problem.takes_category.shape[1])
        self._category.numbers = self._category.numbers[problem.category]
        named = {quotas[q].university for q in self.levied} - {None}
        column = {university: c for c, university in enumerate(sorted(map(str, named)), 1)}
        self.payer = np.zeros(problem.students, np.int64)
        for university, c in column.items():
            self.payer[self._university.are(university)] = c
        self.levies = np.zeros((problem.positions, len(column) + 1), np.int64)
        for q in self.levied:
            who = quotas[q].university
            self.levies[self.positions(q), slice(None) if who is None else column[who]] += levy[q]

    def students(self, q: int) -> Bools:
        """Whom a quota names, (n,)."""
        return self._university.are(self.quotas[q].university)

    def positions(self, q: int) -> Bools:
        """Where a quota names them, (m,)."""
        return self._enterprise.are(self.quotas[q].enterprise) & self._category.are(self.quotas[q].category)

    def levied_on(self, i: int, j: int) -> list[int]:
        """The quotas whose levies a pair pays."""
        return [q for q in self.levied if self.positions(q)[j] and self.students(q)[i]]


@dataclass(slots=True)
class _Seen:
    """What the pass over the pairs finds: whether each student's pair is eligible, what it scores, and what it weighs
    with its nudge, (n,); how many are eligible at each position, (m,); and pairs that are not paid for."""

    allowed: Bools
    score: Ints
    weight: Ints
    eligible: Ints
    unpaid: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
    unpaid_count: int = 0


def _looked_at(problem: Problem, claim: _Claim, quotas: _Quotas, pairs: Pairs) -> _Seen:
    """Score every pair and hold it against its price, shares of positions in threads."""
    n, m = problem.students, problem.positions
    seen = _Seen(np.zeros(n, np.bool_), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(m, np.int64))
    matched = np.flatnonzero(claim.seat >= 0)
    seated = Listed(problem, matched, claim.seat[matched])
    pinned = Listed(problem, claim.pins[:, 0], claim.pins[:, 1])
    held = np.zeros(n, np.bool_)
    held[claim.pins[:, 0]] = True
    ask = claim.price[:, None] + quotas.levies - claim.result.bonus
    needs_weight = claim.policy.objective == "score"  # what weighs nothing is never matched then, at any subsidy

    def look(positions: Ints) -> tuple[int, list[tuple[int, int, int]]]:
        """No two shares have a pair in common, so that none writes where another does."""
        count = 0
        found: list[tuple[int, int, int]] = []
        for column in pairs.columns(positions):
            j, student, score, _ = column
            seen.eligible[j] += np.count_nonzero(score >= 0)
            here = seated.among(column)[0]
            seen.allowed[student[here]] = score[here] >= 0
            seen.score[student[here]] = np.maximum(score[here], 0)
            weight = pairs.weights(column)
            seen.weight[student[here]] = np.where(score[here] >= 0, weight[here], 0)
            short = weight - claim.surplus[student]
            short -= ask[j, 0] if ask.shape[1] == 1 else ask[j].take(quotas.payer[student])
            own = pinned.among(column)[0]
            short[own] += claim.result.pin
            if short.max() > 0:
                counts = ~held[student] & ((weight > 0) | (not needs_weight))
                counts[own] = True
                bad = np.flatnonzero((short > 0) & (score >= 0) & counts)
                count += len(bad)
                found += [(int(student[x]), j, int(short[x])) for x in bad[: MOST - len(found)]]
        return count, found

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for count, found in workers.map(look, pairs.shares()):
            seen.unpaid_count += count
            for i, j, amount in found[: MOST - len(seen.unpaid)]:
                seen.unpaid.append(((i, j, *quotas.levied_on(i, j)), amount))
    return seen


def _check_pairs(problem: Problem, claim: _Claim, seen: _Seen, faults: _Faults) -> None:
    """Eligibility, scores and pins of the pairs that are matched."""
    matched = claim.seat >= 0
    worthless = matched & seen.allowed & (seen.weight <= 0) & (claim.policy.objective == "score")
    worthless[claim.pins[:, 0]] = False  # agreed outside, whatever it scores
    for kind, bad in ((Kind.INELIGIBLE, matched & ~seen.allowed), (Kind.WORTHLESS, worthless)):
        for i in np.flatnonzero(bad).tolist():
            faults.add(kind, "position", (i, int(claim.seat[i])))
    faults.where(Kind.SCORE, "score", np.where(seen.allowed | ~matched, claim.score - seen.score, 0))
    off = claim.result.total - sum(claim.score.tolist())
    if off:
        faults.add(Kind.TOTAL, "total", (), off)
    for at, (student, position) in enumerate(claim.policy.pinned):
        held = problem.student_index.get(student)
        if held is None or claim.seat[held] != problem.position_index.get(position):
            faults.add(Kind.UNPINNED, "pinned", (at,))


def _check_counts(problem: Problem, claim: _Claim, seen: _Seen, quotas: _Quotas, faults: _Faults) -> None:
    """Headcounts, quotas, and what the result says about the numbers at each position."""
    matched = np.flatnonzero(claim.seat >= 0)
    seat = claim.seat[matched]
    filled = np.bincount(seat, minlength=problem.positions)
    faults.where(Kind.HEADCOUNT, "headcount", np.maximum(filled - problem.headcount, 0))
    faults.where(Kind.FILLED, "filled", claim.filled - filled)
    faults.where(Kind.ELIGIBLE, "eligible", claim.eligible - seen.eligible)
    for q, quota in enumerate(claim.policy.quotas):
        placed = int(np.count_nonzero(quotas.students(q)[matched] & quotas.positions(q)[seat]))
        if placed < quota.at_least:
            faults.add(Kind.AT_LEAST, "quotas", (q,), quota.at_least - placed)
        if quota.at_most is not None and placed > quota.at_most:
            faults.add(Kind.AT_MOST, "quotas", (q,), placed - quota.at_most)


def _check_duals(problem: Problem, claim: _Claim, nudge: int, faults: _Faults) -> None:
    """Signs, and bonuses large enough: totals of two matchings of K people differ by no more than 2·K·(UNIT + nudge),
    the largest one."""
    bonus, pin = claim.result.bonus, claim.result.pin
    most = min(problem.students, sum(problem.headcount.tolist()))
    largest = UNIT + nudge
    wanted = {
        "bonus": (bonus, 1 + 2 * most * largest if claim.policy.objective == "placements" else 0),
        "pin": (pin, 1 + 2 * most * (bonus + largest) if claim.policy.pinned else 0),
    }
    for name, (given, least) in wanted.items():
        if given < least:
            faults.add(Kind.BONUS, name, (), least - given)
        elif given > 0 and not least:
            faults.add(Kind.STRAY, name, (), given)
    faults.where(Kind.NEGATIVE, "price", np.minimum(claim.price, 0))
    faults.where(Kind.NEGATIVE, "surplus", np.minimum(claim.surplus, 0))
    for q, (quota, levy) in enumerate(zip(claim.policy.quotas, claim.levy, strict=True)):
        if (levy > 0 and quota.at_most is None) or (levy < 0 and quota.at_least == 0):
            faults.add(Kind.LEVY, "levy", (q,), levy)


def _bound(problem: Problem, claim: _Claim) -> int:
    """What no matching weighs more than, in whole numbers of any size."""
    bound: int = sum(claim.surplus.tolist())
    for price, headcount in zip(claim.price.tolist(), problem.headcount.tolist(), strict=True):
        bound += price * headcount
    for levy, quota in zip(claim.levy, claim.policy.quotas, strict=True):
        bound += levy * ((quota.at_most or 0) if levy > 0 else quota.at_least)
    return bound
