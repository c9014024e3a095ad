"""The optimum of a whole market out of the few pairs that matter (column generation).

Prices are guessed from the market of an eighth of the students and positions, itself solved so; every student keeps
the pairs that are best at those prices; that small graph is solved exactly, its least prices are found, and then all
other pairs are checked against them (`sweep`): those that the prices don't pay for join the graph, until there are
none. Then prices and surpluses are those of the whole market, to the last unit, because the conditions of DESIGN.md
section 4 hold for every pair.

R. K. Ahuja, T. L. Magnanti, J. B. Orlin, «Network Flows», 1993, chapter 12 (column generation for assignment).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from talentbank.engine import augment
from talentbank.engine.problem import Ints
from talentbank.engine.sweep import (
    Arcs,
    Shortlist,
    bid_prices,
    check,
    first_sweep,
    paid_exactly,
    reweighed,
    with_special,
)
from talentbank.engine.tables import NEVER, Tables, part

FIRST_PAIRS = 16
"""Pairs that a student keeps to begin with, and NEXT_PAIRS that join at most after each check."""
NEXT_PAIRS = 8

SAMPLE = 8
"""Prices are guessed from one in so many students and positions, as long as FEWEST positions are left."""
FEWEST = 100

CHUNK = 2000
"""Students or positions that are placed between two words of progress."""

NO_SEAT = 2**61
"""The entry price where there is no seat."""

Tell = Callable[[str, float], None]
"""Hears a phase and the share of it that is done; raises to stop."""


@dataclass(frozen=True, slots=True)
class Seating:
    """An optimal seating of a graph: each student's place (n,), -1 for none, and the duals, price (m,), surplus (n,).

    price is what a seat at a place costs all in all, with the levies of quotas that it falls under.
    """

    seat: Ints
    price: Ints
    surplus: Ints


class Solver(Protocol):
    """Solves a graph exactly at its least prices, beginning with prices and seats of a similar one."""

    def __call__(self, arcs: Arcs, price: Ints, seat: Ints, tell: Tell) -> Seating: ...


@dataclass(frozen=True, slots=True)
class Optimum:
    """An optimal seating of the whole market.

    student and place: every pair of weight = price + surplus, some of them twice, of the students who are the first
    of their like; likeness (n,): whom each student is like. unpaid: the largest excess of a weight over price +
    surplus, 0 unless the solver is wrong.
    """

    seating: Seating
    likeness: Ints
    student: Ints
    place: Ints
    unpaid: int
    shortlist: Shortlist | None


def assignment_solver(capacity: Ints) -> Solver:
    """The solver of seats alone, without quotas: shortest augmenting paths (`augment`)."""

    def solve(arcs: Arcs, price: Ints, seat: Ints, tell: Tell) -> Seating:
        graph = augment.graph_of(arcs.start, arcs.position, arcs.weight, capacity)
        state = augment.state_of(graph, price, seat)
        n, m = len(seat), len(price)
        augment.begin(graph, state)
        for low in range(0, n, CHUNK):
            augment.place(graph, state, low, min(n, low + CHUNK))
            tell("seats", low / n)
        for low in range(0, m, CHUNK):
            augment.fill(graph, state, low, min(m, low + CHUNK))
        augment.lower(graph, state)
        tell("seats", 1)
        return Seating(state.seat, state.price, state.surplus)

    return solve


def market_optimum(t: Tables, solve: Solver, tell: Tell) -> Optimum:
    """The optimum of a market of which nothing is known yet."""
    price = _start_prices(t, tell)
    shortlist = first_sweep(t, price, FIRST_PAIRS, lambda share: tell("pairs", share))
    return optimum(t, solve, shortlist, price, np.full(len(t.floor), NEVER, np.int32), tell)


def optimum(t: Tables, solve: Solver, shortlist: Shortlist, price: Ints, seat: Ints, tell: Tell) -> Optimum:
    """The optimum out of a shortlist that holds in these tables, from prices and seats of any kind."""
    arcs = shortlist.arcs
    while True:
        graph = with_special(t, arcs)
        seating = solve(graph, price, seat, tell)
        price, seat, surplus = seating.price, seating.seat, seating.surplus
        more = check(t, shortlist, price, surplus, NEXT_PAIRS, lambda share: tell("check", share))
        if not len(more):
            break
        arcs = arcs.joined(more)
    likeness = t.likeness
    students = np.flatnonzero(likeness == np.arange(len(likeness)))
    equal = paid_exactly(t, shortlist, price, surplus, lambda share: tell("check", share), students)
    excess = graph.weight - price[graph.position] - surplus[graph.student]
    return Optimum(
        seating=seating,
        likeness=likeness,
        student=np.concatenate([likeness[graph.student[excess == 0]], equal[0]]),
        place=np.concatenate([graph.position[excess == 0], equal[1]]),
        unpaid=int(excess.max(initial=0)),
        shortlist=replace(shortlist, arcs=arcs),
    )


def graph_optimum(arcs: Arcs, capacity: Ints, tell: Tell) -> Optimum:
    """The optimum of a market whose every pair is at hand."""
    seating = assignment_solver(capacity)(
        arcs, np.zeros(len(capacity), np.int64), np.full(len(arcs.start) - 1, NEVER, np.int64), tell
    )
    excess = arcs.weight - seating.price[arcs.position] - seating.surplus[arcs.student]
    return Optimum(
        seating=seating,
        likeness=np.arange(len(seating.seat)),
        student=arcs.student[excess == 0],
        place=arcs.position[excess == 0].astype(np.int64),
        unpaid=int(excess.max(initial=0)),
        shortlist=None,
    )


def similar_optimum(t: Tables, solve: Solver, known: Shortlist, price: Ints, seat: Ints, tell: Tell) -> Optimum:
    """The optimum of a market that differs from one already solved by weights or by single pairs.

    known: a shortlist that holds in these tables, but for the weights of its arcs.
    """
    return optimum(t, solve, replace(known, arcs=reweighed(t, known.arcs)), price, seat, tell)


def entry_prices(t: Tables, shortlist: Shortlist, seating: Seating) -> Ints:
    """The greatest prices that support an optimal seating, (m,): what an outsider has to beat for a seat.

    They are what the last seat adds to the total, as the least ones are what one more would add; NO_SEAT where
    there is none. Pairs that the greatest prices don't pay for join the graph, as in `optimum`.
    """
    arcs = _with_seats(with_special(t, shortlist.arcs), seating)
    while True:
        graph = augment.graph_of(arcs.start, arcs.position, arcs.weight, t.capacity)
        state = augment.state_of(graph, seating.price, seating.seat)
        augment.begin(graph, state)
        rise = augment.entry(graph, state)
        price = np.where(rise < augment.FAR, seating.price + rise, NO_SEAT)
        surplus = seating.surplus - np.append(rise, 0)[seating.seat]
        more = check(t, shortlist, price, surplus, NEXT_PAIRS, lambda _: None)
        if not len(more):
            return price
        arcs = arcs.joined(more)


def _with_seats(arcs: Arcs, seating: Seating) -> Arcs:
    """These pairs and those that are seated, which a draw may have taken from beyond the shortlist."""
    there = np.zeros(len(seating.seat), np.bool_)
    there[arcs.student[arcs.position == seating.seat[arcs.student]]] = True
    missing = (seating.seat >= 0) & ~there
    seat = seating.seat[missing]
    weight = seating.surplus[missing] + seating.price[seat]
    return arcs.joined(Arcs(np.append(0, np.cumsum(missing)), seat.astype(np.int32), weight))


def _start_prices(t: Tables, tell: Tell) -> Ints:
    """A guess at the prices: what the students of a sample's market would bid for each position."""
    n, m = len(t.floor), len(t.capacity)
    if min(n, m) < FEWEST * SAMPLE:
        return np.zeros(m, np.int64)
    rows, places = np.arange(0, n, SAMPLE), np.arange(0, m, SAMPLE)
    sample = part(t, rows, places)
    seating = _guess(sample, lambda phase, share: tell("prices", share / 2))
    price = bid_prices(t, rows, seating.surplus)
    tell("prices", 1)
    return price


def _guess(t: Tables, tell: Tell) -> Seating:
    """A seating of a sample that is nearly optimal."""
    price = _start_prices(t, tell)
    solve = assignment_solver(t.capacity)
    shortlist = first_sweep(t, price, FIRST_PAIRS, lambda share: tell("prices", share))
    seating = solve(shortlist.arcs, price, np.full(len(t.floor), NEVER, np.int32), tell)
    more = check(t, shortlist, seating.price, seating.surplus, NEXT_PAIRS, lambda share: tell("prices", share))
    return solve(shortlist.arcs.joined(more), seating.price, seating.seat, tell)
