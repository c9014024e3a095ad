"""`make bench`: the matcher beside what anyone would try first, in one run; writes matching.md beside this file.

Each line is measured in a process of its own: one call that is not counted, then RUNS that are, each on a fresh
problem; times are medians, memory is the peak beyond what the process held with the problem loaded. Ends with exit
code 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from talentbank.engine import Policy, Problem, Quota, entry_prices, explain, solve, verify
from talentbank.engine.draw import lottery
from talentbank.engine.stability import blocking_pairs, deferred_acceptance
from tests.benchmarks import methods
from tests.benchmarks.instances import CASES, fresh, market

RUNS = 5
TABLE = Path(__file__).with_name("matching.md")

Size = tuple[int, int, int]
"""Students, positions, seats."""


@dataclass(frozen=True, slots=True)
class Line:
    """One measured method: median seconds, peak memory in MiB beyond the problem, what came out."""

    seconds: float
    mib: float
    outcome: int


def ours(problem: Problem) -> int:
    """The matcher, from arrays to pairs, prices and certificate."""
    result = solve(problem)
    if result.certificate:
        raise AssertionError(f"the certificate is {result.certificate}")
    return result.total


METHODS: dict[str, Callable[[Problem], int]] = {
    "solve": ours,
    "scipy dense, columns repeated": methods.scipy_dense,
    "OR-Tools on every eligible pair": methods.ortools_all_pairs,
    "limit: every eligible pair scored once": methods.limit,
}


def _measured(name: str, size: Size, case: str, runs: int) -> Line:
    """Measure in this process, which has done nothing else yet."""
    base = market(*size)
    base = fresh(base, **CASES[case](base))
    tiny = market(300, 40, 200)
    _work(name, tiny)(tiny)  # what is compiled is compiled now
    work = _work(name, base)
    child, parent = get_context("fork").Pipe()
    if os.fork() == 0:  # the memory that making the problem took is not the method's
        parent.send(_timed(work, base, name, runs))
        os._exit(0)
    answer: Line = child.recv()
    os.wait()
    return answer


def _work(name: str, base: Problem) -> Callable[[Problem], int]:
    return METHODS.get(name) or AFTERWARDS[name](base)


def _timed(work: Callable[[Problem], int], base: Problem, name: str, runs: int) -> Line:
    before, seconds, outcome = _peak(), [], 0
    for _ in range(runs):
        if name not in WHAT_IFS:  # the draw's order goes with the snapshot
            lottery.cache_clear()
        problem = fresh(base)
        started = time.perf_counter()
        outcome = work(problem)
        seconds.append(time.perf_counter() - started)
    return Line(statistics.median(seconds), _peak() - before, outcome)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, size: Size, case: str = "random", runs: int = RUNS) -> Line:
    """Measure one method on one market, in a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        line = pool.apply(_measured, (name, size, case, runs))
    sys.stderr.write(f"{name}, {case}, {size[0]:,}: {line.seconds:.3f} s, {line.mib:.0f} MiB\n")
    return line


def _what_if(change: Callable[[Any, Problem], Policy]) -> Callable[[Problem], Callable[[Problem], int]]:
    """A second solve of a problem that has been solved once, under a changed policy."""

    def prepared(base: Problem) -> Callable[[Problem], int]:
        first = solve(base)
        policy = change(first, base)
        return lambda _: solve(base, policy, near=first).total

    return prepared


def _pair(result: Any, problem: Problem, at: int) -> tuple[str, str]:
    i = int(np.flatnonzero(result.position >= 0)[at])
    return problem.student_ids[i], problem.position_ids[int(result.position[i])]


def _after(work: Callable[[Problem, Any], int]) -> Callable[[Problem], Callable[[Problem], int]]:
    """Something that is done with a result."""

    def prepared(base: Problem) -> Callable[[Problem], int]:
        first = solve(base)
        return lambda problem: work(problem, first)

    return prepared


