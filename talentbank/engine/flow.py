"""The exact solver of a graph under laminar quotas: a minimum-cost flow by OR-Tools, and its least potentials.

Every student is a unit that flows to a place and on through the groups that it stands under (`forest`) to the root. A
limit is a capacity. A promise is a reward that outweighs every score for each of the first so many, so that the flow
tells how many of them can be kept. `SimpleMinCostFlow` is a cost-scaling push-relabel method in whole numbers
(A. V. Goldberg, R. E. Tarjan, Mathematics of Operations Research 15, 1990). It tells no duals: the least ones are
longest paths from the root over what the flow leaves open.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from ortools.graph.python import min_cost_flow

from talentbank.engine.compiled import compiled
from talentbank.engine.forest import NOBODY, Forest
from talentbank.engine.optimum import Seating, Tell
from talentbank.engine.problem import Bools, Ints
from talentbank.engine.sweep import Arcs

LOW = -(2**61)


class Unplaceable(Exception):  # noqa: N818  (what can't be is no error of ours)
    """The pinned pairs alone break a limit."""


class FlowSolver:
    """Solves one graph after another under the same quotas; afterwards it knows its last node and potential.

    held (n,): pinned students, who have one arc each and no choice. most: the greatest weight of all. node (n,):
    where each student is; potential (V,): the least duals, the root's being 0. Raises ValueError where the reward of
    a promise would leave 63 bits.
    """

    def __init__(self, forest: Forest, held: Bools, most: int) -> None:
        students, seats = len(held), int(np.minimum(forest.upper[forest.limit], len(held)).sum())
        self.forest, self.held = forest, held
        self.reward = 1 + 2 * min(students, seats) * most
        self.node, self.potential = forest.nowhere.copy(), np.zeros(len(forest.parent), np.int64)
        if 3 * self.reward * (students + len(forest.parent) + 2) >= 2**62:
            raise ValueError(f"quotas among {students} students under this objective are too many to be exact")

    def __call__(self, arcs: Arcs, price: Ints, seat: Ints, tell: Tell) -> Seating:
        """Solve a graph; the price of a place is all that it costs to be there."""
        tell("seats", 0)
        self.node = self._flow(arcs)
        tell("seats", 0.9)
        self.potential = _potentials(arcs, self.node, self.forest, self.held, self.reward)
        tell("seats", 1)
        m = len(price)
        surplus = _surplus(arcs, self.potential, -self.potential[self.forest.nowhere], self.node, self.held)
        return Seating(np.where(self.node < m, self.node, NOBODY), self.potential[:m], surplus)

    def shortfall(self) -> Ints:
        """The quotas whose promise is not kept."""
        forest, filled = self.forest, self.forest.filled(self.node)
        short = np.where(filled < forest.lower, forest.at_least, NOBODY)
        over = np.where(filled > forest.upper, forest.at_most, NOBODY)
        found: Ints = np.unique(np.concatenate([short, over]))
        return found[found >= 0]

    def _flow(self, arcs: Arcs) -> Ints:
        forest, n = self.forest, len(self.held)
        root, nowhere = forest.root, np.unique(forest.nowhere)
        graph = min_cost_flow.SimpleMinCostFlow()

        def add(tail: Any, head: Any, capacity: Any, cost: Any) -> Any:
            tails, heads, capacities, costs = np.broadcast_arrays(tail, head, capacity, cost)
            return graph.add_arcs_with_capacity_and_unit_cost(tails, heads, capacities, costs)

        student = arcs.student
        to_seat = add(student, n + arcs.position.astype(np.int64), 1, -arcs.weight)
        free = np.flatnonzero(~self.held)
        add(free, n + forest.nowhere[free], 1, 0)
        inner = np.setdiff1d(np.arange(root), nowhere)
        promised = np.minimum(forest.lower[inner], forest.upper[inner])
        add(n + inner, n + forest.parent[inner], promised, -self.reward)
        add(n + inner, n + forest.parent[inner], forest.upper[inner] - promised, 0)
        kept_out = forest.lower[nowhere]
        add(n + nowhere, n + root, np.maximum(forest.upper[nowhere] - kept_out, 0), 0)
        add(n + nowhere, n + root, n, self.reward)
        supply = np.zeros(n + root + 1, np.int64)
        supply[:n] = 1
        supply[n + nowhere] = -kept_out
        supply[n + root] = -n + int(kept_out.sum())
        graph.set_nodes_supplies(np.arange(len(supply)), supply)
        if graph.solve() != graph.OPTIMAL:
            raise Unplaceable
        node = forest.nowhere.copy()
        taken = graph.flows(to_seat) > 0
        node[student[taken]] = arcs.position[taken]
        return node


def _surplus(arcs: Arcs, potential: Ints, without: Ints, node: Ints, held: Bools) -> Ints:
    """What each student has at these potentials, with or without a seat; pinned ones at their place."""
    surplus, student = without.copy(), arcs.student
    gain = arcs.weight - potential[arcs.position]
    np.maximum.at(surplus, student, gain)
    there = held[student] & (node[student] == arcs.position)
    surplus[student[there]] = gain[there]
    return surplus


class _Links(NamedTuple):
    """What holds potentials together, of V - 1 nodes and their parents.

    A student at node here who could be at there for weight more: potential[there] ≥ potential[here] + more, e of
    them. A node's own price, its potential less that of its parent, is between least and most, LOW and -LOW for no
    bound.
    """

    here: Any
    there: Any
    more: Any
    parent: Any
    least: Any
    most: Any


def _potentials(arcs: Arcs, node: Ints, forest: Forest, held: Bools, reward: int) -> Ints:
    """Potentials that support a flow, (V,), the root's being 0: the least ones whose levies are no greater than need
    be.

    Subsidies of groups are those of the greatest potentials, the smallest there are; then every price is the least;
    and then each university's levy is as near to nothing as those prices let it be.
    """
    links = _links(arcs, node, forest, held, reward)
    if forest.promise[forest.groups :].any():
        greatest = -_longest(links.there, links.here, links.more, links.parent, -links.most, -links.least)
        own = np.where(greatest[:-1] < -LOW, greatest[:-1] - greatest[links.parent], 0)
        group = np.arange(forest.root) >= forest.groups
        settled = group & (links.least < 0) & (greatest[links.parent] < -LOW)
        links = links._replace(least=np.where(settled, np.maximum(links.least, np.minimum(own, 0)), links.least))
    potential: Ints = _longest(links.here, links.there, links.more, links.parent, links.least, links.most)
    free = np.minimum(links.most, 0)
    waiting = np.flatnonzero((node == forest.nowhere)[arcs.student] & ~held[arcs.student])
    np.minimum.at(free, node[arcs.student[waiting]], potential[arcs.position[waiting]] - arcs.weight[waiting])
    outside = np.unique(forest.nowhere)
    potential[outside] = np.maximum(potential[outside], free[outside])
    return potential


def _links(arcs: Arcs, node: Ints, forest: Forest, held: Bools, reward: int) -> _Links:
    filled, parent = forest.filled(node)[:-1], forest.parent[:-1]
    lower, upper, promise, limit = (part[:-1] for part in (forest.lower, forest.upper, forest.promise, forest.limit))
    outside = np.zeros(forest.root, np.bool_)
    outside[forest.nowhere] = True
    least = np.where((filled > lower) | ~promise, 0, np.where(outside, -2 * reward, -reward))
    least = np.where(outside & limit & (filled > upper), reward, least)
    most = np.where((filled < upper) | ~limit, 0, np.where(outside, reward, -LOW))
    most = np.where(~outside & promise & (filled < lower), -reward, most)
    student = arcs.student
    own = np.zeros(len(node), np.int64)
    seated = node[student] == arcs.position
    own[student[seated]] = arcs.weight[seated]
    moving = ~seated & ~held[student]
    leaving = np.flatnonzero((node != forest.nowhere) & ~held)
    return _Links(
        here=np.concatenate([node[student[moving]], node[leaving]]),
        there=np.concatenate([arcs.position[moving], forest.nowhere[leaving]]),
        more=np.concatenate([arcs.weight[moving] - own[student[moving]], -own[leaving]]),
        parent=parent,
        least=least,
        most=most,
    )


@compiled
def _longest(here: Any, there: Any, more: Any, parent: Any, least: Any, most: Any) -> Any:
    """The longest paths from the root over what links the nodes, LOW where there is none."""
    potential = np.full(len(parent) + 1, np.int64(LOW))
    potential[-1] = 0
    for _ in range(len(parent) + 2):  # no path is longer
        risen = False
        for x in range(len(parent)):
            v = len(parent) - 1 - x
            above = potential[parent[v]]
            if above > LOW and least[v] > LOW and above + least[v] > potential[v]:
                potential[v], risen = above + least[v], True
        for e in range(len(here)):
            if potential[here[e]] > LOW and potential[here[e]] + more[e] > potential[there[e]]:
                potential[there[e]], risen = potential[here[e]] + more[e], True
        for v in range(len(parent)):
            if potential[v] > LOW and most[v] < -LOW and potential[v] - most[v] > potential[parent[v]]:
                potential[parent[v]], risen = potential[v] - most[v], True
        if not risen:
            break
    return potential
