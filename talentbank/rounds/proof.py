"""A stored round checked again from what it froze: digest, commitment, the same result, and the offers made of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from talentbank.audit import AuditEntry
from talentbank.engine.assignment import Stopped
from talentbank.engine.promises import Infeasible
from talentbank.errors import Conflict, NotFound
from talentbank.extensions import db
from talentbank.extensions import lazy_gettext as _l
from talentbank.permissions import Action
from talentbank.rounds import queries as rounds
from talentbank.rounds.models import Round, RoundState, StoredSnapshot
from talentbank.rounds.offers.models import Offer
from talentbank.rounds.policy import RunPolicy, commitment
from talentbank.rounds.runs import queries as runs
from talentbank.rounds.runs.models import MatchedPair, PositionOutcome, Run, RunState
from talentbank.rounds.runs.solving import Solution, UnprovenError, solve
from talentbank.rounds.snapshot import Snapshot

SAME = 1e-9
"""Figures are whole numbers of 1/UNIT kept as floats: what differs by less is the same."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What checking a round's run came to; fault: the first thing wrong, in words; None where all is well."""

    run: int
    matched: int
    total: float
    digest: str
    fault: object | None = None


def verify(round_id: int, within: float | None = None) -> Proof:
    """Check the run that a round shows: read only, and from the stored text alone.

    within: seconds after which to give up. Raises NotFound without a run, Conflict where it takes longer.
    """
    until = None if within is None else time.monotonic() + within
    round_ = rounds.round_(round_id)
    run = runs.run_of(round_)
    stored = db.session.get(StoredSnapshot, run.snapshot_id)
    if stored is None or run.state is not RunState.DONE:
        raise NotFound(_l("This round has not been run yet."))
    try:
        fault = next(_faults(round_, run, stored, until), None)
    except Stopped:
        raise Conflict(
            _l("This round is too large to be checked while you wait: ask who keeps the bank to verify it.")
        ) from None
    return Proof(run.number, run.matched, run.total_score, stored.digest, fault)


def _faults(round_: Round, run: Run, stored: StoredSnapshot, until: float | None) -> Iterator[object]:
    """Everything wrong, in the order in which one thing hangs on another; what comes later is only done if asked."""
    text = runs.snapshot_text(stored.id)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != stored.digest:
        yield _l(
            "the snapshot is not what was frozen: its digest is %(computed)s, stored is %(stored)s",
            computed=digest,
            stored=stored.digest,
        )
    try:
        policy = RunPolicy.load(run.policy)
    except (ValueError, TypeError, AttributeError):
        yield _l("the policy of run %(run)s can't be read", run=run.number)
        return
    # The stored text, not the policy read from it: policies of old say less than RunPolicy would write.
    committed = commitment(digest, run.policy)
    if run.commitment != committed:
        yield _l(
            "run %(run)s is not what was committed to: snapshot and policy give %(computed)s, stored is %(stored)s",
            run=run.number,
            computed=committed,
            stored=run.commitment,
        )
    for said in _recorded(run):
        if said != run.commitment:
            yield _l(
                "the audit trail holds another commitment of run %(run)s: %(recorded)s", run=run.number, recorded=said
            )
    try:
        solution = solve(
            Snapshot(text), policy, run.method, lambda phase, share: until is None or time.monotonic() < until
        )
    except (UnprovenError, Infeasible, ValueError) as error:
        yield _l("run %(run)s can't be solved again: %(error)s", run=run.number, error=str(error))
        return
    yield from _differences(run, solution)
    yield from _wrong_offers(round_, run, {(p["student_id"], p["position_id"]): p["score"] for p in solution.pairs})


def _recorded(run: Run) -> list[str]:
    """The commitments of a run that the audit trail holds; runs of old have none there."""
    entries = db.session.scalars(
        select(AuditEntry.detail).where(AuditEntry.subject == f"run:{run.id}", AuditEntry.action == Action.RUN_ROUND)
    )
    return [detail["commitment"] for detail in entries if "commitment" in detail]


def _differences(run: Run, solution: Solution) -> Iterator[object]:
    kept = {
        (pair.student_id, pair.position_id): pair.score
        for pair in db.session.scalars(select(MatchedPair).where(MatchedPair.run_id == run.id))
    }
    found = {(pair["student_id"], pair["position_id"]): pair["score"] for pair in solution.pairs}
    for student, position in sorted(kept.keys() ^ found.keys()):
        at = {"run": run.number, "student": student, "position": position}
        if (student, position) in kept:
            yield _l("run %(run)s does not match student %(student)s with position %(position)s, as stored", **at)
        else:
            yield _l("run %(run)s matches student %(student)s with position %(position)s: it is not stored", **at)
    for student, position in sorted(kept.keys() & found.keys()):
        if abs(kept[student, position] - found[student, position]) > SAME:
            yield _l(
                "the score of student %(student)s at position %(position)s is %(found)s, stored is %(kept)s",
                student=student,
                position=position,
                found=found[student, position],
                kept=kept[student, position],
            )
    for name in ("matched", "total_score", "seats", "eligible_pairs", "blocking"):
        if abs(getattr(run, name) - solution.figures[name]) > SAME:
            yield _l(
                "run %(run)s: «%(name)s» is %(found)s, stored is %(kept)s",
                run=run.number,
                name=name,
                found=solution.figures[name],
                kept=getattr(run, name),
            )
    yield from _wrong_prices(run, solution)


def _wrong_prices(run: Run, solution: Solution) -> Iterator[object]:
    outcomes = {
        row.position_id: row
        for row in db.session.scalars(select(PositionOutcome).where(PositionOutcome.run_id == run.id))
    }
    found = {row["position_id"]: row for row in solution.outcomes}
    for position in sorted(outcomes.keys() ^ found.keys()):
        yield _l("position %(position)s is in the run's outcomes or in its snapshot, not in both", position=position)
    for position in sorted(outcomes.keys() & found.keys()):
        for name in ("price", "filled", "seats"):
            kept, again = getattr(outcomes[position], name), found[position][name]
            if abs(kept - again) > SAME:
                yield _l(
                    "position %(position)s: «%(name)s» is %(found)s, stored is %(kept)s",
                    position=position,
                    name=name,
                    found=again,
                    kept=kept,
                )


def _wrong_offers(round_: Round, run: Run, pairs: dict[tuple[int, int], float]) -> Iterator[object]:
    """Once published, the round's offers are the run's pairs, one each; before, there are none."""
    rows = db.session.execute(
        select(Offer.run_id, Offer.student_id, Offer.position_id)
        .join(Run, Offer.run_id == Run.id)
        .where(Run.round_id == round_.id)
    ).all()
    made = {(student, position) for run_id, student, position in rows if run_id == run.id}
    public = round_.state in (RoundState.PUBLISHED, RoundState.CLOSED)
    due = set(pairs) if public else set()
    for student, position in sorted(due - made):
        yield _l(
            "student %(student)s was matched with position %(position)s, but got no offer of it",
            student=student,
            position=position,
        )
    stray = made - due | {(student, position) for run_id, student, position in rows if run_id != run.id}
    for student, position in sorted(stray):
        yield _l(
            "student %(student)s has an offer of position %(position)s that the run did not match",
            student=student,
            position=position,
        )
