"""Runs of one snapshot: committed to, solved, stopped, refused, given up, and beside each other."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, update

from talentbank.errors import Conflict, Invalid, NotFound
from talentbank.extensions import db, now, transaction
from talentbank.notices.models import Notice
from talentbank.permissions import SYSTEM
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import RoundState
from talentbank.rounds.policy import RunPolicy
from talentbank.rounds.runs import comparing, drafts, hints, queries, service, solving
from talentbank.rounds.runs.models import HintKind, MatchedPair, Method, PositionOutcome, Run, RunState
from talentbank.rounds.runs.service import RunOrder
from talentbank.rounds.snapshot import Snapshot
from tests import factories
from tests.market import Market
from tests.rounds.life import frozen, run_again, solved

pytestmark = pytest.mark.usefixtures("app_context")


def pairs_of(run: Run) -> dict[int, int]:
    rows = db.session.execute(
        select(MatchedPair.student_id, MatchedPair.position_id).where(MatchedPair.run_id == run.id)
    )
    return dict(rows.all())


def committed(m: Market, round_id: int, **order: object) -> Run:
    """A run that nobody has begun."""
    return service.commit(m.chamber, round_id, rounds.round_(round_id).version, RunOrder(**order))  # type: ignore[arg-type]


def test_the_commitment_is_of_the_snapshot_and_the_policy_and_made_before_anything_is_solved() -> None:
    m = Market()
    found = frozen(m.chamber)
    run = committed(m, found.id, trust=0.25)
    stored = queries.snapshot(found.id)
    assert stored
    assert run.state is RunState.QUEUED
    assert run.commitment == hashlib.sha256(f"{stored.digest}\n{run.policy}".encode()).hexdigest()
    assert (RunPolicy.load(run.policy).trust, RunPolicy.load(run.policy).seed) == (0.25, found.seed)
    before = run.commitment
    service.perform(run.id)
    db.session.refresh(run)
    assert (run.state, run.commitment) == (RunState.DONE, before)


def test_a_second_to_perform_a_run_leaves_and_only_one_goes_at_a_time() -> None:
    m = Market()
    found = frozen(m.chamber)
    run = committed(m, found.id)
    with pytest.raises(Conflict):
        committed(m, found.id)
    service.perform(run.id)
    service.perform(run.id)
    assert db.session.scalar(select(func.count()).select_from(MatchedPair)) == 3
    assert committed(m, found.id).number == 2


def test_a_waiting_run_stops_at_once_a_running_one_when_it_can_and_an_ended_one_not() -> None:
    m = Market()
    found = frozen(m.chamber)
    run = committed(m, found.id)
    assert service.stop(m.chamber, found.id, run.number).state is RunState.STOPPED
    service.perform(run.id)
    assert not pairs_of(run)
    with pytest.raises(Conflict):
        service.stop(m.chamber, found.id, run.number)
    going = committed(m, found.id)
    service._begin(SYSTEM, going.id)
    assert service.stop(m.chamber, found.id, going.number).stop_asked
    assert service.Reporter(going.id)("pairs", 0.5) is False


def test_what_is_not_proven_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    m = Market()
    found = frozen(m.chamber)
    real = solving.assignment.solve

    def worse(*values: Any) -> Any:
        """The optimum with somebody taken out of a seat, whom nobody counted out."""
        result = real(*values)
        return replace(result, position=np.where(result.position == result.position[0], -1, result.position))

    monkeypatch.setattr(solving.assignment, "solve", worse)
    with pytest.raises(solving.UnprovenError):
        stored = queries.snapshot(found.id)
        assert stored
        frozen_ = Snapshot(queries.snapshot_text(stored.id))
        solving.solve(frozen_, frozen_.policy, Method.OPTIMUM, lambda *_: True)
    run = run_again(m.chamber, found.id)
    db.session.refresh(run)
    assert run.state is RunState.FAILED
    assert not db.session.scalars(select(PositionOutcome)).all()
    assert not pairs_of(run)
    assert rounds.round_(found.id).state is RoundState.FROZEN


def test_a_promise_that_cant_be_kept_is_named_with_what_is_missing() -> None:
    m = Market()
    found = frozen(m.chamber)
    hints.set_quota(m.chamber, found.id, None, m.enterprise.organisation_id, "", None, 3, "Fair.")
    hints.set_quota(m.chamber, found.id, None, None, "design", 4, None, "Promised.")
    run = run_again(m.chamber, found.id)
    db.session.refresh(run)
    assert (run.state, run.unmet) == (RunState.INFEASIBLE, [[1, 3]])
    assert not pairs_of(run)
    free = run_again(m.chamber, found.id, with_quotas=False)
    assert len(pairs_of(free)) == 3


def test_hints_bind_runs_and_deferred_acceptance_shows_which_limits_it_breaks() -> None:
    m = Market()
    found = frozen(m.chamber)
    hints.set_hint(m.chamber, found.id, m.strong_id, m.shop, "forbid", None, "Related to the owner.")
    assert m.strong_id not in pairs_of(run_again(m.chamber, found.id))
    hints.set_quota(m.chamber, found.id, None, None, "operations", 0, 0, "None this time.")
    stable = run_again(m.chamber, found.id, method="deferred_acceptance")
    assert pairs_of(stable).get(m.weak_id) == m.shop
    assert comparing.broken(stable) == [(0, 1)]
    assert m.weak_id not in pairs_of(run_again(m.chamber, found.id))


def test_staying_close_keeps_people_where_they_are() -> None:
    m = Market()
    twin = m.position({"platform_ops": 4, "data_analysis": 2}, headcount=2)
    found, first = solved(m.chamber)
    kept = pairs_of(run_again(m.chamber, found.id, near=first.number, near_weight=0.5))
    assert kept == pairs_of(first)
    # whatever the draw gave to the strong one: the other twin, and then that stays
    other = twin if kept[m.strong_id] == m.shop else m.shop
    hint = hints.set_hint(m.chamber, found.id, m.strong_id, other, "encourage", 0.5, "Nearer home.")
    moved = run_again(m.chamber, found.id)
    assert pairs_of(moved)[m.strong_id] == other
    hints.remove_hint(m.chamber, hint.id)
    assert pairs_of(run_again(m.chamber, found.id, near=moved.number, near_weight=0.5))[m.strong_id] == other


def test_an_order_that_is_none_is_refused_field_by_field() -> None:
    m = Market()
    found = frozen(m.chamber)
    with pytest.raises(Invalid) as refused:
        run_again(m.chamber, found.id, method="magic", trust=2.0, weights=(0.5, 0.0, 0.0), near=1)
    assert set(refused.value.errors) == {"method", "trust", "weight_fit", "near_weight"}
    with pytest.raises(NotFound):
        run_again(m.chamber, found.id, near=9, near_weight=0.5)


def test_a_silent_run_is_given_up_and_what_comes_of_it_later_is_not_kept() -> None:
    m = Market()
    found = frozen(m.chamber)
    run = committed(m, found.id)
    begun = service._begin(SYSTEM, run.id)
    assert begun
    method, policy, snapshot = begun
    assert service.give_up(SYSTEM) == 0
    with transaction():
        late = now() - timedelta(minutes=16)
        db.session.execute(update(Run).where(Run.id == run.id).values(heard_at=late))
    assert service.give_up(SYSTEM) == 1
    assert service.Reporter(run.id)("pairs", 0.5) is False
    service._keep(SYSTEM, run.id, solving.solve(snapshot, policy, method, lambda *_: True))
    db.session.refresh(run)
    assert (run.state, run.note) == (RunState.FAILED, "silent")
    assert not pairs_of(run)


def test_a_comparison_tells_who_gains_who_loses_and_who_is_in_one_alone() -> None:
    m = Market()
    found, first = solved(m.chamber)
    hints.set_hint(m.chamber, found.id, m.artist_id, m.studio, HintKind.FORBID.value, None, "Moves away.")
    second = run_again(m.chamber, found.id)
    there = comparing.compare(first, second)
    assert [change.student.id for change in there.changes["out"]] == [m.artist_id]
    assert there.same == 2
    back = comparing.compare(second, first)
    assert [change.student.id for change in back.changes["in"]] == [m.artist_id]


def test_a_draft_is_shown_to_those_whom_it_concerns_each_its_own_and_blind() -> None:
    m = Market()
    found, run = solved(m.chamber)
    with pytest.raises(NotFound):
        drafts.draft(m.enterprise, run.id)
    with pytest.raises(Invalid):
        drafts.show_draft(m.chamber, found.id, run.number, now() - timedelta(hours=1))
    drafts.show_draft(m.chamber, found.id, run.number, now() + timedelta(days=2))
    seen = drafts.draft(m.enterprise, run.id)
    assert {row.pair.position_id for row in seen.placed} == {m.shop, m.studio}
    assert all(row.number for row in seen.placed)
    assert {row.pair.student_id for row in drafts.draft(m.university, run.id).placed} >= {m.strong_id}
    told = db.session.scalars(select(Notice.user_id).where(Notice.kind == "draft_shown")).all()
    assert set(told) == {m.enterprise.user_id, m.university.user_id}
    drafts.comment(m.enterprise, run.id, "Fine with us.")
    assert [said.words for said, _ in drafts.comments(run.id)] == ["Fine with us."]
    assert not drafts.draft(m.university, run.id).comments
    outsider = factories.person(m.enterprise.role)
    with pytest.raises(NotFound):
        drafts.comment(outsider, run.id, "And me?")
    drafts.end_draft(m.chamber, found.id, run.number)
    with pytest.raises(NotFound):
        drafts.draft(m.enterprise, run.id)
