"""Explanations, checked by solving again with the change made."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from talentbank.competencies import queries as catalogue
from talentbank.engine.scoring import Obstacle
from talentbank.extensions import db
from talentbank.rounds import explaining
from talentbank.rounds.explaining import EmptySeat
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs.models import Explained, MatchedPair, Method, PositionOutcome, Run
from talentbank.rounds.runs.solving import Solution, solve
from talentbank.rounds.snapshot import Snapshot
from tests.market import Market
from tests.rounds.life import solved

pytestmark = pytest.mark.usefixtures("app_context")


def crowded() -> tuple[Market, Run, Snapshot, RunPolicy]:
    """A solved round with more people than seats in the shop, and one who misses a must-have by a level."""
    m = Market()
    for level in (1, 2, 3):
        m.student({"platform_ops": level}, {"platform_ops": 1})
    m.student({"visual_design": 2})
    m.position({"visual_design": 4}, category="design", must=("visual_design",), max_salary=130_000)
    _, run = solved(m.chamber)
    return m, run, Snapshot(runs.snapshot_text(run.snapshot_id)), RunPolicy.load(run.policy)


def again(snapshot: Snapshot, policy: RunPolicy, student_id: int, code: str) -> Solution:
    """Solve with one level more, claimed and verified, of one student."""
    content = json.loads(snapshot.text)
    row = next(row for row in content["students"] if row["id"] == student_id)
    claimed = max(row["claimed"].get(code, 0), row["verified"].get(code, 0))
    row["claimed"][code] = claimed + 1
    row["verified"][code] = row["verified"].get(code, 0) + 1
    return solve(Snapshot(json.dumps(content)), policy, Method.OPTIMUM, lambda phase, share: True)


def test_what_to_learn_next_brings_what_is_said() -> None:
    _, run, snapshot, policy = crowded()
    codes = {c.id: c.code for c in catalogue.competencies()}
    matched = set(db.session.scalars(select(MatchedPair.student_id).where(MatchedPair.run_id == run.id)))
    told = db.session.scalars(select(Explained).where(Explained.run_id == run.id, Explained.step_id.is_not(None)))
    free = 0
    for row in told:
        solution = again(snapshot, policy, row.student_id, codes[row.step_id or 0])
        rise = solution.figures["total_score"] - run.total_score
        if row.student_id in matched:
            assert rise >= row.step_gain - 1e-9
        else:
            assert rise == pytest.approx(row.step_gain, abs=1e-9)
            free += 1
    assert free


def test_who_could_have_been_matched_is_who_the_run_counted() -> None:
    _, run, snapshot, policy = crowded()
    for outcome in db.session.scalars(select(PositionOutcome).where(PositionOutcome.run_id == run.id)):
        assert len(explaining.eligible_for(snapshot, policy, outcome.position_id)) == outcome.eligible


def test_a_cost_is_how_many_more_are_eligible_without_the_requirement() -> None:
    m, _, snapshot, policy = crowded()
    before = explaining.eligible_for(snapshot, policy, m.studio)
    costs = {(c.obstacle, c.competency): c.students for c in explaining.costs(snapshot, policy, m.studio, before)}
    content = json.loads(snapshot.text)
    for row in content["positions"]:
        if row["id"] == m.studio:
            row["requirements"] = [[*asked[:3], False] for asked in row["requirements"]]
    after = explaining.eligible_for(Snapshot(json.dumps(content)), policy, m.studio)
    assert costs[Obstacle.MUST_HAVE, "visual_design"] == len(after) - len(before) > 0


def test_a_students_scores_are_those_of_the_run() -> None:
    _, run, snapshot, policy = crowded()
    for pair in db.session.scalars(select(MatchedPair).where(MatchedPair.run_id == run.id)):
        scores = explaining.scores_of(snapshot, policy, pair.student_id)
        assert scores[pair.position_id] == pytest.approx(pair.score, abs=1e-6)
        assert all(pair.student_id in explaining.eligible_for(snapshot, policy, p) for p in scores)


@pytest.mark.parametrize(
    ("eligible", "here", "matched", "why"),
    [
        (set(), set(), {9}, EmptySeat.NOBODY_ELIGIBLE),
        ({1}, {1}, {1}, EmptySeat.ALL_HERE),
        ({1, 2}, {1}, {1, 2}, EmptySeat.ALL_PLACED),
        ({1, 2}, {1}, {1}, EmptySeat.HELD_BACK),
    ],
)
def test_why_a_seat_stayed_empty(eligible: set[int], here: set[int], matched: set[int], why: EmptySeat) -> None:
    assert explaining.why_empty(eligible, here, matched) is why


def test_scarcity_shares_are_of_the_whole_cost() -> None:
    _, run, snapshot, _ = crowded()
    rows = explaining.scarce(snapshot, run.scarcity)
    assert sum(row.share for row in rows) == pytest.approx(1)
    assert next(row for row in rows if row.competency == "platform_ops").able == 1
