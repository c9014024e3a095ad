"""Runs: asked for by a person, committed to before anything is solved, solved in the background, proven, kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from talentbank import audit
from talentbank.audit import command
from talentbank.competencies.models import Student
from talentbank.engine.assignment import Stopped
from talentbank.engine.promises import Infeasible
from talentbank.errors import Conflict, Problems
from talentbank.extensions import background, changed_rows, db, now
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import SYSTEM, Action, Actor
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import Round, RoundState
from talentbank.rounds.policy import QuotaRow, RunPolicy, commitment
from talentbank.rounds.runs import queries
from talentbank.rounds.runs.models import (
    ENDED,
    Explained,
    Hint,
    HintKind,
    MatchedPair,
    Method,
    PositionOutcome,
    Run,
    RunState,
)
from talentbank.rounds.runs.reporting import Reporter
from talentbank.rounds.runs.solving import Solution, solve, unmet_promises
from talentbank.rounds.service import TERMS, check_terms, check_weights
from talentbank.rounds.snapshot import Snapshot
from talentbank.rounds.steps import CHANGED, advance

log = structlog.get_logger()

RUNNABLE = (RoundState.FROZEN, RoundState.SOLVED)
SILENCE = timedelta(minutes=15)
"""After which a run that says nothing is taken for dead."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What the chamber asks of a run; what is None is as the round's policy says.

    near: the number of a run whose pairs are to be kept where that costs less than near_weight of score each.
    """

    method: str = Method.OPTIMUM.value
    label: str = ""
    objective: str | None = None
    trust: float | None = None
    min_score: float | None = None
    must_have_on: str | None = None
    weights: tuple[float | None, float | None, float | None] | None = None
    with_quotas: bool = True
    near: int | None = None
    near_weight: float | None = None


def start(actor: Actor, round_id: int, version: int, order: RunOrder = RunOrder()) -> Run:
    """Commit a run of the round's snapshot, and have it solved in the background."""
    run = commit(actor, round_id, version, order)
    background.send(perform, run.id)
    db.session.expire(run)
    return run


@command(Action.RUN_ROUND)
def commit(actor: Actor, round_id: int, version: int, order: RunOrder) -> Run:
    """Write down what a run will be made of, with the digest that everybody involved can see before it is solved."""
    round_ = rounds.round_(round_id)
    stored = queries.snapshot(round_id)
    if round_.version != version or round_.state not in RUNNABLE or stored is None or round_.told_at is not None:
        raise Conflict(CHANGED)
    policy = _policy_of(round_, Snapshot(queries.snapshot_text(stored.id)), order)
    count = select(func.coalesce(func.max(Run.number), 0)).where(Run.round_id == round_id)
    run = Run(
        round_id=round_id,
        number=(db.session.scalar(count) or 0) + 1,
        snapshot_id=stored.id,
        method=Method(order.method),
        label=order.label.strip()[:120],
        made_at=now(),
        made_by=actor.name,
        policy=policy.text,
        commitment=commitment(stored.digest, policy.text),
        state=RunState.QUEUED,
        students=stored.students,
        positions=stored.positions,
        seats=stored.seats,
    )
    db.session.add(run)
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict(_l("A run of this round is going on already: wait for it, or stop it.")) from None
    audit.record(actor, Action.RUN_ROUND, run, round=round_id, commitment=run.commitment, method=run.method.value)
    return run


@command(Action.RUN_ROUND)
def stop(actor: Actor, round_id: int, number: int) -> Run:
    """Ask a run to stop; one that nobody has begun is stopped at once."""
    run = queries.run(round_id, number)
    waiting = update(Run).where(Run.id == run.id, Run.state == RunState.QUEUED)
    if changed_rows(waiting.values(state=RunState.STOPPED, finished_at=now())) != 1:
        going = update(Run).where(Run.id == run.id, Run.state == RunState.RUNNING).values(stop_asked=True)
        if changed_rows(going) != 1:
            raise Conflict(_l("This run has ended already."))
    db.session.refresh(run)
    audit.record(actor, Action.RUN_ROUND, run, stop=True)
    return run


@background.task
def perform(run_id: int) -> None:
    """Solve a run that was committed: outside of any transaction, so that nobody waits for it.

    What the solver returns is kept only if `verify` proves it. Whoever comes second finds the run begun, and leaves.
    """
    begun = _begin(SYSTEM, run_id)
    if begun is None:
        return
    try:
        _work(run_id, *begun)
    except Exception:
        log.exception("run failed", run=run_id)
        _end(SYSTEM, run_id, RunState.FAILED)


