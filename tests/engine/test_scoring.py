import pytest
from hypothesis import given
from hypothesis import strategies as st

from talentbank.engine.competency import Candidate, Opening, Requirement
from talentbank.engine.policy import UNIT, Policy
from talentbank.engine.problem import pose
from talentbank.engine.scoring import Obstacle, columns, fit_of
from tests.engine.strategies import candidates, openings

trusts = st.floats(0, 1)


@given(candidates(5), openings(5), trusts, st.sampled_from([0.0, 0.4]), st.booleans())
def test_matrix_and_explained_pair_say_the_same(
    students: list[Candidate], positions: list[Opening], trust: float, min_score: float, verified: bool
) -> None:
    policy = Policy(trust=trust, min_score=min_score, must_have_verified=verified)
    score = {
        (i, j): units
        for j, rows, found in columns(pose(students, positions), policy)
        for i, units in zip(rows.tolist(), found.tolist(), strict=True)
    }
    for i, student in enumerate(students):
        for j, position in enumerate(positions):
            fit = fit_of(student, position, trust=trust, min_score=min_score, must_have_verified=verified)
            assert fit.eligible == ((i, j) in score)
            assert not fit.eligible or score[i, j] == round(fit.value * UNIT)


@given(candidates(5), openings(5), trusts)
def test_fit_is_between_0_and_1_and_full_when_all_is_reached(
    students: list[Candidate], positions: list[Opening], trust: float
) -> None:
    for student in students:
        for position in positions:
            fit = fit_of(student, position, trust=trust)
            assert 0 <= fit.value <= 1 + 1e-9
            if all(part.verified >= part.required for part in fit.parts):
                assert fit.value == pytest.approx(1)


def opening(*wanted: Requirement, **changes: object) -> Opening:
    values: dict[str, object] = {
        "id": "p",
        "category": "operations",
        "city": "meishan",
        "headcount": 1,
        "max_salary": 100_000,
    }
    return Opening(**(values | changes), requirements=wanted)  # type: ignore[arg-type]


def test_fit_follows_the_formula_by_hand() -> None:
    position = opening(Requirement("a", 4, 3), Requirement("b", 2, 1))
    student = Candidate("s", claimed={"a": 3, "b": 5}, verified={"a": 1})
    # 3/4 · (0.5 · 3/4 + 0.5 · 1/4) + 1/4 · (0.5 · 1 + 0.5 · 0)
    assert fit_of(student, position, trust=0.5).value == pytest.approx(0.75 * 0.5 + 0.25 * 0.5)


def test_a_verified_level_counts_as_claimed_too() -> None:
    student = Candidate("s", claimed={"a": 1}, verified={"a": 4})
    assert fit_of(student, opening(Requirement("a", 4)), trust=0.0).value == 1


@pytest.mark.parametrize(
    ("student", "obstacle"),
    [
        (Candidate("s", available=False), Obstacle.UNAVAILABLE),
        (Candidate("s", categories=frozenset({"design"})), Obstacle.CATEGORY),
        (Candidate("s", cities=frozenset({"chengdu"})), Obstacle.CITY),
        (Candidate("s", min_salary=100_001), Obstacle.SALARY),
    ],
)
def test_each_condition_rules_a_pair_out(student: Candidate, obstacle: Obstacle) -> None:
    position = opening(Requirement("a", 3))
    assert fit_of(student, position, trust=0.5).obstacles == (obstacle,)
    [(_, rows, _)] = columns(pose([student], [position]), Policy())
    assert not len(rows)


def test_must_have_is_tested_on_the_level_that_the_policy_names() -> None:
    position = opening(Requirement("a", 3, must_have=True))
    student = Candidate("s", claimed={"a": 3}, verified={"a": 2})
    assert fit_of(student, position, trust=0.5).eligible
    assert fit_of(student, position, trust=0.5, must_have_verified=True).obstacles == (Obstacle.MUST_HAVE,)


def test_a_floor_equal_to_the_top_salary_is_reached() -> None:
    assert fit_of(Candidate("s", min_salary=100_000), opening(Requirement("a", 1)), trust=0.5).eligible


@pytest.mark.parametrize("trust", [-0.1, 1.1, float("nan")])
def test_trust_outside_0_to_1_is_refused(trust: float) -> None:
    with pytest.raises(ValueError, match="trust must be between 0 and 1"):
        Policy(trust=trust)
