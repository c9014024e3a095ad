"""The demo bank's contents are what the paper's figures ask for, and the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from talentbank.competencies import catalogue
from talentbank.config import ROOT
from talentbank.demo import recipe
from talentbank.demo.recipe import Recipe
from talentbank.engine.assignment import solve
from talentbank.insight import figures
from talentbank.rounds.snapshot import Snapshot

DIGEST = "92c779e49d6544663a24672e5c9f198f5def21f9360880a66d37d0fccee35a56"


@pytest.fixture(scope="module")
def bank() -> Recipe:
    return recipe.compose()


def test_the_numbers_are_those_of_the_paper(bank: Recipe) -> None:
    assert (len(bank.enterprises), len(bank.universities), len(bank.students)) == (71, 20, 1600)
    seats = Counter()
    for position in bank.positions:
        seats[position.category] += position.headcount
    assert seats == {"operations": 126, "design": 84, "supply_chain": 60, "others": 30}


def test_every_enterprise_has_a_position_and_every_headcount_is_a_seat_or_more(bank: Recipe) -> None:
    assert {position.enterprise for position in bank.positions} == set(range(71))
    assert all(position.headcount >= 1 for position in bank.positions)


def test_salaries_lie_inside_the_range_of_their_category(bank: Recipe) -> None:
    ranges = {d.category: (d.min_salary * 10_000, d.max_salary * 10_000) for d in figures.demand()}
    for position in bank.positions:
        low, high = ranges[position.category]
        assert low <= position.min_salary < position.max_salary <= high


def test_requirements_are_the_core_of_the_category_and_common_ones_each_once(bank: Recipe) -> None:
    categories = {c.code: c.category for c in catalogue.competencies()}
    for position in bank.positions:
        codes = [code for code, _, _, _ in position.requirements]
        core = {code for code, category in categories.items() if category == position.category}
        assert core <= set(codes)
        assert all(categories[code] in (None, position.category) for code in codes)
        assert len(codes) == len(set(codes)) > len(core)
        assert any(must for _, _, _, must in position.requirements)


def test_about_a_third_of_the_students_meet_the_practical_requirements_of_a_position(bank: Recipe) -> None:
    """Must-haves of at least one position in a category and city that the student accepts; the paper says 35 %."""
    able = 0
    for place, student in enumerate(bank.students):
        candidate = student.candidate(place)
        able += any(
            (not student.cities or position.city in student.cities)
            and position.category in student.categories
            and all(candidate.level(code) >= level for code, level, _, must in position.requirements if must)
            for position in bank.positions
        )
    assert 0.33 <= able / len(bank.students) <= 0.37


def test_every_name_says_that_it_is_made_up_and_stands_once(bank: Recipe) -> None:
    for name_zh, name_en in (*bank.enterprises, *bank.universities):
        assert name_zh.startswith("示例")
        assert name_en.endswith("(example)")
    assert all(student.name[1] == "示" and " Shi" in student.name_latin for student in bank.students)
    for names in (
        [name for name, _ in bank.enterprises],
        [name for name, _ in bank.universities],
        [student.name for student in bank.students],
    ):
        assert len(names) == len(set(names))


def test_the_same_seed_gives_the_same_bank_on_every_machine(bank: Recipe) -> None:
    assert bank.digest == DIGEST
    program = "from talentbank.demo import recipe; print(recipe.compose().digest)"
    for hash_seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == DIGEST


def test_another_seed_gives_another_bank() -> None:
    assert recipe.compose(7).digest != DIGEST


def test_a_round_leaves_seats_free_and_offers_something_to_those_who_sign_in(bank: Recipe) -> None:
    policy = {"objective": "score", "trust": 0.5, "min_score": 0.0, "must_have_on": "claimed", "seed": ""}
    candidates = [student.candidate(place) for place, student in enumerate(bank.students)]
    openings = [position.opening(place) for place, position in enumerate(bank.positions)]
    snapshot = Snapshot.freeze(policy, candidates, openings)
    result = solve(snapshot.problem(snapshot.policy), snapshot.policy.terms())
    assert result.surplus[0] > 0, "the student whom visitors sign in as is matched, whatever is drawn"
    visited = [place for place, position in enumerate(bank.positions) if position.enterprise == 0]
    assert len(visited) > 1
    assert result.price[visited].max() > 0, "a seat that has a price is taken, whatever is drawn"
    assert 200 < result.matched < 300