def _work(run_id: int, method: Method, policy: RunPolicy, snapshot: Snapshot) -> None:
    try:
        solution = solve(snapshot, policy, method, Reporter(run_id))
    except Stopped:
        _end(SYSTEM, run_id, RunState.STOPPED)
    except Infeasible as infeasible:
        unmet = unmet_promises(snapshot, policy)
        _end(SYSTEM, run_id, RunState.INFEASIBLE, note="" if infeasible.promises else "pinned", unmet=unmet)
    else:
        _keep(SYSTEM, run_id, solution)


@command(Action.PERFORM_RUN)
def _begin(actor: Actor, run_id: int) -> tuple[Method, RunPolicy, Snapshot] | None:
    claimed = update(Run).where(Run.id == run_id, Run.state == RunState.QUEUED)
    first = changed_rows(claimed.values(state=RunState.RUNNING, heard_at=now())) == 1
    audit.record(actor, Action.PERFORM_RUN, f"run:{run_id}", begun=first)
    if not first:
        return None
    run = db.session.get_one(Run, run_id)
    return run.method, RunPolicy.load(run.policy), Snapshot(queries.snapshot_text(run.snapshot_id))


@command(Action.PERFORM_RUN)
def _end(actor: Actor, run_id: int, state: RunState, *, note: str = "", unmet: list[list[int]] | None = None) -> None:
    ended = update(Run).where(Run.id == run_id, Run.state.not_in(ENDED))
    db.session.execute(ended.values(state=state, finished_at=now(), note=note, unmet=unmet or []))
    audit.record(actor, Action.PERFORM_RUN, f"run:{run_id}", state=state.value)


@command(Action.PERFORM_RUN)
def _keep(actor: Actor, run_id: int, solution: Solution) -> None:
    kept = update(Run).where(Run.id == run_id, Run.state == RunState.RUNNING)
    # «finished» is written last: the database refuses any change of a run that has ended
    first = changed_rows(kept.values(share=1.0, heard_at=now())) == 1
    audit.record(actor, Action.PERFORM_RUN, f"run:{run_id}", kept=first)
    if not first:  # it was given up meanwhile
        return
    run = db.session.get_one(Run, run_id)
    keep_rows(run_id, solution)
    for name, value in solution.figures.items():
        setattr(run, name, value)
    run.state, run.phase, run.share, run.finished_at = RunState.DONE, "", 1.0, now()
    solved = rounds.round_(run.round_id)
    if solved.state is RoundState.FROZEN:
        advance(solved.id, solved.version, (RoundState.FROZEN,), RoundState.SOLVED)
    audit.record(actor, Action.PERFORM_RUN, run, state=run.state.value, matched=run.matched, round=run.round_id)


def keep_rows(run_id: int, solution: Solution) -> None:
    """Store what a run did with everybody and everything."""
    steps = rounds.competency_ids()
    explained = [{**row, "step_id": steps.get(row["step_id"])} for row in solution.explained]
    kept = ((MatchedPair, solution.pairs), (PositionOutcome, solution.outcomes), (Explained, explained))
    for model, rows in kept:
        if rows:
            db.session.execute(insert(model), [{"run_id": run_id, **row} for row in rows])


def give_up(actor: Actor) -> int:
    """Mark runs as failed that nobody has heard of for SILENCE, so that another can be asked for; how many."""
    heard = func.coalesce(Run.heard_at, Run.made_at)
    silent = select(Run.id).where(Run.state.in_((RunState.QUEUED, RunState.RUNNING)), heard < now() - SILENCE)
    ids = db.session.scalars(silent).all()
    for run_id in ids:
        _end(actor, run_id, RunState.FAILED, note="silent")
    return len(ids)


@command(Action.RUN_ROUND)
def select_run(actor: Actor, round_id: int, version: int, number: int) -> Round:
    """Choose the run that is to be published; until those without an offer are told it can be chosen anew."""
    run = queries.run(round_id, number)
    stored = queries.snapshot(round_id)
    if run.state is not RunState.DONE or stored is None or run.snapshot_id != stored.id:
        raise Conflict(_l("Only a run that is done, of the round's newest snapshot, can be chosen."))
    if rounds.round_(round_id).told_at is not None:
        raise Conflict(_l("People have been told the outcome of a run already: it stands."))
    round_ = advance(round_id, version, (RoundState.SOLVED,), RoundState.SOLVED, selected_run_id=run.id)
    audit.record(actor, Action.RUN_ROUND, round_, selected=number)
    return round_