def _quotas(base: Problem) -> Callable[[Problem], int]:
    first = solve(base)
    placed = first.position >= 0
    of = np.bincount(
        [int(name[1:]) for name, here in zip(base.university, placed, strict=True) if here], minlength=20
    )
    quotas = (
        Quota(university="u0", at_most=int(of[0]) * 4 // 5),
        Quota(university="u1", at_least=int(of[1]) * 11 // 10),
    )
    return lambda problem: solve(problem, Policy(quotas=quotas)).total


WHAT_IFS = {
    "what-if: a ban": _what_if(lambda r, p: Policy(banned=(_pair(r, p, 5),))),
    "what-if: a pin": _what_if(lambda r, p: Policy(pinned=((_pair(r, p, 7)[0], _pair(r, p, 7)[1]),))),
    "what-if: weights .8/.1/.1": _what_if(lambda r, p: Policy(weights=(0.8, 0.1, 0.1))),
    "what-if: trust .3 (scores anew)": _what_if(lambda r, p: Policy(trust=0.3)),
}
BESIDE = {
    "verify": _after(lambda p, r: verify(p, r).gap),
    "entry_prices": _after(lambda p, r: int(entry_prices(p, r).sum() % 2**31)),
    "explain": _after(lambda p, r: int((explain(p, r).step_gain > 0).sum())),
    "deferred acceptance": _after(lambda p, r: deferred_acceptance(p, r.policy).total),
    "blocking pairs": _after(lambda p, r: blocking_pairs(p, r.policy, r.position).count),
    "solve with two quotas": _quotas,
}
AFTERWARDS = WHAT_IFS | BESIDE


@dataclass(frozen=True, slots=True)
class Plan:
    """Which sizes are run."""

    runs: int
    small: tuple[Size, ...]
    middle: Size
    large: Size
    growth: tuple[Size, ...]
    province: Size


FULL = Plan(
    runs=RUNS,
    small=((50, 6, 30), (100, 12, 60), (300, 36, 180), (500, 60, 300), (1_000, 120, 600), (2_000, 240, 1_200)),
    middle=(10_000, 1_200, 6_000),
    large=(50_000, 5_000, 30_000),
    growth=((10_000, 1_000, 6_000), (20_000, 2_000, 12_000), (50_000, 5_000, 30_000), (100_000, 10_000, 60_000)),
    province=(100_000, 10_000, 60_000),
)
QUICK = Plan(1, ((50, 6, 30), (300, 36, 180)), (400, 50, 200), (500, 60, 300), ((200, 30, 100),), (600, 60, 300))


class Report:
    """Tables of Markdown and targets, met or missed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.targets: list[tuple[str, str, bool]] = []

    def table(self, title: str, head: list[str], rows: list[list[str]]) -> None:
        """Add a table."""
        self.lines += ["", f"## {title}", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
        self.lines += ["| " + " | ".join(row) + " |" for row in rows]

    def target(self, what: str, found: float, most: float, unit: str = "") -> None:
        """Add a target that `found` stays at or below `most`."""
        self.targets.append((what, f"{_number(found)}{unit} of at most {_number(most)}{unit}", found <= most))

    def text(self, runs: int) -> str:
        """All of it."""
        rows = [[what, found, "yes" if met else "**no**"] for what, found, met in self.targets]
        head = [
            "# What the matcher takes",
            "",
            f"Written by `make bench`, medians of {runs}, on {os.cpu_count()} cores, "
            f"Python {platform.python_version()}, numpy {np.__version__}. Made-up markets: "
            "[instances.py](instances.py); what is measured: [matching.py](matching.py). "
            "Memory is the peak beyond the problem itself.",
        ]
        body, self.lines = self.lines, []
        self.table("Targets", ["target", "found", "met"], rows)
        targets, self.lines = self.lines, body
        return "\n".join([*head, *targets, *body]) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _named(size: Size) -> str:
    return " / ".join(f"{part:,}" for part in size)


def _side_by_side(report: Report, plan: Plan) -> None:
    rows = []
    found: dict[tuple[str, Size], Line] = {}
    for size, names in ((plan.middle, list(METHODS)), (plan.large, [n for n in METHODS if "dense" not in n])):
        for name in names:
            found[name, size] = measure(name, size, runs=plan.runs)
    for (name, size), line in found.items():
        ratio = line.seconds / found["solve", size].seconds
        rows.append([_named(size), name, f"{line.seconds:.3f}", f"{ratio:.2f}", f"{line.mib:.0f}"])
        if "limit" not in name and abs(line.outcome - found["solve", size].outcome) > size[0]:
            raise AssertionError(f"{name} finds a total of {line.outcome}, solve {found['solve', size].outcome}")
    report.table("Side by side", ["students / positions / seats", "method", "s", "times solve", "MiB"], rows)
    dense, tools, limit = (name for name in METHODS if name != "solve")
    mine, middle = found["solve", plan.large], found["solve", plan.middle]
    report.target(
        f"{_named(plan.middle)}: share of scipy dense's time", middle.seconds / found[dense, plan.middle].seconds, 0.1
    )
    report.target(
        f"{_named(plan.large)}: share of OR-Tools' time", mine.seconds / found[tools, plan.large].seconds, 0.2
    )
    report.target(f"{_named(plan.large)}: share of OR-Tools' memory", mine.mib / found[tools, plan.large].mib, 0.2)
    report.target(f"{_named(plan.large)}: times the limit", mine.seconds / found[limit, plan.large].seconds, 4)


def _growing(report: Report, plan: Plan) -> None:
    rows = []
    for size in plan.growth:
        mine, limit = (measure(name, size, runs=plan.runs) for name in (next(iter(METHODS)), list(METHODS)[-1]))
        rows.append([_named(size), f"{mine.seconds:.3f}", f"{mine.seconds / limit.seconds:.2f}", f"{mine.mib:.0f}"])
        if size == plan.growth[-1]:
            report.target(f"{_named(size)}: times the limit", mine.seconds / limit.seconds, 5)
            report.target(f"{_named(size)}: memory", mine.mib, 1024, " MiB")
    report.table("How it grows", ["students / positions / seats", "s", "times the limit", "MiB"], rows)


def _small(report: Report, plan: Plan) -> None:
    rows, worst, slowest = [], 0.0, 0.0
    for size in plan.small:
        mine, dense = (measure(name, size, runs=max(plan.runs, 3)) for name in list(METHODS)[:2])
        rows.append([_named(size), f"{mine.seconds * 1e3:.1f}", f"{dense.seconds * 1e3:.1f}"])
        slowest = max(slowest, mine.seconds) if size[0] >= 300 else slowest
        worst = max(worst, mine.seconds / max(dense.seconds, 0.01))
    report.table("What a chamber runs today", ["students / positions / seats", "solve, ms", "scipy dense, ms"], rows)
    report.target("300 to 2,000 students: the slowest", slowest * 1e3, 50, " ms")
    report.target("from 50 students: times scipy dense, or 10 ms where that is more", worst, 1)


def _cases(report: Report, plan: Plan) -> None:
    found = {case: measure("solve", plan.middle, case, plan.runs) for case in CASES}
    median = statistics.median(line.seconds for line in found.values())
    rows = [
        [case, f"{line.seconds:.3f}", f"{line.seconds / median:.2f}", f"{line.mib:.0f}"]
        for case, line in found.items()
    ]
    report.table(f"Odd markets, {_named(plan.middle)}", ["market", "s", "times the median one", "MiB"], rows)
    report.target("odd markets: the worst, times the median one", max(f.seconds for f in found.values()) / median, 5)


def _afterwards(report: Report, plan: Plan) -> None:
    rows = []
    for size in dict.fromkeys((plan.middle, plan.province)):
        first = measure("solve", size, runs=plan.runs)
        for name in AFTERWARDS:
            if "quotas" in name and size != plan.middle:  # minutes, not seconds
                continue
            line = measure(name, size, runs=plan.runs)
            share = line.seconds / first.seconds
            rows.append([_named(size), name, f"{line.seconds:.3f}", f"{share:.2f}", f"{line.mib:.0f}"])
            if name in WHAT_IFS and "anew" not in name:
                report.target(f"{_named(size)}, {name}: share of the first run", share, 1 / 3)
    report.table("Afterwards", ["students / positions / seats", "what", "s", "times solve", "MiB"], rows)


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the table, and say whether every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, once each: to see that it runs, whatever it takes"
    )
    parser.add_argument("--out", type=Path, default=TABLE)
    chosen = parser.parse_args(arguments)
    plan = QUICK if chosen.quick else FULL
    report = Report()
    for part in (_side_by_side, _growing, _small, _cases, _afterwards):
        part(report, plan)
    chosen.out.write_text(report.text(plan.runs), encoding="utf-8")
    missed = [what for what, _, met in report.targets if not met and not chosen.quick]
    sys.stderr.write("".join(f"missed: {what}\n" for what in missed))
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
