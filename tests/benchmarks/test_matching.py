"""What `make bench` compares is comparable, and what it writes says what was missed."""

import pytest

from talentbank.engine import solve
from tests.benchmarks import methods
from tests.benchmarks.instances import fresh, market
from tests.benchmarks.matching import AFTERWARDS, Report

SMALL = (150, 25, 80)


@pytest.mark.parametrize("method", [methods.scipy_dense, methods.ortools_all_pairs])
def test_every_method_finds_the_same_total_but_for_the_rounding_of_scores(method: object) -> None:
    problem = market(*SMALL)
    assert abs(method(problem) - solve(problem).total) <= problem.students  # type: ignore[operator]


def test_the_limit_looks_at_every_eligible_pair() -> None:
    problem = market(*SMALL)
    assert methods.limit(problem) == solve(problem).eligible.sum()
    assert 0.1 < methods.limit(problem) / (problem.students * problem.positions) < 0.25


@pytest.mark.parametrize("name", AFTERWARDS)
def test_what_is_measured_afterwards_runs(name: str) -> None:
    base = market(*SMALL)
    work = AFTERWARDS[name](base)
    assert work(fresh(base)) == work(fresh(base))


def test_a_missed_target_is_told() -> None:
    report = Report()
    report.target("quick enough", 0.3, 0.2)
    report.target("small enough", 900, 1024, " MiB")
    report.table("Side by side", ["method", "s"], [["solve", "1.0"]])
    text = report.text(runs=1)
    assert "| quick enough | 0.3 of at most 0.2 | **no** |" in text
    assert "| small enough | 900 MiB of at most 1,024 MiB | yes |" in text
    assert "| solve | 1.0 |" in text