def _policy_of(round_: Round, snapshot: Snapshot, order: RunOrder) -> RunPolicy:
    """The round's policy with what the order changes, hints, quotas, and who and what has gone since the freeze."""
    _check(order)
    base = replace(snapshot.policy, seed=round_.seed)
    chosen: dict[str, Any] = {name: getattr(order, name) for name in (*TERMS, "weights")}
    policy = replace(base, **{name: value for name, value in chosen.items() if value is not None})
    gone, lost = _gone(round_, snapshot)
    hints = queries.hints(round_.id)
    there = {*snapshot.said_by_student} - set(gone), {*snapshot.said_by_position}
    binding = [hint for hint in hints if hint.student_id in there[0] and hint.position_id in there[1]]
    return replace(
        policy,
        pinned=_pairs(binding, HintKind.AGREED, HintKind.REQUIRE),
        banned=_pairs(binding, HintKind.FORBID),
        nudges=_nudges(round_.id, binding, order),
        quotas=_quotas(round_, snapshot) if order.with_quotas else (),
        gone=gone,
        lost=lost,
    )


def _quotas(round_: Round, snapshot: Snapshot) -> tuple[QuotaRow, ...]:
    """The quotas that can bind: a limit on whom the round does not have holds anyhow, a promise to them can't.

    Raises Conflict naming the promise.
    """
    there = {
        "university_id": {candidate.university for candidate in snapshot.candidates},
        "enterprise_id": {opening.enterprise for opening in snapshot.openings},
        "category": {opening.category for opening in snapshot.openings},
    }
    rows = []
    for quota in queries.quotas(round_.id):
        named = {name: getattr(quota, name) for name in there}
        if all(value is None or str(value) in there[name] for name, value in named.items()):
            rows.append(quota.row)
        elif quota.at_least:
            raise Conflict(
                _l(
                    "A quota promises %(least)s places to whom this round does not have («%(reason)s»): "
                    "take it back, or run without quotas.",
                    least=quota.at_least,
                    reason=quota.reason,
                )
            )
    return tuple(rows)


def _pairs(hints: list[Hint], *kinds: HintKind) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((hint.student_id, hint.position_id) for hint in hints if hint.kind in kinds))


def _nudges(round_id: int, hints: list[Hint], order: RunOrder) -> tuple[tuple[int, int, float], ...]:
    sign = {HintKind.ENCOURAGE: 1.0, HintKind.DISCOURAGE: -1.0}
    found = [(h.student_id, h.position_id, sign[h.kind] * h.amount) for h in hints if h.kind in sign]
    if order.near is not None:
        near = queries.run(round_id, order.near)
        pairs = db.session.execute(
            select(MatchedPair.student_id, MatchedPair.position_id).where(MatchedPair.run_id == near.id)
        )
        found += [(student, position, order.near_weight or 0.0) for student, position in pairs]
    return tuple(sorted(found))


def _gone(round_: Round, snapshot: Snapshot) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Students of the snapshot who are no longer free, and seats that are no longer there."""
    free = set(db.session.scalars(rounds.joining_students(round_.id).with_only_columns(Student.id).order_by(None)))
    seats = rounds.joining_positions(round_.id)
    lost = [(int(o.id), o.headcount - seats.get(int(o.id), 0)) for o in snapshot.openings]
    gone = tuple(student_id for student_id in snapshot.student_ids if student_id not in free)
    return gone, tuple((position_id, less) for position_id, less in lost if less > 0)


def _check(order: RunOrder) -> None:
    problems = Problems()
    if order.method not in set(Method):
        problems.add("method", _l("Choose how the run matches."))
    terms = {name: getattr(order, name) for name in TERMS}
    check_terms(problems, {name: value for name, value in terms.items() if value is not None})
    if order.weights is not None:
        check_weights(problems, order.weights)
    if order.near is not None and (order.near_weight is None or not 0 < order.near_weight <= 1):
        problems.add("near_weight", _l("How much staying close counts is a number above 0, up to 1."))
    problems.check()
