"""The exact solver of a sparse assignment with headcounts: shortest augmenting paths from any start prices.

A primal-dual method in whole numbers. From whatever prices it is given, every student takes a seat at a position that
is best at those prices; then students who want a seat and have none are placed along shortest paths of reduced costs
(R. Jonker, A. Volgenant, «A shortest augmenting path algorithm for dense and sparse linear assignment problems»,
Computing 38, 1987), and free seats that still have a price are filled, or their price is lowered, in the same way
from the other side. Good start prices leave little to do, which is what makes a second solve cheap.

Throughout, u_i + p_j ≥ weight_ij on every arc and equality where a student sits, u ≥ 0 and p ≥ 0. At the end no seat
with a price is free and nobody with a surplus is without a seat: those conditions are the proof of optimality.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from talentbank.engine.compiled import compiled

FAR = 2**62
NOBODY = -1


class Graph(NamedTuple):
    """Arcs by student and by position, with weights in whole numbers.

    Student i's arcs are start[i] to start[i + 1] of position and weight; position j's are from start[j] to
    start[j + 1] of by_student and by_weight. capacity (m,) are seats.
    """

    start: Any
    position: Any
    weight: Any
    by_start: Any
    by_student: Any
    by_weight: Any
    capacity: Any


class State(NamedTuple):
    """Prices (m,), surplus (n,), who sits where (n,; -1 nowhere), seats filled (m,), and room to work in."""

    price: Any
    surplus: Any
    seat: Any
    filled: Any
    first: Any
    """The first student at each position, (m,); after and before (n,) link the others."""
    after: Any
    before: Any
    distance: Any
    through: Any
    """The student by whom a search came to a position, and to which position that student would move."""
    onward: Any
    done: Any
    touched: Any
    heap: Any
    heap_node: Any


def graph_of(start: Any, position: Any, weight: Any, capacity: Any) -> Graph:
    """The graph with its arcs turned round as well."""
    by_start, by_student, by_weight = _turned(len(capacity), start, position, weight)
    return Graph(start, position, weight, by_start, by_student, by_weight, capacity)


def state_of(graph: Graph, price: Any, seat: Any) -> State:
    """A state to begin with: prices ≥ 0 of any kind, and the seats that students prefer to keep."""
    n, m, arcs = len(graph.start) - 1, len(graph.capacity), len(graph.position)
    return State(
        price=price.copy(),
        surplus=np.zeros(n, np.int64),
        seat=seat.astype(np.int32),
        filled=np.zeros(m, np.int64),
        first=np.full(m, NOBODY, np.int32),
        after=np.full(n, NOBODY, np.int32),
        before=np.full(n, NOBODY, np.int32),
        distance=np.full(m, FAR, np.int64),
        through=np.full(m, NOBODY, np.int32),
        onward=np.full(m, NOBODY, np.int32),
        done=np.zeros(m, np.bool_),
        touched=np.zeros(m, np.int32),
        heap=np.zeros(arcs + m + 1, np.int64),
        heap_node=np.zeros(arcs + m + 1, np.int32),
    )


@compiled
def _turned(m: int, start: Any, position: Any, weight: Any) -> Any:
    by_start = np.zeros(m + 1, np.int64)
    for e in range(len(position)):
        by_start[position[e] + 1] += 1
    for j in range(m):
        by_start[j + 1] += by_start[j]
    by_student = np.empty(len(position), np.int32)
    by_weight = np.empty(len(position), np.int64)
    free = by_start[:-1].copy()
    for i in range(len(start) - 1):
        for e in range(start[i], start[i + 1]):
            j = position[e]
            by_student[free[j]] = i
            by_weight[free[j]] = weight[e]
            free[j] += 1
    return by_start, by_student, by_weight


@compiled
def _push(state: State, size: int, distance: int, node: int) -> int:
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if state.heap[parent] <= distance:
            break
        state.heap[at] = state.heap[parent]
        state.heap_node[at] = state.heap_node[parent]
        at = parent
    state.heap[at] = distance
    state.heap_node[at] = node
    return size + 1


@compiled
def _pop(state: State, size: int) -> int:
    size -= 1
    distance, node = state.heap[size], state.heap_node[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and state.heap[child + 1] < state.heap[child]:
            child += 1
        if state.heap[child] >= distance:
            break
        state.heap[at] = state.heap[child]
        state.heap_node[at] = state.heap_node[child]
        at = child
    state.heap[at] = distance
    state.heap_node[at] = node
    return size


@compiled
def _sit(state: State, i: int, j: int) -> None:
    state.seat[i] = j
    state.filled[j] += 1
    second = state.first[j]
    state.after[i] = second
    state.before[i] = NOBODY
    if second >= 0:
        state.before[second] = i
    state.first[j] = i


@compiled
def _stand(state: State, i: int) -> int:
    """Take a student out of its seat; the position that it leaves."""
    j = state.seat[i]
    left, right = state.before[i], state.after[i]
    if left >= 0:
        state.after[left] = right
    else:
        state.first[j] = right
    if right >= 0:
        state.before[right] = left
    state.seat[i] = NOBODY
    state.filled[j] -= 1
    return int(j)


@compiled
def begin(graph: Graph, state: State) -> None:
    """Surpluses that the prices leave, and a seat for everybody where a best position has one; old seats first."""
    for i in range(len(graph.start) - 1):
        best = 0
        for e in range(graph.start[i], graph.start[i + 1]):
            best = max(best, graph.weight[e] - state.price[graph.position[e]])
        state.surplus[i] = best
        old, at = state.seat[i], NOBODY
        for e in range(graph.start[i], graph.start[i + 1]):
            j = graph.position[e]
            if graph.weight[e] - state.price[j] != best or state.filled[j] >= graph.capacity[j]:
                continue
            if j == old or (at < 0 and best > 0):
                at = j
        state.seat[i] = NOBODY
        if at >= 0:
            _sit(state, i, at)


@compiled
def _settle(state: State, touched: int, least: int, sign: int) -> None:
    """Move prices of the positions within reach by what is left of the distance, surpluses against them."""
    for t in range(touched):
        j = state.touched[t]
        if state.done[j] and state.distance[j] < least:
            by = sign * (least - state.distance[j])
            state.price[j] += by
            i = state.first[j]
            while i >= 0:
                state.surplus[i] -= by
                i = state.after[i]


@compiled
def _forget(state: State, touched: int) -> None:
    for t in range(touched):
        state.distance[state.touched[t]] = FAR
        state.done[state.touched[t]] = False


@compiled
def _come(state: State, size: int, touched: int, distance: int, j: int, i: int) -> Any:
    """A search comes to position j by student i; returns how long its heap and its list of positions are then."""
    if state.distance[j] == FAR:
        state.touched[touched] = j
        touched += 1
    state.distance[j] = distance
    state.through[j] = i
    return _push(state, size, distance, j), touched


@compiled
def _find_seat(graph: Graph, state: State, i: int) -> Any:
    """The shortest way to a free seat for student i, or to somebody, i too, who had better leave.

    Returns its length, the position with the free seat or -1, who leaves otherwise, and how many were touched.
    """
    size, touched = 0, 0
    least, free, leaver = state.surplus[i], NOBODY, i
    for e in range(graph.start[i], graph.start[i + 1]):
        j = graph.position[e]
        d = state.surplus[i] + state.price[j] - graph.weight[e]
        if d < least and d < state.distance[j]:
            size, touched = _come(state, size, touched, d, j, i)
    while size > 0:
        d, j = state.heap[0], state.heap_node[0]
        size = _pop(state, size)
        if d >= least:
            break
        if state.done[j] or d > state.distance[j]:
            continue
        state.done[j] = True
        if state.filled[j] < graph.capacity[j]:
            least, free = d, j
            break
        x = state.first[j]
        while x >= 0:
            if d + state.surplus[x] < least:
                least, leaver = d + state.surplus[x], x
            for e in range(graph.start[x], graph.start[x + 1]):
                k = graph.position[e]
                further = d + state.surplus[x] + state.price[k] - graph.weight[e]
                if further < least and further < state.distance[k]:
                    size, touched = _come(state, size, touched, further, k, x)
            x = state.after[x]
    return least, free, leaver, touched


@compiled
def place(graph: Graph, state: State, low: int, high: int) -> None:
    """Give every student from low to high who has a surplus a seat, or take the surplus away."""
    for i in range(low, high):
        if state.seat[i] >= 0 or state.surplus[i] == 0:
            continue
        least, free, leaver, touched = _find_seat(graph, state, i)
        _settle(state, touched, least, 1)
        state.surplus[i] -= least
        if free < 0 and leaver != i:
            free = _stand(state, leaver)
        while free >= 0:
            mover = state.through[free]
            left = _stand(state, mover) if mover != i else NOBODY
            _sit(state, mover, free)
            free = left
        _forget(state, touched)


@compiled
def _find_student(graph: Graph, state: State, free: int) -> Any:
    """The shortest way to fill a seat, or to a position whose price it brings to nothing.

    Returns its length, the position that a seat stays free at or -1, the student who comes in otherwise and to which
    position, and how many were touched.
    """
    size, touched = 0, 1
    least, stays, comer, comes_to = state.price[free], free, NOBODY, NOBODY
    state.touched[0] = free
    state.distance[free] = 0
    size = _push(state, size, 0, free)
    while size > 0:
        d, k = state.heap[0], state.heap_node[0]
        size = _pop(state, size)
        if d >= least:
            break
        if state.done[k] or d > state.distance[k]:
            continue
        state.done[k] = True
        if d + state.price[k] < least:
            least, stays, comer = d + state.price[k], k, NOBODY
        for e in range(graph.by_start[k], graph.by_start[k + 1]):
            i = graph.by_student[e]
            j = state.seat[i]
            if j == k:
                continue
            further = d + state.surplus[i] + state.price[k] - graph.by_weight[e]
            if further >= least:
                continue
            if j < 0:
                least, stays, comer, comes_to = further, NOBODY, i, k
            elif further < state.distance[j]:
                size, touched = _come(state, size, touched, further, j, i)
                state.onward[j] = k
    return least, stays, comer, comes_to, touched


@compiled
def fill(graph: Graph, state: State, low: int, high: int) -> None:
    """Fill the free seats of positions low to high as long as they have a price, or bring the price to nothing.

    Everybody with a surplus must have a seat by now.
    """
    for free in range(low, high):
        while state.filled[free] < graph.capacity[free] and state.price[free] > 0:
            least, at, comer, comes_to, touched = _find_student(graph, state, free)
            _settle(state, touched, least, -1)
            if comer >= 0:
                _sit(state, comer, comes_to)
                at = comes_to
            while at != free:
                mover, to = state.through[at], state.onward[at]
                _stand(state, mover)
                _sit(state, mover, to)
                at = to
            _forget(state, touched)


@compiled
def lower(graph: Graph, state: State) -> None:
    """Lower an optimal state's prices to the least ones: each by the shortest distance from what holds it up.

    A price is held up by 0, by whoever has no seat and would come for less, and by everybody who sits elsewhere and
    would move for less, by as much as their own position's price can fall (G. Demange, D. Gale, M. Sotomayor,
    «Multi-item auctions», J. Political Economy 94(4), 1986: there is one least vector, and it is all students' best).
    """
    for j in range(len(graph.capacity)):
        state.distance[j] = state.price[j]
    for i in range(len(graph.start) - 1):
        if state.seat[i] < 0:
            for e in range(graph.start[i], graph.start[i + 1]):
                j = graph.position[e]
                state.distance[j] = min(state.distance[j], state.price[j] - graph.weight[e])
    size = 0
    for j in range(len(graph.capacity)):
        size = _push(state, size, state.distance[j], j)
    while size > 0:
        d, j = state.heap[0], state.heap_node[0]
        size = _pop(state, size)
        if d > state.distance[j]:
            continue
        i = state.first[j]
        while i >= 0:
            for e in range(graph.start[i], graph.start[i + 1]):
                k = graph.position[e]
                further = d + state.surplus[i] + state.price[k] - graph.weight[e]
                if further < state.distance[k]:
                    state.distance[k] = further
                    size = _push(state, size, further, k)
            i = state.after[i]
    for j in range(len(graph.capacity)):
        by = state.distance[j]
        state.price[j] -= by
        i = state.first[j]
        while i >= 0:
            state.surplus[i] += by
            i = state.after[i]
        state.distance[j] = FAR


@compiled
def entry(graph: Graph, state: State) -> Any:
    """How far an optimal state's prices can rise, (m,): the greatest duals less these, FAR where there is no seat.

    A price is held down by 0 where a seat is free, by whoever sits there and would rather leave, and by everybody who
    sits there and would move, by as much as the other position's price can rise.
    """
    for j in range(len(graph.capacity)):
        state.distance[j] = 0 if state.filled[j] < graph.capacity[j] else FAR
        i = state.first[j]
        while i >= 0:
            state.distance[j] = min(state.distance[j], state.surplus[i])
            i = state.after[i]
    size = 0
    for j in range(len(graph.capacity)):
        if state.distance[j] < FAR:
            size = _push(state, size, state.distance[j], j)
    while size > 0:
        d, k = state.heap[0], state.heap_node[0]
        size = _pop(state, size)
        if d > state.distance[k]:
            continue
        for e in range(graph.by_start[k], graph.by_start[k + 1]):
            i = graph.by_student[e]
            j = state.seat[i]
            if j < 0:
                continue
            further = d + state.surplus[i] + state.price[k] - graph.by_weight[e]
            if further < state.distance[j]:
                state.distance[j] = further
                size = _push(state, size, further, j)
    return state.distance.copy()
